# SPDX-License-Identifier: GPL-2.0-only
"""`forward PORT:ADDR:PORT`: requests to this host are handed to another one, and its answers find their way home."""

import os
import socket
import struct

import pytest

import firewall
import frames
import lab
import traffic
import trio
from trio import BACK

MODES = ("native", "tc")  # generic XDP is refused: see test_generic_xdp_is_refused


@pytest.fixture(scope="module", params=MODES)
def shared(request, tmp_path_factory):
    """Three namespaces and a firewall loaded on both wires, shared by this file's tests."""
    with firewall.on(trio.Trio(routed=True), tmp_path_factory) as made:
        made.mode = request.param
        made(["load", lab.IFACE, trio.BACK_IFACE, "--mode", request.param])
        yield made


@pytest.fixture
def fw(shared):
    yield shared
    shared.net.close_sockets()


def forward(fw, family, words=""):
    """(port asked, port served) of a new forward to the target; nothing else is allowed."""
    asked, served = traffic.fresh_port(), traffic.fresh_port()
    to = trio.endpoint(family, BACK[family].target, served)
    fw.policy("default deny in", "default deny out", f"forward {asked}:{to} {words}")
    return asked, served


def test_tcp(fw, family):
    asked, served = forward(fw, family)
    server = traffic.listen(fw.net.target, family, served)
    one, two = traffic.tcp_pair(fw.net.peer, server, family, family.host, asked)
    assert two.getpeername()[0] == BACK[family].host, "the target sees this host"
    assert one.getpeername()[:2] == (family.host, asked)
    for sender, receiver in ((one, two), (two, one)):
        data = os.urandom(2_000_000)
        assert traffic.bulk(sender, receiver, data) == data


def test_half_closed(fw, family):
    """After shutdown(WR) the other direction goes on."""
    asked, served = forward(fw, family, "comment 'half'")
    server = traffic.listen(fw.net.target, family, served)
    one, two = traffic.tcp_pair(fw.net.peer, server, family, family.host, asked)
    one.shutdown(socket.SHUT_WR)
    two.settimeout(lab.PATIENCE)
    assert two.recv(1) == b""
    for _ in range(3):
        assert traffic.flows(two, one)


def test_udp(fw, family):
    asked, served = forward(fw, family)
    server = traffic.udp(fw.net.target, family, served)
    client = traffic.udp(fw.net.peer, family)
    for _ in range(3):
        assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)


def test_keep_source(fw, family):
    """The target sees the client, and answers by way of this host."""
    asked, served = forward(fw, family, "keep-source")
    server = traffic.udp(fw.net.target, family, served)
    client = traffic.udp(fw.net.peer, family)
    client.sendto(b"who?", (family.host, asked))
    data, sender = traffic.receive(server)
    assert (data, sender) == (b"who?", (family.peer, client.getsockname()[1]))
    server.sendto(b"you", sender)
    assert traffic.receive(client) == (b"you", (family.host, asked))
    listener = traffic.listen(fw.net.target, family, served)
    one, two = traffic.tcp_pair(fw.net.peer, listener, family, family.host, asked)
    assert two.getpeername()[0] == family.peer and traffic.flows(one, two) and traffic.flows(two, one)


def test_only_this_port(fw, family):
    """Nothing else reaches the target, and nothing of it reaches this host."""
    asked, served = forward(fw, family)
    server = traffic.udp(fw.net.target, family, served)
    client = traffic.udp(fw.net.peer, family)
    assert not traffic.udp_passes(client, server, (family.host, asked + 1), expect=False)
    assert not traffic.udp_passes(client, server, (BACK[family].target, served), expect=False)
    stranger, local = traffic.udp(fw.net.target, family), traffic.udp(fw.net.host, family, traffic.fresh_port())
    stranger.sendto(b"let me in", (BACK[family].host, local.getsockname()[1]))
    assert traffic.receive(local, lab.SILENCE)[0] is None


@pytest.mark.parametrize("address", ("192.0.2.255", lab.V4.host))
def test_not_to_all_on_the_wire(fw, address):
    """A router sends on nothing that was broadcast (RFC 1812 5.3.4), and its answer would come from no host's address."""
    asked, served = forward(fw, lab.V4)
    server, wire = traffic.udp(fw.net.target, lab.V4, served), traffic.Wire(fw.net, "peer")
    before = fw.drops().get("default", 0)
    wire.send(frames.udp_frame(lab.V4, 40010, asked, b"anybody?", dst=address, dst_mac=b"\xff" * 6))
    assert traffic.nothing_came(server)
    assert fw.drops()["default"] > before and fw.json("forward list")[0]["connections"] == 0


def test_rules_come_first(fw, family):
    asked, served = traffic.fresh_port(), traffic.fresh_port()
    to = trio.endpoint(family, BACK[family].target, served)
    fw.policy("default deny in", f"deny in {asked}/udp", f"forward {asked}:{to}")
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family)
    assert not traffic.udp_passes(client, server, (family.host, asked), expect=False)
    traffic.listen(fw.net.target, family, served)
    assert traffic.tcp_answer(fw.net.peer, family, family.host, asked) == "open"


def test_from(fw, family):
    """`from` opens the port for some only."""
    asked, served = forward(fw, family, f"from {family.other}")
    server = traffic.udp(fw.net.target, family, served)
    client = traffic.udp(fw.net.peer, family, address=family.peer)
    other = traffic.udp(fw.net.peer, family, address=family.other)
    assert not traffic.udp_passes(client, server, (family.host, asked), expect=False)
    assert traffic.udp_echo(other, server, (family.host, asked)) == (family.host, asked)


@pytest.mark.parametrize("words", ("", "keep-source"))
@pytest.mark.parametrize("who", ("client", "target"))
def test_blocked(fw, family, who, words):
    """Nothing goes to a blocked address, by an open connection or a new one."""
    asked, served = forward(fw, family, words)
    server = traffic.udp(fw.net.target, family, served)
    client, new = traffic.udp(fw.net.peer, family), traffic.udp(fw.net.peer, family)
    client.sendto(b"open", (family.host, asked))
    seen = traffic.receive(server)[1]
    client.settle()
    before = fw.drops().get("blocked", 0)
    fw(f"block {family.peer if who == 'client' else BACK[family].target}")
    server.sendto(b"answer", seen)
    assert traffic.nothing_came(client)
    client.sendto(b"question", (family.host, asked))
    new.sendto(b"question", (family.host, asked))
    assert traffic.nothing_came(server)
    assert fw.drops()["blocked"] >= before + 3
    assert fw.json("forward list")[0]["requests"]["packets"] == 1 and fw.json("forward list")[0]["answers"]["packets"] == 0
    for port in (client.getsockname()[1], new.getsockname()[1]):
        said = fw.json(f"explain udp from {trio.endpoint(family, family.peer, port)} to {trio.endpoint(family, family.host, asked)}")
        assert (said["verdict"], said["reason"]) == ("drop", "blocked")


# (Checksums: test_checksums.py.)


def test_fragments(fw, family):
    asked, served = forward(fw, family)
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family)
    for size in (1473, 4000, 20_000):
        assert traffic.udp_echo(client, server, (family.host, asked), size) == (family.host, asked)


# ---- ICMP ----


def test_a_closed_port_refuses(fw, family):
    """The target's errors speak of what the client knows (TRAPS 19)."""
    asked, _ = forward(fw, family)
    assert traffic.tcp_answer(fw.net.peer, family, family.host, asked, "refused") == "refused"
    client = traffic.udp(fw.net.peer, family)
    client.connect((family.host, asked))
    client.send(b"anyone?")
    client.settimeout(lab.PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        client.recv(1)


@pytest.mark.parametrize("narrow", ("toward the target", "toward the client"))
def test_path_mtu(fw, family, narrow):
    """A 1280-byte hop behind this host: whoever sends learns of it, and the data arrives."""
    net = fw.net
    asked, served = forward(fw, family)
    iface = trio.BACK_IFACE if narrow == "toward the target" else lab.IFACE
    net.host.ip(f"link set {iface} mtu 1280\n")
    try:
        server = traffic.listen(net.target, family, served)
        one, two = traffic.tcp_pair(net.peer, server, family, family.host, asked)
        sender, receiver = (one, two) if narrow == "toward the target" else (two, one)
        data = os.urandom(1_000_000)
        assert traffic.bulk(sender, receiver, data) == data
    finally:
        net.host.ip(f"link set {iface} mtu 1500\n")
        for ns in (net.peer, net.target):
            for words in ("-4", "-6"):
                ns.run("ip", words, "route", "flush", "cache")


def test_traceroute_sees_a_hop(fw):
    """A packet at the end of its life is answered by this host."""
    asked, _ = forward(fw, lab.V4)
    wire = traffic.Wire(fw.net, "peer")
    packet = frames.ipv4(lab.V4.peer, lab.V4.host, frames.UDP, frames.udp(lab.V4.peer, lab.V4.host, 40009, asked), ttl=1)
    wire.send(frames.ether(lab.V4, packet))
    assert wire.answer(lambda frame: frame[23] == frames.ICMP and frame[34] == 11), "no time exceeded"


# ---- connections ---- (thousands of them: test_crowd.py)


def test_neighbour_unknown(fw, family):
    """The first packet waits for the neighbour to be resolved; it is not lost."""
    asked, served = forward(fw, family)
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family)
    fw.net.host.run("ip", "neigh", "flush", "dev", trio.BACK_IFACE)
    assert traffic.udp_passes(client, server, (family.host, asked))


def test_the_way_is_lost(fw, family):
    """What is open has no way any more: it is dropped with a reason, which explain knows, and goes on when there is one again."""
    asked, served = forward(fw, family)
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family)
    assert traffic.udp_echo(client, server, (family.host, asked))
    route = ("-6" if family is lab.V6 else "-4", "route")
    asks = trio.endpoint(family, family.peer, client.getsockname()[1]), trio.endpoint(family, family.host, asked)

    def dropped():
        before = fw.drops().get("no-route", 0)
        traffic.send(client, b"anybody?", (family.host, asked))
        return fw.drops().get("no-route", 0) == before + 1

    fw.net.host.run("ip", *route, "add", "unreachable", BACK[family].target)
    try:
        assert traffic.eventually(dropped), "where packets go is remembered for a second, not for longer"
        said = fw.json("explain udp from {} to {}".format(*asks))
        assert (said["verdict"], said["reason"]) == ("drop", "no-route")
    finally:
        fw.net.host.run("ip", *route, "del", "unreachable", BACK[family].target)
    while traffic.receive(server, 0.0)[0]:
        pass
    assert fw.json("explain udp from {} to {}".format(*asks))["verdict"] == "pass"
    assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)


def test_another_address_toward_the_target(fw, family):
    """This host has another address there than when a connection began (DHCP): it begins anew, like any new one."""
    asked, served = forward(fw, family)
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family)
    assert traffic.udp_echo(client, server, (family.host, asked))
    old, new, length = BACK[family].host, BACK[family].host + "7", "/64" if family is lab.V6 else "/24"

    def move(here, there):
        nodad = "nodad" if family is lab.V6 else ""
        fw.net.host.ip(f"address del {here}{length} dev {trio.BACK_IFACE}\naddress add {there}{length} dev {trio.BACK_IFACE} {nodad}\n")
        fw.net.target.run("ip", "neigh", "flush", "dev", trio.TARGET_IFACE)

    def sender():
        traffic.send(client, b"who am I?", (family.host, asked))
        return (traffic.receive(server, lab.SILENCE)[1] or (None,))[0]

    move(old, new)
    try:
        assert traffic.eventually(lambda: sender() == new)
        assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)
    finally:
        move(new, old)
    assert traffic.eventually(lambda: sender() == old)


def test_ways_by_source(fw, family):
    """A routing rule by source: whom the target sees as the sender decides on the way, not who was there a moment ago."""
    asked, served = forward(fw, family, "keep-source")
    server = traffic.udp(fw.net.target, family, served)
    one, other = (traffic.udp(fw.net.peer, family, address=address) for address in (family.peer, family.other))
    words = "-6" if family is lab.V6 else "-4"
    for what in ("route add unreachable default table 77", f"rule add from {family.other} lookup 77"):
        fw.net.host.run("ip", words, *what.split())
    try:
        assert traffic.udp_passes(one, server, (family.host, asked))
        assert not traffic.udp_passes(other, server, (family.host, asked), expect=False)
        assert traffic.udp_passes(one, server, (family.host, asked))
    finally:
        fw.net.host.run("ip", words, "rule", "del", "from", family.other, "lookup", "77")
        fw.net.host.run("ip", words, "route", "flush", "table", "77")
    assert traffic.udp_passes(other, server, (family.host, asked))


def test_several_targets(fw, family):
    """Connections are spread; without one target only its own move."""
    asked, served = traffic.fresh_port(), traffic.fresh_port()
    ends = BACK[family]
    both = [trio.endpoint(family, address, served) for address in (ends.target, ends.second)]
    servers = {address: traffic.udp(fw.net.target, family, served, address) for address in (ends.target, ends.second)}
    clients = [traffic.udp(fw.net.peer, family, 9000 + number) for number in range(40)]

    def placed():
        where = {}
        for number, client in enumerate(clients):
            client.sendto(number.to_bytes(2, "big"), (family.host, asked))
        for address, server in servers.items():
            while (data := traffic.receive(server, lab.SILENCE)[0]) is not None:
                where[int.from_bytes(data, "big")] = address
        return where

    fw.policy("default deny in", f"forward {asked}:{','.join(both)}")
    before = placed()
    assert len(before) == 40 and len(set(before.values())) == 2
    fw.policy("default deny in", f"forward {asked}:{both[0]}")
    assert placed() == before, "open connections stay where they are"


# ---- life ----


def test_added_and_removed_under_traffic(fw, family):
    """Changes of other rules and forwards lose nothing of what passes meanwhile."""
    asked, served = forward(fw, family)
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family)
    assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)
    stream = traffic.Stream(client, [(family.host, asked)])
    stream.start()
    other = traffic.fresh_port()
    for _ in range(3):
        fw(f"forward {other}:{trio.endpoint(family, BACK[family].target, 9)}")
        fw(f"delete forward {other}:{trio.endpoint(family, BACK[family].target, 9)}")
    stream.stop()
    assert traffic.arrived(server) == list(range(stream.sent))


def test_deleted_forward_keeps_open_connections(fw, family):
    asked, served = forward(fw, family)
    server = traffic.listen(fw.net.target, family, served)
    one, two = traffic.tcp_pair(fw.net.peer, server, family, family.host, asked)
    assert traffic.flows(one, two)
    fw(f"delete forward {asked}:{trio.endpoint(family, BACK[family].target, served)}")
    assert traffic.flows(one, two) and traffic.flows(two, one), "open connections live on"
    assert traffic.tcp_answer(fw.net.peer, family, family.host, asked, "timeout") == "timeout"


def test_counters(fw, family):
    asked, served = forward(fw, family)
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family)
    for _ in range(3):
        assert traffic.udp_echo(client, server, (family.host, asked))
    entry = fw.port("in", "udp", asked)
    assert (entry["rx_packets"], entry["tx_packets"]) == (3, 3), "counted under the port that was asked"
    assert fw.json("status")["forwards"][0]["packets"] == 3


def test_list(fw, family):
    """Packets of each direction, and open connections."""
    asked, served = forward(fw, family)
    server, clients = traffic.udp(fw.net.target, family, served), [traffic.udp(fw.net.peer, family, p) for p in (8001, 8002)]
    for client in clients:
        assert traffic.udp_echo(client, server, (family.host, asked))
    clients[0].sendto(b"once more", (family.host, asked))
    assert traffic.receive(server)[0] == b"once more"
    entry = fw.json("forward list")[0]
    assert (entry["requests"]["packets"], entry["answers"]["packets"], entry["connections"]) == (3, 2, 2)
    assert entry["text"] in fw("forward list").out


def test_list_without_closed_connections(fw, family):
    asked, served = forward(fw, family)
    one, two = traffic.tcp_pair(fw.net.peer, traffic.listen(fw.net.target, family, served), family, family.host, asked)
    assert fw.json("forward list")[0]["connections"] == 1
    one.close()
    assert two.recv(1) == b"" and fw.json("forward list")[0]["connections"] == 1, "half of it is closed"
    two.close()
    assert traffic.eventually(lambda: fw.json("forward list")[0]["connections"] == 0)


@pytest.mark.parametrize("who", ("client", "target"))
def test_reset_behind_data(fw, family, who):
    """What was sent last need not be acknowledged for a RST right behind it to end the connection."""
    asked, served = forward(fw, family)
    pair = traffic.tcp_pair(fw.net.peer, traffic.listen(fw.net.target, family, served), family, family.host, asked)
    assert traffic.flows(*pair) and traffic.flows(*reversed(pair))
    sender = pair[who == "target"]
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sender.send(b"last words")
    sender.close()
    assert traffic.eventually(lambda: fw.json("forward list")[0]["connections"] == 0)


def test_blind_reset(fw, family):
    """Who does not know where the connection stands does not end it, also not by a segment of his own in front (RFC 5961)."""
    asked, served = forward(fw, family)
    pair = traffic.tcp_pair(fw.net.peer, traffic.listen(fw.net.target, family, served), family, family.host, asked)
    assert traffic.flows(*pair) and traffic.flows(*reversed(pair))
    wire, port, blind = traffic.Wire(fw.net, "peer"), pair[0].getsockname()[1], 0x12345678
    wire.send(
        frames.tcp_frame(family, port, asked, frames.ACK | frames.PSH, seq=blind, ack=1, data=b"x"),
        frames.tcp_frame(family, port, asked, frames.RST, seq=blind + 1),
    )
    wire.silent(lambda frame: False)
    assert fw.json("forward list")[0]["connections"] == 1
    assert traffic.flows(*pair) and traffic.flows(*reversed(pair))


def test_check(fw, family):
    forward(fw, family)
    assert [target["well"] for target in fw.json("forward --check")] == [True]
    key = "ipv4/ip_forward" if family is lab.V4 else "ipv6/conf/all/forwarding"
    fw.net.host.sysctl(key, 0)
    try:
        faults = fw.json("forward --check", code=1)[0]["faults"]
        assert [fault["kind"] for fault in faults] == ["forwarding"] and "sysctl -w" in faults[0]["text"]
    finally:
        fw.net.host.sysctl(key, 1)
    for iface in (lab.IFACE, trio.BACK_IFACE):
        fw.net.host.sysctl(f"ip{family}/conf/{iface}/forwarding", 0)
        try:
            (fault,) = fw.json("forward --check", code=1)[0]["faults"]
            assert fault["kind"] == "forwarding" and f"sysctl -w net/ip{family}/conf/{iface}/forwarding=1" in fault["text"]
        finally:
            fw.net.host.sysctl(f"ip{family}/conf/{iface}/forwarding", 1)
    nowhere = "203.0.113.77:9" if family is lab.V4 else "[2001:db8:dead::1]:9"
    fw.policy("default deny in", f"forward 9:{nowhere}")
    assert fw.json("forward --check", code=1)[0]["faults"][0]["kind"] == "route"
    fw.policy("default deny in", f"forward 9:{trio.endpoint(family, family.host, 9)}")
    assert fw.json("forward --check", code=1)[0]["faults"][0]["kind"] == "ourselves"
    absent = trio.endpoint(family, BACK[family].target[:-1] + "99", 9)
    fw.policy("default deny in", f"forward 9:{absent}")
    client = traffic.udp(fw.net.peer, family)
    client.sendto(b"anybody?", (family.host, 9))
    assert traffic.eventually(lambda: fw.attempt("forward --check").code == 1), "its neighbour does not answer"


def test_interface_that_is_not_loaded(tmp_path):
    net = trio.Trio()
    fw = firewall.Firewall(net, tmp_path)
    try:
        fw(["load", lab.IFACE, "--mode", "tc"])
        fw(f"forward 9:{trio.endpoint(lab.V4, BACK[lab.V4].target, 9)}")
        fault = fw.json("forward --check", code=1)[0]["faults"][0]
        assert fault["kind"] == "interface" and f"xdpfw load {trio.BACK_IFACE}" in fault["text"]
        fw(["load", trio.BACK_IFACE, "--mode", "tc"])
        assert fw.json("forward --check")[0]["well"]
        net.host.ip(f"link del {trio.BACK_IFACE}\nlink add {trio.BACK_IFACE} type veth peer name {trio.TARGET_IFACE} netns {net.target.name}\n")
        net.host.ip(f"link set {trio.BACK_IFACE} up\naddress add {BACK[lab.V4].host}/24 dev {trio.BACK_IFACE}\n")
        net.target.ip(f"link set {trio.TARGET_IFACE} up\n")
        assert fw.json("forward --check", code=1)[0]["faults"][0] == fault, "one of the same name is another"
    finally:
        fw.close()
        net.delete()


def test_delete_with_kill(fw, family):
    asked, served = forward(fw, family)
    server = traffic.listen(fw.net.target, family, served)
    one, two = traffic.tcp_pair(fw.net.peer, server, family, family.host, asked)
    assert traffic.flows(one, two)
    to = trio.endpoint(family, BACK[family].target, served)
    assert "cut: 1 open connection" in fw(f"delete forward {asked}:{to} --kill").out
    assert not traffic.flows(one, two, lab.SILENCE)


def test_generic_xdp_is_refused(tmp_path):
    net = trio.Trio()
    fw = firewall.Firewall(net, tmp_path)
    to = trio.endpoint(lab.V4, BACK[lab.V4].target, 9)
    try:
        fw(["load", lab.IFACE, "--mode", "generic"])
        line = fw.refuses(f"forward 9:{to}", 1)
        assert "generic XDP cannot forward to other hosts" in line and "--mode tc" in line
        assert fw.json("status")["forwards"] == []
        fw("unload --all")
        fw(f"forward 9:{to}")
        assert "generic XDP" in fw.refuses(["load", lab.IFACE, "--mode", "generic"], 1)
    finally:
        fw.close()
        net.delete()


@pytest.fixture
def from_xdp_to_xdp(tmp_path):
    """A firewall on wires that take frames from XDP, and packets with complete checksums."""
    net = trio.Trio()
    made = firewall.Firewall(net, tmp_path)
    try:
        for ns, iface in ((net.peer, lab.PEER_IFACE), (net.target, trio.TARGET_IFACE)):
            net.offload(ns, iface, gro="on", tx="off")
        made(["load", lab.IFACE, trio.BACK_IFACE, "--mode", "native"])
        yield made
    finally:
        made.close()
        net.delete()


def test_xdp_to_xdp(from_xdp_to_xdp, family):
    """Where both wires take frames from XDP, packets with complete checksums never become skbs."""
    fw, net = from_xdp_to_xdp, from_xdp_to_xdp.net
    asked, served = forward(fw, family)
    server, client = traffic.udp(net.target, family, served), traffic.udp(net.peer, family)
    for _ in range(3):
        assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)
    listener = traffic.listen(net.target, family, served)
    one, two = traffic.tcp_pair(net.peer, listener, family, family.host, asked)
    for sender, receiver in ((one, two), (two, one)):
        data = os.urandom(500_000)
        assert traffic.bulk(sender, receiver, data) == data
    before = _redirected(net.host, lab.IFACE), _redirected(net.host, trio.BACK_IFACE)
    for _ in range(20):
        assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)
    after = _redirected(net.host, lab.IFACE), _redirected(net.host, trio.BACK_IFACE)
    assert (after[0] - before[0], after[1] - before[1]) == (20, 20), "by way of the stack"


def test_an_interface_takes_no_frames_any_more(from_xdp_to_xdp):
    """XDP cannot know that what it sends there gets lost: the check does, and says what mends it."""
    fw, net = from_xdp_to_xdp, from_xdp_to_xdp.net
    asked, served = forward(fw, lab.V4)
    server, client = traffic.udp(net.target, lab.V4, served), traffic.udp(net.peer, lab.V4)
    assert traffic.udp_echo(client, server, (lab.V4.host, asked)) and fw.json("forward --check")[0]["well"]
    net.offload(net.target, trio.TARGET_IFACE, gro="off")
    (fault,) = fw.json("forward --check", code=1)[0]["faults"]
    assert fault["kind"] == "interface" and "takes no frames" in fault["text"] and "xdpfw reload" in fault["text"]
    fw("reload")
    assert fw.json("forward --check")[0]["well"]
    assert traffic.eventually(lambda: traffic.udp_echo(client, server, (lab.V4.host, asked), wait=lab.SILENCE))


def _redirected(ns, iface):
    """Packets that XDP on this interface has sent out of another one."""
    out = ns.run("ethtool", "-S", iface).stdout
    return sum(int(line.split(":")[1]) for line in out.splitlines() if "xdp_redirect:" in line)
