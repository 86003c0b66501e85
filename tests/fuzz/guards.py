# SPDX-License-Identifier: GPL-2.0-only
"""Hosts under guard: the same policy once by nftables and once by xdpfw, and raw sockets that see what comes through.

A raw socket stands behind everything the kernel does for an IP packet: header checks, routing, reassembly, extension
headers and the filter. What TCP, UDP and ICMP themselves would still refuse (checksums, lengths) is refused here in
their place, because xdpfw leaves checksums to them and conntrack does not.
"""

import contextlib
import fcntl
import socket
import struct
import termios

import firewall
import lab
from frames import checksum, icmp
from generate import (ICMP, ICMPV6, LABEL, LIVE_ECHO, LIVE_TCP, LIVE_UDP, PROTOCOLS_V4, PROTOCOLS_V6, REDIRECT, TCP, UDP)

_IPV6_FLOWINFO, _SO_RCVBUFFORCE = 11, 33
_NETLINK_NETFILTER, _CT_DELETE = 12, 1 << 8 | 2

XDPFW_POLICY = ("allow in 22/tcp", "allow in 80/tcp", "allow in 8000-8010/tcp", "allow in 53/udp", "allow in 6000-6010/udp",
                "allow in proto 50", f"forward {REDIRECT[0]}:{REDIRECT[1]} one-way")

# What xdpfw calls essential and courtesy, and then the usual stateful rules. (Redirected, what is for addresses that must not come by a
# wire would be for one that may.)
NFT_POLICY = f"""
table inet translate {{
	chain prerouting {{
		type nat hook prerouting priority dstnat
		ip daddr {{ 0.0.0.0, 127.0.0.0/8, 255.255.255.255 }} accept
		ip6 daddr ::1 accept
		fib daddr type {{ local, broadcast }} meta l4proto {{ tcp, udp }} th dport {REDIRECT[0]} redirect to :{REDIRECT[1]}
	}}
}}
table inet guard {{
	chain input {{
		type filter hook input priority 0; policy drop
		iif lo accept
		ip6 hoplimit 255 icmpv6 type {{ 133-136, 141, 142, 148, 149 }} accept
		ip6 hoplimit 1 icmpv6 type {{ 130-132, 143, 151-153 }} accept
		ct state established,related accept
		ct state invalid drop
		meta nfproto ipv4 udp sport 67 udp dport 68 accept
		meta nfproto ipv6 udp sport 547 udp dport 546 accept
		ip daddr 224.0.0.251 udp dport 5353 accept
		ip6 daddr ff02::fb udp dport 5353 accept
		meta nfproto ipv4 icmp type echo-request accept
		meta nfproto ipv6 icmpv6 type echo-request accept
		tcp dport {{ 22, 80, 8000-8010 }} accept
		udp dport {{ 53, 6000-6010 }} accept
		meta l4proto esp accept
		meta l4proto {{ tcp, udp }} ct status dnat accept
	}}
}}
"""


class LiveConnection:
    """A TCP connection of the host with its peer; made anew when forged segments have ended or silenced it."""

    def __init__(self, net, family, listener):
        self._net, self._family, self._listener = net, family, listener
        self._client = self._server = None
        self._open()

    def _open(self):
        local, remote = LIVE_TCP
        for sock in (self._client, self._server):
            if sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
                sock.close()
        self._client = self._net.host.socket(self._family.af, socket.SOCK_STREAM)
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._client.bind((self._family.host, local))
        self._client.connect((self._family.peer, remote))
        self._server, _ = self._net.peer.accept(self._listener)
        self._server.setblocking(False)

    def speak(self):
        try:
            unsent = fcntl.ioctl(self._client, termios.TIOCOUTQ, bytes(4))
            if unsent != bytes(4):
                raise ConnectionError
            self._client.send(b"live")
            self._server.recv(65536)
        except OSError:
            self._open()
            self._client.send(b"live")


class Guard:
    """A host behind one filter, and its peer, from where frames come."""

    def __init__(self, name, directory):
        self.name = name
        self._firewall = self._conntrack = None
        self.net = lab.Net()
        try:
            self._prepare()
            if name == "nft":
                self.net.host.run("nft", "-f", "-", input=NFT_POLICY)
            else:
                self._firewall = firewall.Firewall(self.net, directory)
                self._firewall.load(name)
                self._firewall.policy(*XDPFW_POLICY)
            self._quiet_offloads()
            self._open_sockets()
            self._open_live()
        except BaseException:
            self.close()
            raise

    def _prepare(self):
        host, peer = self.net.host, self.net.peer
        # Frames must change nothing in the host: it learns no neighbours, routers or routes from them.
        host.ip(f"neigh replace {lab.V4.peer} lladdr {lab.PEER_MAC.hex(':')} dev {lab.IFACE} nud permanent\n"
                f"neigh replace {lab.V6.peer} lladdr {lab.PEER_MAC.hex(':')} dev {lab.IFACE} nud permanent\n"
                f"route add 198.18.0.0/15 via {lab.V4.peer}\n"
                f"route add 2001:db8:f::/48 via {lab.V6.peer}\n"
                f"route add default via {lab.V4.peer}\n"
                f"route add default via {lab.V6.peer}\n")
        # The peer says nothing about the host's answers to frames.
        peer.ip("route add blackhole 198.18.0.0/15\nroute add blackhole 2001:db8:f::/48\n"
                "route add blackhole 0.0.0.0/0\nroute add blackhole ::/0\n")
        peer.ip(f"neigh replace {lab.V4.host} lladdr {lab.HOST_MAC.hex(':')} dev {lab.PEER_IFACE} nud permanent\n"
                f"neigh replace {lab.V6.host} lladdr {lab.HOST_MAC.hex(':')} dev {lab.PEER_IFACE} nud permanent\n")
        for key, value in ((f"ipv6/conf/{lab.IFACE}/accept_ra", 0), (f"ipv6/conf/{lab.IFACE}/accept_redirects", 0),
                           ("ipv4/conf/all/accept_redirects", 0), (f"ipv4/conf/{lab.IFACE}/accept_redirects", 0),
                           # Fragments that are never complete must not crowd out others.
                           ("ipv4/ipfrag_time", 1), ("ipv4/ipfrag_max_dist", 0), ("ipv6/ip6frag_time", 1),
                           ("ipv4/ipfrag_high_thresh", 1 << 26), ("ipv6/ip6frag_high_thresh", 1 << 26)):
            host.sysctl(key, value)

    def _quiet_offloads(self):
        """No merging on receipt: frames are judged one by one."""
        for ns in (self.net.host, self.net.peer):
            self.net.offloads(ns, gro="off", tso="off", gso="off")
        if self.name == "nft":
            for key, value in (("netfilter/nf_conntrack_frag6_timeout", 1),
                               ("netfilter/nf_conntrack_frag6_high_thresh", 1 << 26),
                               # Forged segments must not make conntrack block the live connection, which then is silent.
                               ("netfilter/nf_conntrack_tcp_be_liberal", 1)):
                self.net.host.sysctl(key, value)

    def _open_sockets(self):
        host = self.net.host
        self._wire = self.net.peer.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._wire.bind((lab.PEER_IFACE, 0))
        self._raw = []
        for family, protocols in ((socket.AF_INET, PROTOCOLS_V4), (socket.AF_INET6, PROTOCOLS_V6)):
            for protocol in protocols:
                sock = host.socket(family, socket.SOCK_RAW, protocol)
                sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
                sock.setblocking(False)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_FLOWINFO, 1)
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
                self._raw.append((family == socket.AF_INET6, protocol, sock))
        member = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                          socket.inet_aton("224.0.0.251") + socket.inet_aton(lab.V4.host))
        member = host.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        with host.entered():
            index = socket.if_nametoindex(lab.IFACE)
        member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                          socket.inet_pton(socket.AF_INET6, "ff02::fb") + struct.pack("@I", index))

    def _open_live(self):
        """What answers and errors may belong to: a UDP flow, a TCP connection and an echo request of each family."""
        host, peer = self.net.host, self.net.peer
        self._live, self._connections = [], []
        for family in lab.FAMILIES:
            local, remote = LIVE_UDP
            server = peer.socket(family.af, socket.SOCK_DGRAM)
            server.bind((family.peer, remote))
            client = host.socket(family.af, socket.SOCK_DGRAM)
            client.bind((family.host, local))
            client.connect((family.peer, remote))
            self._live.append((client.send, b"live"))
            local, remote = LIVE_TCP
            listener = peer.socket(family.af, socket.SOCK_STREAM)
            listener.bind((family.peer, remote))
            listener.listen(4)
            self._connections.append(LiveConnection(self.net, family, listener))
            v6 = family.af == socket.AF_INET6
            echo = host.socket(family.af, socket.SOCK_RAW, ICMPV6 if v6 else ICMP)
            echo.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            echo.connect((family.peer, 0))
            body = struct.pack("!HH", LIVE_ECHO, 1)
            self._live.append((echo.send, icmp(128 if v6 else 8, 0, body)))
        if self.name == "nft":
            self._conntrack = host.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)

    def refresh(self):
        """Forget what frames have put into conntrack, which would fill it, and say again what lives."""
        if self._conntrack:
            self._conntrack.send(struct.pack("=IHHIIBBH", 20, _CT_DELETE, 5, 1, 0, 0, 0, 0))
            self._conntrack.recv(4096)
        for send, data in self._live:
            for _ in range(3):  # an ICMP error about it may be pending
                with contextlib.suppress(OSError):
                    send(data)
                    break
        for connection in self._connections:
            connection.speak()

    def send(self, frame):
        self._wire.send(frame)

    def collect(self, seen):
        """Add what has arrived to `seen`: identity -> [what]."""
        for v6, protocol, sock in self._raw:
            while True:
                try:
                    if v6:
                        data, ancillary, _, sender = sock.recvmsg(65536, 256)
                        ident, message = self._read_v6(protocol, data, ancillary, sender)
                    else:
                        data = sock.recv(65536)
                        ident, message = self._read_v4(protocol, data)
                except BlockingIOError:
                    break
                if message is not None:
                    seen.setdefault(ident, []).append((6 if v6 else 4, protocol, message))

    @staticmethod
    def _read_v4(protocol, data):
        message = data[(data[0] & 15) * 4 :]
        pseudo = data[12:20] + struct.pack("!BBH", 0, protocol, len(message)) if protocol != ICMP else b""
        return data[4] << 8 | data[5], _as_asked(protocol, message) if _deliverable(protocol, message, pseudo, True) else None

    @staticmethod
    def _read_v6(protocol, data, ancillary, sender):
        ident, destination = 0, bytes(16)
        for _, kind, value in ancillary:
            if kind == _IPV6_FLOWINFO:
                label = int.from_bytes(value, "big") & 0xFFFFF
                ident = label & 0xFFFF if label >> 16 == LABEL else 0
            elif kind == socket.IPV6_PKTINFO:
                destination = value[:16]
        source = socket.inet_pton(socket.AF_INET6, sender[0].partition("%")[0])
        pseudo = source + destination + struct.pack("!IHBB", len(data), 0, 0, protocol)
        return ident, _as_asked(protocol, data) if _deliverable(protocol, data, pseudo, False) else None

    def drops(self):
        """What xdpfw says why it has dropped."""
        return self._firewall.drops() if self._firewall else {}

    def close(self):
        if self._firewall:
            self._firewall.close()
        self.net.delete()


def _as_asked(protocol, message):
    """Without the source port of what is redirected (and the checksum over it): which one it gets is each guard's own choice."""
    at = {UDP: 6, TCP: 16}.get(protocol)
    if at is None or message[2:4] != struct.pack("!H", REDIRECT[1]):
        return message
    return bytes(2) + message[2:at] + bytes(2) + message[at + 2 :]


def _deliverable(protocol, message, pseudo, v4):
    """Would the protocol itself take it? Checksum and lengths, as net/ipv4 and net/ipv6 check them."""
    if protocol == UDP:
        if len(message) < 8:
            return False
        length = message[4] << 8 | message[5]
        if not 8 <= length <= len(message):
            return False
        if message[6:8] == b"\0\0":
            return v4
        pseudo = pseudo[:-2] + struct.pack("!H", length) if v4 else pseudo[:32] + struct.pack("!I", length) + pseudo[36:]
        return checksum(pseudo + message[:length]) == 0
    if protocol == TCP:
        return len(message) >= 20 and 20 <= (message[12] >> 4) * 4 <= len(message) and checksum(pseudo + message) == 0
    if protocol in (ICMP, ICMPV6):
        return len(message) >= 8 and checksum(pseudo + message) == 0
    return True
