# SPDX-License-Identifier: GPL-2.0-only
"""Clients that talk to the target of a `keep-source` forward directly, too, by way of this host (TRAPS 17): to the target no two
connections of theirs look alike."""

import errno

import pytest

import firewall
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
    fw.policy("default deny in", "default allow out", f"route allow {served}", f"forward {asked}:{to} keep-source", *lines)


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


def test_after_the_forward_is_deleted(fw, family, ways):
    """What has another port keeps it."""
    port, ends, served = ways
    listener = traffic.listen(fw.net.target, family, served)
    pairs = []
    for way in ("forwarded", "direct"):
        one = traffic.connect(fw.net.peer, family, *ends[way], source_port=port)
        pairs.append((one, fw.net.target.accept(listener)[0]))
    fw.policy("default deny in", "default allow out", f"route allow {served}")
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
