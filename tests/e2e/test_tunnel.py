# SPDX-License-Identifier: GPL-2.0-only
"""Forwards to and from the other end of a tunnel, whose packets have no Ethernet header: a server at home behind a host that can
be reached, as with WireGuard."""

import errno
import os
import socket

import pytest

import firewall
import lab
import traffic
import trio
from tunnel import MTU, TUN, Tunnel


@pytest.fixture(scope="module", params=("native", "tc"))
def shared(request, tmp_path_factory):
    with firewall.on(Tunnel(), tmp_path_factory) as made:
        made(["load", lab.IFACE, "--mode", request.param])
        made(["load", TUN])
        yield made


@pytest.fixture
def fw(shared):
    yield shared
    shared.net.close_sockets()


WAYS = pytest.mark.parametrize("way", ("into the tunnel", "out of it", "back into it"))


def way_of(fw, family, way, words=""):
    """(client's namespace, endpoint that it asks, server's namespace, its address and port) of a new forward."""
    asked, served = traffic.fresh_port(), traffic.fresh_port()
    near, far, farther = Tunnel.ENDS[family]
    client, at, server, target = {
        "into the tunnel": (fw.net.peer, family.host, fw.net.far, far),
        "out of it": (fw.net.far, near, fw.net.peer, family.peer),
        "back into it": (fw.net.far, near, fw.net.far, farther),
    }[way]
    fw.policy("default deny in", "default deny out", f"forward {asked}:{trio.endpoint(family, target, served)} {words}")
    return client, (at, asked), server, (target, served)


def test_first_is_too_big(fw, family):
    """Nothing has gone into the tunnel yet, so the FIB knows no neighbour there. (This stands first.)"""
    client, at, server, target = way_of(fw, family, "into the tunnel")
    server, client = traffic.udp(server, family, target[1], target[0]), traffic.udp(client, family)
    client.connect(at)
    client.setsockopt(*ALWAYS_WHOLE[family])
    client.send(bytes(MTU))
    with pytest.raises(OSError) as told:
        client.recv(1)
    assert told.value.errno == errno.EMSGSIZE
    assert traffic.receive(server, 0.0)[0] is None


# IP_MTU_DISCOVER and IPV6_MTU_DISCOVER: never in fragments
ALWAYS_WHOLE = {lab.V4: (socket.IPPROTO_IP, 10, 2), lab.V6: (socket.IPPROTO_IPV6, 23, 2)}


@WAYS
def test_tcp(fw, family, way):
    """Segments too big for the tunnel are found out by this host's ICMP."""
    client, at, server, (_, served) = way_of(fw, family, way)
    one, two = traffic.tcp_pair(client, traffic.listen(server, family, served), family, *at)
    for sender, receiver in ((one, two), (two, one)):
        data = os.urandom(500_000)
        assert traffic.bulk(sender, receiver, data) == data


@WAYS
def test_udp(fw, family, way):
    client, at, server, target = way_of(fw, family, way)
    server, client = traffic.udp(server, family, target[1], target[0]), traffic.udp(client, family)
    for size in (16, MTU - family.header - 8, 16):
        assert traffic.udp_echo(client, server, at, size) == at


@WAYS
def test_port_unreachable(fw, family, way):
    client, at, _, _ = way_of(fw, family, way)
    client = traffic.udp(client, family)
    client.connect(at)
    client.send(b"anyone?")
    with pytest.raises(OSError) as refused:
        client.recv(1)
    assert refused.value.errno == errno.ECONNREFUSED


def test_keep_source(fw, family):
    client, at, server, target = way_of(fw, family, "into the tunnel", "keep-source")
    server, client = traffic.udp(server, family, target[1]), traffic.udp(client, family)
    client.sendto(b"who?", at)
    data, sender = traffic.receive(server)
    assert (data, sender) == (b"who?", (family.peer, client.getsockname()[1]))
    server.sendto(b"you", sender)
    assert traffic.receive(client) == (b"you", at)


def test_check(fw, family):
    """Nothing is wrong with it: a tunnel has no neighbours that could be missing."""
    way_of(fw, family, "into the tunnel")
    (target,) = fw.json("forward --check")
    assert target["well"] and not target["faults"]
