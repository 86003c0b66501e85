# SPDX-License-Identifier: GPL-2.0-only
"""Frames that no socket sends. test_linux.py shows that Linux takes those of `crafted`."""

import socket
import struct

import pytest

import frames
import lab
import traffic
from crafted import DELIVERED, deliverable

ALL_HOSTS = bytes.fromhex("ffffffffffff")


@pytest.fixture
def wire(loaded):
    return traffic.Wire(loaded.net, "peer")


@pytest.mark.parametrize("name", DELIVERED)
def test_understood_wherever_the_ports_stand(loaded, wire, name):
    """Dropped for a denied port, delivered for an allowed one, whatever stands before the ports."""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {opened}")
    family, build = deliverable(name)
    shut, server = traffic.udp(loaded.net.host, family, closed), traffic.udp(loaded.net.host, family, opened)
    wire.send(build(closed, b"denied"), build(opened, b"allowed"))
    assert traffic.receive(server)[0] == b"allowed"
    assert traffic.nothing_came(shut)


@pytest.mark.parametrize("name", DELIVERED)
def test_understood_in_pages(loaded, name):
    """The same where no header is in the linear part of the skb; and the port of a link is rewritten there."""
    opened, closed, asked, served = (traffic.fresh_port() for _ in range(4))
    loaded.policy("default deny in", f"allow in {opened}", f"forward {asked}:{served}")
    family, build = deliverable(name)
    shut, server, linked = (traffic.udp(loaded.net.host, family, port) for port in (closed, opened, served))
    wire = traffic.PagedWire(loaded.net)
    wire.send(build(closed, b"denied"), build(opened, b"allowed"))
    wire.send(build(asked, b"linked"))
    assert traffic.receive(server)[0] == b"allowed"
    assert traffic.receive(linked)[0] == b"linked"
    assert traffic.nothing_came(shut)


@pytest.mark.parametrize("name", [name for name in DELIVERED if "plain" not in name])
def test_blocked_wherever_the_address_stands(loaded, wire, name):
    family, build = deliverable(name)
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {port}", f"block {family.peer}")
    server = traffic.udp(loaded.net.host, family, port)
    wire.send(build(port, b"blocked"))
    assert traffic.nothing_came(server)


def dropped_for(loaded, wire, reason, *packets):
    """Each of the frames is dropped, for that reason."""
    before = loaded.drops()
    wire.send(*packets)

    def difference():
        now = loaded.drops()
        return {name: now[name] - before.get(name, 0) for name in now if now[name] != before.get(name, 0)}

    # The peer may speak of its own accord (MLD, ND): only drops are compared, and those never are dropped.
    traffic.eventually(lambda: sum(difference().values()) >= len(packets), 1)
    assert difference() == {reason: len(packets)}


def padded(frame):
    return frame + bytes(max(0, 60 - len(frame)))


@pytest.mark.parametrize(
    "flags",
    [0, frames.FIN, frames.SYN | frames.FIN, frames.SYN | frames.RST, frames.FIN | frames.PSH | frames.URG, 0xFF],
    ids=["null", "fin", "syn+fin", "syn+rst", "xmas", "all"],
)
def test_tcp_nonsense(loaded, wire, family, flags):
    """TRAPS 11: no stack sends these, whether the port is open or not."""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {opened}")
    dropped_for(
        loaded,
        wire,
        "tcp-flags",
        frames.tcp_frame(family, 40010, opened, flags),
        frames.tcp_frame(family, 40010, closed, flags),
    )


def test_ecn_setup_is_fine(loaded, wire, family):
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {port}")
    traffic.listen(loaded.net.host, family, port)
    wire.send(frames.tcp_frame(family, 40011, port, frames.SYN | frames.ECE | frames.CWR))
    assert wire.answer(frames.is_port(frames.TCP, 40011)), "no SYN-ACK"


def test_impossible_sources(loaded, wire, family):
    """TRAPS 10: the host itself, loopback, and mapped addresses do not come by wire."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {port}")
    server = traffic.udp(loaded.net.host, family, port)
    sources = [family.host] + (["127.0.0.1"] if family is lab.V4 else ["::1", "::ffff:192.0.2.2"])
    dropped_for(
        loaded, wire, "bad-address", *(frames.udp_frame(family, port, port, b"land", src=source) for source in sources)
    )
    assert traffic.nothing_came(server)


def test_port_zero(loaded, wire, family):
    loaded.policy("default allow in")
    dropped_for(loaded, wire, "port-zero", frames.udp_frame(family, 40012, 0))


def test_source_routing(loaded, wire):
    """TRAPS 3: an RH0 is never honoured; LSRR neither."""
    port = traffic.fresh_port()
    loaded.policy("default allow in")
    rh0 = (frames.ROUTING, bytes([0, 0]) + bytes(4))
    lsrr = b"\x83\x07\x04" + frames.packed(lab.V4.peer)
    dropped_for(loaded, wire, "routing-header", frames.udp_frame(lab.V6, 40013, port, headers=[rh0]))
    dropped_for(loaded, wire, "routing-header", frames.udp_frame(lab.V4, 40013, port, options=lsrr))


def test_long_chains_end(loaded, wire):
    """TRAPS 2: Linux walks forty of them; what we do not walk we do not pass."""
    port = traffic.fresh_port()
    loaded.policy("default deny in")
    receiver = traffic.udp(loaded.net.host, lab.V6, port)
    chain = [(frames.DEST_OPTS, frames.extension())] * 40
    wire.send(frames.udp_frame(lab.V6, 40014, port, b"deep", headers=chain))
    assert traffic.nothing_came(receiver)


def test_deep_tags_end(loaded, wire, family):
    """TRAPS 5."""
    port = traffic.fresh_port()
    loaded.policy("default deny in")
    receiver = traffic.udp(loaded.net.host, family, port)
    for depth in (2, 3, 4, 5, 8):
        wire.send(frames.udp_frame(family, 40015, port, b"deep", tags=[(frames.VLAN, 0)] * depth))
    assert traffic.nothing_came(receiver)


def test_fake_ports_behind_the_datagram(loaded, wire, family):
    """TRAPS 6: bounds come from the IP header. A datagram too short for ports has none, whatever follows."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {port}")
    trailer = frames.udp(family.peer, family.host, 40016, port, b"fake")
    packet = frames.ip(family, family.peer, family.host, frames.UDP, b"\x9c\x40")
    dropped_for(loaded, wire, "bad-length", padded(frames.ether(family, packet + trailer)))


# ---- fragments ----------------------------------------------------------


def fragments(family, segment, cut, ident=99):
    """One datagram in two fragments."""
    first, second = segment[:cut], segment[cut:]
    out = []
    for offset, part, more in ((0, first, 1), (cut // 8, second, 0)):
        if family is lab.V4:
            packet = frames.ipv4(
                family.peer, family.host, frames.UDP, part, fragment=offset | (0x2000 if more else 0), ident=ident
            )
        else:
            head = (frames.FRAGMENT, struct.pack("!HI", offset << 3 | more, ident))
            packet = frames.ipv6(family.peer, family.host, frames.UDP, part, headers=[head])
        out.append(padded(frames.ether(family, packet)))
    return out


def test_fragments_follow_the_first(loaded, wire, family):
    """TRAPS 8."""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {opened}")
    for ident, port, expect in ((opened, opened, True), (closed, closed, False)):
        receiver = traffic.udp(loaded.net.host, family, port)
        segment = frames.udp(family.peer, family.host, 40017, port, bytes(48))
        wire.send(*fragments(family, segment, 24, ident))
        if expect:
            assert traffic.receive(receiver)[0] == bytes(48)
        else:
            assert traffic.nothing_came(receiver)


def test_first_fragment_must_hold_the_ports(loaded, wire):
    """RFC 1858. (An IPv6 fragment holds at least 8 bytes, so UDP's ports always fit.)"""
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {port}")
    segment = frames.tcp(lab.V4.peer, lab.V4.host, 40018, port, frames.SYN)
    first = frames.ipv4(lab.V4.peer, lab.V4.host, frames.TCP, segment[:8], fragment=0x2000, ident=7)
    dropped_for(loaded, wire, "bad-fragment", padded(frames.ether(lab.V4, first)))


# ---- ICMP ---------------------------------------------------------------


def icmp_frame(family, kinds, code, body, src=None, dst=None, **more):
    src, dst = src or family.peer, dst or family.host
    message = frames.icmp_for(family, kinds, code, body, src, dst)
    protocol = frames.ICMP if family is lab.V4 else frames.ICMPV6
    return frames.ether(family, frames.ip(family, src, dst, protocol, message, **more))


def unreachable(family, inner_src, inner_dst, sport, dport):
    """ "Port unreachable" about a datagram between the given ends."""
    inner = frames.ip(family, inner_src, inner_dst, frames.UDP, frames.udp(inner_src, inner_dst, sport, dport, b"x"))
    return icmp_frame(family, (3, 1), 3 if family is lab.V4 else 4, bytes(4) + inner)


def test_icmp_errors_need_a_flow(loaded, wire, family):
    """TRAPS 19: an error passes for what this host really sent, and for nothing else."""
    loaded.policy("default deny in")
    asked, unasked = traffic.fresh_port(), traffic.fresh_port()
    traffic.udp(loaded.net.peer, family, asked)
    client = traffic.udp(loaded.net.host, family)
    client.connect((family.peer, asked))
    client.send(b"question")
    mine = client.getsockname()[1]
    dropped_for(loaded, wire, "icmp-unknown", unreachable(family, family.host, family.peer, mine, unasked))
    dropped_for(loaded, wire, "icmp-unknown", unreachable(family, family.host, family.other, mine, asked))
    wire.send(unreachable(family, family.host, family.peer, mine, asked))
    client.settimeout(lab.PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        client.recv(1)


def test_icmp_error_for_another_host_inside(loaded, wire, family):
    """CVE-2019-5598: the inner source must be the outer destination."""
    loaded.policy("default deny in")
    port = traffic.fresh_port()
    traffic.udp(loaded.net.peer, family, port)
    client = traffic.udp(loaded.net.host, family)
    traffic.send(client, b"question", (family.peer, port))
    stranger = "198.51.100.7" if family is lab.V4 else "2001:db8:1::7"
    dropped_for(loaded, wire, "icmp-unknown", unreachable(family, stranger, family.peer, client.getsockname()[1], port))


def test_unasked_echo_reply(loaded, wire, family):
    """It carries data in, to nobody's question."""
    loaded.policy("default deny in")
    before = sum(loaded.drops().values())
    wire.send(icmp_frame(family, (0, 129), 0, struct.pack("!HH", traffic.fresh_port(), 1) + bytes(32)))
    assert traffic.eventually(lambda: sum(loaded.drops().values()) == before + 1)


def test_neighbour_discovery_from_afar(loaded, wire):
    """TRAPS 20: ND is essential with hop limit 255 only; a router could have sent anything less."""
    loaded.policy("default deny in")
    target = frames.packed(lab.V6.host)
    for limit, expect in ((255, True), (64, False)):
        body = bytes(4) + target + b"\x01\x01" + frames.PEER_MAC
        before = sum(loaded.drops().values())
        wire.drain(0.05)
        wire.send(icmp_frame(lab.V6, (0, 135), 0, body, hop_limit=limit))
        if expect:
            assert wire.answer(lambda frame: frame[12:14] == b"\x86\xdd" and frame[54] == 136), "no advertisement"
        else:
            assert traffic.eventually(lambda: sum(loaded.drops().values()) == before + 1)


# ---- DHCP and mDNS ------------------------------------------------------


def test_dhcp_answers_reach_the_client(loaded, wire):
    """TRAPS 21: they match no flow: to a broadcast, or to an address the host does not have yet."""
    loaded.policy("default deny in")
    client = traffic.udp(loaded.net.host, lab.V4, 68)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    wire.send(frames.udp_frame(lab.V4, 67, 68, b"offer", dst="255.255.255.255", dst_mac=ALL_HOSTS))
    assert traffic.receive(client)[0] == b"offer"
    wire.send(frames.udp_frame(lab.V4, 67, 68, b"ack"))
    assert traffic.receive(client)[0] == b"ack"
    other = traffic.udp(loaded.net.host, lab.V4, 69)
    wire.send(frames.udp_frame(lab.V4, 67, 69, b"no", dst="255.255.255.255", dst_mac=ALL_HOSTS))
    assert traffic.nothing_came(other), "only to the DHCP client's port"


def test_dhcpv6_answers_reach_the_client(loaded, wire):
    loaded.policy("default deny in")
    client = traffic.udp(loaded.net.host, lab.V6, 546)
    server = "fe80::ff:fe00:2"
    wire.send(frames.udp_frame(lab.V6, 547, 546, b"reply", src=server, dst=lab.V6.host_linklocal))
    assert traffic.receive(client)[0] == b"reply"
    other = traffic.udp(loaded.net.host, lab.V6, 545)
    wire.send(frames.udp_frame(lab.V6, 547, 545, b"no", src=server, dst=lab.V6.host_linklocal))
    assert traffic.nothing_came(other)


def test_dhcp_client_may_ask(loaded):
    """Also under deny out: without an address there is no network to filter."""
    loaded.policy("default deny in", "default deny out")
    client = traffic.udp(loaded.net.host, lab.V4, 68)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, lab.IFACE.encode())
    server = traffic.udp(loaded.net.peer, lab.V4, 67)
    assert traffic.udp_passes(client, server, ("255.255.255.255", 67))


def test_mdns_by_courtesy(loaded, wire, family):
    """TRAPS 21: answers come from elsewhere than the query went. A rule overrules courtesy."""
    group, mac = ("224.0.0.251", "01005e0000fb") if family is lab.V4 else ("ff02::fb", "3333000000fb")
    loaded.policy("default deny in")
    member = traffic.udp(loaded.net.host, family, 5353)
    if family is lab.V4:
        join = socket.inet_aton(group) + socket.inet_aton(family.host)
        member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, join)
    else:
        with loaded.net.host.entered():
            index = socket.if_nametoindex(lab.IFACE)
        join = frames.packed(group) + struct.pack("@I", index)
        member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, join)
    answer = frames.udp_frame(family, 5353, 5353, b"mdns", dst=group, dst_mac=bytes.fromhex(mac))
    wire.send(answer)
    assert traffic.receive(member)[0] == b"mdns"
    loaded("deny in 5353")
    wire.send(answer)
    assert traffic.nothing_came(member)
