# SPDX-License-Identifier: GPL-2.0-only
"""A program of this host has a port that forwards give to connections, and talks to the same endpoint as one of them.

To the target both are the same sender. So whoever comes second gets no further: a connection of a forward is given
another port, a program's is rejected with a reason of its own. In no case gets either what is the other's.
"""

import socket
import struct

import pytest

import crowd
import firewall
import lab
import traffic
import trio
from trio import BACK

MODES = ("native", "tc")
POLICIES = {"deny": "default deny in", "allow": "default allow in"}

# What this host itself uses, in the small lab: forwards have the 2,048 ports above.
SMALL_RANGE = "1024 63487"
SMALL_PORTS = range(63488, 65536)


def _made(mode, tmp_path_factory, small):
    net = trio.Trio()
    if small:
        net.host.sysctl("ipv4/ip_local_port_range", SMALL_RANGE)
    with firewall.on(net, tmp_path_factory) as made:
        made(["load", lab.IFACE, trio.BACK_IFACE, "--mode", mode])
        yield made


@pytest.fixture(scope="module", params=MODES)
def shared(request, tmp_path_factory):
    yield from _made(request.param, tmp_path_factory, small=False)


@pytest.fixture(scope="module", params=MODES)
def small_lab(request, tmp_path_factory):
    with crowd.many_files():
        yield from _made(request.param, tmp_path_factory, small=True)


class Scene:
    """A forward to a server; a client of it, and a program of this host that talks to the server itself."""

    def __init__(self, fw, family, policy="deny"):
        self.fw, self.family, self.net = fw, family, fw.net
        self.asked, self.served, self.client_port = (traffic.fresh_port() for _ in range(3))
        self.target = BACK[family].target, self.served
        self.own = BACK[family].host  # the sender that the target sees
        self.forward = f"forward {self.asked}:{trio.endpoint(family, *self.target)}"
        fw.policy(POLICIES[policy], "default allow out", self.forward)

    def cut(self):
        """Forget the forwarded connections."""
        self.fw(f"delete {self.forward} --kill")
        self.fw(self.forward)

    def clashes(self):
        return self.fw.reason("out", "port-clash", "reject")[0]

    def explained(self, proto, port):
        source, target = trio.endpoint(self.family, self.own, port), trio.endpoint(self.family, *self.target)
        return self.fw.json(f"explain out {proto} from {source} to {target} on {trio.BACK_IFACE}")


class Datagrams(Scene):
    def __init__(self, fw, family, policy="deny"):
        super().__init__(fw, family, policy)
        self.server = traffic.udp(self.net.target, family, self.served)
        self.client = traffic.udp(self.net.peer, family, self.client_port)

    def port_given(self):
        """Ask by the forward; the port that the server saw."""
        self.client.sendto(b"which?", (self.family.host, self.asked))
        data, sender = traffic.receive(self.server)
        assert data == b"which?" and sender[0] == self.own
        return sender[1]

    def port_to_come(self):
        """The port that the client's next connection would be given."""
        port = self.port_given()
        self.cut()
        assert self.port_given() == port, "the same client is given the same port"
        self.cut()
        return port

    def answered(self):
        return traffic.udp_echo(self.client, self.server, (self.family.host, self.asked)) == (self.family.host, self.asked)


class Streams(Scene):
    def __init__(self, fw, family, policy="deny"):
        super().__init__(fw, family, policy)
        self.server = traffic.listen(self.net.target, family, self.served)

    def connect(self):
        """Both ends of a connection by the forward."""
        one = traffic.connect(self.net.peer, self.family, self.family.host, self.asked, self.client_port)
        return one, self.net.target.accept(self.server)[0]

    def port_given(self):
        ends = self.connect()
        port = ends[1].getpeername()[1]
        for end in ends:  # RST, so that nothing of the connection stays anywhere
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        return port

    port_to_come = Datagrams.port_to_come


@pytest.fixture
def fw(shared):
    yield shared
    shared.net.close_sockets()


# ---- the program was first ----


@pytest.mark.parametrize("program", ("connected", "unconnected", "silent"))
def test_socket_first(fw, family, program):
    """A port that a UDP socket is bound to is passed over, whoever the socket has talked to so far."""
    scene = Datagrams(fw, family)
    port = scene.port_to_come()
    own = traffic.udp(fw.net.host, family, port)
    if program == "connected":
        own.connect(scene.target)
    if program != "silent":
        assert traffic.udp_echo(own, scene.server, scene.target) == scene.target
    assert scene.port_given() != port
    assert scene.answered() and traffic.udp_echo(own, scene.server, scene.target) == scene.target
    assert scene.answered() and scene.clashes() == 0


def test_answer_under_way(fw, family):
    """The program is gone, but what it asked may yet be answered."""
    scene = Datagrams(fw, family)
    port = scene.port_to_come()
    own = traffic.udp(fw.net.host, family, port)
    assert traffic.udp_passes(own, scene.server, scene.target)
    own.close()
    assert scene.port_given() != port
    scene.server.sendto(b"late", (scene.own, port))
    assert traffic.nothing_came(scene.client)


@pytest.mark.parametrize("program", ("connected", "closed by it", "listening"))
def test_tcp_socket_first(fw, family, program):
    """The same for a TCP socket, in whatever state."""
    scene = Streams(fw, family)
    port = scene.port_to_come()
    if program == "listening":
        traffic.listen(fw.net.host, family, port)
    else:
        own = traffic.connect(fw.net.host, family, *scene.target, source_port=port)
        other, _ = fw.net.target.accept(scene.server)
    if program == "closed by it":  # TIME_WAIT
        own.close()
        assert other.recv(1) == b""
        other.close()
    one, two = scene.connect()
    assert two.getpeername()[:2] != (scene.own, port)
    assert traffic.flows(one, two) and traffic.flows(two, one)
    if program == "connected":
        assert traffic.flows(own, other) and traffic.flows(other, own)
    assert scene.clashes() == 0


def test_not_in_the_way(fw, family):
    """What is bound to another address, or is connected to somebody else, leaves the port free."""
    scene = Datagrams(fw, family)
    port = scene.port_to_come()
    traffic.udp(fw.net.host, family, port, family.host)
    elsewhere = traffic.udp(fw.net.host, family, port, scene.own)
    elsewhere.connect((BACK[family].target, traffic.fresh_port()))
    assert scene.port_given() == port


# ---- the forward was first ----


@pytest.mark.parametrize("policy", POLICIES)
def test_forward_first(fw, family, policy):
    """What the program sends to that endpoint, and only that, is rejected and counted; once the connection is over it passes."""
    scene = Datagrams(fw, family, policy)
    port, before = scene.port_given(), scene.clashes()
    own = traffic.udp(fw.net.host, family, port)
    own.connect(scene.target)
    own.send(b"mine?")
    with pytest.raises(ConnectionRefusedError):
        own.recv(1)
    assert traffic.nothing_came(scene.server) and scene.clashes() == before + 1 and "port-clash" in fw("history").out
    assert scene.answered() and traffic.nothing_came(own)
    own.close()
    own = traffic.udp(fw.net.host, family, port)
    other = traffic.udp(fw.net.target, family)
    assert traffic.udp_echo(own, other, (BACK[family].target, other.getsockname()[1]))
    told = scene.explained("udp", port)
    assert (told["verdict"], told["reason"]) == ("reject", "port-clash")
    scene.cut()
    assert scene.explained("udp", port)["verdict"] == "pass"
    assert traffic.udp_echo(own, scene.server, scene.target) == scene.target


def test_tcp_forward_first(fw, family):
    scene = Streams(fw, family)
    one, two = scene.connect()
    port, before = two.getpeername()[1], scene.clashes()
    assert traffic.tcp_answer(fw.net.host, family, *scene.target, "refused", source_port=port) == "refused"
    assert scene.clashes() == before + 1
    assert traffic.flows(one, two) and traffic.flows(two, one)
    assert scene.explained("tcp", port)["reason"] == "port-clash"
    other = traffic.listen(fw.net.target, family, traffic.fresh_port())
    traffic.connect(fw.net.host, family, BACK[family].target, other.getsockname()[1], source_port=port)


# ---- no port is left ----


def test_sockets_in_every_port(small_lab, family):
    """A forward has no port to give while programs have all of them, and says so; one that is free again is given."""
    scene = Datagrams(small_lab, family)
    held = [traffic.udp(small_lab.net.host, family, port) for port in SMALL_PORTS]
    before = small_lab.drops().get("no-port", 0)
    try:
        assert not traffic.udp_passes(scene.client, scene.server, (family.host, scene.asked), expect=False)
        assert small_lab.drops()["no-port"] == before + 1
        for sock in held:
            sock.close()
        assert scene.port_given() in SMALL_PORTS and scene.answered()
    finally:
        small_lab.net.close_sockets()
