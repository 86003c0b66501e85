# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces that are no plain Ethernet: tunnels without a link header, bridges, jumbo frames."""

import os

import pytest

import frames
import lab
import traffic
from tunnel import open_tun

TUN = {"v4": ("198.51.100.1", "198.51.100.2"), "v6": ("2001:db8:1::1", "2001:db8:1::2")}


@pytest.fixture
def tun(net):
    """tun0 on the host; what is written to this descriptor arrives there as an IP packet."""
    fd = open_tun(net.host)
    net.host.ip(f"link set tun0 up\naddress add {TUN['v4'][0]}/24 dev tun0\naddress add {TUN['v6'][0]}/64 dev tun0 nodad\n")
    yield fd
    os.close(fd)


def test_tun_is_filtered(fw, tun, family):
    """Without an Ethernet header the IP header must not be mistaken for one."""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    fw(f"allow in {opened}")
    fw("load tun0")
    mine, theirs = TUN[family.name]
    sockets = {port: traffic.udp(fw.net.host, family, port) for port in (closed, opened)}
    for port in (closed, opened):
        segment = frames.udp(theirs, mine, 40020, port, b"through the tunnel")
        os.write(tun, frames.ip(family, theirs, mine, frames.UDP, segment))
    assert traffic.receive(sockets[opened])[0] == b"through the tunnel"
    assert traffic.nothing_came(sockets[closed])
    assert fw.port("in", "udp", closed)["drop_bytes"] == family.header + 8 + 18


@pytest.mark.parametrize("mode", ["native", "generic"])
def test_no_xdp_on_tun(fw, tun, mode):
    assert "tun0" in fw.refuses(f"load tun0 --mode {mode}", code=1)
    assert fw.pinned() == []


@pytest.mark.parametrize("words", ["br0 host0", "host0 br0"])
def test_stacked_interfaces(fw, words):
    """A packet would be judged twice, and the second time as something it is not."""
    fw.net.host.ip(f"link add br0 type bridge\nlink set br0 up\nlink set {lab.IFACE} master br0\n")
    fw.refuses(f"load {words} --mode tc", code=1)
    assert fw.attached() == [] and fw.pinned() == []
    first, second = words.split()
    fw(f"load {first} --mode tc")
    assert first in fw.refuses(f"load {second} --mode tc", code=1)
    assert len(fw.json("status")["interfaces"]) == 1


def test_jumbo_frames(fw, mode, family):
    """An MTU of more than a page needs xdp.frags (TRAPS 25)."""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    fw.net.host.ip(f"link set {lab.IFACE} mtu 9000\n")
    fw.net.peer.ip(f"link set {lab.PEER_IFACE} mtu 9000\n")
    fw(f"allow in {opened}")
    fw.load(mode)
    server, client = traffic.udp(fw.net.host, family, opened), traffic.udp(fw.net.peer, family)
    shut = traffic.udp(fw.net.host, family, closed)
    for size in (100, 3000, 5000, 8000):
        assert traffic.udp_echo(client, server, (family.host, opened), size)
        assert not traffic.udp_passes(client, shut, (family.host, closed), size, expect=False)
    assert fw.port("in", "udp", opened)["rx_bytes"] == sum(14 + family.header + 8 + s for s in (100, 3000, 5000, 8000))
