# SPDX-License-Identifier: GPL-2.0-only
"""explain: what it says is what then happens, and asking leaves no trace."""

import struct

import pytest

import frames
import traffic
from lab import IFACE, V4, V6

STRANGER = {V4: "198.51.100.7", V6: "2001:db8:9::7"}


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def ask(fw, words):
    return fw.json(f"explain {words}")


def trace(fw):
    """All that packets leave behind, as far as it is shown; without clocks."""
    stats = fw.json("stats")
    flows = [{key: flow[key] for key in ("proto", "local", "remote", "state")} for flow in fw.json("flows")["flows"]]
    status = fw.json("status")
    # The neighbours ask for each other now and then; what `explain` itself would leave has another reason.
    reasons = [row for row in stats["reasons"] if row["reason"] != "essential"]
    return stats["ports"], reasons, flows, fw.json("history")["drops"], status["rules"], status["forwards"]


def test_rules_defaults_and_blocks(loaded, family):
    opened, closed, told = (traffic.fresh_port() for _ in range(3))
    loaded.policy(f"allow in {opened}/tcp", f"reject in {told}/tcp", f"block {STRANGER[family]}")
    before = trace(loaded)
    answer = ask(loaded, f"tcp from {endpoint(family.peer, 5555)} to :{opened} on {IFACE}")
    rule = loaded.json("status")["rules"][0]
    assert (answer["verdict"], answer["reason"]) == ("pass", "rule")
    assert (answer["rule"], answer["rule_text"], answer["rule_n"]) == (rule["id"], f"allow in {opened}/tcp", 1)
    assert (answer["flow"], answer["rewritten"], answer["dir"]) == (False, None, "in")
    answer = ask(loaded, f"tcp from {endpoint(family.peer, 5555)} to :{closed}")
    assert (answer["verdict"], answer["reason"], answer["rule"]) == ("drop", "default", None)
    answer = ask(loaded, f"tcp from {family.peer} to :{told}")
    assert (answer["verdict"], answer["reason"], answer["rule_n"]) == ("reject", "rule", 2)
    answer = ask(loaded, f"udp from {STRANGER[family]} to :{opened}")
    assert (answer["verdict"], answer["reason"]) == ("drop", "blocked")
    assert answer["rule_text"] == f"block {STRANGER[family]}"
    answer = ask(loaded, f"out udp to {endpoint(STRANGER[family], 53)}")
    assert (answer["verdict"], answer["reason"], answer["dir"]) == ("drop", "blocked", "out")
    assert trace(loaded) == before


def test_a_link_is_rewritten(loaded, family):
    outer, inner = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy(f"forward {outer}:{inner}/tcp")
    answer = ask(loaded, f"tcp from {family.peer} to :{outer}")
    assert (answer["verdict"], answer["reason"]) == ("pass", "forward")
    assert answer["rewritten"] == endpoint(family.host, inner)
    assert answer["rule_text"] == f"forward {outer}:{inner}/tcp"
    answer = ask(loaded, f"out tcp from {endpoint(family.host, inner)} to {endpoint(family.peer, 5555)} --syn-ack")
    assert answer["rewritten"] == endpoint(family.host, outer)


def test_forwards_with_state(loaded, family):
    """Ranges, to another host (but generic XDP only to this one), and several targets."""
    port, local = traffic.fresh_port(), loaded.mode == "generic"
    target = "9000-9003" if local else endpoint(family.other, "9000-9003")
    loaded.policy(f"forward {port}-{port + 3}:{target}/tcp one-way")
    loaded.net.host.sysctl("ipv4/ip_forward", 1)
    loaded.net.host.sysctl("ipv6/conf/all/forwarding", 1)
    before = trace(loaded)
    answer = ask(loaded, f"tcp from {endpoint(family.peer, 5555)} to {endpoint(family.host, port + 2)}")
    assert (answer["verdict"], answer["reason"]) == ("pass", "forward")
    assert answer["rewritten"] == endpoint(family.host if local else family.other, 9002)
    loaded(f"allow in {port + 2}/tcp")
    answer = ask(loaded, f"tcp from {endpoint(family.peer, 5555)} to {endpoint(family.host, port + 2)}")
    assert (answer["reason"], answer["rewritten"]) == ("rule", endpoint(family.host if local else family.other, 9002))
    loaded(f"delete allow in {port + 2}/tcp")
    # A host that begins to route joins the group of routers: that is counted, under reasons.
    assert trace(loaded)[2:] == before[2:] and trace(loaded)[0] == before[0]
    loaded.policy(f"forward {port}:9000,9001/tcp")
    assert ask(loaded, f"tcp from {endpoint(family.peer, 5555)} to :{port}")["rewritten"] is None
    assert "to one of the targets" in loaded(f"explain tcp from {endpoint(family.peer, 5555)} to :{port}").out


def test_connections_that_are_open(loaded, family):
    """What a socket or a flow vouches for; and a question about a limit takes none of it."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"limit in {port}/udp rate 2/1h")
    server = traffic.listen(loaded.net.peer, family, port)
    client, _ = traffic.tcp_pair(loaded.net.host, server, family, family.peer, port)
    mine = client.getsockname()[1]
    asked = traffic.udp(loaded.net.host, family)
    traffic.send(asked, b"?", (family.peer, port))
    before = trace(loaded)
    known = f"tcp from {endpoint(family.peer, port)} to :{mine} --ack"
    for _ in range(3):
        answer = ask(loaded, known)
        assert (answer["verdict"], answer["reason"], answer["flow"]) == ("pass", "reply", True)
    answer = ask(loaded, f"tcp from {endpoint(family.peer, port + 1)} to :{mine} --ack")
    assert (answer["verdict"], answer["flow"]) == ("drop", False)
    answer = ask(loaded, f"udp from {endpoint(family.peer, port)} to :{asked.getsockname()[1]}")
    assert (answer["verdict"], answer["reason"], answer["flow"]) == ("pass", "reply", True)
    for _ in range(5):
        assert ask(loaded, f"udp from {family.peer} to :{port}")["verdict"] == "pass"
    assert trace(loaded) == before


def test_out_of_the_host_and_of_others(loaded, family):
    port = traffic.fresh_port()
    loaded.policy("default deny out", f"allow out {port} user nobody")
    assert ask(loaded, f"out tcp to :{port} user nobody")["verdict"] == "pass"
    assert ask(loaded, f"out tcp to :{port}")["verdict"] == "drop"
    # Which way, nobody said: what this host has sent leaves.
    answer = ask(loaded, f"udp from {endpoint(family.host, 5)} to {endpoint(family.peer, 53)}")
    assert (answer["dir"], answer["verdict"]) == ("out", "drop")
    answer = ask(loaded, f"out udp from {endpoint(STRANGER[family], 5)} to {endpoint(family.peer, port)} user nobody")
    assert answer["verdict"] == "drop", "another host's packet has no user"


def test_text(loaded):
    port = traffic.fresh_port()
    loaded.policy(f"allow in {port}")
    out = loaded(f"explain tcp from {V4.peer}:5555 to :{port}").out
    assert f"packet:    tcp {V4.peer}:5555 > {V4.host}:{port} SYN, in on {IFACE}" in out
    assert f"decided:   rule 1, allow in {port}" in out
    out = loaded(f"explain tcp from {V4.peer}:5555 to :{port + 1}").out
    assert "reason:    default: no rule matched" in out and "decided:   default deny in" in out


def test_not_loaded(fw):
    assert "not loaded" in fw.refuses("explain tcp to :22", 3)
    fw.load("tc")
    fw.net.host.ip("link add other type veth peer name another\n")
    assert "'other'" in fw.refuses("explain tcp to :22 on other", 3)


@pytest.mark.parametrize(
    "words, named",
    [
        ("explain", "which packet?"),
        ("explain tcp", "to which port?"),
        ("explain tcp to 192.0.2.1", "to which port?"),
        ("explain quic to :443", "'quic'"),
        ("explain tcp to :70000", "'70000'"),
        ("explain tcp frm 192.0.2.1 to :22", "'frm'"),
        ("explain tcp to :22 from", "'from'"),
        ("explain icmp to :22", "ports"),
        ("explain tcp from 192.0.2.1 to [2001:db8::1]:22", "two families"),
        ("explain tcp to :22 --syn --ack", "'--ack'"),
        ("explain icmp/destination-unreachable from 192.0.2.1", "--pcap"),
        ("explain tcp to :22 user nobody-of-that-name", "'nobody-of-that-name'"),
        ("explain --pcap", "write --pcap FILE"),
    ],
)
def test_wrong_words(fw, words, named):
    assert named in fw.refuses(words, 2)


# ---- captures ----

ETHERNET, RAW, COOKED = 1, 101, 113
CAPTURE_ORDER = "<"


def capture(path, packets, link=ETHERNET, snap=65535):
    """A file as tcpdump writes it."""
    data = struct.pack(CAPTURE_ORDER + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for packet in packets:
        kept = packet[:snap]
        data += struct.pack(CAPTURE_ORDER + "IIII", 1, 0, len(kept), len(packet)) + kept
    path.write_bytes(data)


def test_capture(loaded, tmp_path, family):
    port = traffic.fresh_port()
    loaded.policy(f"allow in {port}", "deny out 25/tcp")
    path = tmp_path / "capture"
    syn = frames.tcp(family.host, family.peer, 5000, 25, 2)
    packets = [
        frames.tcp_frame(family, 5555, port, 2),
        frames.tcp_frame(family, 5555, port + 1, 2),
        frames.ether(family, frames.ip(family, family.host, family.peer, 6, syn)),
        frames.ether(0x88CC, bytes(60)),
        bytes(9),
    ]
    capture(path, packets)
    before = trace(loaded)
    report = loaded.json(f"explain --pcap {path}")
    found = [(one["dir"], one["verdict"], one["reason"]) for one in report["packets"]]
    assert found[:3] == [("in", "pass", "rule"), ("in", "drop", "default"), ("out", "drop", "rule")]
    assert found[3][1:] == ("pass", "not-ip")
    assert (report["count"], report["not_judged"], report["cut"]) == (5, 1, 0)
    text = loaded(f"explain --pcap {path}").out
    assert f"(rule 1: allow in {port})" in text and "(default deny in)" in text
    assert "5 packets" in text and "1 not judged" in text
    assert trace(loaded) == before


@pytest.mark.parametrize("link", [ETHERNET, RAW, COOKED], ids=["ethernet", "raw", "cooked"])
def test_what_a_capture_cut_off(loaded, tmp_path, family, link):
    """Headers are enough; and every link layer that tcpdump meets says the same."""
    port = traffic.fresh_port()
    loaded.policy(f"allow in {port}/udp")
    heads = {ETHERNET: frames.ether(family, b""), RAW: b"", COOKED: bytes(14) + struct.pack("!H", family.ethertype)}
    datagram = frames.udp(family.peer, family.host, 5555, port, bytes(1000))
    long = frames.udp(family.peer, family.host, 5555, port, bytes(20000))
    path = tmp_path / "capture"
    packets = [heads[link] + frames.ip(family, family.peer, family.host, 17, body) for body in (datagram, long)]
    capture(path, packets, link, snap=96)
    report = loaded.json(f"explain --pcap {path} on {IFACE}")
    assert [one["reason"] for one in report["packets"]] == ["rule", "rule"]
    assert report["cut"] == 2


def test_no_capture(fw, tmp_path):
    fw.load("tc")
    path = tmp_path / "text"
    path.write_text("not a capture, but long enough to hold its header\n")
    assert str(path) in fw.refuses(f"explain --pcap {path}", 1)
    capture(path, [bytes(40)], link=105)
    assert "link type" in fw.refuses(f"explain --pcap {path}", 1)
