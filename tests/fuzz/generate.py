# SPDX-License-Identifier: GPL-2.0-only
"""Random frames at the boundaries of what a packet filter understands.

A case is one datagram: one frame, or a few if it is fragmented. It is a function of the
seed and its number alone, so that a report names it; its identity (IPv4 id, IPv6 flow
label, fragment id, low bits of the source address) is chosen by whoever sends it, so that
it can be sent again without meeting what its first sending has left in fragment tables.
"""

import random
import struct

from frames import ACK, FIN, RST, SYN, URG, checksum, packed
from lab import HOST_MAC, PEER_MAC, V4, V6

UDP, TCP, ICMP, ICMPV6, ESP = 17, 6, 1, 58, 50
HBH, ROUTING, FRAGMENT, DEST, AH = 0, 43, 44, 60, 51

# The policy that both guards have (guards.py), and what lives in both hosts.
TCP_OPEN, UDP_OPEN = (22, 80, 8000, 8010), (53, 6000, 6010)
REDIRECT = (9090, 9091)  # what is asked of the first port arrives at the second, which is closed itself
LIVE_UDP, LIVE_TCP, LIVE_ECHO = (40001, 7777), (40002, 7778), 0x4242
LABEL = 0xA  # the upper bits of each frame's flow label
# What raw sockets listen to: the protocols that the generator favours.
PROTOCOLS_V4 = (ICMP, 2, 4, TCP, UDP, 41, 47, ESP, AH, 132, 136, 253)
PROTOCOLS_V6 = (4, TCP, UDP, 41, 47, ESP, AH, ICMPV6, 132, 136, 253)

_TCP_PORTS = TCP_OPEN * 4 + REDIRECT[:1] * 4 + (*REDIRECT[1:], 0, 1, 21, 23, 53, 79, 81, 7999, 8011, 32768, 65535)
_UDP_PORTS = UDP_OPEN * 4 + REDIRECT[:1] * 4 + (*REDIRECT[1:], 0, 1, 22, 52, 54, 67, 68, 546, 547, 5353, 5999, 6011, 65535)
_SOURCE_PORTS = (0, 1, 20, 53, 67, 547, 1023, 5353, 40000, 50000, 65535)
_FLAGS = (SYN, SYN, SYN, ACK, SYN | ACK, RST, RST | ACK, FIN | ACK, 0, FIN, SYN | FIN, SYN | RST, FIN | RST, URG, 0x3F, 0x29,
          SYN | URG, ACK | URG, FIN | ACK | URG, SYN | 0xC0)
_SIZES = (0, 0, 1, 2, 7, 8, 9, 16, 31, 32, 33, 63, 64, 100, 500)

_TCP_OPTIONS = (b"", b"", b"\x02\x04\x05\xb4", b"\x01" * 8, b"\x03\x03\x0e\x00", bytes(40), b"\x02\x00\x00\x00",
                b"\x08\x0a" + bytes(8) + b"\1\1")
# No operation, record route, source routes, timestamp, router alert, security; whole and broken.
_IP_OPTIONS = (b"\x01" * 4, b"\x01" * 40, b"\x07\x07\x04" + bytes(5), b"\x07\x28\x04" + bytes(37), b"\x07\x00\x00\x00",
               b"\x83\x07\x04\xc0\x00\x02\x01\x00", b"\x89\x07\x04\xc0\x00\x02\x01\x00", b"\x83\x03\x04\x00",
               b"\x00\x83\x07\x04", b"\x44\x08\x05\x00" + bytes(4), b"\x94\x04\x00\x00", bytes(4), b"\x01\x01\x01\x88",
               b"\x82\x0b" + bytes(10), b"\x86\x06\x00\x00\x00\x01\x00\x00")
# PadN, Pad1, unknown ones to skip and to drop, router alert, jumbogram; whole and broken.
_V6_OPTIONS = (b"\1\4\0\0\0\0", bytes(6), b"\x1e\4\0\0\0\0", b"\x9e\4\0\0\0\0", b"\x05\2\0\0\1\0", b"\1\x0c" + bytes(12),
               b"\xc2\4\0\1\0\0", b"\1\5\0\0\0\0")
_TRICKS = ("order", "order", "order", "reverse", "shuffle", "overlap", "twice", "again", "no first", "gap", "ragged", "far",
           "alone", "late twice", "second first")
MAX_PIECES = 12

_HOST = {4: packed(V4.host), 6: packed(V6.host)}
_PEER = {4: packed(V4.peer), 6: packed(V6.peer)}
_POOL = {4: packed("198.18.0.0"), 6: packed("2001:db8:f::")}
_ODD_SOURCES = {
    4: [packed(a) for a in ("0.0.0.0", "127.0.0.1", "127.255.255.254", "192.0.2.1", "192.0.2.0", "192.0.2.255", "224.0.0.1",
                            "239.255.255.255", "240.0.0.1", "255.255.255.255", "10.0.0.1", "169.254.1.1", "1.1.1.1")],
    6: [packed(a) for a in ("::", "::1", "::2", "::ffff:192.0.2.9", "::192.0.2.9", "64:ff9b::1", "2001:db8::1", "2001:db8::3",
                            "fe80::1", "fe80::ff:fe00:1", "fec0::1", "fc00::1", "ff02::1", "ff00::", "2002:c000:201::1")],
}
_ODD_DESTINATIONS = {
    4: [packed(a) for a in ("192.0.2.255", "255.255.255.255", "224.0.0.1", "224.0.0.251", "127.0.0.1", "0.0.0.0", "192.0.2.77",
                            "239.1.1.1")],
    6: [packed(a) for a in ("fe80::ff:fe00:1", "ff02::1", "ff02::fb", "ff02::1:ff00:1", "ff01::1", "ff05::2", "::1", "::",
                            "::ffff:192.0.2.1", "2001:db8::77")],
}


def build(seed, number, ident):
    """The frames of a case. `ident`: 32 bits of identity; its low half comes back with what is delivered."""
    return _Case(random.Random(seed << 32 | number), ident).frames()


def sentinel(ident):
    """A frame that every guard passes: when it has arrived, what was sent before it has been judged."""
    case = _Case(random.Random(0), ident)
    case.family, case.source, case.destination = 4, _PEER[4], _HOST[4]
    return case.ether(case.ip_v4(UDP, case.udp(40000, 53, b"sentinel"), b""), ())


class _Case:
    def __init__(self, rng, ident):
        self.rng, self.ident = rng, ident
        self.family = rng.choice((4, 6))
        self.source = self.pool(self.family)
        self.destination = _HOST[self.family]

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def pool(self, family):
        base = _POOL[family]
        return base[:-2] + struct.pack("!H", self.ident >> 16)

    def data(self):
        return self.rng.randbytes(self.rng.choice(_SIZES))

    # ---- layer 4 ----

    def sum(self, protocol, segment):
        """A checksum, wrong in one case of 25."""
        if self.chance(4):
            return self.rng.choice((0, 0xFFFF, 0x1234))
        if protocol == ICMP:
            return checksum(segment)
        if self.family == 4:
            pseudo = struct.pack("!BBH", 0, protocol, len(segment) & 0xFFFF)
        else:
            pseudo = struct.pack("!IHBB", len(segment), 0, 0, protocol)
        return checksum(self.source + self.destination + pseudo + segment)

    def udp(self, source, destination, data):
        length = len(data) + 8
        if self.chance(6):
            length = self.rng.choice((0, 1, 7, 8, 9, length - 1, length + 1, 0xFFFF)) & 0xFFFF
        head = struct.pack("!HHH", source, destination, length)
        total = self.sum(UDP, head + b"\0\0" + data) or 0xFFFF
        return head + struct.pack("!H", 0 if self.chance(5) else total) + data

    def tcp(self, source, destination, flags, data):
        options = self.rng.choice(_TCP_OPTIONS)
        offset = 5 + len(options) // 4
        if self.chance(6):
            offset = self.rng.choice((0, 4, 5, 6, 15))
        head = struct.pack("!HHIIBB", source, destination, self.rng.getrandbits(32), self.rng.getrandbits(32),
                           offset << 4 | self.rng.choice((0, 0, 0, 1, 15)), flags)
        window = struct.pack("!H", self.rng.choice((0, 1, 1024, 65535)))
        tail = struct.pack("!H", self.rng.choice((0, 0, 1, 65535))) + options + data
        total = self.sum(TCP, head + window + b"\0\0" + tail)
        return head + window + struct.pack("!H", total) + tail

    def icmp(self, kind, code, body):
        head = bytes([kind, code])
        total = self.sum(ICMP if self.family == 4 else ICMPV6, head + b"\0\0" + body)
        return head + struct.pack("!H", total) + body

    def upper_udp(self):
        if self.chance(12):
            self.source = _PEER[self.family]
            local, remote = LIVE_UDP
            off = self.rng.choice((0, 0, 0, 1, -1))
            return UDP, self.udp(remote + off, local + self.rng.choice((0, 0, 0, 1)), self.data())
        pairs = ((67, 68), (547, 546), (5353, 5353))
        source, destination = (self.rng.choice(pairs) if self.chance(6) else
                               (self.rng.choice(_SOURCE_PORTS), self.rng.choice(_UDP_PORTS)))
        return UDP, self.udp(source, destination, self.data())

    def upper_tcp(self):
        flags = self.rng.choice(_FLAGS) if self.chance(85) else self.rng.getrandbits(8)
        if self.chance(6):
            self.source = _PEER[self.family]
            local, remote = LIVE_TCP
            return TCP, self.tcp(remote, local + self.rng.choice((0, 0, 1)), flags, self.data())
        return TCP, self.tcp(self.rng.choice(_SOURCE_PORTS), self.rng.choice(_TCP_PORTS), flags, self.data())

    def upper_icmp(self):
        v4 = self.family == 4
        if self.chance(40):
            echo = self.rng.choice((0, 8) if v4 else (128, 129))
            if echo in (0, 129) and self.chance(70):
                self.source = _PEER[self.family]
            ident = self.rng.choice((LIVE_ECHO, LIVE_ECHO, LIVE_ECHO + 1, 0, 0xFFFF))
            return (ICMP if v4 else ICMPV6), self.icmp(echo, self.rng.choice((0, 0, 0, 1, 255)),
                                                      struct.pack("!HH", ident, 1) + self.data())
        if v4:
            kind = self.rng.choice((0, 1, 5, 9, 10, 13, 14, 15, 17, 18, 30, 40, 255, self.rng.getrandbits(8)))
        else:
            kind = self.rng.choice((*range(127, 155), 0, 100, 200, 255, self.rng.getrandbits(8)))
        body = self.rng.randbytes(self.rng.choice((0, 3, 4, 16, 20, 24, 28)))
        if kind in (135, 136) and self.chance(50):
            body = bytes(4) + _HOST[6] + self.rng.choice((b"", b"\1\1" + PEER_MAC))
        return (ICMP if v4 else ICMPV6), self.icmp(kind, self.rng.choice((0, 0, 0, 1, 255)), body)

    def quoted_l4(self):
        """The protocol and first bytes of what an ICMP error quotes, as the host would have sent it."""
        kind = self.rng.choice((UDP, UDP, TCP, ICMP if self.family == 4 else ICMPV6, ESP, 132))
        size = self.rng.choice((8, 8, 8, 20, 4, 0, 7))
        if kind == UDP:
            ports = self.rng.choice((LIVE_UDP, LIVE_UDP, LIVE_UDP[::-1], (53, 40000), (54, 40000), (0, 0)))
        elif kind == TCP:
            ports = self.rng.choice((LIVE_TCP, LIVE_TCP, LIVE_TCP[::-1], (22, 40000), (23, 40000)))
        elif kind in (ICMP, ICMPV6):
            request = 8 if kind == ICMP else 128
            head = struct.pack("!BBHHH", self.rng.choice((request, request, 0, 3)), 0, 0, LIVE_ECHO, 1)
            return kind, (head + bytes(12))[:size]
        else:
            ports = (22, 22)
        length = 16 if kind == UDP else 0
        return kind, (struct.pack("!HHHH", *ports, length, 0) + bytes(12))[:size]

    def upper_error(self):
        v4 = self.family == 4
        if self.chance(75):
            self.source = _PEER[self.family]
        inner_source = _HOST[self.family] if self.chance(85) else self.rng.choice(_ODD_SOURCES[self.family])
        inner_destination = _PEER[self.family] if self.chance(85) else self.pool(self.family)
        protocol, l4 = self.quoted_l4()
        if v4:
            first = 0x45 if self.chance(92) else self.rng.choice((0x44, 0x46, 0x4F, 0x65))
            offset = self.rng.choice((0, 0x4000)) if self.chance(92) else self.rng.choice((1, 0x2000, 0x2001))
            inner = (struct.pack("!BBHHHBBH", first, 0, 20 + len(l4), 1, offset, 64, protocol, 0)
                     + inner_source + inner_destination)
            inner = inner[:10] + struct.pack("!H", checksum(inner)) + inner[12:] + l4
            kind = self.rng.choice((3, 3, 3, 4, 5, 11, 12))
            code = self.rng.choice((0, 1, 3, 4, 13, 255))
            return ICMP, self.icmp(kind, code, struct.pack("!HH", 0, self.rng.choice((0, 1400))) + inner)
        chain = b"" if self.chance(85) else bytes([protocol, 0, 1, 4, 0, 0, 0, 0])
        inner = (struct.pack("!IHBB", 6 << 28, len(chain) + len(l4), DEST if chain else protocol, 64) + inner_source
                 + inner_destination + chain + l4)
        kind = self.rng.choice((1, 1, 1, 2, 3, 4, 5, 100))
        return ICMPV6, self.icmp(kind, self.rng.choice((0, 1, 3, 4, 255)), struct.pack("!I", 1400) + inner)

    def upper_other(self):
        protocol = self.rng.choice((2, 4, 41, 47, ESP, ESP, ESP, AH, 132, 132, 136, 253, ICMP, ICMPV6, self.rng.getrandbits(8)))
        if protocol == 132:
            return protocol, struct.pack("!HHII", 40000, self.rng.choice((22, 23)), 0, 0) + self.data()
        return protocol, self.data()

    # ---- layer 3 ----

    def addresses(self):
        if self.chance(6):
            self.source = self.rng.choice(_ODD_SOURCES[self.family])
        if self.chance(6):
            self.destination = self.rng.choice(_ODD_DESTINATIONS[self.family])

    def ip_v4(self, protocol, payload, options, fragment=0, wrong=None):
        words = 5 + len(options) // 4
        total = words * 4 + len(payload)
        version = 4
        if wrong == "length":
            total = self.rng.choice((0, 19, 20, words * 4, total - 1, total + 1, 0xFFFF)) & 0xFFFF
        elif wrong == "words":
            words = self.rng.choice((0, 4, 5, 6, 15))
        elif wrong == "version":
            version = self.rng.choice((0, 5, 6, 15))
        service, limit = self.rng.choice((0, 0, 3, 255)), self.rng.choice((64, 64, 1, 0, 255))
        head = struct.pack("!BBHHHBBH", version << 4 | words, service, total, self.ident & 0xFFFF, fragment, limit, protocol, 0)
        head += self.source + self.destination + options
        total = checksum(head[: words * 4]) if wrong != "sum" else 0xBAD
        return head[:10] + struct.pack("!H", total) + head[12:] + payload

    def ip_v6(self, first, payload, wrong=None):
        length = len(payload)
        version = 6
        if wrong == "length":
            length = self.rng.choice((0, 1, 8, length - 1, length + 1, 0xFFFF)) & 0xFFFF
        elif wrong == "version":
            version = self.rng.choice((0, 4, 5, 15))
        limit = self.rng.choice((255, 255, 64, 1, 0))
        word = version << 28 | self.rng.choice((0, 255)) << 20 | LABEL << 16 | self.ident & 0xFFFF
        return struct.pack("!IHBB", word, length, first, limit) + self.source + self.destination + payload

    def v4_options(self):
        if self.chance(80):
            return b""
        return self.rng.choice(_IP_OPTIONS) if self.chance(85) else self.rng.randbytes(4 * self.rng.randint(1, 10))

    def v6_extension(self, kind, following):
        """One extension header, and a mistake in it now and then."""
        if kind == FRAGMENT:
            field = 0 if self.chance(70) else self.rng.choice((1, 8, 9, 2))
            return struct.pack("!BBHI", following, 0, field, self.ident)
        if kind == ROUTING:
            body = bytes([self.rng.choice((0, 2, 3, 4, 253)), self.rng.choice((0, 0, 0, 1))]) + bytes(4)
            return bytes([following, 0]) + body
        if kind == AH:
            return bytes([following, self.rng.choice((4, 4, 1, 0, 255))]) + bytes(22)
        body = self.rng.choice(_V6_OPTIONS)
        length = (len(body) + 2) // 8 - 1 if self.chance(95) else self.rng.choice((0, 1, 255))
        return bytes([following, length]) + body

    def v6_chain(self, protocol):
        """(first header's number, bytes of the chain) in front of `protocol`."""
        if self.chance(72):
            return protocol, b""
        count = self.rng.choice((1, 1, 1, 2, 2, 3, 4, 7, 8, 9, 12))
        choice = (DEST, DEST, DEST, ROUTING, FRAGMENT, AH, HBH) if count < 4 else (DEST,)
        kinds = [self.rng.choice(choice) for _ in range(count)]
        if self.chance(35):
            kinds[0] = HBH
        chain, following = b"", protocol
        for kind in reversed(kinds):
            chain = self.v6_extension(kind, following) + chain
            following = kind
        return following, chain

    def pieces(self, payload):
        """Cut into (offset, more, bytes), with the tricks of RFC 1858, 3128, 5722 and worse."""
        rng = self.rng
        step = rng.choice((8, 8, 16, 24, 24, 32, 40, 64, 256))
        cut = [(at, at + step < len(payload), payload[at : at + step]) for at in range(0, len(payload), step)][:MAX_PIECES]
        cut = cut or [(0, True, b"")]
        trick = rng.choice(_TRICKS)
        if trick == "reverse":
            cut.reverse()
        elif trick == "shuffle":
            rng.shuffle(cut)
        elif trick == "overlap":
            at = rng.choice((0, 8, step - 8, step))
            data = rng.randbytes(rng.choice((8, 16, step)))
            cut.insert(rng.randint(1, len(cut)), (max(0, at), rng.choice((True, False)), data))
        elif trick == "twice":
            cut.insert(rng.randint(1, len(cut)), cut[0])
        elif trick == "again":  # another first fragment, with another destination port
            offset, more, data = cut[0]
            cut.insert(rng.randint(0, 1), (offset, more, data[:2] + struct.pack("!H", rng.choice((22, 53, 54))) + data[4:]))
        elif trick == "no first" and len(cut) > 1:
            del cut[0]
        elif trick == "gap" and len(cut) > 2:
            del cut[1]
        elif trick == "ragged":
            offset, more, data = cut[0]
            cut[0] = (offset, more, data + b"x")
        elif trick == "far":
            cut.append((0xFFF8, False, rng.randbytes(rng.choice((1, 7, 8, 64)))))
        elif trick == "alone":
            cut = [(0, True, payload)]
        elif trick == "late twice":
            cut.append(cut[-1])
        elif trick == "second first":
            cut.insert(0, cut[-1])
        return cut

    def datagram(self, protocol, payload):
        """The IP packets of the case."""
        wrong = self.rng.choice(("length", "length", "words", "version", "sum")) if self.chance(8) else None
        split = self.chance(22)
        if self.family == 4:
            options = self.v4_options()
            if not split:
                return [self.ip_v4(protocol, payload, options, self.rng.choice((0, 0x4000, 0x8000)), wrong)]
            return [self.ip_v4(protocol, data, options if not at or self.chance(50) else b"", at // 8 | more << 13, wrong)
                    for at, more, data in self.pieces(payload)]
        first, chain = self.v6_chain(protocol)
        if not split:
            return [self.ip_v6(first, chain + payload, wrong)]
        before = b"" if self.chance(80) else self.v6_extension(DEST, FRAGMENT)
        outer = DEST if before else FRAGMENT
        return [self.ip_v6(outer, before + struct.pack("!BBHI", first, 0, at | more, self.ident) + data, wrong)
                for at, more, data in self.pieces(chain + payload)]

    # ---- layer 2 ----

    def ether(self, packet, tags):
        target = HOST_MAC
        if self.destination[0] >= 224 and self.family == 4 or self.destination[0] == 0xFF and self.family == 6:
            target = b"\xff" * 6
        head = target + PEER_MAC
        for kind, tag in tags:
            head += struct.pack("!HH", kind, tag)
        return head + struct.pack("!H", 0x0800 if self.family == 4 else 0x86DD) + packet

    def tags(self):
        if self.chance(90):
            return ()
        count = self.rng.choice((1, 1, 1, 2, 2, 3, 4))
        return [(self.rng.choice((0x8100, 0x88A8)), self.rng.choice((0, 0, 0, 0, 0xE000, 1, 4095))) for _ in range(count)]

    def damage(self, frame):
        """Cut, padded or with some bits flipped; but for the bits that identify the case."""
        if self.chance(40):
            return frame[: self.rng.randint(14, max(14, min(len(frame), 100)))]
        if self.chance(50):
            return frame + self.rng.randbytes(self.rng.randint(1, 60))
        kept = (18, 19) if self.family == 4 else (15, 16, 17)
        copy = bytearray(frame)
        for _ in range(self.rng.randint(1, 3)):
            at = self.rng.randint(12, len(copy) - 1)
            if at not in kept:
                copy[at] ^= 1 << self.rng.randint(0, 7)
        return bytes(copy)

    def frames(self):
        self.addresses()
        make = self.rng.choice((self.upper_udp,) * 6 + (self.upper_tcp,) * 6 + (self.upper_icmp,) * 3 + (self.upper_error,) * 3
                               + (self.upper_other,) * 2)
        packets = self.datagram(*make())
        tags = self.tags()
        frames = [self.ether(packet, tags) for packet in packets]
        if self.chance(12):
            at = self.rng.randrange(len(frames))
            frames[at] = self.damage(frames[at])
        return frames
