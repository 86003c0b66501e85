# SPDX-License-Identifier: GPL-2.0-only
"""log: events as they happen; rules with `log`, drops, who sent, captures, what was suppressed, readers that die."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import bpf
import frames
import lab
import schemas
import traffic

PER_SECOND = 10  # option log-rate at first
_LISTENING = 48  # where control.listening stands


class Follower:
    """`xdpfw log --json` in the background, following from the moment this is made."""

    def __init__(self, fw, *words):
        self.process = subprocess.Popen(
            fw.command(["log", "--json", *words]), env=fw.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        self.greeting = self.process.stderr.readline()
        assert "following" in self.greeting, self.greeting + self.process.stderr.read()

    def end(self, how=signal.SIGINT, code=0):
        """What it said, one object a line."""
        time.sleep(0.05)  # what the last packet made is on its way
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=10)
        assert self.process.returncode == code, err
        lines = [json.loads(line) for line in out.splitlines()]
        for line in lines:
            schemas.check(["log"], line)
        return lines

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@contextmanager
def following(fw, *words):
    follower = Follower(fw, *words)
    try:
        yield follower
    finally:
        follower.kill()


def packets(lines, port=None):
    return [one for one in lines if one["event"] == "packet" and port in (None, one["to_port"])]


def test_drops(loaded, family):
    port, denied = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", f"deny in {denied}", "option log-rate 1000")
    receiver, sender = traffic.udp(loaded.net.host, family, port), traffic.udp(loaded.net.peer, family)
    with following(loaded) as follower:
        assert follower.greeting == "xdpfw: log: following drops\n"
        traffic.send(sender, b"sixteen bytes ..", (family.host, port))
        assert traffic.nothing_came(receiver)
        traffic.tcp_answer(loaded.net.peer, family, family.host, denied, "timeout")
        lines = follower.end()
    (one,) = packets(lines, port)
    assert (one["dir"], one["verdict"], one["reason"]) == ("in", "drop", "default")
    assert one["rule"] is one["rule_text"] is one["rule_n"] is None
    assert (one["proto"], one["from"], one["to"]) == ("udp", family.peer, family.host)
    assert (one["from_port"], one["to_port"]) == (sender.getsockname()[1], port)
    assert one["interface"] == lab.IFACE and one["length"] == 14 + family.header + 8 + 16
    assert one["tcp_flags"] is one["uid"] is one["pid"] is one["process"] is None
    (one,) = packets(lines, denied)
    assert (one["reason"], one["rule_text"], one["tcp_flags"]) == ("rule", f"deny in {denied}", ["SYN"])
    assert one["rule"] == loaded.json("status")["rules"][0]["id"] and one["rule_n"] == 1


def test_rules_with_log(loaded, family):
    """`log` shows requests, `log-all` every packet; without `log drops` nothing else."""
    some, every, silent = (traffic.fresh_port() for _ in range(3))
    loaded.policy(
        "default deny in", "option log-drops off", "option log-rate 1000",
        f"allow in {some} log", f"allow in {every} log-all", f"allow in {silent}",
    )
    servers = {port: traffic.listen(loaded.net.host, family, port) for port in (some, every, silent)}
    with following(loaded) as follower:
        assert follower.greeting == "xdpfw: log: following rules with `log`\n"
        for port, server in servers.items():
            one, two = traffic.tcp_pair(loaded.net.peer, server, family, family.host, port)
            assert traffic.flows(one, two) and traffic.flows(two, one)
        traffic.send(traffic.udp(loaded.net.peer, family), b"x", (family.host, traffic.fresh_port()))
        loaded.net.settle()
        lines = packets(follower.end())
    assert [(one["tcp_flags"], one["verdict"]) for one in lines if one["to_port"] == some] == [(["SYN"], "pass")]
    everything = [one["tcp_flags"] for one in lines if one["to_port"] == every]
    assert everything[0] == ["SYN"] and len(everything) > 3 and ["PSH", "ACK"] in map(sorted_flags, everything)
    assert {one["to_port"] for one in lines} == {some, every}


def sorted_flags(flags):
    return sorted(flags, key=["PSH", "ACK"].index) if set(flags) == {"PSH", "ACK"} else flags


@pytest.mark.parametrize("proto", ("tcp", "udp"))
def test_who_sent_it(loaded, family, proto):
    """For what leaves: the owner of the socket, and the process that has it open."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"deny out {port}", "option log-rate 1000")
    with following(loaded) as follower:
        if proto == "tcp":
            sender = loaded.net.host.socket(family.af, socket.SOCK_STREAM)
            sender.setblocking(False)
            sender.connect_ex((family.peer, port))
        else:
            sender = traffic.udp(loaded.net.host, family)
            traffic.send(sender, b"x", (family.peer, port))
        time.sleep(0.3)  # the socket stays open until it has been looked at
        (one, *_) = packets(follower.end(), port)
    assert (one["dir"], one["proto"], one["from"], one["to"]) == ("out", proto, family.host, family.peer)
    assert (one["uid"], one["pid"]) == (0, os.getpid())
    assert one["process"] == Path("/proc/self/comm").read_text(encoding="ascii").strip()


def test_who_sent_it_another_user(loaded):
    """A process of its own, with another uid."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"deny out {port}/tcp", "option log-rate 1000")
    code = f"import socket; s = socket.socket(); s.settimeout(1); s.connect(('{lab.V4.peer}', {port}))"
    with following(loaded) as follower:
        client = subprocess.Popen(
            loaded.net.host.command("setpriv", "--reuid=12345", "--clear-groups", sys.executable, "-c", code),
            stderr=subprocess.DEVNULL,
        )
        client.wait(timeout=10)
        (one, *_) = packets(follower.end(), port)
    assert (one["uid"], one["pid"], one["process"]) == (12345, client.pid, Path(sys.executable).name[:15])


def test_what_arrives_has_no_sender_here(loaded):
    port = traffic.fresh_port()
    loaded.policy("default deny in", "option log-rate 1000")
    with following(loaded) as follower:
        traffic.send(traffic.udp(loaded.net.peer, lab.V4), b"x", (lab.V4.host, port))
        loaded.net.settle()
        (one,) = packets(follower.end(), port)
    assert one["uid"] is None


@pytest.mark.parametrize("count", (300, 20000))
def test_suppressed_is_exact(loaded, family, count):
    """No more than the rate lets through, and the rest counted to the last one."""
    port = traffic.fresh_port()
    loaded.policy("default deny in")
    sender = traffic.udp(loaded.net.peer, family)
    sender.connect((family.host, port))
    time.sleep(1.1)  # the second in which other tests had events is over
    before = loaded.reason("in", "default", "drop")[0]
    with following(loaded) as follower:
        begin = time.monotonic()
        for _ in range(count):
            sender.send(b"x")
        loaded.net.settle()
        seconds = time.monotonic() - begin
        lines = follower.end()
    dropped = loaded.reason("in", "default", "drop")[0] - before
    shown = [one for one in packets(lines) if one["reason"] == "default"]
    gaps = [one for one in lines if one["event"] == "suppressed" and one["reason"] == "default"]
    assert PER_SECOND <= len(shown) <= PER_SECOND * (int(seconds) + 2)
    assert all((one["dir"], one["verdict"]) == ("in", "drop") for one in gaps)
    assert not [one for one in lines if one["event"] == "lost"]
    assert len(shown) + sum(one["count"] for one in gaps) == dropped >= count


def test_rate(loaded):
    port = traffic.fresh_port()
    loaded.policy("default deny in", "option log-rate 500")
    sender = traffic.udp(loaded.net.peer, lab.V4)
    with following(loaded) as follower:
        for _ in range(200):
            traffic.send(sender, b"x", (lab.V4.host, port))
        loaded.net.settle()
        assert len(packets(follower.end(), port)) == 200


def test_switch(loaded):
    port = traffic.fresh_port()
    loaded.policy("default deny in", "option log-rate 1000")
    sender = traffic.udp(loaded.net.peer, lab.V4)
    loaded("log drops off")
    assert "option log-drops off" in loaded.policy_lines()
    with following(loaded) as follower:
        assert "nothing" in follower.greeting
        traffic.send(sender, b"x", (lab.V4.host, port))
        loaded.net.settle()
        loaded("log drops on")
        traffic.send(sender, b"x", (lab.V4.host, port + 1))
        loaded.net.settle()
        assert [one["to_port"] for one in packets(follower.end())] == [port + 1]


def test_rules_that_come_meanwhile(loaded):
    port = traffic.fresh_port()
    loaded.policy("default deny in", "option log-rate 1000")
    with following(loaded) as follower:
        loaded(f"deny in {port} log")
        traffic.send(traffic.udp(loaded.net.peer, lab.V4), b"x", (lab.V4.host, port))
        loaded.net.settle()
        (one,) = packets(follower.end(), port)
    assert one["rule_text"] == f"deny in {port} log"


def test_text(loaded, family):
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"reject in {port}/tcp")
    follower = subprocess.Popen(loaded.command("log --count 1"), env=loaded.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    follower.stderr.readline()
    sock = loaded.net.peer.socket(family.af)
    sock.setblocking(False)
    sock.connect_ex((family.host, port))
    out, _ = follower.communicate(timeout=10)
    assert follower.returncode == 0
    (line,) = out.splitlines()
    for word in (" in ", "reject", "rule", "tcp", " SYN ", f"on {lab.IFACE}", f"rule 'reject in {port}/tcp'", family.peer):
        assert word in line


# The ports are any: tshark must not take what they carry for the protocol of a game.
TSHARK = ("tshark", "-d", "udp.port==1-65535,data")


def tshark(path, *fields):
    words = [word for field in fields for word in ("-e", field)]
    out = lab.run(*TSHARK, "-r", str(path), "-T", "fields", *words, timeout=60).stdout
    return [tuple(line.split("\t")) for line in out.splitlines()]


def test_capture(loaded, family, tool, tmp_path):
    """tshark reads it: interface, direction, times, the frame itself, the verdict as comment and as option."""
    tool("tshark")
    port, denied = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", f"deny out {denied}/udp", "option log-rate 1000")
    path = tmp_path / "events.pcapng"
    begin = time.time()
    with following(loaded, "--pcap", str(path)) as follower:
        sender = traffic.udp(loaded.net.peer, family)
        traffic.send(sender, b"odd", (family.host, port))
        loaded.net.settle()
        traffic.send(traffic.udp(loaded.net.host, family), bytes(700), (family.peer, denied))
        lines = packets(follower.end())
    assert [one["to_port"] for one in lines] == [port, denied], "beside the capture, events are shown"
    assert path.stat().st_mode & 0o777 == 0o600
    length = "ip.len" if family is lab.V4 else "ipv6.plen"
    rows = tshark(path, "frame.interface_name", "frame.comment", "udp.dstport", "frame.len", "frame.cap_len",
                  "frame.time_epoch", "frame.packet_flags_direction", "data.data", length)
    (first, second) = rows
    assert first[:2] == (lab.IFACE, "xdpfw in drop: default (no rule matched)")
    assert (first[2], first[7]) == (str(port), b"odd".hex())
    assert first[3] == first[4] == str(14 + family.header + 8 + 3)
    assert begin - 1 < float(first[5]) < time.time() + 1
    assert (int(first[6], 0), int(second[6], 0)) == (1, 2), "inbound, outbound"
    assert second[1].startswith(f"xdpfw out drop: rule ('deny out {denied}/udp')")
    assert int(second[3]) == 14 + family.header + 8 + 700 and int(second[4]) == 256
    details = lab.run(*TSHARK, "-r", str(path), "-V", "-c", "1", timeout=60).stdout
    assert ("XDP_DROP" if loaded.mode != "tc" else "TC_ACT_SHOT") in details
    assert "Malformed" not in details


def test_capture_to_a_pipe(loaded, tool):
    """`log --pcap - | tshark -r -`, as people will use it with Wireshark."""
    tool("tshark")
    port = traffic.fresh_port()
    loaded.policy("default deny in", "option log-rate 1000")
    follower = subprocess.Popen(loaded.command("log --pcap - --count 1"), env=loaded.env,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    follower.stderr.readline()
    traffic.send(traffic.udp(loaded.net.peer, lab.V4), b"x", (lab.V4.host, port))
    out, _ = follower.communicate(timeout=10)
    shown = subprocess.run(["tshark", "-r", "-", "-T", "fields", "-e", "udp.dstport"], input=out,
                           capture_output=True, timeout=60, check=True)
    assert shown.stdout.decode().split() == [str(port)]


def listening(fw):
    return bpf.read_map(fw.pins / "control", 56)[_LISTENING:_LISTENING + 4] != b"\0\0\0\0"


def test_no_reader_no_cost(loaded):
    """A reader that ends says so; one that is killed is forgotten within seconds, by the first drop."""
    port = traffic.fresh_port()
    loaded.policy("default deny in")
    sender = traffic.udp(loaded.net.peer, lab.V4)
    assert not listening(loaded)
    with following(loaded) as follower:
        assert listening(loaded)
        follower.end()
    assert not listening(loaded)
    with following(loaded) as follower:
        follower.end(signal.SIGKILL, -signal.SIGKILL)
    assert listening(loaded)
    time.sleep(4.1)  # and after one more its place is free
    traffic.send(sender, b"x", (lab.V4.host, port))
    loaded.net.settle()
    assert not listening(loaded)


def test_several_readers(loaded):
    """Each sees everything. The fifth is refused, until a place is free."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", "option log-rate 1000")
    followers = [Follower(loaded) for _ in range(4)]
    try:
        assert "4 readers" in loaded.refuses("log", code=1)
        traffic.send(traffic.udp(loaded.net.peer, lab.V4), b"x", (lab.V4.host, port))
        loaded.net.settle()
        for follower in followers:
            assert len(packets(follower.end(), port)) == 1
        with following(loaded) as follower:
            traffic.send(traffic.udp(loaded.net.peer, lab.V4), b"x", (lab.V4.host, port))
            loaded.net.settle()
            assert len(packets(follower.end(), port)) == 1
    finally:
        for follower in followers:
            follower.kill()


def test_nobody_reads_the_pipe(loaded):
    """`log | head -1` ends like any other filter."""
    port = traffic.fresh_port()
    loaded.policy("default deny in", "option log-rate 1000")
    sender = traffic.udp(loaded.net.peer, lab.V4)
    with following(loaded) as follower:
        follower.process.stdout.close()
        follower.process.stdout = None
        traffic.send(sender, b"x", (lab.V4.host, port))
        assert follower.process.wait(timeout=5) == 0
    loaded.policy("default deny in")


def test_unloaded_meanwhile(fw):
    fw.load("tc")
    with following(fw) as follower:
        fw("unload --all")
        assert follower.process.wait(timeout=5) == 3


def test_broken_frames(loaded):
    """What is too broken for addresses is shown without them."""
    loaded.policy("default deny in")
    wire = traffic.Wire(loaded.net, "peer")
    with following(loaded) as follower:
        wire.send(frames.ether(lab.V4, b"\x45"))
        loaded.net.settle()
        (one,) = [one for one in packets(follower.end()) if one["reason"] == "short"]
    assert one["from"] is one["to"] is one["proto"] is None


def test_words(fw):
    assert "log-drops" in fw.refuses("log drops", 2)
    assert "maybe" in fw.refuses("log drops maybe", 2)
    assert "nonsense" in fw.refuses("log nonsense", 2)
    assert "--count" in fw.refuses("log --count 0", 2)
    fw.refuses("log", 3)
    fw.refuses(["log", "--pcap", "/nonexistent/x"], 3)
