# SPDX-License-Identifier: GPL-2.0-only
"""The differences that are meant: who passes, how to tell the class by its frames, and why it is right.

Short on purpose. What is in none of these fails the run.
"""

from dissect import AH, ICMP, ICMPV6, TCP, UDP, dissect
from generate import ESP, LIVE_TCP, LIVE_UDP, REDIRECT, TCP_OPEN, UDP_OPEN

_ALLOWED = {TCP: {*TCP_OPEN, *range(8000, 8011), REDIRECT[0]}, UDP: {*UDP_OPEN, *range(6000, 6011), REDIRECT[0]}}
_MAX_HEADERS, _MAX_TAGS = 8, 2
_SYN, _ACK = 0x02, 0x10
HOP_BY_HOP, FRAGMENT, _RH0_TYPE = 0, 44, 0
_SOURCE_ROUTES = (0x83, 0x89)


def _any(test):
    """A property of one frame that any of the case may have."""
    return lambda facts: any(test(one) for one in facts)


def _is_no_request_to(one, ports):
    return one.flags is not None and one.ports[1] in ports and one.flags & (_SYN | _ACK) != _SYN


def _is_service_segment(one):
    return _is_no_request_to(one, _ALLOWED[TCP] - {REDIRECT[0]})


def _is_redirected_segment(one):
    return _is_no_request_to(one, REDIRECT[:1])


def _is_live_segment(one):
    return one.protocol == TCP and one.ports == LIVE_TCP[::-1]


def _quotes_service(one):
    quoted = one.quoted
    return bool(quoted and quoted.ports and quoted.ports[0] in _ALLOWED.get(quoted.protocol, ()))


def _is_other_error(one):
    kinds = {ICMP: (3, 11, 12), ICMPV6: (1, 2, 3, 4)}
    return one.quoted is not None and one.icmp_type not in kinds[one.protocol]


def _has_header(kind):
    return lambda one: any(number == kind for number, _ in one.chain)


def _has_rh0(one):
    return any(number == 43 and data[2] == _RH0_TYPE for number, data in one.chain)


def _is_deep(one):
    return len(one.chain) > _MAX_HEADERS


def _is_land(one):
    return one.family and one.source == one.destination


def _has_source_route(one):
    return any(byte in _SOURCE_ROUTES for byte in one.options)


def _has_many_tags(one):
    return len(one.tags) > _MAX_TAGS


def _are_fragments(facts):
    return any(one.fragment for one in facts)


def _is_mapped(one):
    return one.family == 6 and any(address[:12] == bytes(10) + b"\xff\xff" for address in (one.source, one.destination))


def _is_coded_echo_reply(one):
    return one.icmp_type is not None and one.icmp_type == {ICMP: 0, ICMPV6: 129}[one.protocol] and one.l4[1:2] != b"\0"


def _has_reserved_byte(one):
    return any(kind == FRAGMENT and (data[1] or data[3] & 6) for kind, data in one.chain)


def _is_short_udp(one):
    return one.protocol == UDP and len(one.l4) >= 8 and int.from_bytes(one.l4[4:6], "big") < len(one.l4)


def _is_without_length(one):
    return one.family == 6 and one.length == 0 and any(kind == HOP_BY_HOP for kind, _ in one.chain)


def _quotes_other_version(one):
    return one.quoted is not None and one.family == 4 and one.l4[8:9] > b"\x4f"


def _is_from_loopback(one):
    return one.family == 4 and one.source[0] == 127


def _overtakes(facts):
    """A later fragment before the first, or two first ones, of which one may be atomic."""
    offsets = [one.fragments[0][0] for one in facts if one.fragments]
    return _are_fragments(facts) and (any(offsets[:1]) or offsets.count(0) > 1)


def _is_fragment_behind_headers(one):
    return one.family == 6 and FRAGMENT in [kind for kind, _ in one.chain][1:]


# (passed by, name, test of a case's frames, reason)
CLASSES = (
    ("xdpfw", "tcp-service", _any(_is_service_segment),
     "A port that is let in has no state: what conntrack calls an invalid segment reaches the kernel, which judges it."),
    ("xdpfw", "tcp-live", _any(_is_live_segment),
     "The socket of the connection judges sequence numbers (RFC 5961), not a table beside it."),
    ("xdpfw", "redirect-segment", _any(_is_redirected_segment),
     "Of a connection that an earlier case has begun: the socket behind judges sequence numbers, conntrack has forgotten it."),
    ("xdpfw", "error-service", _any(_quotes_service),
     "An ICMP error about what leaves from a port that is let in: there is no state to ask. The kernel looks for the socket."),
    ("xdpfw", "echo-code", _any(_is_coded_echo_reply),
     "conntrack counts the code of an echo reply as part of its flow; xdpfw and the kernel do not read it."),
    ("xdpfw", "auth-header", _any(_has_header(AH)),
     "xdpfw judges what an authentication header carries, nftables the header. Without a key the kernel delivers neither."),
    ("xdpfw", "fragment-behind-options", _any(_is_fragment_behind_headers),
     "conntrack's reassembly loses what has destination options before the fragment header, as RFC 8200 4.1 allows."),
    ("xdpfw", "fragment-reserved", _any(_has_reserved_byte),
     "RFC 8200 4.5: the reserved bits of a fragment header are ignored on receipt. conntrack's reassembly stumbles over them."),
    ("xdpfw", "udp-length", _any(_is_short_udp),
     "conntrack sums up what lies behind the UDP datagram as well; RFC 768 does not, nor does the kernel."),
    ("xdpfw", "fragment-order", _overtakes,
     "xdpfw drops fragments that overtake the first one, and atomic ones apart (RFC 6946): what is left is a datagram."),
    ("nft", "redirect-midway", _any(_is_redirected_segment),
     "conntrack picks up a connection that it has not seen begin; a forward is given one by its SYN, and drops others as no-state."),
    ("nft", "fragment-behind-options", _any(_is_fragment_behind_headers),
     "conntrack's reassembly drops the headers in front of the fragment header with the mistakes in them."),
    ("nft", "no-length", _any(_is_without_length),
     "Length 0 with hop-by-hop options announces a jumbogram, which this is not; the kernel takes the frame's length."),
    ("nft", "error-version", _any(_quotes_other_version), "conntrack does not read the version in the quoted header."),
    ("nft", "loopback-source", _any(_is_from_loopback), "The kernel lets 127/8 through to the broadcast address."),
    ("nft", "fragment-order", _are_fragments,
     "xdpfw passes later fragments behind their first one only, and none that reach back into it or follow a second first."),
    ("nft", "error-type", _any(_is_other_error),
     "Redirects, source quench (RFC 6633) and unknown ICMPv6 errors belong to no flow in xdpfw; conntrack calls them related."),
    ("nft", "many-tags", _any(_has_many_tags), "More VLAN tags than two: nobody needs them."),
    ("nft", "many-headers", _any(_is_deep), "More extension headers than eight: nobody needs them."),
    ("nft", "routing-header-0", _any(_has_rh0), "RFC 5095: dropped also where it has no segments left."),
    ("nft", "mapped-address", _any(_is_mapped), "A v4-mapped address on the wire poses as IPv4 to what stands behind."),
    ("nft", "land", _any(_is_land), "Source equals destination; the kernel takes it in IPv6, and from a broadcast address."),
    ("nft", "source-route", _any(_has_source_route), "RFC 7126 3.2."),
    ("nft", "auth-header", _any(_has_header(AH)), "See above."),
)


def _is_essential(one):
    """Answers to a DHCP client, and mDNS."""
    return one.protocol == UDP and (one.ports in ((67, 68), (547, 546)) or bool(one.ports) and one.ports[1] == 5353)


def _is_permitted(one):
    """Might the policy or something that lives let it in, by its own header? Whatever else is said of it."""
    if one.fragment and one.fragment[0]:
        return False
    if one.protocol in (ICMP, ICMPV6, ESP):
        return True
    if _is_essential(one):
        return True
    live = {TCP: LIVE_TCP, UDP: LIVE_UDP}.get(one.protocol)
    return bool(one.ports) and (one.ports == live[::-1] or one.ports[1] in _ALLOWED.get(one.protocol, ())) if live else False


def explain(frames, passer):
    """The name of the class of a difference; None if it has none."""
    facts = [dissect(frame) for frame in frames]
    if passer == "xdpfw" and not any(map(_is_permitted, facts)):
        return None  # a hole, in whatever class
    for side, name, test, _ in CLASSES:
        if passer in (side, "both") and test(facts):
            return name
    return None
