# SPDX-License-Identifier: GPL-2.0-only
"""Rules that depend on more than a port: who sends, to whom, by which interface, whose socket, how often, how long."""

import contextlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import lab
import pytest
import traffic

CONNECT = """
import socket, sys
family, address, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with socket.socket(family, socket.SOCK_STREAM) as client:
    client.settimeout(float(sys.argv[4]))
    client.connect((address, port))
"""


def answer_from(fw, family, port, address, expect="open"):
    """What a client gets that connects from one of the peer's addresses."""
    return traffic.tcp_answer(fw.net.peer, family, family.host, port, expect, source=address)


def test_senders(loaded, family):
    port, wide = traffic.fresh_port(), traffic.fresh_port()
    traffic.listen(loaded.net.host, family, port)
    traffic.listen(loaded.net.host, family, wide)
    net = "192.0.2.2/31" if family is lab.V4 else "2001:db8::2/127"
    loaded.policy("default deny in", f"allow in {port} from {family.peer}", f"allow in {wide} from {net}")
    assert answer_from(loaded, family, port, family.peer) == "open"
    assert answer_from(loaded, family, port, family.other, "timeout") == "timeout"
    assert answer_from(loaded, family, wide, family.peer) == "open"
    assert answer_from(loaded, family, wide, family.other) == "open"


def test_receivers(loaded, family):
    """ADDR:PORTS is a port on one of this host's addresses, or of a remote host."""
    port = traffic.fresh_port()
    traffic.listen(loaded.net.host, family, port)
    traffic.listen(loaded.net.peer, family, port)
    at = f"[{family.host}]" if family is lab.V6 else family.host
    elsewhere = "[2001:db8::77]" if family is lab.V6 else "192.0.2.77"
    loaded.policy("default deny in", f"allow in {elsewhere}:{port}")
    assert answer_from(loaded, family, port, family.peer, "timeout") == "timeout"
    loaded.policy("default deny in", f"allow in {at}:{port}", f"deny out {port} to {family.other}")
    assert answer_from(loaded, family, port, family.peer) == "open"
    assert traffic.tcp_answer(loaded.net.host, family, family.peer, port) == "open"
    assert traffic.tcp_answer(loaded.net.host, family, family.other, port, "timeout") == "timeout"


def test_a_blocklist_of_100_000(loaded, family, tmp_path):
    """Replaced at once; its members are dropped, others are not."""
    port = traffic.fresh_port()
    traffic.listen(loaded.net.host, family, port)
    chance = random.Random(1)
    members = [f"{chance.randint(1, 190)}.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{chance.randint(0, 255)}"
               for _ in range(50_000)]
    members += [f"2001:db9:{chance.randint(0, 65535):x}:{chance.randint(0, 65535):x}::/64" for _ in range(50_000)]
    listed = tmp_path / "list"
    loaded.policy("default deny in", "deny in from @bad", f"allow in {port}")
    listed.write_text("\n".join(members), encoding="ascii")
    loaded(["set", "load", "bad", str(listed)])
    assert answer_from(loaded, family, port, family.other) == "open"
    listed.write_text("\n".join([*members, family.other]), encoding="ascii")
    loaded(["set", "load", "bad", str(listed)])
    assert answer_from(loaded, family, port, family.other, "timeout") == "timeout"
    assert answer_from(loaded, family, port, family.peer) == "open"
    loaded("set flush bad")
    assert answer_from(loaded, family, port, family.other) == "open"


def test_interfaces(loaded, family):
    port, other = traffic.fresh_port(), traffic.fresh_port()
    for each in (port, other):
        traffic.listen(loaded.net.host, family, each)
    loaded.policy("default deny in", f"allow in {port} on {lab.IFACE}", f"allow in {other} on lo")
    assert answer_from(loaded, family, port, family.peer) == "open"
    assert answer_from(loaded, family, other, family.peer, "timeout") == "timeout"


def test_expiry_needs_nobody(loaded, family):
    """An expired rule uncovers the one beneath, without a command having run."""
    port, closing = traffic.fresh_port(), traffic.fresh_port()
    for each in (port, closing):
        traffic.listen(loaded.net.host, family, each)
    loaded.policy("default deny in", f"allow in {closing}")
    loaded(f"prepend deny in {closing}/tcp for 3s")
    loaded(f"allow in {port} for 3s")
    assert answer_from(loaded, family, port, family.peer) == "open"
    assert answer_from(loaded, family, closing, family.peer, "timeout") == "timeout"
    time.sleep(4)
    assert answer_from(loaded, family, port, family.peer, "timeout") == "timeout"
    assert answer_from(loaded, family, closing, family.peer) == "open"


def test_blocks_expire(loaded, family):
    port = traffic.fresh_port()
    traffic.listen(loaded.net.host, family, port)
    loaded.policy("default deny in", f"allow in {port}")
    loaded(f"block {family.other} for 3s")
    assert answer_from(loaded, family, port, family.other, "timeout") == "timeout"
    time.sleep(4)
    assert answer_from(loaded, family, port, family.other) == "open"


def test_limit(loaded, family):
    """Six new connections in 30 s from one source; open ones live on, and others are not concerned."""
    port = traffic.fresh_port()
    server = traffic.listen(loaded.net.host, family, port)
    loaded.policy("default deny in", f"limit in {port}/tcp")
    client, accepted = traffic.tcp_pair(loaded.net.peer, server, family, family.host, port)
    for _ in range(5):
        assert answer_from(loaded, family, port, family.peer) == "open"
    assert answer_from(loaded, family, port, family.peer, "timeout") == "timeout"
    assert traffic.flows(client, accepted) and traffic.flows(accepted, client)
    assert loaded.reason("in", "limit", "drop")[0] > 0
    if family is lab.V4:  # of IPv6, both addresses are of one /64
        assert answer_from(loaded, family, port, family.other) == "open"


def connects(fw, family, port, prefix=(), wait=1.5):
    command = [*prefix, sys.executable, "-c", CONNECT, str(int(family.af)), family.peer, str(port), str(wait)]
    done = subprocess.run(fw.net.host.command(*command), capture_output=True, timeout=20, check=False)
    return done.returncode == 0


def test_users(loaded, family):
    """Windows' rules per program: here the owner of the socket."""
    port = traffic.fresh_port()
    traffic.listen(loaded.net.peer, family, port)
    loaded.policy("default deny out", f"allow out {port}/tcp user nobody")
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    assert connects(loaded, family, port, as_nobody)
    assert not connects(loaded, family, port)


@pytest.fixture
def cgroup():
    """A cgroup of our own, and the command that starts something in it."""
    roots = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
             if line.split()[2] == "cgroup2"]
    assert roots, "no cgroup v2 is mounted"
    made = Path(roots[0], f"xdpfw-test-{os.getpid()}", "inner")
    made.mkdir(parents=True)
    yield made.parent.name, ("sh", "-c", f'echo $$ > {made}/cgroup.procs && exec "$@"', "sh")
    deadline = time.monotonic() + 5
    while made.exists() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            made.rmdir()
    made.parent.rmdir()


def test_cgroups(loaded, family, cgroup):
    """A cgroup stands for those below it, too."""
    name, inside = cgroup
    port = traffic.fresh_port()
    traffic.listen(loaded.net.peer, family, port)
    loaded.policy(f"deny out {port}/tcp cgroup {name}")
    assert connects(loaded, family, port)
    assert not connects(loaded, family, port, inside)


def test_cgroup_that_comes_again(loaded, family, cgroup):
    """A service that restarts has another cgroup: its rule needs `reload`, a rule for what lies above does not."""
    name, inside = cgroup
    inner = Path(next(line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
                      if line.split()[2] == "cgroup2"), name, "inner")
    ports = traffic.fresh_port(), traffic.fresh_port()
    for port in ports:
        traffic.listen(loaded.net.peer, family, port)
    loaded.policy(f"deny out {ports[0]}/tcp cgroup {name}/inner", f"deny out {ports[1]}/tcp cgroup {name}")
    assert [connects(loaded, family, port, inside) for port in ports] == [False, False]
    assert traffic.eventually(lambda: "populated 0" in Path(inner, "cgroup.events").read_text(encoding="ascii"))
    inner.rmdir()
    inner.mkdir()
    assert [connects(loaded, family, port, inside) for port in ports] == [True, False]
    loaded("reload")  # what ExecStartPre= does
    assert [connects(loaded, family, port, inside) for port in ports] == [False, False]


def test_user_by_name_and_number(fw):
    """The same rule, whichever is typed; what is typed is what is shown."""
    fw("allow out 443 user root")
    assert fw.json("allow out 443 user 0")["changed"] is False
    fw("deny out 443 user 0")
    assert fw.rules_lines() == ["deny out 443 user 0"]
    fw("delete deny out 443 user root")
    assert fw.rules_lines() == []


def test_what_is_not_there_is_said(fw):
    """A rule about it matches nothing, which looks like a rule that does not work."""
    assert "no such interface" in fw.json("allow in 22 on nosuch0")["warnings"][0]
    assert "no such cgroup" in fw.json("deny out 25 cgroup nosuch.slice")["warnings"][0]
    assert fw.json(f"allow in 23 on {lab.IFACE}")["warnings"] == []
