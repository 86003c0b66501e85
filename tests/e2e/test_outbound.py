# SPDX-License-Identifier: GPL-2.0-only
"""Requests that leave by the loaded interface, by remote port."""

import errno
import time

import pytest

import lab
import traffic


def leaves_tcp(fw, family, port, expect="open"):
    return traffic.tcp_answer(fw.net.host, family, family.peer, port, expect)


def leaves_udp(fw, family, port, expect=True):
    receiver = traffic.udp(fw.net.peer, family, port)
    passed = traffic.udp_passes(traffic.udp(fw.net.host, family), receiver, (family.peer, port), expect=expect)
    receiver.close()
    return passed


def test_default_deny_out(loaded, family):
    port = traffic.fresh_port()
    for each in (53, port):
        traffic.listen(loaded.net.peer, family, each)
    loaded.policy("default deny in", "default deny out", "allow out 53")
    assert leaves_tcp(loaded, family, 53) == "open"
    assert leaves_udp(loaded, family, 53)
    assert leaves_tcp(loaded, family, port, "timeout") == "timeout"
    assert not leaves_udp(loaded, family, port, expect=False)
    assert not traffic.ping(loaded.net.host, family, family.peer, expect=False)


def test_questions_are_answered_under_deny_both(loaded, family):
    loaded.policy("default deny in", "default deny out", "allow out 53")
    dns = traffic.udp(loaded.net.peer, family, 53)
    assert traffic.udp_echo(traffic.udp(loaded.net.host, family), dns, (family.peer, 53)) == (family.peer, 53)
    server = traffic.listen(loaded.net.peer, family, 53)
    one, two = traffic.tcp_pair(loaded.net.host, server, family, family.peer, 53)
    assert traffic.flows(one, two) and traffic.flows(two, one)


def test_servers_answer_under_deny_out(loaded, family):
    """Default deny out forbids requests, not answers."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", "default deny out", f"allow in {port}")
    server = traffic.listen(loaded.net.host, family, port)
    one, two = traffic.tcp_pair(loaded.net.peer, server, family, family.host, port)
    assert traffic.flows(one, two) and traffic.flows(two, one)
    echo = traffic.udp(loaded.net.host, family, port)
    assert traffic.udp_echo(traffic.udp(loaded.net.peer, family), echo, (family.host, port)) == (family.host, port)
    assert traffic.ping(loaded.net.peer, family, family.host)


def test_server_port_is_no_way_out(loaded, family):
    """Sending *from* an inbound-allowed port to someone who never asked is a request, and denied."""
    port, target = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", "default deny out", f"allow in {port}")
    server = traffic.udp(loaded.net.host, family, port)
    stranger = traffic.udp(loaded.net.peer, family, target)
    assert not traffic.udp_passes(server, stranger, (family.peer, target), expect=False)


def test_deny_out_port(loaded, family):
    denied, other = traffic.fresh_port(), traffic.fresh_port()
    for port in (denied, other):
        traffic.listen(loaded.net.peer, family, port)
    loaded.policy("default deny in", f"deny out {denied}/tcp")
    assert leaves_tcp(loaded, family, denied, "timeout") == "timeout"
    assert leaves_udp(loaded, family, denied)
    assert leaves_tcp(loaded, family, other) == "open"


def test_deny_out_does_not_touch_in(loaded, family):
    """`deny out N` is about others' port N; a server of ours on N goes on."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"deny out {port}", f"allow in {port}")
    server = traffic.listen(loaded.net.host, family, port)
    one, two = traffic.tcp_pair(loaded.net.peer, server, family, family.host, port)
    assert traffic.flows(one, two) and traffic.flows(two, one)
    echo = traffic.udp(loaded.net.host, family, port)
    assert traffic.udp_echo(traffic.udp(loaded.net.peer, family), echo, (family.host, port))


@pytest.mark.parametrize("line", ["reject out {}", "default reject out"])
def test_reject_out_fails_at_once(loaded, family, line):
    port = traffic.fresh_port()
    traffic.listen(loaded.net.peer, family, port)
    loaded.policy("default deny in", line.format(port))
    begin = time.monotonic()
    assert leaves_tcp(loaded, family, port, "refused") == "refused"
    assert time.monotonic() - begin < 0.5
    client = traffic.udp(loaded.net.host, family)
    client.connect((family.peer, port))
    client.send(b"x")
    client.settimeout(lab.PATIENCE)
    with pytest.raises(OSError) as raised:
        client.recv(1)
    assert raised.value.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EACCES)


def test_source_port_does_not_matter(loaded, family):
    """Outbound rules look at the remote port only, also when the local one has a rule."""
    local, remote = traffic.fresh_port(), traffic.fresh_port()
    traffic.listen(loaded.net.peer, family, remote)
    loaded.policy("default deny in", "default deny out", f"allow out {local}")
    answer = traffic.tcp_answer(loaded.net.host, family, family.peer, remote, "timeout", source_port=local)
    assert answer == "timeout"
