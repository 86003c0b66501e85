# SPDX-License-Identifier: GPL-2.0-only
"""`forward A:B` links two local ports: requests to A arrive at B and requests to B at A."""

import os

import pytest

import frames
import lab
import traffic


@pytest.fixture
def linked(loaded):
    """(firewall, a, b) with `forward a:b` in force and nothing else allowed."""
    a, b = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", "default deny out", f"forward {a}:{b}")
    yield loaded, a, b
    for side in (loaded.net.peer, loaded.net.host):
        loaded.net.offloads(side, tx="on")


def both_ways(a, b):
    """(asked, served) for each direction of the link."""
    return ((a, b), (b, a))


def test_udp_link(linked, family):
    fw, a, b = linked
    for asked, served in both_ways(a, b):
        server = traffic.udp(fw.net.host, family, served)
        client = traffic.udp(fw.net.peer, family)
        assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)


def test_tcp_link(linked, family):
    fw, a, b = linked
    for asked, served in both_ways(a, b):
        server = traffic.listen(fw.net.host, family, served)
        one, two = traffic.tcp_pair(fw.net.peer, server, family, family.host, asked)
        assert one.getpeername()[1] == asked and two.getsockname()[1] == served
        assert traffic.flows(one, two) and traffic.flows(two, one)


def test_both_servers_at_once(linked, family):
    """Servers on both ports simply change places, for one client at the same time."""
    fw, a, b = linked
    servers = {port: traffic.udp(fw.net.host, family, port) for port in (a, b)}
    client = traffic.udp(fw.net.peer, family)
    for asked, served in both_ways(a, b):
        assert traffic.udp_echo(client, servers[served], (family.host, asked)) == (family.host, asked)


@pytest.mark.parametrize("tx", ["on", "off"])
def test_bulk(linked, family, tx):
    """Megabytes, compared; with the sender's checksum offload on and off (TRAPS 22)."""
    fw, a, b = linked
    fw.net.offloads(fw.net.peer, tx=tx)
    fw.net.offloads(fw.net.host, tx=tx)
    data = os.urandom(4 << 20)
    for asked, served in both_ways(a, b):
        server = traffic.listen(fw.net.host, family, served)
        one, two = traffic.tcp_pair(fw.net.peer, server, family, family.host, asked)
        assert traffic.bulk(one, two, data) == data, f"upload to {asked}"
        assert traffic.bulk(two, one, data) == data, f"download from {asked}"


@pytest.mark.parametrize("tx", ["on", "off"])
def test_udp_sizes(linked, family, tx):
    """Odd and even lengths, empty, full, and fragmented datagrams keep their checksums."""
    fw, a, b = linked
    fw.net.offloads(fw.net.peer, tx=tx)
    fw.net.offloads(fw.net.host, tx=tx)
    server = traffic.udp(fw.net.host, family, b)
    client = traffic.udp(fw.net.peer, family)
    for size in (0, 1, 2, 3, 17, 1000, 1452, 1472 if family is lab.V4 else 1452):
        assert traffic.udp_echo(client, server, (family.host, a), size=size) == (family.host, a), size


def test_zero_checksum_stays_zero(linked):
    """UDP over IPv4 without a checksum must not get a wrong one (TRAPS 23)."""
    fw, a, b = linked
    server = traffic.udp(fw.net.host, lab.V4, b)
    traffic.Wire(fw.net, "peer").send(frames.udp_frame(lab.V4, 40002, a, b"no sum", zero_checksum=True))
    assert traffic.receive(server)[0] == b"no sum"


def test_computed_zero_is_sent_as_ffff(linked, family):
    """A sum that comes out as 0 would say "no checksum", which IPv6 does not take (TRAPS 23)."""
    fw, a, b = linked
    server = traffic.udp(fw.net.host, family, b)
    wire = traffic.Wire(fw.net, "peer")
    base = frames.udp(family.peer, family.host, 40003, b, bytes(2))
    data = base[6:8]  # the sum without it, so that the rewritten datagram's own sum is 0
    wire.send(frames.udp_frame(family, 40003, a, data))
    assert traffic.receive(server)[0] == data


def test_errors_speak_of_the_asked_port(linked, family):
    """Nothing listens on B: the ICMP error about it must name A, or the client never learns (TRAPS 19)."""
    fw, a, _ = linked
    client = traffic.udp(fw.net.peer, family)
    client.connect((family.host, a))
    client.send(b"anyone?")
    client.settimeout(lab.PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        client.recv(1)


def test_closed_port_behind_a_link_refuses(linked, family):
    fw, a, _ = linked
    assert traffic.tcp_answer(fw.net.peer, family, family.host, a, "refused") == "refused"


def test_path_mtu_errors_find_the_socket(linked, family):
    """A router's "too big" speaks of the port on the wire; the host must see its own (TRAPS 19)."""
    fw, a, b = linked
    server = traffic.listen(fw.net.host, family, b)
    one, two = traffic.tcp_pair(fw.net.peer, server, family, family.host, a)
    wire = traffic.Wire(fw.net, "peer")
    assert traffic.flows(two, one)
    sent = wire.answer(lambda frame: frames.is_port(frames.TCP, a)(frame) and len(frame) > 14 + family.header + 32)
    wire.send(too_big(family, a, one.getsockname()[1], frames.next_sequence(family, sent), 1300))

    def learned():
        return "mtu 1300" in fw.net.host.run("ip", "route", "get", family.peer).stdout

    try:
        assert traffic.eventually(learned), "the host has not learned the path MTU"
    finally:
        for words in (("-4",), ("-6",)):
            fw.net.host.run("ip", *words, "route", "flush", "cache")


def too_big(family, sport, dport, seq, mtu):
    """What a router says that could not pass on a packet of the host's."""
    inner = frames.ip(
        family,
        family.host,
        family.peer,
        frames.TCP,
        frames.tcp(family.host, family.peer, sport, dport, frames.ACK, seq=seq),
    )
    message = frames.icmp_for(
        family, (3, 2), 4 if family is lab.V4 else 0, mtu.to_bytes(4, "big") + inner, family.peer, family.host
    )
    protocol = frames.ICMP if family is lab.V4 else frames.ICMPV6
    return frames.ether(family, frames.ip(family, family.peer, family.host, protocol, message))


def test_protocol_of_a_link(loaded, family):
    a, b = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", f"forward {a}:{b}/tcp")
    traffic.listen(loaded.net.host, family, b)
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, a) == "open"
    server = traffic.udp(loaded.net.host, family, b)
    client = traffic.udp(loaded.net.peer, family)
    assert not traffic.udp_passes(client, server, (family.host, a), expect=False)


def test_delete_forward(linked, family):
    fw, a, b = linked
    traffic.listen(fw.net.host, family, b)
    assert traffic.tcp_answer(fw.net.peer, family, family.host, a) == "open"
    fw(f"delete forward {a}:{b}")
    assert fw.json("status")["forwards"] == []
    assert traffic.tcp_answer(fw.net.peer, family, family.host, a, "timeout") == "timeout"
    fw(f"allow in {a},{b}")
    assert traffic.tcp_answer(fw.net.peer, family, family.host, a, "refused") == "refused", "no longer linked"
    assert traffic.tcp_answer(fw.net.peer, family, family.host, b) == "open"


def test_rule_overrules_a_forward(loaded, family):
    """A forward is an allow *after* all rules; rules speak of the port on the wire."""
    a, b = traffic.fresh_port(), traffic.fresh_port()
    traffic.listen(loaded.net.host, family, a)
    traffic.listen(loaded.net.host, family, b)
    loaded.policy("default deny in", f"deny in {a}", f"forward {a}:{b}")
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, a, "timeout") == "timeout"
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, b) == "open"


def test_link_leaves_other_ports_alone(linked, family):
    fw, _, _ = linked
    port = traffic.fresh_port()
    fw(f"allow in {port}")
    server = traffic.udp(fw.net.host, family, port)
    assert traffic.udp_echo(traffic.udp(fw.net.peer, family), server, (family.host, port)) == (family.host, port)


def test_host_as_client_with_a_linked_port(loaded, family):
    """An ephemeral port that happens to be A is swapped both ways, so the answer comes home."""
    a, b, port = (traffic.fresh_port() for _ in range(3))
    loaded.policy("default deny in", f"forward {a}:{b}")
    server = traffic.listen(loaded.net.peer, family, port)
    one = traffic.connect(loaded.net.host, family, family.peer, port, source_port=a)
    two, sender = loaded.net.peer.accept(server)
    assert sender[1] == b, "on the wire it is the other port"
    assert traffic.flows(one, two) and traffic.flows(two, one)
