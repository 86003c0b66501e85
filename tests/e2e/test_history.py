# SPDX-License-Identifier: GPL-2.0-only
"""history: what was dropped last and why, with no process running meanwhile."""

import datetime
import socket

import lab
import traffic


def drops(fw, *words):
    return fw.json(" ".join(["history", *map(str, words)]))["drops"]


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_why_was_it_dropped(loaded, family):
    """Each kind of drop is there once, with its reason, rule and ends."""
    denied, closed = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", f"deny in {denied}")
    receivers = [traffic.udp(loaded.net.host, family, port) for port in (denied, closed)]
    sender = traffic.udp(loaded.net.peer, family)
    for _ in range(3):
        traffic.send(sender, b"once more", (family.host, denied))
    traffic.send(sender, b"x", (family.host, closed))
    assert all(traffic.nothing_came(receiver) for receiver in receivers)

    (one,) = drops(loaded, f":{denied}")
    assert one["reason"] == "rule" and one["verdict"] == "drop" and one["dir"] == "in"
    assert one["rule_text"] == f"deny in {denied}" and one["rule"] == loaded.json("status")["rules"][0]["id"]
    assert (one["proto"], one["from"], one["to"]) == ("udp", family.peer, family.host)
    assert (one["from_port"], one["to_port"]) == (sender.getsockname()[1], denied)
    assert one["interface"] == lab.IFACE and one["packets"] == 3
    age = datetime.datetime.now(datetime.timezone.utc) - when(one["time"])
    assert datetime.timedelta(0) <= age < datetime.timedelta(seconds=10)
    assert when(one["first"]) <= when(one["time"])

    (other,) = drops(loaded, family.peer, f":{closed}")
    assert other["reason"] == "default" and other["rule"] is None and other["packets"] == 1


def test_out(loaded, family):
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"deny out {port}/tcp")
    assert traffic.tcp_answer(loaded.net.host, family, family.peer, port, "timeout") == "timeout"
    (one,) = drops(loaded, f":{port}")
    assert (one["dir"], one["from"], one["to"]) == ("out", family.host, family.peer)
    assert one["tcp_flags"] == ["SYN"]


def test_filters(loaded):
    port = traffic.fresh_port()
    loaded.policy("default deny in")
    receiver = traffic.udp(loaded.net.host, lab.V4, port)
    for address in (lab.V4.peer, lab.V4.other):
        traffic.send(traffic.udp(loaded.net.peer, lab.V4, 0, address), b"x", (lab.V4.host, port))
    assert traffic.nothing_came(receiver)
    assert {one["from"] for one in drops(loaded, f":{port}")} == {lab.V4.peer, lab.V4.other}
    assert {one["from"] for one in drops(loaded, lab.V4.other)} == {lab.V4.other}
    assert len(drops(loaded, "192.0.2.2/31", f":{port}")) == 2
    assert len(drops(loaded, lab.V4.host, f":{port}")) == 2, "an address of either end"
    assert drops(loaded, "198.51.100.0/24") == []
    newest = [when(one["time"]) for one in drops(loaded)]
    assert newest == sorted(newest, reverse=True)


def test_text(loaded, family):
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"reject in {port}/udp")
    traffic.send(traffic.udp(loaded.net.peer, family, 4321), b"x", (family.host, port))
    loaded.net.settle()
    lines = loaded(f"history :{port}").out.splitlines()
    assert len(lines) == 2 and lines[0].split()[:4] == ["LAST", "PACKETS", "DIR", "VERDICT"]
    open_, close = ("[", "]") if family.af == socket.AF_INET6 else ("", "")
    for word in ("reject", "rule", "udp", f"{open_}{family.peer}{close}:4321", f"reject in {port}/udp", lab.IFACE):
        assert word in lines[1]


def test_survives_reload_and_policy_changes(fw):
    """The memory belongs to the instance: another policy or a repeated load forgets nothing."""
    port = traffic.fresh_port()
    fw.load("tc")
    traffic.send(traffic.udp(fw.net.peer, lab.V4), b"x", (lab.V4.host, port))
    fw.net.settle()
    fw("allow in 80")
    fw.load("tc")
    assert [one["to_port"] for one in drops(fw, f":{port}")] == [port]


def test_a_rule_that_is_gone(loaded):
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"deny in {port}")
    traffic.send(traffic.udp(loaded.net.peer, lab.V4), b"x", (lab.V4.host, port))
    loaded.net.settle()
    loaded("delete 1")
    (one,) = drops(loaded, f":{port}")
    assert one["reason"] == "rule" and one["rule"] is None and one["rule_text"] is None


def test_words(fw):
    assert "70000" in fw.refuses("history :70000", 2)
    assert "nonsense" in fw.refuses("history nonsense", 2)
    fw.refuses("history :22 :23", 2)
    fw.refuses("history 192.0.2.1 192.0.2.2", 2)
    fw.refuses("history", 3)
