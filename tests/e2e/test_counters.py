# SPDX-License-Identifier: GPL-2.0-only
"""Exact counts: packets and bytes of known sequences, per service port, rule and reason.

A service port is the port that the connection's request went to; bytes are
those of the frame at the hook, link header included.
"""

import os
import re

import pytest

import frames
import lab
import traffic

ZERO = {"rx": (0, 0), "tx": (0, 0), "drop": (0, 0)}


@pytest.fixture
def counting(loaded):
    """A firewall without rules. Ports are fresh, so theirs begin at zero; for reasons see `reason`."""
    loaded.policy("default deny in")
    loaded.before = reasons(loaded)
    return loaded


def reasons(fw):
    found = fw.json("stats")["reasons"]
    return {(one["dir"], one["reason"], one["verdict"]): (one["packets"], one["bytes"]) for one in found}


def reason(fw, *which):
    """(packets, bytes) that the test has added to a reason, by direction, name and verdict."""
    now, before = reasons(fw).get(which, (0, 0)), fw.before.get(which, (0, 0))
    return now[0] - before[0], now[1] - before[1]


def counts(fw, direction, proto, port):
    entry = fw.port(direction, proto, port)
    return {side: (entry[f"{side}_packets"], entry[f"{side}_bytes"]) for side in ZERO}


def udp_length(family, size):
    return 14 + family.header + 8 + size


def total(sizes, family):
    return len(sizes), sum(udp_length(family, size) for size in sizes)


SIZES = (1, 10, 100, 1000, 1400)


def test_denied_in(counting, family):
    port = traffic.fresh_port()
    receiver = traffic.udp(counting.net.host, family, port)
    sender = traffic.udp(counting.net.peer, family)
    for size in SIZES:
        traffic.send(sender, bytes(size), (family.host, port))
    assert traffic.nothing_came(receiver)
    assert counts(counting, "in", "udp", port) == ZERO | {"drop": total(SIZES, family)}
    assert reason(counting, "in", "default", "drop") == total(SIZES, family)
    assert counts(counting, "in", "tcp", port) == ZERO, "tcp is apart from udp"
    assert counts(counting, "out", "udp", port) == ZERO, "out is apart from in"


def test_rules(counting, family):
    """Each rule has its own counts, and keeps them while other rules come and go."""
    denied, allowed = traffic.fresh_port(), traffic.fresh_port()
    counting(f"deny in {denied}")
    counting(f"allow in {allowed}/udp")
    sender = traffic.udp(counting.net.peer, family)
    receiver = traffic.udp(counting.net.host, family, allowed)
    for size in SIZES:
        traffic.send(sender, bytes(size), (family.host, denied))
    for size in SIZES[:3]:
        traffic.send(sender, bytes(size), (family.host, allowed))
        assert traffic.receive(receiver)[0] == bytes(size)

    def check(numbers):
        found = {rule["text"]: (rule["n"], rule["packets"], rule["bytes"]) for rule in counting.json("status")["rules"]}
        assert found[f"deny in {denied}"] == (numbers[0], *total(SIZES, family))
        assert found[f"allow in {allowed}/udp"] == (numbers[1], *total(SIZES[:3], family))
        assert counts(counting, "in", "udp", denied) == ZERO | {"drop": total(SIZES, family)}
        assert counts(counting, "in", "udp", allowed) == ZERO | {"rx": total(SIZES[:3], family)}
        assert reason(counting, "in", "rule", "drop") == total(SIZES, family)
        assert reason(counting, "in", "rule", "pass") == total(SIZES[:3], family)

    check((1, 2))
    counting("allow in 999")
    counting("deny out 998")
    check((1, 2))
    counting.load(counting.mode)
    check((1, 2))
    counting("delete allow in 999")
    check((1, 2))


def test_udp_server(counting, family):
    """Answers count under the port that was asked, not under the client's."""
    port = traffic.fresh_port()
    counting(f"allow in {port}")
    server, client = traffic.udp(counting.net.host, family, port), traffic.udp(counting.net.peer, family)
    for size in SIZES:
        assert traffic.udp_echo(client, server, (family.host, port), size)
    both = total(SIZES, family)
    assert counts(counting, "in", "udp", port) == {"rx": both, "tx": both, "drop": (0, 0)}
    assert counts(counting, "out", "udp", client.getsockname()[1]) == ZERO


def test_udp_client(counting, family):
    port = traffic.fresh_port()
    server, client = traffic.udp(counting.net.peer, family, port), traffic.udp(counting.net.host, family)
    for size in SIZES:
        assert traffic.udp_echo(client, server, (family.peer, port), size)
    both = total(SIZES, family)
    assert counts(counting, "out", "udp", port) == {"rx": both, "tx": both, "drop": (0, 0)}
    assert counts(counting, "in", "udp", client.getsockname()[1]) == ZERO


def seen_on(wire, port):
    """(rx, tx) of a TCP port as the peer saw them: (packets, bytes) towards the host, and from it."""
    sides = {True: [0, 0], False: [0, 0]}
    for frame, outgoing in wire.drain():
        if frames.is_port(frames.TCP, port)(frame):
            sides[outgoing][0] += 1
            sides[outgoing][1] += len(frame)
    return {"rx": tuple(sides[True]), "tx": tuple(sides[False]), "drop": (0, 0)}


@pytest.mark.parametrize("direction", ["in", "out"])
def test_tcp_conversation(counting, family, direction):
    """From SYN to the last ACK, as counted by someone else."""
    port = traffic.fresh_port()
    counting(f"allow in {port}")
    wire = traffic.Wire(counting.net, "peer")
    inside, outside = counting.net.host, counting.net.peer
    if direction == "in":
        one, two = traffic.tcp_pair(outside, traffic.listen(inside, family, port), family, family.host, port)
    else:
        one, two = traffic.tcp_pair(inside, traffic.listen(outside, family, port), family, family.peer, port)
    for _ in range(5):
        assert traffic.flows(one, two) and traffic.flows(two, one)
    one.close()
    two.close()
    expected = seen_on(wire, port)
    assert expected["rx"][0] > 6 and expected["tx"][0] > 6
    assert counts(counting, direction, "tcp", port) == expected


def test_denied_out(counting, family):
    port = traffic.fresh_port()
    counting("default deny out")
    sender = traffic.udp(counting.net.host, family)
    for size in SIZES:
        traffic.send(sender, bytes(size), (family.peer, port))
    assert counts(counting, "out", "udp", port) == ZERO | {"drop": total(SIZES, family)}
    assert reason(counting, "out", "default", "drop") == total(SIZES, family)


def test_forward(counting, family):
    """Counted by the port on the wire, as outsiders see it."""
    a, b = traffic.fresh_port(), traffic.fresh_port()
    counting(f"forward {a}:{b}")
    server, client = traffic.udp(counting.net.host, family, b), traffic.udp(counting.net.peer, family)
    for size in SIZES:
        assert traffic.udp_echo(client, server, (family.host, a), size)
    both = total(SIZES, family)
    assert counts(counting, "in", "udp", a) == {"rx": both, "tx": both, "drop": (0, 0)}
    assert counts(counting, "in", "udp", b) == ZERO
    assert reason(counting, "in", "forward", "pass") == both
    (forward,) = counting.json("status")["forwards"]
    assert forward["packets"] >= both[0] and forward["bytes"] >= both[1]


def test_rejected(counting, family):
    """Dropped for the port, rejected for the reason; our own answers are nobody's packets."""
    port = traffic.fresh_port()
    counting(f"reject in {port}")
    sender = traffic.udp(counting.net.peer, family)
    for size in SIZES:
        traffic.send(sender, bytes(size), (family.host, port))
    assert counts(counting, "in", "udp", port) == ZERO | {"drop": total(SIZES, family)}
    assert reason(counting, "in", "rule", "reject") == total(SIZES, family)


def test_blocked(counting, family):
    port = traffic.fresh_port()
    counting(f"allow in {port}")
    assert traffic.ping(counting.net.peer, family, family.host), "neighbours know each other: ND is blocked as well"
    counting(f"block {family.peer}")
    sender = traffic.udp(counting.net.peer, family, 0, family.peer)
    for size in SIZES:
        traffic.send(sender, bytes(size), (family.host, port))
    assert reason(counting, "in", "blocked", "drop") == total(SIZES, family)
    assert counts(counting, "in", "udp", port)["rx"] == (0, 0)


@pytest.mark.parametrize("upload", [True, False], ids=["received", "sent"])
def test_segments_of_a_big_transfer(counting, family, upload):
    """A GSO packet counts as the segments it stands for, not as one (TRAPS 24)."""
    port, data = traffic.fresh_port(), os.urandom(8 << 20)
    counting(f"allow in {port}")
    server = traffic.listen(counting.net.host, family, port)
    one, two = traffic.tcp_pair(counting.net.peer, server, family, family.host, port)
    sender, receiver = (one, two) if upload else (two, one)
    assert traffic.bulk(sender, receiver, data) == data
    packets, size = counts(counting, "in", "tcp", port)["rx" if upload else "tx"]
    mss = 1500 - family.header - 32  # 20 of TCP and 12 of timestamps
    assert len(data) / mss <= packets <= 1.1 * len(data) / mss + 100
    assert len(data) < size < 1.1 * len(data)


def quiet(wire, ask):
    """(frames the peer has sent, an answer to `ask`), such that none was sent while asking."""
    sent = 0
    while True:
        sent += sum(outgoing for _, outgoing in wire.drain(0.05))
        answer = ask()
        late = sum(outgoing for _, outgoing in wire.drain(0.0))
        if not late:
            return sent, answer
        sent += late


def test_sum_of_reasons_is_what_the_peer_sent(counting, family):
    """Nothing is counted twice and nothing is forgotten."""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    counting(f"allow in {opened}")

    def judged():
        return sum(packets for (direction, _, _), (packets, _) in reasons(counting).items() if direction == "in")

    wire = traffic.Wire(counting.net, "peer")
    _, before = quiet(wire, judged)
    server, client = traffic.udp(counting.net.host, family, opened), traffic.udp(counting.net.peer, family)
    for size in SIZES:
        assert traffic.udp_echo(client, server, (family.host, opened), size)
        traffic.send(client, bytes(size), (family.host, closed))
    sent, after = quiet(wire, judged)
    assert after - before == sent >= 2 * len(SIZES)


def test_every_port(counting):
    """The first and the last of the 65,536 ports count like any other."""
    family = lab.V4
    counting("default allow in")
    sender = traffic.udp(counting.net.peer, family)
    for port in (1, 32767, 32768, 65535):
        before = counts(counting, "in", "udp", port)["rx"]
        traffic.send(sender, b"x", (family.host, port))
        assert counts(counting, "in", "udp", port)["rx"] == (before[0] + 1, before[1] + udp_length(family, 1))


def test_stats_schema(counting):
    """DESIGN section 2: stable, additions only."""
    traffic.send(traffic.udp(counting.net.peer, lab.V4), b"x", (lab.V4.host, 9))
    stats = counting.json("stats")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", stats["time"]) and re.match(r"\d{4}-\d\d-\d\dT", stats["since"])
    assert isinstance(stats["mono_ns"], int) and stats["interval_s"] is None
    keys = {"dir", "proto", "port", "rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "drop_packets", "drop_bytes"}
    assert stats["ports"] and all(keys <= set(entry) for entry in stats["ports"])
    assert all(any(entry[key] for key in keys - {"dir", "proto", "port"}) for entry in stats["ports"]), "no zero rows"
    for entry in stats["reasons"]:
        assert {"dir", "reason", "verdict", "packets", "bytes"} <= set(entry)
        assert entry["dir"] in ("in", "out") and entry["verdict"] in ("pass", "drop", "reject")


def test_text_shows_the_counts(counting):
    port = traffic.fresh_port()
    counting(f"deny in {port}")
    sender = traffic.udp(counting.net.peer, lab.V4)
    for _ in range(7):
        traffic.send(sender, bytes(10), (lab.V4.host, port))
    assert re.search(rf"\b{port}\b.*\b7\b", counting("stats").out)
    assert re.search(rf"deny in {port}\b", counting("status").out)
