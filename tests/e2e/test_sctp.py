# SPDX-License-Identifier: GPL-2.0-only
"""Forwards of SCTP, by raw sockets on both ends that reckon the checksum of what comes. (Associations of real sockets, which leave
the checksum to the device and send many packets in one: tests/kernel, whose kernel has them.)"""

import os
import socket
import struct
import time

import pytest

import firewall
import frames
import lab
import traffic
import trio
from trio import BACK

MODES = ("native", "tc")

INIT, INIT_ACK, DATA = 1, 2, 0
_HEADER = 12


def _table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


_TABLE = tuple(_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def packet(source, destination, chunk, data=b"", summed=True):
    """`chunk` is the type of the only chunk, or the header of the first one."""
    body = (chunk if isinstance(chunk, bytes) else struct.pack("!BBH", chunk, 0, 4 + len(data))) + data
    head = struct.pack("!HHI", source, destination, 0x5EED)
    crc = crc32c(head + bytes(4) + body) if summed else 0
    return head + struct.pack("<I", crc) + body


class Packet:
    """One that has come: `checksum` is "right", "none" (0) or "wrong"."""

    def __init__(self, data, sender):
        self.sender = sender
        self.source, self.destination, _, crc = struct.unpack("!HHI", data[:8]) + struct.unpack("<I", data[8:_HEADER])
        self.chunk, self.data = data[_HEADER], data[_HEADER + 4 :]
        good = crc == crc32c(data[:8] + bytes(4) + data[_HEADER:])
        self.checksum = "none" if not crc else "right" if good else "wrong"

    def __eq__(self, other):
        return (self.source, self.destination, self.chunk, self.data, self.checksum) == other

    def __repr__(self):
        return f"{self.source} -> {self.destination}, chunk {self.chunk}, {len(self.data)} bytes, checksum {self.checksum}"


class End:
    """Who sends and gets packets of SCTP in a namespace."""

    def __init__(self, ns, family):
        self._v4 = family is lab.V4
        self._sock = ns.socket(family.af, socket.SOCK_RAW, socket.IPPROTO_SCTP)

    def send(self, address, source, destination, chunk, data=b"", summed=True):
        self._sock.sendto(packet(source, destination, chunk, data, summed), (address, 0))

    def receive(self, wait=lab.PATIENCE):
        self._sock.settimeout(wait)
        try:
            data, sender = self._sock.recvfrom(65535)
        except TimeoutError:
            return None
        return Packet(data[(data[0] & 15) * 4 :] if self._v4 else data, sender[0])

    def gets_nothing(self):
        self._sock.settle()
        return self.receive(0.05) is None


@pytest.fixture(scope="module", params=MODES)
def shared(request, tmp_path_factory):
    """Three namespaces and a firewall loaded on both wires, which take frames from XDP."""
    with firewall.on(trio.Trio(routed=True), tmp_path_factory) as made:
        made.mode = request.param
        for ns, iface in ((made.net.peer, lab.PEER_IFACE), (made.net.target, trio.TARGET_IFACE)):
            made.net.offload(ns, iface, gro="on")
        made(["load", lab.IFACE, trio.BACK_IFACE, "--mode", request.param])
        yield made


@pytest.fixture
def fw(shared):
    yield shared
    shared.net.close_sockets()


def both_ways(client, server, address, asked, served, same_port=False):
    """Requests reach the server (from the client's own port?), and its answers come from the port that was asked."""
    port = traffic.fresh_port()
    for number, (chunk, answer) in enumerate(((INIT, INIT_ACK), (DATA, DATA), (DATA, DATA))):
        sent, back = os.urandom(number * 700), os.urandom(1 + number)
        client.send(address, port, asked, chunk, sent)
        came = server.receive()
        assert came == (port if same_port else came.source, served, chunk, sent, "right")
        server.send(came.sender, served, came.source, answer, back)
        assert client.receive() == (asked, port, answer, back, "right")
    return came.sender


def test_link(fw, family):
    a, b = traffic.fresh_port(), traffic.fresh_port()
    fw.policy("default deny in", f"forward {a}:{b}/sctp")
    client, server = End(fw.net.peer, family), End(fw.net.host, family)
    for asked, served in ((a, b), (b, a)):
        assert both_ways(client, server, family.host, asked, served, same_port=True) == family.peer
    client.send(family.host, 9, traffic.fresh_port(), INIT)
    assert server.gets_nothing()


def test_one_way(fw, family):
    asked, served = traffic.fresh_port(), traffic.fresh_port()
    fw.policy("default deny in", f"allow in {served}/sctp", f"forward {asked}:{served}/sctp one-way")
    client, server = End(fw.net.peer, family), End(fw.net.host, family)
    assert both_ways(client, server, family.host, asked, served) == family.peer
    assert both_ways(client, server, family.host, served, served) == family.peer


def remote(fw, family, words="", same_port=False):
    asked = traffic.fresh_port()
    served = asked if same_port else traffic.fresh_port()
    to = trio.endpoint(family, BACK[family].target, served)
    fw.policy("default deny in", f"forward {asked}:{to}/sctp {words}")
    return asked, served


def test_other_host(fw, family):
    asked, served = remote(fw, family)
    client, server = End(fw.net.peer, family), End(fw.net.target, family)
    assert both_ways(client, server, family.host, asked, served) == BACK[family].host, "masqueraded"


def test_keep_source(fw, family):
    asked, served = remote(fw, family, "keep-source")
    client, server = End(fw.net.peer, family), End(fw.net.target, family)
    assert both_ways(client, server, family.host, asked, served, same_port=True) == family.peer


def test_connections_are_shown_and_cut(fw, family):
    asked, served = remote(fw, family)
    client, server = End(fw.net.peer, family), End(fw.net.target, family)
    client.send(family.host, 4001, asked, DATA)
    assert server.gets_nothing(), "no association begins so"
    assert fw.drops().get("no-state")
    client.send(family.host, 4001, asked, INIT)
    assert server.receive().chunk == INIT
    listed = fw.json("forward list")[0]
    assert (listed["connections"], listed["requests"]["packets"]) == (1, 1)
    fw(f"delete forward {asked}:{trio.endpoint(family, BACK[family].target, served)}/sctp --kill")
    client.send(family.host, 4001, asked, DATA)
    assert server.gets_nothing()


def test_explained(fw, family):
    asked, served = remote(fw, family)
    said = fw.json(f"explain in sctp from {trio.endpoint(family, family.peer, 4002)} to {trio.endpoint(family, family.host, asked)}")
    assert (said["verdict"], said["reason"]) == ("pass", "forward")
    assert said["rewritten"] == trio.endpoint(family, BACK[family].target, served)


def test_left_to_the_device(fw, family):
    """A checksum of 0 says that it is not there yet, and stays 0."""
    asked, served = remote(fw, family)
    client, server = End(fw.net.peer, family), End(fw.net.target, family)
    client.send(family.host, 4003, asked, INIT, b"none", summed=False)
    came = server.receive()
    assert came == (came.source, served, INIT, b"none", "none")
    server.send(came.sender, served, came.source, DATA, b"back", summed=False)
    assert client.receive() == (asked, 4003, DATA, b"back", "none")


def seen_by_the_stack(fw, act):
    """How many packets of SCTP the host's own stack has met meanwhile on the client's wire."""
    wire = traffic.Wire(fw.net, "host")
    act()
    fw.net.settle()
    at = {0x0800: 23, 0x86DD: 20}
    return sum(
        not outgoing and frame[at.get(int.from_bytes(frame[12:14], "big"), 0)] == socket.IPPROTO_SCTP
        for frame, outgoing in wire.drain(0.0)
    )


def test_from_xdp_to_xdp(fw, family):
    """In native mode, but for what the device has to sum up, and an INIT, whose further addresses are hidden."""
    asked, served = remote(fw, family)
    client, server = End(fw.net.peer, family), End(fw.net.target, family)
    both_ways(client, server, family.host, asked, served)  # neighbours are known by now

    def ask(chunk, summed=True):
        client.send(family.host, 4004, asked, chunk, summed=summed)
        assert server.receive().checksum == ("right" if summed else "none")

    ask(INIT)
    assert seen_by_the_stack(fw, lambda: ask(DATA)) == (0 if fw.mode == "native" else 1)
    assert seen_by_the_stack(fw, lambda: ask(DATA, summed=False)) == 1
    assert seen_by_the_stack(fw, lambda: ask(INIT)) == 1


def test_fragments(fw, family):
    """The checksum is over all of them. It can be mended where the first tells how long they are together: by a chunk that does not end in it."""
    asked, served = remote(fw, family)
    client, server = End(fw.net.peer, family), End(fw.net.target, family)
    port, data = traffic.fresh_port(), os.urandom(3001)
    client.send(family.host, port, asked, INIT)
    came = server.receive()
    client.send(family.host, port, asked, DATA, data + bytes(3))
    assert server.receive() == (came.source, served, DATA, data + bytes(3), "right")
    server.send(came.sender, served, came.source, DATA, data)
    assert client.receive() == (asked, port, DATA, data, "wrong"), "not padded, as it must be"


def test_fragments_of_unknown_length(fw, family):
    """Dropped, unless the ports stay: then nothing is to be mended."""
    short = bytes([DATA, 0, 0, 20])  # a chunk that ends where the next begins
    for same_port in (False, True):
        asked, served = remote(fw, family, "keep-source", same_port)
        client, server = End(fw.net.peer, family), End(fw.net.target, family)
        port = traffic.fresh_port()  # one connection's, of either family
        client.send(family.host, port, asked, INIT)
        assert server.receive()
        before = fw.drops().get("fragment", 0)
        client.send(family.host, port, asked, short, bytes(3000))
        if same_port:
            assert server.receive() == (port, served, DATA, bytes(3000), "right")
        else:
            assert server.gets_nothing()
            assert fw.drops()["fragment"] == before + 3


def test_the_target_complains(fw, family):
    """It has no SCTP, and says so about the packet that it got; the client reads about the one that it sent."""
    asked, _ = remote(fw, family)
    protocol = socket.IPPROTO_ICMP if family is lab.V4 else socket.IPPROTO_ICMPV6
    client, ear = End(fw.net.peer, family), fw.net.peer.socket(family.af, socket.SOCK_RAW, protocol)
    client.send(family.host, 4006, asked, INIT)
    quoted = struct.pack("!HH", 4006, asked)
    deadline = time.monotonic() + lab.PATIENCE
    while time.monotonic() < deadline:
        message = ear.recv(65535)[20 if family is lab.V4 else 0 :]
        if message[0] in (3, 4) and quoted in message:
            break
    at = 8 + family.header
    assert message[at : at + 4] == quoted
    if family is lab.V4:
        assert frames.checksum(message) == 0
