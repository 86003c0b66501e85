# SPDX-License-Identifier: GPL-2.0-only
"""import: a real ruleset of nftables' becomes xdpfw's, and then decides the same."""

import firewall
import traffic
from lab import V4

RULESET = """
table inet f {
    set friends { type ipv4_addr; flags interval; elements = { 10.77.0.0/16, 192.0.2.1-192.0.2.2 }
    }
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        tcp dport { 80, 8000-8010 } counter accept comment "web"
        tcp dport 23 limit rate 3/minute accept
        ip saddr @friends tcp dport 22 accept
        tcp dport 25 reject
    }
    chain forward { type filter hook forward priority 0; policy drop; }
}
"""

EXPECTED = [
    "set add friends 10.77.0.0/16",
    "set add friends 192.0.2.1",
    "set add friends 192.0.2.2",
    "default deny in",
    "allow in 80,8000-8010/tcp comment 'web'",
    "allow in 22/tcp from @friends",
    "reject in 25/tcp",
    "default deny routed",
]


def test_nft(fw, tool):
    tool("nft")
    fw.net.host.run("nft", "-f", "-", input=RULESET)
    file = fw("import nft")
    lines = [line for line in file.out.splitlines() if not line.startswith("#")]
    assert sorted(lines) == sorted(EXPECTED)
    assert [line for line in lines if line.startswith(("allow", "reject"))] == EXPECTED[4:7], "in nft's order"
    assert file.out.count("# not expressed: inet f input handle") == 1 and "limit" in file.out
    assert file.err.startswith("xdpfw: import: 3 rules; 1 not expressed")
    assert fw("apply - --check", stdin=file.out).code == 0
    # The same text from a pipe, without root.
    listed = fw.net.host.run("nft", "-j", "list", "ruleset").stdout
    assert fw("import nft -", stdin=listed, prefix=firewall.NOBODY).out == file.out
    fw.net.host.run("nft", "flush", "ruleset")

    fw.load("tc")
    fw("apply -", stdin=file.out)
    assert fw.rule_texts() == EXPECTED[4:7]
    listeners = [traffic.listen(fw.net.host, V4, port) for port in (80, 23)]
    assert traffic.tcp_answer(fw.net.peer, V4, V4.host, 80) == "open"
    assert traffic.tcp_answer(fw.net.peer, V4, V4.host, 23, expect="timeout") == "timeout"
    assert all(listeners)
    fw.refuses("import nft", 1)


def test_refusals(fw, tmp_path):
    assert "import ufw [FILE...]" in fw.refuses("import", 2)
    assert "'iptables'" in fw.refuses("import iptables", 2)
    assert "--json" in fw.refuses("import ufw --json", 2)
    fw.refuses("import nft one two", 2)
    fw.refuses("import ufw /no/such/file", 1)
    fw.refuses("import nft", 4, prefix=firewall.NOBODY)
    rules = tmp_path / "user.rules"
    rules.write_text("### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n", encoding="utf-8")
    assert fw(["import", "ufw", str(rules)]).out == "allow in 22/tcp from 0.0.0.0/0\n"
    assert fw.rules_lines() == [], "nothing is changed"
