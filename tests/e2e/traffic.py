# SPDX-License-Identifier: GPL-2.0-only
"""Real clients and servers, and what became of their packets."""

import errno
import itertools
import mmap
import os
import select
import socket
import struct
import threading
import time

import frames
from lab import IFACE, PATIENCE, PEER_IFACE, SILENCE

_PACKET_OUTGOING = 4
_SO_RCVBUFFORCE = 33
_SOL_PACKET = 263
_ETH_P_ALL = 0x0003

EPHEMERAL = 32768  # Linux' ip_local_port_range begins there
_ports = itertools.count(20000)


def fresh_port():
    """A port no other test has used, below the ephemeral ones: old flows cannot help a packet through."""
    port = next(_ports)
    assert port < EPHEMERAL, "the tests of one process have used up their ports"
    return port


# ---- UDP ----------------------------------------------------------------


def udp(ns, family, port=0, address=None):
    """A bound UDP socket."""
    sock = ns.socket(family.af, socket.SOCK_DGRAM)
    if family.af == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if port:  # else two might be given the same one, and only one of them gets what is sent there
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)  # a Stream is read at its end
    sock.bind((address or wildcard(family), port))
    return sock


def wildcard(family):
    return "::" if family.af == socket.AF_INET6 else "0.0.0.0"


def receive(sock, wait=PATIENCE):
    """The next datagram and its sender, or (None, None)."""
    sock.settimeout(wait)
    try:
        data, sender = sock.recvfrom(65535)
    except (TimeoutError, BlockingIOError):
        return None, None
    return data, sender and sender[:2]


def send(sock, data, to):
    """Send; that the firewall drops a packet on its way out may show as an error, and must not matter."""
    try:
        sock.sendto(data, to)
    except (ConnectionRefusedError, PermissionError, OSError):
        pass


def nothing_came(sock):
    """Nothing has reached this socket, and nothing is on its way any more."""
    sock.settle()
    return receive(sock, 0.0)[0] is None


def udp_passes(sender, receiver, to, size=16, expect=True):
    """Does a datagram from `sender` reach `receiver`?"""
    data = os.urandom(size)
    send(sender, data, to)
    if not expect:
        sender.settle()
    got, _ = receive(receiver, PATIENCE if expect else 0.0)
    assert got in (None, data), "a datagram was changed on its way"
    return got is not None


def udp_echo(client, server, to, size=16, wait=PATIENCE):
    """Ask and be answered. Returns the address the answer came from, None without one."""
    question, answer = os.urandom(size), os.urandom(size)
    send(client, question, to)
    got, sender = receive(server, wait)
    if got is None:
        return None
    assert got == question
    send(server, answer, sender)
    got, sender = receive(client, wait)
    assert got in (None, answer)
    return sender


# ---- TCP ----------------------------------------------------------------


def listen(ns, family, port):
    sock = ns.socket(family.af, socket.SOCK_STREAM)
    if family.af == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((wildcard(family), port))
    sock.listen(128)
    return sock


def connect(ns, family, address, port, source_port=0):
    """A connected socket; raises as connect(2) would, TimeoutError when nothing answers."""
    sock = ns.socket(family.af, socket.SOCK_STREAM)
    if source_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((wildcard(family), source_port))
    sock.connect((address, port))
    return sock


def tcp_answer(ns, family, address, port, expect="open", source_port=0, source=None):
    """ "open", "refused" or "timeout": what becomes of a connection request."""
    sock = ns.socket(family.af, socket.SOCK_STREAM)
    if source_port or source:
        sock.bind((source or wildcard(family), source_port))
    sock.setblocking(False)
    status = sock.connect_ex((address, port))
    if status == errno.EINPROGRESS:
        if expect == "timeout":
            sock.settle()
        _, done, _ = select.select([], [sock], [], 0 if expect == "timeout" else PATIENCE)
        status = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if done else errno.ETIMEDOUT
    sock.close()
    known = {0: "open", errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout"}
    return known.get(status) or os.strerror(status)


def tcp_pair(client_ns, server, family, address, port):
    """Both ends of a new connection to the listening socket `server`."""
    client = connect(client_ns, family, address, port)
    accepted, _ = client_ns.accept(server)
    return client, accepted


def flows(sender, receiver, wait=PATIENCE):
    """Do bytes written at one end of a connection come out at the other?"""
    data = os.urandom(32)
    sender.sendall(data)
    receiver.settimeout(wait)
    got = b""
    try:
        while len(got) < len(data):
            part = receiver.recv(len(data) - len(got))
            if not part:
                return False
            got += part
    except TimeoutError:
        return False
    return got == data


def bulk(sender, receiver, data, limit=30.0):
    """Send `data` through a connection; what arrived within the limit."""
    deadline = time.monotonic() + limit
    sender.setblocking(False)
    receiver.setblocking(False)
    got, sent = bytearray(), 0
    while len(got) < len(data) and time.monotonic() < deadline:
        wants = [sender] if sent < len(data) else []
        readable, writable, _ = select.select([receiver], wants, [], 0.2)
        if readable:
            part = receiver.recv(1 << 20)
            if not part:
                break
            got += part
        if writable:
            sent += sender.send(memoryview(data)[sent : sent + (1 << 18)])
    return bytes(got)


# ---- ICMP ---------------------------------------------------------------


def ping(ns, family, address, expect=True):
    """Is an echo request answered?"""
    ident = fresh_port()
    v6 = family.af == socket.AF_INET6
    sock = ns.socket(family.af, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
    body = struct.pack("!HH", ident, 1) + bytes(48)
    send(sock, frames.icmp(128 if v6 else 8, 0, body), (address, 0))
    if not expect:
        sock.settle()
    deadline = time.monotonic() + (PATIENCE if expect else 0)
    while True:
        data, _ = receive(sock, max(0.0, deadline - time.monotonic()))
        if data is None:
            return False
        message = data if v6 else data[(data[0] & 15) * 4 :]
        if message[0] == (129 if v6 else 0) and message[4:6] == body[:2]:
            return True


# ---- frames -------------------------------------------------------------


class Wire:
    """Raw frames in and out of one end of the veth pair."""

    def __init__(self, net, side):
        ns = getattr(net, side)
        self._sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
        self._sock.bind((IFACE if side == "host" else PEER_IFACE, _ETH_P_ALL))

    def send(self, *packets):
        for packet in packets:
            self._sock.send(packet)

    def read(self, wait=SILENCE):
        """The next frame as (frame, outgoing?), None when nothing comes."""
        self._sock.settimeout(wait)
        try:
            frame, where = self._sock.recvfrom(65535)
        except (TimeoutError, BlockingIOError):
            return None
        return frame, where[2] == _PACKET_OUTGOING

    def drain(self, wait=SILENCE):
        """All frames until the wire has been silent for `wait`."""
        seen = []
        while (one := self.read(wait)) is not None:
            seen.append(one)
        return seen

    def answer(self, match, wait=PATIENCE):
        """The first frame that comes to this end and satisfies `match`, None within the time."""
        deadline = time.monotonic() + wait
        while (left := deadline - time.monotonic()) > 0:
            one = self.read(left)
            if one and not one[1] and match(one[0]):
                return one[0]
        return None

    def silent(self, match):
        """No frame that satisfies `match` has come to this end, and none is on its way any more."""
        self._sock.settle()
        return not any(match(frame) for frame, outgoing in self.drain(0.0) if not outgoing)


class PagedWire:
    """Frames out of the peer's end whose bytes lie in pages, behind 14 in the skb itself: none of the IP header is linear.

    Linux builds such skbs of frames in a ring that it shares with the sender (packet(7), PACKET_TX_RING).
    """

    _PACKET_TX_RING, _SEND_REQUEST, _AVAILABLE = 13, 1, 0
    _SLOT, _SLOTS = 2048, 8
    _HEADER = struct.Struct("@LI")  # what of struct tpacket_hdr the sender fills; the frame begins 32 bytes behind its begin

    def __init__(self, net):
        self._sock = net.peer.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        size = self._SLOT * self._SLOTS
        self._sock.setsockopt(_SOL_PACKET, self._PACKET_TX_RING, struct.pack("4I", size, 1, self._SLOT, self._SLOTS))
        self._sock.bind((PEER_IFACE, _ETH_P_ALL))
        self._ring, self._sent = mmap.mmap(self._sock.fileno(), size), 0

    def send(self, *packets):
        places = [(self._sent + i) % self._SLOTS * self._SLOT for i in range(len(packets))]
        for place, packet in zip(places, packets):
            self._ring[place + 32 : place + 32 + len(packet)] = packet
            self._HEADER.pack_into(self._ring, place, self._SEND_REQUEST, len(packet))
        self._sock.send(b"")
        self._sent += len(packets)
        assert all(self._HEADER.unpack_from(self._ring, place)[0] == self._AVAILABLE for place in places)


class Stream(threading.Thread):
    """Numbered datagrams to several ports in turn, at a steady pace, until stopped."""

    def __init__(self, sock, targets, per_second=600, at_most=100_000):
        super().__init__(daemon=True)
        self._sock, self._targets, self._pause, self._at_most = sock, targets, 1 / per_second, at_most
        self._stop_asked = threading.Event()
        self.sent = 0

    def run(self):
        due = time.monotonic()
        while not self._stop_asked.is_set() and self.sent < self._at_most:
            for target in self._targets:
                self._sock.sendto(self.sent.to_bytes(4, "big"), target)
            self.sent += 1
            due += self._pause
            time.sleep(max(0, due - time.monotonic()))

    def stop(self):
        self._stop_asked.set()
        self.join(5)


def arrived(sock):
    """All numbers of a Stream that reached this socket."""
    sock.settle()
    numbers = []
    while (data := receive(sock, 0.0)[0]) is not None:
        numbers.append(int.from_bytes(data, "big"))
    return numbers


def eventually(condition, wait=PATIENCE):
    """Ask until it is so; for what has no packet to wait for."""
    deadline = time.monotonic() + wait
    while True:
        if condition():
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
