# SPDX-License-Identifier: GPL-2.0-only
"""A host that routes for another one behind it (a container, a VM): requests to it are judged apart."""

import socket

import firewall
import frames
import lab
import pytest
import traffic

BOX = {lab.V4: "198.51.100.2", lab.V6: "2001:db8:b::2"}
GATE = {lab.V4: "198.51.100.1", lab.V6: "2001:db8:b::1"}
SUBNET = {lab.V4: "198.51.100.0/24", lab.V6: "2001:db8:b::/64"}


class Routed:
    """host between peer and box; all three know the way."""

    def __init__(self):
        self.net = lab.Net()
        self.box = lab.Namespace(self.net.host.name[:-1] + "b")
        self.box.settle = self.net.settle
        host, box = self.net.host, self.box
        box.sysctl("ipv6/conf/default/accept_dad", 0)
        host.sysctl("ipv4/ip_forward", 1)
        host.sysctl("ipv6/conf/all/forwarding", 1)
        host.ip(f"link add inner type veth peer name eth0 netns {box.name}\n")
        host.ip(
            f"link set inner up\naddress add {GATE[lab.V4]}/24 dev inner\n"
            f"address add {GATE[lab.V6]}/64 dev inner nodad\n"
        )
        box.ip(
            f"link set lo up\nlink set eth0 up\naddress add {BOX[lab.V4]}/24 dev eth0\n"
            f"address add {BOX[lab.V6]}/64 dev eth0 nodad\n"
            f"route add default via {GATE[lab.V4]}\nroute add default via {GATE[lab.V6]}\n"
        )
        for family in lab.FAMILIES:
            self.net.peer.ip(f"route add {SUBNET[family]} via {family.host}\n")

    def delete(self):
        self.box.delete()
        self.net.delete()


@pytest.fixture(scope="module", params=firewall.MODES)
def routed_in_mode(request, tmp_path_factory):
    made = Routed()
    fw = firewall.Firewall(made.net, tmp_path_factory.mktemp("rules"))
    fw.box = made.box
    try:
        fw.load(request.param)
        yield fw
    finally:
        fw.close()
        made.delete()


@pytest.fixture
def routed(routed_in_mode):
    yield routed_in_mode
    routed_in_mode.box.close_sockets()
    routed_in_mode.net.close_sockets()


def outward(fw, family):
    """Both ends of a TCP connection from the box to the peer."""
    port = traffic.fresh_port()
    server = traffic.listen(fw.net.peer, family, port)
    client = traffic.connect(fw.box, family, family.peer, port)
    accepted, _ = fw.net.peer.accept(server)
    return client, accepted, port


def test_the_box_reaches_out(routed, family):
    """Replies pass by the flow table: no socket of this host knows these connections."""
    routed.policy("default deny in", "default deny routed")
    client, server, _ = outward(routed, family)
    assert traffic.flows(client, server) and traffic.flows(server, client)
    data = bytes(1 << 20)
    assert traffic.bulk(server, client, data) == data
    port = traffic.fresh_port()
    echo = traffic.udp(routed.net.peer, family, port)
    assert traffic.udp_echo(traffic.udp(routed.box, family), echo, (family.peer, port))
    assert traffic.ping(routed.box, family, family.peer)


def test_requests_to_the_box_are_routed_not_in(routed, family):
    """`allow in` is about this host, `route allow` about the one behind it."""
    port, other = traffic.fresh_port(), traffic.fresh_port()
    traffic.listen(routed.box, family, port)
    traffic.listen(routed.net.host, family, port)
    routed.policy("default deny in", f"allow in {port}")
    assert traffic.tcp_answer(routed.net.peer, family, family.host, port) == "open"
    assert traffic.tcp_answer(routed.net.peer, family, BOX[family], port, "timeout") == "timeout"
    assert not traffic.ping(routed.net.peer, family, BOX[family], expect=False)

    routed.policy("default deny in", f"route allow {port}")
    assert traffic.tcp_answer(routed.net.peer, family, BOX[family], port) == "open"
    assert traffic.tcp_answer(routed.net.peer, family, family.host, port, "timeout") == "timeout"
    assert traffic.tcp_answer(routed.net.peer, family, BOX[family], other, "timeout") == "timeout"


def test_default_routed(routed, family):
    port = traffic.fresh_port()
    traffic.listen(routed.box, family, port)
    traffic.listen(routed.net.host, family, port)
    routed.policy("default deny in", "default allow routed", "route deny 25/tcp")
    assert traffic.tcp_answer(routed.net.peer, family, BOX[family], port) == "open"
    assert traffic.tcp_answer(routed.net.peer, family, family.host, port, "timeout") == "timeout"
    assert traffic.tcp_answer(routed.net.peer, family, BOX[family], 25, "timeout") == "timeout"


def test_blind_segments_change_nothing(routed, family):
    """RST and FIN outside the window of a flow are dropped, and the connection lives (RFC 5961)."""
    routed.policy("default deny in")
    client, server, port = outward(routed, family)
    local = client.getsockname()[1]
    before = routed.reason("in", "invalid", "drop")[0]
    wire = traffic.Wire(routed.net, "peer")
    for flags in (frames.RST, frames.RST | frames.ACK, frames.FIN | frames.ACK):
        for sequence in (0x10000000, 0x70000000, 0xE0000000):
            segment = frames.tcp(family.peer, BOX[family], port, local, flags, seq=sequence, ack=1)
            wire.send(frames.ether(family, frames.ip(family, family.peer, BOX[family], frames.TCP, segment)))
    routed.net.settle()
    assert routed.reason("in", "invalid", "drop")[0] > before
    assert traffic.flows(client, server) and traffic.flows(server, client)


def test_half_close_lives(routed, family):
    """After the box's FIN the other side may go on sending."""
    routed.policy("default deny in")
    client, server, _ = outward(routed, family)
    client.shutdown(socket.SHUT_WR)
    assert server.recv(1) == b""
    data = bytes(1 << 18)
    assert traffic.bulk(server, client, data) == data


def test_open_before_load_is_picked_up(tmp_path, family):
    """What goes out and is no answer to a stranger begins a flow, also in the middle of a connection."""
    made = Routed()
    fw = firewall.Firewall(made.net, tmp_path)
    fw.box = made.box
    try:
        client, server, _ = outward(fw, family)
        fw.load("tc")
        assert traffic.flows(client, server) and traffic.flows(server, client)
    finally:
        fw.close()
        made.delete()


def test_flows_lists_and_kills(routed, family):
    routed.policy("default deny in")
    client, server, port = outward(routed, family)
    assert traffic.flows(client, server) and traffic.flows(server, client)
    rows = routed.json(f"flows tcp port {port}")["flows"]
    assert [row["origin"] for row in rows] == ["flow"]
    assert rows[0]["state"] == "established" and BOX[family] in rows[0]["local"]
    assert routed.json(f"flows --kill port {port}")["killed"] == 1
    assert routed.json(f"flows port {port}")["flows"] == []
    server.sendall(b"into the void")
    assert traffic.nothing_came(client)
