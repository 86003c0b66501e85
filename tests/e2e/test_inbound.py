# SPDX-License-Identifier: GPL-2.0-only
"""Requests from outside, and the answers to what this host asked for."""

import errno
import socket

import frames
import lab
import traffic


def reaches_tcp(fw, family, port, expect="open"):
    return traffic.tcp_answer(fw.net.peer, family, family.host, port, expect)


def reaches_udp(fw, family, port, expect=True):
    receiver = traffic.udp(fw.net.host, family, port)
    passed = traffic.udp_passes(traffic.udp(fw.net.peer, family), receiver, (family.host, port), expect=expect)
    receiver.close()
    return passed


def test_default_denies_and_allow_opens(loaded, family):
    port = traffic.fresh_port()
    traffic.listen(loaded.net.host, family, port)
    loaded.policy("default deny in")
    assert reaches_tcp(loaded, family, port, "timeout") == "timeout"
    assert not reaches_udp(loaded, family, port, expect=False)
    loaded(f"allow in {port}")
    assert reaches_tcp(loaded, family, port) == "open"
    assert reaches_udp(loaded, family, port)


def test_ssh(loaded, family):
    """The first thing everyone types."""
    traffic.listen(loaded.net.host, family, 22)
    loaded.policy("default deny in", "allow in 22")
    assert reaches_tcp(loaded, family, 22) == "open"


def test_new_instance_denies_in_and_allows_out(fw, mode, family):
    """Nobody said anything yet: in deny, out allow."""
    port = traffic.fresh_port()
    traffic.listen(fw.net.host, family, port)
    traffic.listen(fw.net.peer, family, port)
    fw.load(mode)
    assert reaches_tcp(fw, family, port, "timeout") == "timeout"
    assert traffic.tcp_answer(fw.net.host, family, family.peer, port) == "open"


def test_protocols_are_apart(loaded, family):
    tcp_only, udp_only = traffic.fresh_port(), traffic.fresh_port()
    for port in (tcp_only, udp_only):
        traffic.listen(loaded.net.host, family, port)
    loaded.policy("default deny in", f"allow in {tcp_only}/tcp", f"allow in {udp_only}/udp")
    assert reaches_tcp(loaded, family, tcp_only) == "open"
    assert reaches_udp(loaded, family, udp_only)
    assert reaches_tcp(loaded, family, udp_only, "timeout") == "timeout"
    assert not reaches_udp(loaded, family, tcp_only, expect=False)


def test_first_match_decides(loaded, family):
    ports = [traffic.fresh_port() for _ in range(3)]
    loaded.policy("default deny in", f"deny in {ports[1]}", f"allow in {ports[0]}-{ports[2]}", f"deny in {ports[2]}")
    assert [reaches_udp(loaded, family, port, expect=port != ports[1]) for port in ports] == [True, False, True]


def test_ranges_and_lists_end_where_they_say(loaded, family):
    ports = [traffic.fresh_port() for _ in range(9)]
    inside = {ports[1], ports[2], ports[3], ports[5], ports[7]}
    loaded.policy("default deny in", f"allow in {ports[5]},{ports[1]}-{ports[3]},{ports[7]}")
    assert {port for port in ports if reaches_udp(loaded, family, port, expect=port in inside)} == inside


def test_last_port(loaded, family):
    loaded.policy("default deny in", "allow in 65535")
    assert reaches_udp(loaded, family, 65535)


def test_service_names(loaded, family):
    """A service has the protocols of /etc/services: http is tcp, domain both."""
    traffic.listen(loaded.net.host, family, 80)
    loaded.policy("default deny in", "allow in http", "allow in domain")
    assert reaches_tcp(loaded, family, 80) == "open"
    assert not reaches_udp(loaded, family, 80, expect=False)
    assert reaches_udp(loaded, family, 53)


def test_default_allow_with_a_denied_port(loaded, family):
    closed, opened = traffic.fresh_port(), traffic.fresh_port()
    for port in (closed, opened):
        traffic.listen(loaded.net.host, family, port)
    loaded.policy("default allow in", f"deny in {closed}")
    assert reaches_tcp(loaded, family, closed, "timeout") == "timeout"
    assert not reaches_udp(loaded, family, closed, expect=False)
    assert reaches_tcp(loaded, family, opened) == "open"
    assert reaches_udp(loaded, family, opened)


def test_reject_answers(loaded, family):
    """On native veth the answer cannot leave, and load has said so: there reject is deny."""
    port, silent = traffic.fresh_port(), traffic.fresh_port()
    for each in (port, silent):
        traffic.listen(loaded.net.host, family, each)
    loaded.policy("default deny in", f"reject in {port}")
    answer = reaches_tcp(loaded, family, port, "timeout" if loaded.mode == "native" else "refused")
    assert answer in (("timeout", "refused") if loaded.mode == "native" else ("refused",))
    assert reaches_tcp(loaded, family, silent, "timeout") == "timeout"
    client = traffic.udp(loaded.net.peer, family)
    client.connect((family.host, port))
    client.send(b"x")
    client.settimeout(lab.SILENCE if loaded.mode == "native" else lab.PATIENCE)
    try:
        client.recv(1)
    except TimeoutError:
        assert loaded.mode == "native"
    except OSError as error:
        assert error.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EACCES)


def test_default_reject(loaded, family):
    port = traffic.fresh_port()
    traffic.listen(loaded.net.host, family, port)
    loaded.policy("default reject in")
    if loaded.mode == "native":
        assert reaches_tcp(loaded, family, port, "timeout") in ("timeout", "refused")
    else:
        assert reaches_tcp(loaded, family, port, "refused") == "refused"


def test_denied_ports_look_alike(loaded, family):
    """Whether something listens must not show (TRAPS 11)."""
    busy, idle = traffic.fresh_port(), traffic.fresh_port()
    traffic.listen(loaded.net.host, family, busy)
    loaded.policy("default deny in")
    wire = traffic.Wire(loaded.net, "peer")
    for flags in (frames.SYN, frames.ACK, frames.RST, frames.SYN | frames.ACK, frames.ACK | frames.PSH):
        for port in (busy, idle):
            wire.send(frames.tcp_frame(family, 40001, port, flags))
    assert wire.silent(frames.is_port(frames.TCP, 40001))


# ---- replies ------------------------------------------------------------


def test_replies_pass(loaded, family):
    """Under default deny in, what this host asks for is answered: TCP, UDP, ping."""
    port = traffic.fresh_port()
    loaded.policy("default deny in")
    server = traffic.listen(loaded.net.peer, family, port)
    one, two = traffic.tcp_pair(loaded.net.host, server, family, family.peer, port)
    assert traffic.flows(one, two) and traffic.flows(two, one)
    echo = traffic.udp(loaded.net.peer, family, port)
    assert traffic.udp_echo(traffic.udp(loaded.net.host, family), echo, (family.peer, port)) == (family.peer, port)
    assert traffic.ping(loaded.net.host, family, family.peer)


def test_only_the_asked_may_answer(loaded, family):
    """A UDP question opens the port for the one it went to, not for its neighbours (TRAPS 16)."""
    port = traffic.fresh_port()
    loaded.policy("default deny in")
    client = traffic.udp(loaded.net.host, family)
    asked = traffic.udp(loaded.net.peer, family, port, family.peer)
    assert traffic.udp_echo(client, asked, (family.peer, port))
    mine = (family.host, client.getsockname()[1])
    other_port = traffic.udp(loaded.net.peer, family, port + 5000, family.peer)
    other_address = traffic.udp(loaded.net.peer, family, port, family.other)
    assert not traffic.udp_passes(other_port, client, mine, expect=False)
    assert not traffic.udp_passes(other_address, client, mine, expect=False)
    assert traffic.udp_passes(asked, client, mine)


def test_open_udp_socket_is_not_an_invitation(loaded, family):
    """A bound client socket that has asked nobody gets nothing, whatever source port is claimed."""
    loaded.policy("default deny in")
    client = traffic.udp(loaded.net.host, family)
    for source in (53, 123, 67):
        server = traffic.udp(loaded.net.peer, family, source)
        assert not traffic.udp_passes(server, client, (family.host, client.getsockname()[1]), expect=False)


def test_big_datagrams(loaded, family):
    """Fragments follow their first one's verdict, in requests and in replies (TRAPS 8)."""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {opened}")
    client = traffic.udp(loaded.net.peer, family)
    shut = traffic.udp(loaded.net.host, family, closed)
    assert not traffic.udp_passes(client, shut, (family.host, closed), size=4000, expect=False)
    server = traffic.udp(loaded.net.host, family, opened)
    assert traffic.udp_echo(client, server, (family.host, opened), size=4000)
    asker, asked = traffic.udp(loaded.net.host, family), traffic.udp(loaded.net.peer, family, opened)
    assert traffic.udp_echo(asker, asked, (family.peer, opened), size=4000)


def test_refused_udp_is_told(loaded, family):
    """The ICMP error about a question of ours belongs to its flow and passes."""
    loaded.policy("default deny in")
    client = traffic.udp(loaded.net.host, family)
    client.connect((family.peer, traffic.fresh_port()))
    client.send(b"anyone?")
    client.settimeout(lab.PATIENCE)
    try:
        client.recv(1)
        raise AssertionError("no answer was possible")
    except ConnectionRefusedError:
        pass


# ---- essential and courtesy ---------------------------------------------


def test_ping_is_answered_by_courtesy(loaded, family):
    loaded.policy("default deny in")
    assert traffic.ping(loaded.net.peer, family, family.host)
    loaded("option allow-ping off")
    assert not traffic.ping(loaded.net.peer, family, family.host, expect=False)
    assert traffic.ping(loaded.net.host, family, family.peer), "its own pings are still answered"
    loaded("option allow-ping on")
    assert traffic.ping(loaded.net.peer, family, family.host)


def test_neighbours_find_each_other(loaded, family):
    """ARP and ND pass whatever the policy: both sides forget, and still talk."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", "default deny out", f"allow in {port}")
    server = traffic.udp(loaded.net.host, family, port)
    client = traffic.udp(loaded.net.peer, family)
    for forget in ((loaded.net.host, lab.IFACE), (loaded.net.peer, lab.PEER_IFACE)):
        forget[0].run("ip", "neigh", "flush", "dev", forget[1])
        assert traffic.udp_echo(client, server, (family.host, port))


def test_arp_passes_with_non_ip_off(loaded):
    port = traffic.fresh_port()
    loaded.policy("default deny in", "option non-ip off", f"allow in {port}")
    server = traffic.udp(loaded.net.host, lab.V4, port)
    loaded.net.host.run("ip", "neigh", "flush", "dev", lab.IFACE)
    loaded.net.peer.run("ip", "neigh", "flush", "dev", lab.PEER_IFACE)
    assert traffic.udp_echo(traffic.udp(loaded.net.peer, lab.V4), server, (lab.V4.host, port))


def test_non_ip(loaded):
    """Other ethertypes pass by default and not with `option non-ip off`."""
    loaded.policy("default deny in")
    frame = frames.ether(0x88B5, b"local experiment" + bytes(40))
    host = loaded.net.host.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x88B5))
    before = loaded.reason("in", "not-ip", "drop")[0]
    wire = traffic.Wire(loaded.net, "peer")
    wire.send(frame)
    assert traffic.receive(host)[0].startswith(b"local experiment")
    loaded("option non-ip off")
    wire.send(frame)
    assert traffic.nothing_came(host)
    assert loaded.reason("in", "not-ip", "drop")[0] == before + 1
