# SPDX-License-Identifier: GPL-2.0-only
"""Frames by hand: what no socket would send, and what a firewall must still understand.

Written from the RFCs; addresses are text, ports and lengths host numbers.
"""

import ipaddress
import struct

from lab import HOST_MAC, PEER_MAC

UDP, TCP, ICMP, ICMPV6 = 17, 6, 1, 58
HOP_BY_HOP, ROUTING, FRAGMENT, DEST_OPTS = 0, 43, 44, 60
VLAN, QINQ = 0x8100, 0x88A8

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return ipaddress.ip_address(address).packed


def _pseudo(src, dst, protocol, length):
    source = packed(src)
    if len(source) == 4:
        return source + packed(dst) + struct.pack("!BBH", 0, protocol, length)
    return source + packed(dst) + struct.pack("!IHBB", length, 0, 0, protocol)


def _l4_checksum(src, dst, protocol, segment):
    return checksum(_pseudo(src, dst, protocol, len(segment)) + segment)


def udp(src, dst, sport, dport, data=b"", length=None, zero_checksum=False):
    """A UDP header with its payload."""
    size = len(data) + 8 if length is None else length
    head = struct.pack("!HHH", sport, dport, size)
    if zero_checksum:
        return head + b"\0\0" + data
    total = _l4_checksum(src, dst, UDP, head + b"\0\0" + data) or 0xFFFF
    return head + struct.pack("!H", total) + data


def tcp(src, dst, sport, dport, flags, seq=1000, ack=0, offset=5, data=b""):
    def segment(total):
        return (
            struct.pack("!HHIIBBHHH", sport, dport, seq, ack, offset << 4, flags & 0xFF, 65535, total, 0)
            + bytes(max(0, offset - 5) * 4)
            + data
        )

    return segment(_l4_checksum(src, dst, TCP, segment(0)))


def icmp(kind, code, body, src=None, dst=None):
    """ICMP; with addresses, ICMPv6 (whose checksum covers them)."""
    head = struct.pack("!BBH", kind, code, 0)
    if src is None:
        total = checksum(head + body)
    else:
        total = _l4_checksum(src, dst, ICMPV6, head + body)
    return struct.pack("!BBH", kind, code, total) + body


def icmp_for(family, kinds, code, body, src, dst):
    """The same message in both families: kinds is (v4 type, v6 type)."""
    if family.name == "v4":
        return icmp(kinds[0], code, body)
    return icmp(kinds[1], code, body, src, dst)


def ipv4(src, dst, protocol, payload, options=b"", ttl=64, fragment=0, ident=1):
    options += bytes(-len(options) % 4)
    words = 5 + len(options) // 4

    def header(total):
        return (
            struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), ident, fragment, ttl, protocol, total)
            + packed(src)
            + packed(dst)
            + options
        )

    return header(checksum(header(0))) + payload


def extension(options=b""):
    """Body of a hop-by-hop or destination options header; padded with PadN."""
    length = 2 + len(options)
    pad = -length % 8
    if pad == 1:
        options += b"\0"
    elif pad:
        options += bytes([1, pad - 2]) + bytes(pad - 2)
    return options


def ipv6(src, dst, protocol, payload, headers=(), hop_limit=64):
    """`headers` is a chain of (type, body without its two leading bytes)."""
    chain, upper = b"", protocol
    for kind, body in reversed(list(headers)):
        if kind == FRAGMENT:
            chain = bytes([upper, 0]) + body + chain
        else:
            chain = bytes([upper, (len(body) + 2) // 8 - 1]) + body + chain
        upper = kind
    length = len(chain) + len(payload)
    return struct.pack("!IHBB", 6 << 28, length, upper, hop_limit) + packed(src) + packed(dst) + chain + payload


def ip(family, src, dst, protocol, payload, **more):
    return (ipv4 if family.name == "v4" else ipv6)(src, dst, protocol, payload, **more)


def ether(family_or_type, payload, tags=(), src=PEER_MAC, dst=HOST_MAC):
    """`tags` is a chain of (ethertype, vlan id)."""
    ethertype = getattr(family_or_type, "ethertype", family_or_type)
    head = dst + src
    for tag_type, tag in tags:
        head += struct.pack("!HH", tag_type, tag)
    return head + struct.pack("!H", ethertype) + payload


def udp_frame(
    family, sport, dport, data=b"x", src=None, dst=None, tags=(), dst_mac=HOST_MAC, zero_checksum=False, **more
):
    """A whole UDP frame from the peer to the host."""
    src, dst = src or family.peer, dst or family.host
    segment = udp(src, dst, sport, dport, data, zero_checksum=zero_checksum)
    return ether(family, ip(family, src, dst, UDP, segment, **more), tags=tags, dst=dst_mac)


def tcp_frame(family, sport, dport, flags, **more):
    segment = tcp(family.peer, family.host, sport, dport, flags, **more)
    return ether(family, ip(family, family.peer, family.host, TCP, segment))


def ports_of(frame):
    """(protocol, source port, destination port) of a plain frame, None for anything else."""
    ethertype = int.from_bytes(frame[12:14], "big")
    if ethertype == 0x0800:
        protocol, at = frame[23], 14 + (frame[14] & 15) * 4
    elif ethertype == 0x86DD:
        protocol, at = frame[20], 54
    else:
        return None
    if protocol not in (TCP, UDP) or len(frame) < at + 4:
        return None
    return (protocol, *struct.unpack("!HH", frame[at : at + 4]))


def is_port(protocol, port):
    """A predicate: frames with that port at either end."""

    def match(frame):
        found = ports_of(frame)
        return found is not None and found[0] == protocol and port in found[1:]

    return match


def next_sequence(family, frame):
    """The TCP sequence number that follows a plain frame."""
    at = 14 + family.header
    seq, offset = int.from_bytes(frame[at + 4 : at + 8], "big"), (frame[at + 12] >> 4) * 4
    return (seq + len(frame) - at - offset) & 0xFFFFFFFF
