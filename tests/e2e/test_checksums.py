# SPDX-License-Identifier: GPL-2.0-only
"""What is forwarded arrives as it was sent, whoever completes checksums (TRAPS 22 to 24): the whole matrix.

    mode                  native, generic, tc
    sender's tx checksum  on, off: only the sum of the pseudo-header comes, or all of it
    egress tx checksum    on, off: completed behind the firewall, or in front of it
    GSO                   on, off: TCP and UDP in packets of many segments, or as on the wire
    family                IPv4, IPv6
    kind of forward       link, one-way, to another host (not in mode generic, which test_remote.py sees refused)
    protocol              TCP, UDP, UDP in many segments, UDP without a checksum (IPv4)
"""

import itertools
import os
import socket

import pytest

import firewall
import lab
import traffic
import trio
from trio import BACK

OFFLOADS = tuple(itertools.product(("on", "off"), repeat=3))

# <linux/udp.h>, <asm-generic/socket.h>
_UDP_SEGMENT = 103
_SO_NO_CHECK = 11


class Matrix:
    """A loaded firewall with a forward of each kind, and the offloads that its wires have now."""

    def __init__(self, mode, directory):
        self.net = trio.Trio(routed=True)
        self.fw = firewall.Firewall(self.net, directory)
        self._offloads = None
        self.ports = {kind: (traffic.fresh_port(), traffic.fresh_port()) for kind in ("link", "one-way")}
        lines = ["forward {}:{}".format(*self.ports["link"]), "forward {}:{} one-way".format(*self.ports["one-way"])]
        if mode != "generic":
            asked, served = self.ports["remote"] = traffic.fresh_port(), traffic.fresh_port()
            lines += [f"forward {asked}:{trio.endpoint(family, BACK[family].target, served)}" for family in lab.FAMILIES]
        for ns, iface in ((self.net.peer, lab.PEER_IFACE), (self.net.target, trio.TARGET_IFACE)):
            self.net.offload(ns, iface, gro="on")  # then they take frames from XDP
        self.fw(["load", lab.IFACE, trio.BACK_IFACE, "--mode", mode])
        self.fw.policy("default deny in", *lines)

    def offload(self, sender, egress, gso):
        net = self.net
        if self._offloads == (sender, egress, gso):
            return
        for ns, iface, tx in (
            (net.peer, lab.PEER_IFACE, sender),
            (net.target, trio.TARGET_IFACE, sender),
            (net.host, lab.IFACE, egress),
            (net.host, trio.BACK_IFACE, egress),
        ):
            net.offload(ns, iface, tx=tx, gso=gso, tso=gso if tx == "on" else "off")
        self._offloads = sender, egress, gso

    def server(self, kind):
        return self.net.target if kind == "remote" else self.net.host

    def close(self):
        self.fw.close()
        self.net.delete()


@pytest.fixture(scope="module", params=firewall.MODES)
def loaded_matrix(request, tmp_path_factory):
    made = Matrix(request.param, tmp_path_factory.mktemp("rules"))
    yield made
    made.close()


@pytest.fixture
def matrix(loaded_matrix):
    yield loaded_matrix
    loaded_matrix.net.close_sockets()


@pytest.mark.parametrize("sender, egress, gso", OFFLOADS)
def test_contents(matrix, family, sender, egress, gso):
    matrix.offload(sender, egress, gso)
    for kind, (asked, served) in matrix.ports.items():
        ns, asked_at = matrix.server(kind), (family.host, asked)
        listener = traffic.listen(ns, family, served)
        for one, two in _both_ways(*traffic.tcp_pair(matrix.net.peer, listener, family, *asked_at)):
            data = os.urandom(150_001)
            assert traffic.bulk(one, two, data) == data, kind
        server, client = traffic.udp(ns, family, served), traffic.udp(matrix.net.peer, family)
        for size in (0, 1, 1400, 4001):
            assert traffic.udp_echo(client, server, asked_at, size) == asked_at, (kind, size)
        if gso == "on":
            _segments(client, server, asked_at)
        if family is lab.V4:
            _without_checksum(matrix.net, server, asked_at)


def _both_ways(one, two):
    return (one, two), (two, one)


def _segments(client, server, asked_at):
    """Datagrams that leave their host as one packet."""
    client.sendto(b"who am I?", asked_at)
    ends = (client, server, asked_at), (server, client, traffic.receive(server)[1])
    for sender, receiver, to in ends:
        data = os.urandom(9 * 1100 + 7)
        sender.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 1100)
        sender.sendto(data, to)
        sender.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 0)
        assert b"".join(traffic.receive(receiver)[0] or b"" for _ in range(10)) == data


def _without_checksum(net, server, asked_at):
    """0 stays 0: a wrong sum instead would be found by the receiver."""
    client = traffic.udp(net.peer, lab.V4)
    for sock in (client, server):
        sock.setsockopt(socket.SOL_SOCKET, _SO_NO_CHECK, 1)
    for size in (1, 1400):
        assert traffic.udp_echo(client, server, asked_at, size) == asked_at
