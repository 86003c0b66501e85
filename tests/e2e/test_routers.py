# SPDX-License-Identifier: GPL-2.0-only
"""Forwards between clients and servers that are routers away: path MTU, other errors, and hairpins."""

import errno
import os
import socket
import struct

import pytest

import firewall
import frames
import lab
import routers
import traffic
import trio
from routers import FAR
from trio import BACK

NARROW = 1280

# <linux/in.h>, <linux/in6.h>: what a socket wants to know of the path
_OPTIONS = {
    lab.V4: {"level": socket.IPPROTO_IP, "discover": 10, "recverr": 11, "mtu": 14},
    lab.V6: {"level": socket.IPPROTO_IPV6, "discover": 23, "recverr": 25, "mtu": 24},
}
_DISCOVER_DO = 2  # never fragment here, learn what fits
_MSG_ERRQUEUE = 0x2000


@pytest.fixture(scope="module", params=("native", "tc"))
def shared(request, tmp_path_factory):
    with firewall.on(routers.Routers(), tmp_path_factory) as made:
        for ns, iface in ((made.net.peer, lab.PEER_IFACE), (made.net.target, trio.TARGET_IFACE)):
            made.net.offload(ns, iface, gro="on")  # then they take frames from XDP
        made(["load", lab.IFACE, trio.BACK_IFACE, "--mode", request.param])
        yield made


@pytest.fixture
def fw(shared):
    yield shared
    shared.net.close_sockets()
    for ns in (shared.net.host, shared.net.peer, shared.net.target, *shared.net.far):
        for words in ("-4", "-6"):
            ns.run("ip", words, "route", "flush", "cache")


def forward(fw, family, address, words=""):
    """(port asked, port served) of the only forward."""
    asked, served = traffic.fresh_port(), traffic.fresh_port()
    fw.policy("default deny in", "default deny out", f"forward {asked}:{trio.endpoint(family, address, served)} {words}")
    return asked, served


def exchange(one, two, size=300_000):
    """Contents in both directions, compared."""
    for sender, receiver in ((one, two), (two, one)):
        data = os.urandom(size)
        assert traffic.bulk(sender, receiver, data) == data


# ---- two hops away ----


@pytest.mark.parametrize("words", ("", "keep-source"))
def test_far_away(fw, family, words):
    """TCP, UDP, and datagrams in fragments, between hosts that are on none of the firewall's wires."""
    asked, served = forward(fw, family, FAR[family].server, words)
    one, two = traffic.tcp_pair(
        fw.net.client, traffic.listen(fw.net.server, family, served), family, family.host, asked
    )
    seen = FAR[family].client if words else BACK[family].host
    assert two.getpeername()[0] == seen
    exchange(one, two)
    server, client = traffic.udp(fw.net.server, family, served), traffic.udp(fw.net.client, family)
    for size in (1, 1400, 1473, 9000):
        assert traffic.udp_echo(client, server, (family.host, asked), size) == (family.host, asked)


# ---- path MTU ----


class Narrow:
    """Packets to `address` leave `ns` in 1280 bytes or not at all."""

    def __init__(self, ns, address, via):
        self._ns, self._route = ns, f"{address} {via} mtu lock {NARROW}"

    def __enter__(self):
        self._ns.ip(f"route add {self._route}\n")

    def __exit__(self, *_):
        self._ns.ip(f"route del {self._route}\n")


def hop(fw, family, place):
    net, far = fw.net, FAR[family]
    return {
        "before the server": Narrow(net.target, far.server, f"dev {routers.SERVER_IFACE}"),
        "before the client": Narrow(net.peer, far.client, f"dev {routers.LAN_IFACE}"),
        "here, toward the server": Narrow(net.host, far.server, f"via {BACK[family].target}"),
        "here, toward the client": Narrow(net.host, far.client, f"via {family.peer}"),
    }[place]


TOWARD_SERVER = ("before the server", "here, toward the server")
PLACES = (*TOWARD_SERVER, "before the client", "here, toward the client")


def path_mtu(sock, family):
    return sock.getsockopt(_OPTIONS[family]["level"], _OPTIONS[family]["mtu"])


@pytest.mark.parametrize("words", ("", "keep-source"))
@pytest.mark.parametrize("place", PLACES)
def test_path_mtu_of_tcp(fw, family, place, words):
    """A narrow hop on either side of this host: the sender learns of it, and everything arrives."""
    asked, served = forward(fw, family, FAR[family].server, words)
    with hop(fw, family, place):
        listener = traffic.listen(fw.net.server, family, served)
        one, two = traffic.tcp_pair(fw.net.client, listener, family, family.host, asked)
        sender = one if place in TOWARD_SERVER else two

        def learned():
            exchange(one, two)
            return path_mtu(sender, family) == NARROW

        assert path_mtu(sender, family) == 1500
        assert traffic.eventually(learned), "where packets go is remembered for a second, not for longer"


@pytest.mark.parametrize("place", PLACES)
def test_path_mtu_of_udp(fw, family, place):
    """The socket that sent too much is told so: it recognises its own packet in the error."""
    asked, served = forward(fw, family, FAR[family].server)
    server, client = traffic.udp(fw.net.server, family, served), traffic.udp(fw.net.client, family)
    assert traffic.udp_echo(client, server, (family.host, asked))
    client.connect((family.host, asked))
    client.send(b"who am I?")
    server.connect(traffic.receive(server)[1])
    sender, receiver = (client, server) if place in TOWARD_SERVER else (server, client)
    options = _OPTIONS[family]
    sender.setsockopt(options["level"], options["discover"], _DISCOVER_DO)

    def told():
        """Too much is sent; within a second it may still pass where packets went just now."""
        sender.settimeout(lab.SILENCE)
        try:
            sender.send(bytes(1400))
            sender.recv(1)
        except OSError as error:
            return error.errno == errno.EMSGSIZE

    with hop(fw, family, place):
        assert traffic.eventually(told) and path_mtu(sender, family) == NARROW
        fits = os.urandom(NARROW - family.header - 8)
        sender.send(fits)
        while (got := traffic.receive(receiver)[0]) == bytes(1400):
            pass
        assert got == fits


# ---- other errors ----


def complaint(sock):
    """(errno, ICMP type, who complains) of the next error that a socket has been told."""
    sock.settimeout(lab.PATIENCE)
    with pytest.raises(OSError):
        sock.recv(1)
    _, ancillary, _, _ = sock.recvmsg(2048, 512, _MSG_ERRQUEUE)
    data = ancillary[0][2]
    number, _, kind = struct.unpack_from("=IBB", data)
    family = struct.unpack_from("=H", data, 16)[0]
    address = data[20:24] if family == socket.AF_INET else data[24:40]
    return number, kind, socket.inet_ntop(family, address)


@pytest.mark.parametrize("hops", (1, 2, 3))
def test_traceroute(fw, family, hops):
    """Each router on the way is seen by who asks, this host among them."""
    asked, _ = forward(fw, family, FAR[family].server)
    client = traffic.udp(fw.net.client, family)
    client.connect((family.host, asked))
    options = _OPTIONS[family]
    client.setsockopt(options["level"], options["recverr"], 1)
    hop_limit = socket.IP_TTL if family is lab.V4 else socket.IPV6_UNICAST_HOPS
    client.setsockopt(options["level"], hop_limit, hops)
    client.send(b"how far?")
    router = (FAR[family].lan, family.host, BACK[family].target)[hops - 1]
    assert complaint(client) == (errno.EHOSTUNREACH, 11 if family is lab.V4 else 3, router)


@pytest.mark.parametrize("words", ("", "keep-source"))
def test_quoted_checksum(fw, family, words):
    """What a router quotes is what the sender sent, the checksum as well: some traceroutes know their packets by that."""
    asked, _ = forward(fw, family, FAR[family].server, words)
    wire = traffic.Wire(fw.net, "peer")
    sent = frames.udp_frame(family, traffic.fresh_port(), asked, bytes(range(24)))
    wire.send(sent)
    at, types = 14 + family.header, (frames.ICMPV6, 1) if family is lab.V6 else (frames.ICMP, 3)
    said = wire.answer(lambda frame: frame[20 if family is lab.V6 else 23] == types[0] and frame[at] == types[1])
    quoted = at + 8 + family.header
    assert said[quoted : quoted + 8] == sent[at : at + 8]


def test_closed_port_of_the_server(fw, family):
    """What the server says comes from the address that the client knows."""
    asked, _ = forward(fw, family, FAR[family].server)
    client = traffic.udp(fw.net.client, family)
    client.connect((family.host, asked))
    client.setsockopt(_OPTIONS[family]["level"], _OPTIONS[family]["recverr"], 1)
    client.send(b"anyone?")
    assert complaint(client) == (errno.ECONNREFUSED, 3 if family is lab.V4 else 1, family.host)


def test_closed_port_of_the_client(fw, family):
    """An error of the client's finds the server's socket."""
    asked, served = forward(fw, family, FAR[family].server)
    server, client = traffic.udp(fw.net.server, family, served), traffic.udp(fw.net.client, family)
    client.sendto(b"hello", (family.host, asked))
    server.connect(traffic.receive(server)[1])
    server.setsockopt(_OPTIONS[family]["level"], _OPTIONS[family]["recverr"], 1)
    client.close()
    server.send(b"too late")
    assert complaint(server) == (errno.ECONNREFUSED, 3 if family is lab.V4 else 1, BACK[family].host)


# ---- hairpins: in and out by the same interface ----

HAIRPINS = {
    "one subnet behind the router": ("client", "neighbour"),
    "from behind the router to this wire": ("client", "peer"),
    "from this wire to behind the router": ("peer", "neighbour"),
    "one host, two addresses": ("peer", "peer"),
}


@pytest.fixture(params=HAIRPINS)
def hairpin(request, fw, family):
    """(namespace of the client, namespace of the target, address of the target)"""
    client, target = HAIRPINS[request.param]
    address = FAR[family].neighbour if target == "neighbour" else family.other
    return getattr(fw.net, client), getattr(fw.net, target), address


@pytest.mark.parametrize("tx", ("on", "off"))
def test_hairpin(fw, family, hairpin, tx):
    """Sender, router, this host and the target on one wire: the answers come by way of this host, too."""
    source, target, address = hairpin
    asked, served = forward(fw, family, address)
    ends = [(source, "eth0" if source is fw.net.client else lab.PEER_IFACE)]
    ends += [(target, "eth0" if target is fw.net.neighbour else lab.PEER_IFACE)]
    try:
        for ns, iface in ends:
            fw.net.offload(ns, iface, tx=tx)
        one, two = traffic.tcp_pair(source, traffic.listen(target, family, served), family, family.host, asked)
        assert two.getpeername()[0] == family.host, "the target sees this host"
        exchange(one, two)
        server, client = traffic.udp(target, family, served, address), traffic.udp(source, family)
        for size in (1, 1400, 1473, 9000):
            assert traffic.udp_echo(client, server, (family.host, asked), size) == (family.host, asked)
    finally:
        for ns, iface in ends:
            fw.net.offload(ns, iface, tx="on")


def test_hairpin_errors(fw, family, hairpin):
    source, _, address = hairpin
    asked, _ = forward(fw, family, address)
    assert traffic.tcp_answer(source, family, family.host, asked, "refused") == "refused"
    client = traffic.udp(source, family)
    client.connect((family.host, asked))
    client.send(b"anyone?")
    client.settimeout(lab.PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        client.recv(1)


def test_hairpin_path_mtu(fw, family):
    """A narrow hop between the router and its own subnet, met by packets that have been here."""
    asked, served = forward(fw, family, FAR[family].neighbour)
    with Narrow(fw.net.peer, FAR[family].neighbour, f"dev {routers.LAN_IFACE}"):
        listener = traffic.listen(fw.net.neighbour, family, served)
        one, two = traffic.tcp_pair(fw.net.client, listener, family, family.host, asked)
        exchange(one, two)
        assert path_mtu(one, family) == NARROW
