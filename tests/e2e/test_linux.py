# SPDX-License-Identifier: GPL-2.0-only
"""What Linux does without a firewall.

The tests of crafted packets expect silence. This file shows that the same
frames arrive where nothing filters, so that their silence means something.
"""

import pytest

import frames
import traffic
from crafted import DELIVERED, deliverable


@pytest.mark.parametrize("name", DELIVERED)
def test_linux_delivers(net, name):
    port = traffic.fresh_port()
    family, build = deliverable(name)
    receiver = traffic.udp(net.host, family, port)
    traffic.Wire(net, "peer").send(build(port, b"crafted"))
    assert traffic.receive(receiver)[0] == b"crafted"


def test_pairs_talk(net, family):
    """The library itself: TCP, UDP, ping and refused connections over a bare veth."""
    port = traffic.fresh_port()
    server = traffic.listen(net.host, family, port)
    one, two = traffic.tcp_pair(net.peer, server, family, family.host, port)
    assert traffic.flows(one, two) and traffic.flows(two, one)
    assert traffic.tcp_answer(net.peer, family, family.host, port + 1000) == "refused"
    echo = traffic.udp(net.host, family, port)
    assert traffic.udp_echo(traffic.udp(net.peer, family), echo, (family.host, port)) == (family.host, port)
    assert traffic.ping(net.peer, family, family.host)
    data = bytes(range(256)) * 4096
    assert traffic.bulk(one, two, data) == data


def test_checksums(net, family):
    """Frames by hand are right: Linux takes them."""
    port = traffic.fresh_port()
    server = traffic.listen(net.host, family, port)
    wire = traffic.Wire(net, "peer")
    wire.send(frames.tcp_frame(family, port + 1, port, frames.SYN))
    assert wire.answer(frames.is_port(frames.TCP, port)), "no SYN-ACK"
    server.close()


def test_silence_is_not_guessed(net, family):
    """`settle` returns after everything sent before it has arrived, without which "nothing came" means nothing."""
    port = traffic.fresh_port()
    server, client = traffic.udp(net.host, family, port), traffic.udp(net.peer, family)
    for _ in range(200):
        assert traffic.udp_passes(client, server, (family.host, port), expect=False)
        assert traffic.udp_passes(server, client, (family.peer, client.getsockname()[1]), expect=False)
    listener = traffic.listen(net.host, family, port)
    for _ in range(20):
        assert traffic.tcp_answer(net.peer, family, family.host, port, "timeout") == "open"
        assert traffic.ping(net.peer, family, family.host, expect=False)
    listener.close()
