# SPDX-License-Identifier: GPL-2.0-only
"""ports: the sockets that the test has opened, their processes, and what the policy says of them."""

import os
import socket
import subprocess

import pytest

import firewall
import lab
import traffic

V4, V6 = lab.V4, lab.V6

LISTEN = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
sock.bind(("0.0.0.0", int(sys.argv[1])))
sock.listen()
print("ready", flush=True)
time.sleep(100)
"""


@pytest.fixture
def guarded(fw):
    fw.policy("default deny in", "deny in 22 from 192.0.2.3", "allow in 22", "reject in 25", "forward 8080:2988")
    fw.load("tc")
    return fw


def rows(fw, code=0):
    return {(one["proto"], one["address"], one["port"]): one for one in fw.json("ports", code=code)["ports"]}


def mine(row):
    return [process["pid"] for process in row["processes"]] == [os.getpid()]


def start_listener(fw, port, prefix=()):
    process = subprocess.Popen(
        fw.net.host.command(*prefix, "/usr/bin/python3", "-c", LISTEN, str(port)), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def test_sockets_of_every_kind(guarded):
    host = guarded.net.host
    traffic.listen(host, V4, 22)
    traffic.listen(host, V6, 25)
    traffic.udp(host, V4, 53)
    traffic.udp(host, V6, 5353, "::1")
    both = host.socket(socket.AF_INET6, socket.SOCK_STREAM)
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    both.bind(("::", 443))
    both.listen()
    connected = traffic.udp(host, V4, 6000)
    connected.connect((V4.peer, 9))
    found = rows(guarded)
    assert set(found) == {
        ("tcp", "0.0.0.0", 22),
        ("tcp", "::", 25),
        ("tcp", "::", 443),
        ("udp", "0.0.0.0", 53),
        ("udp", "::1", 5353),
    }, "a connected UDP socket waits for nobody"
    assert all(mine(row) for row in found.values())
    families = {row["port"]: (row["ipv4"], row["ipv6"]) for row in found.values()}
    assert families == {22: (True, False), 25: (False, True), 443: (True, True), 53: (True, False), 5353: (False, True)}
    outside = {row["port"]: row["outside"] for row in found.values()}
    assert outside == {22: "allowed", 25: "rejected", 443: "denied", 53: "denied", 5353: "unreachable"}
    (process,) = found["tcp", "0.0.0.0", 22]["processes"]
    assert process["user"] == "root" and process["name"] == open("/proc/self/comm", encoding="ascii").read().strip()


def test_rules_for_some_senders(guarded):
    traffic.listen(guarded.net.host, V4, 22)
    row = rows(guarded)["tcp", "0.0.0.0", 22]
    assert row["by"]["text"] == "allow in 22"
    assert [one["text"] for one in row["exceptions"]] == ["deny in 22 from 192.0.2.3"]
    text = guarded("ports").out
    assert "first: deny in 22 from 192.0.2.3" in text and "by: allow in 22" in text


def test_forwards_and_packets(guarded):
    """What leads there, and the packets so far, under the port that was asked."""
    server = traffic.udp(guarded.net.host, V4, 2988)
    client = traffic.udp(guarded.net.peer, V4)
    for _ in range(5):
        assert traffic.udp_echo(client, server, (V4.host, 8080))
    row = rows(guarded)["udp", "0.0.0.0", 2988]
    assert row["asked_port"] == 8080 and row["outside"] == "allowed"
    assert row["forward"]["text"] == row["by"]["text"] == "forward 8080:2988"
    assert (row["rx_packets"], row["tx_packets"], row["drop_packets"]) == (5, 5, 0)
    traffic.udp(guarded.net.host, V4, 53)
    for _ in range(3):
        traffic.send(client, b"x", (V4.host, 53))
    guarded.net.settle()
    assert rows(guarded)["udp", "0.0.0.0", 53]["drop_packets"] == 3


def test_requests_that_go_elsewhere(guarded):
    """Somebody listens here, but a forward takes the requests away."""
    guarded("forward 4443:192.0.2.3:443/tcp")
    traffic.listen(guarded.net.host, V4, 4443)
    assert rows(guarded)["tcp", "0.0.0.0", 4443]["outside"] == "forwarded"


def test_two_processes_share_a_port(guarded):
    started = [start_listener(guarded, 4000), start_listener(guarded, 4000)]
    stranger = start_listener(guarded, 4001, firewall.NOBODY)
    try:
        row = rows(guarded)["tcp", "0.0.0.0", 4000]
        pids = {process.pid for process in started}
        assert {process["pid"] for process in row["processes"]} == pids and len(row["processes"]) == 2
        assert {process["user"] for process in row["processes"]} == {"root"}
        (process,) = rows(guarded)["tcp", "0.0.0.0", 4001]["processes"]
        assert (process["pid"], process["user"]) == (stranger.pid, "nobody")
        assert all(f"/{pid} (" in guarded("ports").out for pid in pids)
    finally:
        for process in (*started, stranger):
            process.kill()
            process.wait()
    assert ("tcp", "0.0.0.0", 4000) not in rows(guarded)


def test_not_loaded(fw):
    traffic.listen(fw.net.host, V4, 22)
    row = rows(fw, code=3)["tcp", "0.0.0.0", 22]
    assert row["outside"] == "unfiltered" and mine(row)
    assert "nothing is loaded" in fw("ports", code=3).out
    fw.refuses("ports 22", 2)
