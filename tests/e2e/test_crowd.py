# SPDX-License-Identifier: GPL-2.0-only
"""Forwards with thousands of connections: all of them served, ports used again, and what happens when there are too many."""

import socket
import struct

import pytest

import crowd
import firewall
import lab
import traffic
import trio
from trio import BACK

MODES = ("native", "tc")
PROTOCOLS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}

# What this host itself uses, in the small lab: forwards have the 2,048 ports above.
SMALL_RANGE = "1024 63487"
SMALL_PORTS = 2048
SMALL_FLOWS = 512


def _made(mode, directory, small):
    net = trio.Trio(routed=True)
    fw = firewall.Firewall(net, directory)
    if small:
        net.host.sysctl("ipv4/ip_local_port_range", SMALL_RANGE)
    fw(["load", lab.IFACE, trio.BACK_IFACE, "--mode", mode, *(["--flows", str(SMALL_FLOWS)] if small else [])])
    return fw


def _shared(request, tmp_path_factory, small):
    with crowd.many_files():
        made = _made(request.param, tmp_path_factory.mktemp("rules"), small)
        yield made
        made.close()
        made.net.delete()


@pytest.fixture(scope="module", params=MODES)
def big_lab(request, tmp_path_factory):
    yield from _shared(request, tmp_path_factory, small=False)


@pytest.fixture(scope="module", params=MODES)
def small_lab(request, tmp_path_factory):
    yield from _shared(request, tmp_path_factory, small=True)


@pytest.fixture
def serve():
    """serve(fw, family) -> endpoint that clients ask; the server behind it answers each."""
    opened = []

    def begin(fw, family, words=""):
        asked, served = traffic.fresh_port(), traffic.fresh_port()
        opened.append((fw, crowd.Server(fw.net.target, family, served)))
        to = trio.endpoint(family, BACK[family].target, served)
        fw.policy("default deny in", "default allow out", f"forward {asked}:{to} {words}")
        return family.host, asked

    yield begin
    for fw, server in opened:
        server.close()
        fw.net.close_sockets()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ten_thousand_at_once(big_lab, serve, protocol):
    """Each is answered with its own words, twice: the second time all 10,000 are open."""
    many = crowd.Crowd(big_lab.net.peer, lab.V4, serve(big_lab, lab.V4), PROTOCOLS[protocol])
    while len(many.socks) < 10_000:
        many.grow(500)
        if protocol == "tcp":
            assert len(many.connected()) == len(many.socks)
        many.ask(many.socks[-500:])
    many.ask()
    assert big_lab.json("forward list")[0]["connections"] == 10_000
    assert big_lab.drops().get("no-port", 0) == 0


@pytest.mark.parametrize("words", ("", "keep-source"))
@pytest.mark.parametrize("first", ("client", "server"))
def test_port_used_again(big_lab, family, first, words):
    """A client's port, again right after its connection was closed from either side."""
    asked, served, port = (traffic.fresh_port() for _ in range(3))
    to = trio.endpoint(family, BACK[family].target, served)
    big_lab.policy("default deny in", f"forward {asked}:{to} {words}")
    listener = traffic.listen(big_lab.net.target, family, served)
    for _ in range(5):
        one = traffic.connect(big_lab.net.peer, family, family.host, asked, source_port=port)
        two, _ = big_lab.net.target.accept(listener)
        assert traffic.flows(one, two) and traffic.flows(two, one)
        if first == "client":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()
            two.close()
        else:
            two.close()
            assert one.recv(1) == b""
            one.close()
    big_lab.net.close_sockets()


def test_datagrams_from_a_port_used_again(big_lab, family, serve):
    asked, port = serve(big_lab, family), traffic.fresh_port()
    for number in range(5):
        sock = traffic.udp(big_lab.net.peer, family, port)
        question = bytes([number])
        sock.sendto(question, asked)
        assert traffic.receive(sock)[0] == crowd.answer_to(question)
        sock.close()


def _refused(fw):
    return fw.reason("in", "no-port", "drop")[0]


@pytest.fixture
def exhausted(small_lab, serve):
    """(firewall, crowd, open connections): no port is left."""
    family = lab.V4
    many = crowd.Crowd(small_lab.net.peer, family, serve(small_lab, family), socket.SOCK_STREAM)
    before = _refused(small_lab)
    while len(many.socks) < SMALL_PORTS + 500:
        many.grow(crowd.BATCH)
        assert traffic.eventually(lambda: len(many.connected(0)) == len(many.socks) or _refused(small_lab) > before)
    opened = many.connected(0)
    unserved = len(many.socks) - len(opened)
    assert traffic.eventually(lambda: _refused(small_lab) >= before + unserved), "counted, with a reason of its own"
    return small_lab, many, many.connected(0)


def test_ports_exhausted(exhausted):
    """Who came in time is served, and nobody by another's connection; who leaves makes room."""
    fw, many, opened = exhausted
    assert 0.8 * SMALL_PORTS < len(opened) <= SMALL_PORTS
    many.ask(opened)
    assert "no-port" in fw("history").out
    kept = opened[::4]
    many.leave(list(set(many.socks) - set(kept)))
    late = crowd.Crowd(fw.net.peer, lab.V4, many.asked, socket.SOCK_STREAM)
    late.grow(crowd.BATCH)
    assert len(late.connected()) == crowd.BATCH, "ports of closed connections are given again"
    late.ask()
    many.ask(kept)


def test_tables_overrun(exhausted):
    """What this host asks itself overruns a table of its own: forwarded connections live on. The last of its own
    requests is answered; an answer to one that was forgotten is dropped, and goes to nobody else."""
    fw, many, opened = exhausted
    own, ports = traffic.udp(fw.net.host, lab.V4), [traffic.fresh_port() for _ in range(6 * SMALL_FLOWS)]
    for number, port in enumerate(ports, 1):
        own.sendto(b"who?", (lab.V4.peer, port))
        if number % crowd.BATCH == 0:
            fw.net.settle()
    many.ask(opened)
    home = (lab.V4.host, own.getsockname()[1])
    dropped = fw.drops().get("default", 0)
    peers = [traffic.udp(fw.net.peer, lab.V4, port) for port in ports[31::32]]
    answered = [traffic.udp_passes(peer, own, home, expect=peer is peers[-1]) for peer in peers]
    assert answered[-1] and answered.count(False) > len(peers) / 2
    assert fw.drops()["default"] == dropped + answered.count(False)
    many.ask(opened)
