# SPDX-License-Identifier: GPL-2.0-only
"""Clients that talk to the target of a `keep-source` forward directly, too, by way of this host (TRAPS 17): to the target no two
connections of theirs look alike."""

import errno
import socket
import struct

import pytest

import firewall
import frames
import lab
import traffic
import trio
from trio import BACK


@pytest.fixture(scope="module", params=("native", "tc"))
def shared(request, tmp_path_factory):
    with firewall.on(trio.Trio(routed=True), tmp_path_factory) as made:
        for family, ends in BACK.items():
            made.net.peer.ip(f"route replace {ends.target} via {family.host}\n")
        made(["load", lab.IFACE, trio.BACK_IFACE, "--mode", request.param])
        yield made


@pytest.fixture
def fw(shared):
    yield shared
    shared.net.close_sockets()


@pytest.fixture
def ways(fw, family):
    """(port of the client, [the two endpoints that lead to the target], port of the target)."""
    asked, served, port = (traffic.fresh_port() for _ in range(3))
    keep_source(fw, family, asked, served)
    return port, {"forwarded": (family.host, asked), "direct": (BACK[family].target, served)}, served


def keep_source(fw, family, asked, served, *lines):
    to = trio.endpoint(family, BACK[family].target, served)
    lines = lines or (f"route allow {served}",)
    fw.policy("default deny in", "default allow out", *lines, f"forward {asked}:{to} keep-source")


ORDERS = pytest.mark.parametrize("order", (("direct", "forwarded"), ("forwarded", "direct")), ids=" first, ".join)


@ORDERS
def test_tcp(fw, family, ways, order):
    """The first has the client's port, the second another; both work, both ways, to their ends."""
    port, ends, served = ways
    listener = traffic.listen(fw.net.target, family, served)
    pairs = []
    for way in order:
        one = traffic.connect(fw.net.peer, family, *ends[way], source_port=port)
        pairs.append((one, fw.net.target.accept(listener)[0]))
    seen = [two.getpeername()[:2] for _, two in pairs]
    assert seen[0] == (family.peer, port) and seen[1][0] == family.peer and seen[1][1] != port
    for one, two in pairs * 2:
        data = bytes(200_000)
        assert traffic.flows(one, two) and traffic.flows(two, one)
        assert traffic.bulk(one, two, data) == data and traffic.bulk(two, one, data) == data
    pairs[0][0].close()
    pairs[0][1].close()
    assert traffic.flows(*pairs[1]) and traffic.flows(*reversed(pairs[1])), "nor does one's end end the other"


@ORDERS
def test_udp(fw, family, ways, order):
    port, ends, served = ways
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family, port)
    for way in order * 3:
        assert traffic.udp_echo(client, server, ends[way]) == ends[way]


@ORDERS
def test_port_unreachable(fw, family, ways, order):
    """Whom the target's ICMP error is about, each hears of its own."""
    port, ends, _ = ways
    for way in order:
        client = traffic.udp(fw.net.peer, family, port)
        client.connect(ends[way])
        client.send(b"anyone?")
        client.settimeout(lab.PATIENCE)
        with pytest.raises(OSError) as refused:
            client.recv(1)
        assert refused.value.errno == errno.ECONNREFUSED
        client.close()


def test_older_than_the_forward(fw, family):
    """A direct connection from before the forward is noted on its way."""
    asked, served, port = (traffic.fresh_port() for _ in range(3))
    fw.policy("default deny in", "default allow out", f"route allow {served}")
    listener = traffic.listen(fw.net.target, family, served)
    old = traffic.connect(fw.net.peer, family, BACK[family].target, served, source_port=port)
    old = (old, fw.net.target.accept(listener)[0])
    keep_source(fw, family, asked, served)
    assert traffic.flows(*old)
    new = traffic.connect(fw.net.peer, family, family.host, asked, source_port=port)
    new = (new, fw.net.target.accept(listener)[0])
    assert new[1].getpeername()[1] != port
    for one, two in (old, new):
        assert traffic.flows(one, two) and traffic.flows(two, one)


def test_rules_decide(fw, family):
    """The forward opens its own way, not the direct one; what is direct obeys the rules of both hooks."""
    asked, served, port = (traffic.fresh_port() for _ in range(3))
    to = trio.endpoint(family, BACK[family].target, served)
    ends = {"direct": (BACK[family].target, served), "forwarded": (family.host, asked)}
    forward = f"forward {asked}:{to} keep-source"
    server = traffic.udp(fw.net.target, family, served)
    fw.policy("default deny in", "default allow out", f"route deny {served}", forward)
    for way in ("forwarded", "direct"):
        client = traffic.udp(fw.net.peer, family, port)
        assert traffic.udp_passes(client, server, ends[way], expect=way == "forwarded") == (way == "forwarded")
        client.close()
    fw.policy("default deny in", "default allow out", f"route allow {served}", f"deny out {served}", forward)
    client = traffic.udp(fw.net.peer, family, port)
    assert traffic.udp_passes(client, server, ends["forwarded"])
    assert not traffic.udp_passes(client, server, ends["direct"], expect=False)


def two_streams(fw, family, ways):
    """A forwarded connection and a direct one from the same port, both ends of each; the direct one has another for the target."""
    port, ends, served = ways
    listener = traffic.listen(fw.net.target, family, served)
    pairs = []
    for way in ("forwarded", "direct"):
        one = traffic.connect(fw.net.peer, family, *ends[way], source_port=port)
        pairs.append((one, fw.net.target.accept(listener)[0]))
        assert traffic.flows(*pairs[-1])
    assert pairs[1][1].getpeername()[1] != port
    return pairs


def ask(client, server, to):
    """Whom the server takes for the sender of a datagram."""
    traffic.send(client, b"question", to)
    return traffic.receive(server)[1]


def answered(client, server, to, sender):
    server.sendto(b"answer", sender)
    return traffic.receive(client)[1] == to


DENIED_LATER = pytest.mark.parametrize("rule", (("default deny routed",), ("route deny {}", "deny in {}")), ids=("default", "rule"))


@DENIED_LATER
def test_denied_later(fw, family, ways, rule):
    """Rules that come later leave open connections alone, those with another port, too."""
    _, ends, served = ways
    pairs = two_streams(fw, family, ways)
    keep_source(fw, family, ends["forwarded"][1], served, *(line.format(served) for line in rule))
    for one, two in pairs:
        assert traffic.flows(two, one) and traffic.flows(one, two)
    pairs[0][0].close()
    pairs[0][1].close()
    assert traffic.flows(*pairs[1])


@DENIED_LATER
def test_datagrams_denied_later(fw, family, ways, rule):
    """The host's next answer says that a direct one is open. It does not become the forwarded one."""
    port, ends, served = ways
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family, port)
    seen = {way: ask(client, server, ends[way]) for way in ("forwarded", "direct")}
    assert all(answered(client, server, ends[way], seen[way]) for way in ends)
    keep_source(fw, family, ends["forwarded"][1], served, *(line.format(served) for line in rule))
    assert answered(client, server, ends["direct"], seen["direct"])
    assert ask(client, server, ends["direct"]) == seen["direct"] != seen["forwarded"]


def test_denied_later_on_this_host(fw, family):
    """The same where the target is this host, whose sockets know the direct connection by its other port only."""
    asked, served, port = (traffic.fresh_port() for _ in range(3))
    forward = f"forward {asked}:{served} one-way"
    fw.policy("default deny in", "default allow out", f"allow in {served}", forward)
    listener = traffic.listen(fw.net.host, family, served)
    pairs = []
    for to in (asked, served):
        one = traffic.connect(fw.net.peer, family, family.host, to, source_port=port)
        pairs.append((one, fw.net.host.accept(listener)[0]))
        assert traffic.flows(*pairs[-1])
    assert pairs[1][1].getpeername()[1] != port
    fw.policy("default deny in", "default allow out", forward)
    for one, two in pairs:
        assert traffic.flows(two, one) and traffic.flows(one, two)
    pairs[0][0].close()
    pairs[0][1].close()
    assert traffic.flows(*pairs[1])


def test_complaints_of_this_router(fw, family, ways):
    """The host routes what is direct, and what it says of it is about the port that the client has."""
    port, ends, served = ways
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family, port)
    for way in ("forwarded", "direct"):
        assert traffic.udp_echo(client, server, ends[way]) == ends[way]
    client.setsockopt(*HOP_LIMIT[family], 1)
    wire = traffic.Wire(fw.net, "peer")
    client.sendto(b"expires", ends["direct"])
    quoted = 14 + family.header + 8 + family.header
    assert wire.answer(lambda frame: is_time_exceeded(family, frame))[quoted : quoted + 4] == struct.pack("!HH", port, served)


HOP_LIMIT = {lab.V4: (socket.IPPROTO_IP, socket.IP_TTL), lab.V6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)}


def is_time_exceeded(family, frame):
    protocol, kind = (frame[20], 3) if family is lab.V6 else (frame[23], 11)
    return protocol in (frames.ICMP, frames.ICMPV6) and frame[14 + family.header] == kind


def test_after_the_forward_is_deleted(fw, family, ways):
    """What has another port keeps it."""
    pairs = two_streams(fw, family, ways)
    fw.policy("default deny in", "default allow out", f"route allow {ways[2]}")
    for one, two in pairs:
        assert traffic.flows(one, two) and traffic.flows(two, one)


def test_not_of_the_forward(fw, family, ways):
    """A direct connection is none of the forward's: neither its counters nor its list know it."""
    port, ends, served = ways
    listener = traffic.listen(fw.net.target, family, served)
    one = traffic.connect(fw.net.peer, family, *ends["direct"], source_port=port)
    two = fw.net.target.accept(listener)[0]
    assert traffic.flows(one, two) and two.getpeername()[1] == port
    (listed,) = fw.json("forward list")
    assert listed["connections"] == 0 and listed["requests"]["packets"] == listed["answers"]["packets"] == 0
