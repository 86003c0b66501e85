# SPDX-License-Identifier: GPL-2.0-only
"""Blocks stand before all rules, both ways, open connections included."""

import lab
import traffic


def test_block_cuts_and_unblock_heals(loaded, family):
    port = traffic.fresh_port()
    loaded.policy("default allow in", f"allow in {port}")
    server = traffic.listen(loaded.net.host, family, port)
    one, two = traffic.tcp_pair(loaded.net.peer, server, family, family.host, port)
    assert traffic.flows(one, two) and traffic.flows(two, one)

    loaded(f"block {family.peer}")
    one.sendall(b"while blocked")
    assert traffic.nothing_came(two)
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, port, "timeout") == "timeout"
    assert not traffic.ping(loaded.net.peer, family, family.host, expect=False)

    loaded(f"unblock {family.peer}")
    two.settimeout(10)
    assert two.recv(100) == b"while blocked", "TCP sends again what was cut"
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, port) == "open"


def test_block_stops_what_leaves(loaded, family):
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"allow out {port}", f"block {family.peer}")
    traffic.listen(loaded.net.peer, family, port)
    assert traffic.tcp_answer(loaded.net.host, family, family.peer, port, "timeout") == "timeout"
    receiver = traffic.udp(loaded.net.peer, family, port, family.peer)
    sender = traffic.udp(loaded.net.host, family)
    assert not traffic.udp_passes(sender, receiver, (family.peer, port), expect=False)
    assert not traffic.ping(loaded.net.host, family, family.peer, expect=False)


def test_block_is_about_one_address(loaded, family):
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {port}", f"block {family.peer}")
    server = traffic.udp(loaded.net.host, family, port)
    blocked = traffic.udp(loaded.net.peer, family, 0, family.peer)
    other = traffic.udp(loaded.net.peer, family, 0, family.other)
    assert not traffic.udp_passes(blocked, server, (family.host, port), expect=False)
    assert traffic.udp_passes(other, server, (family.host, port))
    assert traffic.tcp_answer(loaded.net.host, family, family.other, traffic.fresh_port(), "refused") == "refused"


def test_block_a_prefix(loaded, family):
    """Both addresses of the peer lie in the prefix; the rest of the world does not."""
    port = traffic.fresh_port()
    prefix = "192.0.2.2/31" if family is lab.V4 else "2001:db8::2/127"
    loaded.policy("default deny in", f"allow in {port}", f"block {prefix}")
    server = traffic.udp(loaded.net.host, family, port)
    for address in (family.peer, family.other):
        sender = traffic.udp(loaded.net.peer, family, 0, address)
        assert not traffic.udp_passes(sender, server, (family.host, port), expect=False)
    loaded(f"unblock {prefix}")
    assert traffic.udp_passes(traffic.udp(loaded.net.peer, family), server, (family.host, port))


def test_block_one_family_leaves_the_other(loaded, family):
    other = lab.V6 if family is lab.V4 else lab.V4
    everything = "0.0.0.0/0" if family is lab.V4 else "::/0"
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {port}", f"block {everything}")
    for each, expect in ((family, False), (other, True)):
        server = traffic.udp(loaded.net.host, each, port)
        sender = traffic.udp(loaded.net.peer, each)
        assert traffic.udp_passes(sender, server, (each.host, port), expect=expect) == expect


def test_block_again_and_unblock_a_stranger_change_nothing(loaded):
    loaded.policy("default deny in", "block 203.0.113.9")
    assert loaded.json("block 203.0.113.9")["changed"] is False
    assert loaded.json("unblock 203.0.113.10")["changed"] is False
    assert loaded.json("unblock 203.0.113.9")["changed"] is True
