# SPDX-License-Identifier: GPL-2.0-only
"""What a frame is, for telling which class a difference belongs to. Written apart from bpf/parse.h, and never in a hurry."""

import struct
from dataclasses import dataclass, field

ICMP, TCP, UDP, AH, ICMPV6, SCTP = 1, 6, 17, 51, 58, 132
_EXTENSIONS = (0, 43, 44, 51, 60)
_V4_ERRORS, _V6_ERRORS = (3, 4, 5, 11, 12), range(0, 128)


@dataclass
class Facts:
    family: int = 0  # of a packet whose IP header is whole
    tags: list = field(default_factory=list)
    source: bytes = b""
    destination: bytes = b""
    length: int = 0  # what the IP header claims: IPv4's total, IPv6's payload
    options: bytes = b""
    chain: list = field(default_factory=list)  # (extension header's number, its bytes)
    fragments: list = field(default_factory=list)  # (offset, more) of each fragment header
    protocol: int = -1
    l4: bytes = b""

    @property
    def fragment(self):
        """(offset, more) of what is a fragment, None for a packet that is whole."""
        return next((one for one in self.fragments if any(one)), None)

    @property
    def ports(self):
        whole = self.protocol in (TCP, UDP, SCTP) and len(self.l4) >= 4
        return struct.unpack("!HH", self.l4[:4]) if whole else None

    @property
    def flags(self):
        return self.l4[13] if self.protocol == TCP and len(self.l4) >= 14 else None

    @property
    def icmp_type(self):
        return self.l4[0] if self.protocol in (ICMP, ICMPV6) and self.l4 else None

    @property
    def quoted(self):
        """The packet that an ICMP error quotes."""
        errors = {ICMP: _V4_ERRORS, ICMPV6: _V6_ERRORS}.get(self.protocol, ())
        return _dissect_ip(self.family, self.l4[8:], Facts()) if self.icmp_type in errors else None


def dissect(frame):
    facts, at = Facts(), 12
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        facts.tags.append(int.from_bytes(frame[at + 2 : at + 4], "big") & 0xFFF)
        at += 4
    family = {b"\x08\x00": 4, b"\x86\xdd": 6}.get(frame[at : at + 2])
    return _dissect_ip(family, frame[at + 2 :], facts) if family else facts


def _dissect_ip(family, packet, facts):
    if family == 4 and len(packet) >= 20:
        facts.family = 4
        header = (packet[0] & 15) * 4
        facts.length, flags = struct.unpack("!H2xH", packet[2:8])
        facts.fragments = [((flags & 0x1FFF) * 8, flags >> 13 & 1)]
        facts.source, facts.destination, facts.options = packet[12:16], packet[16:20], packet[20:header]
        facts.protocol, facts.l4 = packet[9], packet[header : max(facts.length, header)]
    elif family == 6 and len(packet) >= 40:
        facts.family = 6
        facts.length, facts.protocol = struct.unpack("!HB", packet[4:7])
        facts.source, facts.destination = packet[8:24], packet[24:40]
        facts.l4 = packet[40 : 40 + facts.length] if facts.length else packet[40:]
        _walk(facts)
    return facts


def _walk(facts):
    while facts.protocol in _EXTENSIONS and len(facts.l4) >= 8:
        kind, size = facts.protocol, (facts.l4[1] + 1) * 8
        if kind == 44:
            field_, size = int.from_bytes(facts.l4[2:4], "big"), 8
            facts.fragments.append((field_ & 0xFFF8, field_ & 1))
        elif kind == AH:
            size = (facts.l4[1] + 2) * 4
        facts.chain.append((kind, facts.l4[:size]))
        facts.protocol, facts.l4 = facts.l4[0], facts.l4[size:]
        if kind == 44 and facts.fragments[-1][0]:
            break
