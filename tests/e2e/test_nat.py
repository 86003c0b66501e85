# SPDX-License-Identifier: GPL-2.0-only
"""What is asked of any NAT, after the public self-tests of Linux' own (dnat, redirect, port only, port shadowing, clashes of
source ports), and forwards that change under traffic."""

import contextlib
import threading

import pytest

import firewall
import frames
import lab
import traffic
import trio
from trio import BACK

THIRD = {lab.V4: "198.51.100.4", lab.V6: "2001:db8:b::4"}


@pytest.fixture(scope="module", params=("native", "tc"))
def shared(request, tmp_path_factory):
    with firewall.on(trio.Trio(routed=True), tmp_path_factory) as made:
        for family, address in THIRD.items():
            length = "64 nodad preferred_lft 0" if family is lab.V6 else 24
            made.net.target.ip(f"address add {address}/{length} dev {trio.TARGET_IFACE}\n")
        made(["load", lab.IFACE, trio.BACK_IFACE, "--mode", request.param])
        yield made


@pytest.fixture
def fw(shared):
    yield shared
    shared.net.close_sockets()


def ports(count=2):
    return [traffic.fresh_port() for _ in range(count)]


def forwarding(fw, family, asked, served, words="", *lines):
    to = trio.endpoint(family, BACK[family].target, served)
    fw.policy("default deny in", "default allow out", f"forward {asked}:{to} {words}", *lines)


# ---- redirect, port only: another port of this host ----


def test_redirect(fw, family):
    """Who asks A is answered from A; who asks B directly is answered from B; what B says to others is B's."""
    asked, served = ports()
    fw.policy("default deny in", "default allow out", f"allow in {served}", f"forward {asked}:{served} one-way")
    server = traffic.udp(fw.net.host, family, served)
    for port in (asked, served, asked):
        assert traffic.udp_echo(traffic.udp(fw.net.peer, family), server, (family.host, port)) == (family.host, port)
    other = traffic.udp(fw.net.peer, family)
    server.sendto(b"from B", (family.peer, other.getsockname()[1]))
    assert traffic.receive(other) == (b"from B", (family.host, served))


def test_one_client_port_for_both(fw, family):
    """Through the forward and directly, by one source port: the server sees two connections (TRAPS 17)."""
    asked, served, port = ports(3)
    fw.policy("default deny in", f"allow in {served}", f"forward {asked}:{served} one-way")
    server = traffic.listen(fw.net.host, family, served)
    pairs = []
    for to in (served, asked):
        one = traffic.connect(fw.net.peer, family, family.host, to, source_port=port)
        pairs.append((one, fw.net.host.accept(server)[0]))
    assert pairs[0][1].getpeername()[1] == port != pairs[1][1].getpeername()[1]
    for one, two in pairs:
        assert traffic.flows(one, two) and traffic.flows(two, one)


def test_half_open_direct_connection(fw, family):
    """Its note is forgotten (here: times out) before the client's SYN comes again: it is the same connection all the same."""
    served, port = ports()
    stranger = family.peer[:-1] + "77"
    fw.policy("option tcp-syn-timeout 1s", "default deny in", f"allow in {served}", f"forward {ports(1)[0]}:{served} one-way")
    traffic.listen(fw.net.host, family, served)
    fw.net.host.ip(f"neigh replace {stranger} lladdr {lab.PEER_MAC.hex(':')} dev {lab.IFACE}\n")
    wire = traffic.Wire(fw.net, "peer")
    packet = frames.tcp(stranger, family.host, port, served, frames.SYN)
    syn = frames.ether(family, frames.ip(family, stranger, family.host, frames.TCP, packet))
    wire.send(syn)
    for _ in range(3):  # SYN-ACKs, one and two seconds apart: by the third the note is gone
        assert wire.answer(frames.is_port(frames.TCP, port))
    wire.send(syn)
    assert wire.answer(frames.is_port(frames.TCP, port))
    waiting = fw.net.host.run("ss", "-Htn", "state", "syn-recv", f"( sport = :{served} )").stdout.splitlines()
    assert len(waiting) == 1 and waiting[0].rstrip().endswith(f":{port}")


def test_half_closed_by_redirect(fw, family):
    asked, served = ports()
    fw.policy("default deny in", f"forward {asked}:{served} one-way")
    one, two = traffic.tcp_pair(fw.net.peer, traffic.listen(fw.net.host, family, served), family, family.host, asked)
    one.shutdown(1)
    assert two.recv(1) == b"" and traffic.flows(two, one)


# ---- which requests ----


@pytest.mark.parametrize("rule", ((), ("deny in 68/udp",)), ids=("no rule", "denied"))
def test_dhcp_client(fw, rule):
    """What its server sends is for this host, whatever listens on the port; others' datagrams are not."""
    (served,) = ports(1)
    fw.policy("default deny in", *rule, f"forward 68:{served}/udp one-way")
    client, server = traffic.udp(fw.net.host, lab.V4, 68), traffic.udp(fw.net.host, lab.V4, served)
    assert traffic.udp_passes(traffic.udp(fw.net.peer, lab.V4, 67), client, (lab.V4.host, 68))
    other = traffic.udp(fw.net.peer, lab.V4)
    assert traffic.udp_passes(other, server, (lab.V4.host, 68), expect=not rule) != bool(rule)


def test_ranges_and_lists(fw, family):
    """Port by port."""
    first, single = traffic.fresh_port(), traffic.fresh_port()
    served, alone = 30_000, 31_000
    to = trio.endpoint(family, BACK[family].target, f"{served}-{served + 2},{alone}")
    fw.policy("default deny in", f"forward {first + 1000}-{first + 1002},{single}:{to}")
    for asked, arrives in ((first + 1000, served), (first + 1002, served + 2), (single, alone)):
        server = traffic.udp(fw.net.target, family, arrives)
        assert traffic.udp_echo(traffic.udp(fw.net.peer, family), server, (family.host, asked)) == (family.host, asked)
        server.close()
    server = traffic.udp(fw.net.target, family, served + 3)
    client = traffic.udp(fw.net.peer, family)
    assert not traffic.udp_passes(client, server, (family.host, first + 1003), expect=False)


def test_one_protocol(fw, family):
    asked, served = ports()
    to = trio.endpoint(family, BACK[family].target, served)
    fw.policy("default deny in", f"forward {asked}:{to}/tcp")
    traffic.listen(fw.net.target, family, served)
    assert traffic.tcp_answer(fw.net.peer, family, family.host, asked) == "open"
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family)
    assert not traffic.udp_passes(client, server, (family.host, asked), expect=False)


@pytest.mark.parametrize("clause", ("to", "on"))
def test_to_and_on(fw, family, clause):
    """Only what asks this address, or arrives there."""
    asked, served = ports()
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family)
    good, bad = (family.host, BACK[family].host) if clause == "to" else (lab.IFACE, trio.BACK_IFACE)
    forwarding(fw, family, asked, served, f"{clause} {bad}")
    assert not traffic.udp_passes(client, server, (family.host, asked), expect=False)
    forwarding(fw, family, asked, served, f"{clause} {good}")
    assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)


# ---- shadows and clashes ----


def test_source_port_is_the_port_asked(fw, family):
    asked, served = ports()
    forwarding(fw, family, asked, served)
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family, asked)
    assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)


def test_port_shadowing(fw, family):
    """Whoever sends from the port of a service first, inside, does not get what clients send to that service."""
    asked, served, port = ports(3)
    forwarding(fw, family, asked, served, "", "default allow routed")
    server, client = traffic.udp(fw.net.target, family, served), traffic.udp(fw.net.peer, family, port)
    inside = traffic.udp(fw.net.target, family, asked)
    inside.sendto(b"shadow", (family.peer, port))
    assert traffic.receive(client) == (b"shadow", (BACK[family].target, asked))
    assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)
    assert traffic.nothing_came(inside)


@pytest.mark.parametrize("words", ("", "keep-source"))
def test_two_clients_with_one_port(fw, family, words):
    asked, served, port = ports(3)
    forwarding(fw, family, asked, served, words)
    server = traffic.udp(fw.net.target, family, served)
    clients = [traffic.udp(fw.net.peer, family, port, address) for address in (family.peer, family.other)]
    for client in clients * 2:
        assert traffic.udp_echo(client, server, (family.host, asked)) == (family.host, asked)


def test_two_forwards_one_target(fw, family):
    """One client port, two ports asked, one endpoint behind: two connections there."""
    asked, second, served, port = ports(4)
    to = trio.endpoint(family, BACK[family].target, served)
    fw.policy("default deny in", f"forward {asked}:{to} keep-source", f"forward {second}:{to} keep-source")
    listener = traffic.listen(fw.net.target, family, served)
    pairs = []
    for at in (asked, second):
        one = traffic.connect(fw.net.peer, family, family.host, at, source_port=port)
        pairs.append((one, fw.net.target.accept(listener)[0]))
    for one, two in pairs:
        assert traffic.flows(one, two) and traffic.flows(two, one)


def test_own_connections_to_the_target(fw, family):
    """This host as a client of the same endpoint is not concerned, nor are its connections to itself."""
    asked, served, port = ports(3)
    forwarding(fw, family, asked, served)
    listener = traffic.listen(fw.net.target, family, served)
    pairs = [traffic.tcp_pair(fw.net.peer, listener, family, family.host, asked)]
    one = traffic.connect(fw.net.host, family, BACK[family].target, served, source_port=port)
    pairs.append((one, fw.net.target.accept(listener)[0]))
    pairs.append(traffic.tcp_pair(fw.net.peer, listener, family, family.host, asked))
    for one, two in pairs:
        assert traffic.flows(one, two) and traffic.flows(two, one)
    assert traffic.tcp_answer(fw.net.host, family, family.host, asked, "refused") == "refused"


def test_first_datagrams_at_the_same_time(fw, family):
    """Threads begin one flow together, from several CPUs: every answer comes home, from the port that was asked."""
    asked, served = ports()
    to = ",".join(trio.endpoint(family, address, served) for address in (BACK[family].target, BACK[family].second))
    fw.policy("default deny in", f"forward {asked}:{to}")
    servers = [traffic.udp(fw.net.target, family, served, BACK[family].target)]
    servers.append(traffic.udp(fw.net.target, family, served, BACK[family].second))
    client, together = traffic.udp(fw.net.peer, family), threading.Barrier(4)

    def send(number):
        together.wait()
        client.sendto(bytes([number]), (family.host, asked))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.settle()
    served_by = {}
    for server in servers:
        while (got := traffic.receive(server, 0.0))[0]:
            served_by[got[0]] = server
            server.sendto(*got)
    assert len(served_by) == 4 and len(set(served_by.values())) == 1, "one connection has one target"
    answers = [traffic.receive(client) for _ in range(4)]
    assert {answer for answer, _ in answers} == set(served_by) and {at for _, at in answers} == {(family.host, asked)}


# ---- changes under traffic ----


def test_the_target_changes(fw, family):
    """Open connections stay with the old target while new ones go to the new one; --kill cuts, and only those."""
    asked, served = ports()
    ends = BACK[family]
    old, new = (trio.endpoint(family, address, served) for address in (ends.target, ends.second))
    forwarding(fw, family, asked, served)
    first = traffic.udp(fw.net.target, family, served, ends.target)
    second = traffic.udp(fw.net.target, family, served, ends.second)
    client, later = traffic.udp(fw.net.peer, family), traffic.udp(fw.net.peer, family)
    assert traffic.udp_echo(client, first, (family.host, asked)) == (family.host, asked)
    stream = traffic.Stream(client, [(family.host, asked)], per_second=200)
    stream.start()
    fw(f"delete forward {asked}:{old}")
    fw(f"forward {asked}:{new}")
    assert traffic.udp_echo(later, second, (family.host, asked)) == (family.host, asked)
    stream.stop()
    assert traffic.arrived(first) == list(range(stream.sent)), "nothing is lost, nothing goes elsewhere"
    fw(f"delete forward {asked}:{new} --kill")
    assert not traffic.udp_passes(later, second, (family.host, asked), expect=False)


@pytest.mark.parametrize("kind", ("", "keep-source", "one-way"))
def test_denied_later(fw, family, kind):
    """A rule that comes later leaves open connections alone and says so; --kill cuts them."""
    asked, served = ports()
    ns = fw.net.host if kind == "one-way" else fw.net.target
    if kind == "one-way":
        fw.policy("default deny in", "default allow out", f"forward {asked}:{served} one-way")
    else:
        forwarding(fw, family, asked, served, kind)
    pair = traffic.tcp_pair(fw.net.peer, traffic.listen(ns, family, served), family, family.host, asked)
    assert traffic.flows(*pair) and traffic.flows(*reversed(pair))
    assert "1 open connection lives on" in fw(f"deny in {asked}").out
    assert traffic.flows(*pair) and traffic.flows(*reversed(pair))
    assert traffic.tcp_answer(fw.net.peer, family, family.host, asked, "timeout") == "timeout"
    assert "cut: 1 open connection" in fw(f"deny in {asked} log --kill").out
    with contextlib.suppress(ConnectionResetError):  # what the server sends again comes from its own port, which no client knows
        assert not traffic.flows(*pair, lab.SILENCE)


def test_a_target_less(fw, family):
    """Of three targets one is taken away: of all connections to come only its own go elsewhere."""
    asked, served = ports()
    addresses = (BACK[family].target, BACK[family].second, THIRD[family])
    servers = {address: traffic.udp(fw.net.target, family, served, address) for address in addresses}
    clients = [traffic.udp(fw.net.peer, family, port) for port in ports(60)]

    def placed(targets):
        to = ",".join(trio.endpoint(family, address, served) for address in targets)
        fw.policy("default deny in", f"forward {asked}:{to}")
        for number, client in enumerate(clients):
            client.sendto(bytes([number]), (family.host, asked))
        fw.net.settle()
        where = {}
        for address, server in servers.items():
            while len(where) < len(clients) and (data := traffic.receive(server, lab.SILENCE)[0]):
                where[data[0]] = address
        fw(f"delete forward {asked}:{to} --kill")
        return where

    before = placed(addresses)
    assert len(before) == len(clients) and set(before.values()) == set(addresses)
    after = placed(addresses[:2])
    assert len(after) == len(clients)
    assert all(after[number] == address for number, address in before.items() if address in addresses[:2])
