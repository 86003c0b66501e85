# SPDX-License-Identifier: GPL-2.0-only
"""top in a terminal (tmux): keys in, screens out, and what they say against the packets that were sent."""

import itertools
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

import firewall
import lab
import traffic

V4 = lab.V4
SIZES = ((80, 24), (200, 60))
_serial = itertools.count(1)


class Terminal:
    """A terminal of its own that runs top, and then says how it ended."""

    def __init__(self, fw, directory, size, words="", **env):
        self._server = f"xdpfw-test-{os.getpid()}-{next(_serial)}"
        self._after = Path(directory) / f"{self._server}.after"
        env = {"LC_ALL": "C.UTF-8", **env}
        where = {"XDPFW_PIN_DIR": fw.env["XDPFW_PIN_DIR"], "XDPFW_RULES": fw.env["XDPFW_RULES"], **env}
        exports = " ".join(f"{key}={shlex.quote(value)}" for key, value in where.items())
        pid = Path(directory) / f"{self._server}.pid"
        inner = f"echo $$ >{pid}; exec {shlex.join(fw.command(f'top {words}'))}"
        script = f"stty -g >{directory}/1; env {exports} sh -c {shlex.quote(inner)}; echo $? >{self._after}.new; "
        script += f"stty -g >{directory}/2; mv {self._after}.new {self._after}; exec cat"
        self._directory = Path(directory)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "sh", "-c", script)
        assert traffic.eventually(lambda: pid.exists() and pid.read_text())
        self.pid = int(pid.read_text())

    def _tmux(self, *words):
        done = subprocess.run(
            ["tmux", "-u", "-L", self._server, *words], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def keys(self, *keys):
        for key in keys:
            self._tmux("send-keys", key)

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def screen(self, *options):
        """What is on the screen, once it holds still: a frame comes in several writes, and tmux shows each of them."""
        seen = [None]

        def still():
            seen.append(self._tmux("capture-pane", "-p", *options))
            return seen[-1] == seen[-2]

        assert traffic.eventually(still), f"the screen does not hold still:\n{seen[-1]}"
        return seen[-1]

    def shows(self, pattern, wait=6.0):
        """The screen, once it shows `pattern`."""
        seen = []

        def found():
            seen[:] = [self.screen()]
            return re.search(pattern, seen[0], re.M)

        assert traffic.eventually(found, wait), f"{pattern} is not on the screen:\n{seen[0]}"
        return seen[0]

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def ended(self):
        """The exit code; the terminal must be as it was."""
        assert traffic.eventually(self._after.exists), "top goes on"
        assert (self._directory / "1").read_text() == (self._directory / "2").read_text(), "the terminal is not as it was"
        return int(self._after.read_text())

    def close(self):
        subprocess.run(["tmux", "-L", self._server, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def top(fw, tmp_path, tool):
    """top(size, words, NAME=value): start it on a loaded firewall."""
    tool("tmux")
    fw.policy("default deny in", "allow in 22", "allow in 53/udp", "deny in 23", "allow out 443/tcp")
    fw.load("tc")
    terminals = []

    def start(size=(80, 24), words="", **env):
        terminals.append(Terminal(fw, tmp_path, size, words, **env))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def send(fw, port, count, size=100):
    sender = traffic.udp(fw.net.peer, V4)
    for _ in range(count):
        traffic.send(sender, bytes(size), (V4.host, port))
    fw.net.settle()


def rows(screen):
    """{(dir, proto, port): [six values]} of a screen that lists ports."""
    found = re.findall(r"^(in|out) +(tcp|udp) +(\d+) +(\S+) +(\S+) +(\S+) +(\S+) +(\S+) +(\S+)", screen, re.M)
    return {(one[0], one[1], int(one[2])): list(one[3:]) for one in found}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_totals_are_what_was_sent(top, fw, size):
    listener = traffic.udp(fw.net.host, V4, 53)
    send(fw, 53, 40)
    send(fw, 23, 7)
    send(fw, 9999, 12345)
    terminal = top(size)
    terminal.keys("t")
    screen = terminal.shows("DRP PKT")
    assert rows(screen) == {
        ("in", "udp", 9999): ["0", "0", "0", "0", "12345", str(12345 * 142)],
        ("in", "udp", 53): ["40", str(40 * 142), "0", "0", "0", "0"],
        ("in", "udp", 23): ["0", "0", "0", "0", "7", str(7 * 142)],
    }
    send(fw, 53, 2)
    assert rows(terminal.shows(r"udp +53 +42 "))["in", "udp", 53][:2] == ["42", str(42 * 142)]
    assert listener
    lines = screen.rstrip("\n").split("\n")
    assert len(lines) == size[1] and max(map(len, lines)) <= size[0]
    assert lines[0].startswith(f"xdpfw {fw.net.host.name}: ports by activity") and "every 1 s" in lines[0]
    assert lines[1] == "host0: in TC, out TCX" or lines[1] == "host0: in TC, out clsact"


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_rates(top, fw, size):
    """A steady stream, as a rate: by port, by rule, in the header, and by reason."""
    stream = traffic.Stream(traffic.udp(fw.net.peer, V4), [(V4.host, 23), (V4.host, 9999)], per_second=100)
    terminal = top(size)
    stream.start()
    try:
        terminal.shows("drops: .*rule")
        time.sleep(2)
        screen = terminal.screen()
        terminal.keys("Tab")
        rules = terminal.shows(r"^deny in 23 [\s\S]*^allow out 443/tcp ")
    finally:
        stream.stop()
    close = pytest.approx(100, rel=0.25)
    found = rows(screen)
    assert float(found["in", "udp", 23][4]) == close and float(found["in", "udp", 9999][4]) == close
    assert found["in", "udp", 23][5].endswith("k"), "bits: 46 bytes of 100 frames a second"
    dropped = re.search(r"^in .*dropped +(\d+) packets/s", screen, re.M)
    assert float(dropped[1]) == pytest.approx(200, rel=0.25)
    assert re.search(r"drops: in (rule|default) \d+/s, in (rule|default) \d+/s", screen)
    assert float(re.search(r"^deny in 23 +0 +0 +0 +0 +(\S+)", rules, re.M)[1]) == close


def test_filters_and_order(top, fw):
    for port, count in ((53, 3), (23, 9), (8000, 5)):
        send(fw, port, count)
    traffic.send(traffic.udp(fw.net.host, V4), b"x", (V4.peer, 4000))
    terminal = top()
    terminal.keys("t")
    assert list(rows(terminal.shows("DRP PKT"))) == [
        ("in", "udp", 23),
        ("in", "udp", 8000),
        ("in", "udp", 53),
        ("out", "udp", 4000),
    ]
    terminal.keys("r")
    assert next(iter(rows(terminal.shows("least first")))) == ("out", "udp", 4000)
    terminal.keys("r", "d")
    assert ("out", "udp", 4000) not in rows(terminal.shows("by activity in"))
    terminal.keys("d")
    assert list(rows(terminal.shows("by activity out"))) == [("out", "udp", 4000)]
    terminal.keys("x", "v", "v")
    assert list(rows(terminal.shows("by activity dropped"))) == [("in", "udp", 23), ("in", "udp", 8000)]
    terminal.keys("x", "/")
    terminal.type("53,8000-8010")
    terminal.keys("Enter")
    assert list(rows(terminal.shows(r"/53,8000-8010"))) == [("in", "udp", 8000), ("in", "udp", 53)]
    terminal.keys("/")
    terminal.type("99999")
    terminal.keys("Enter")
    terminal.shows("^'99999': ports are 0..65535")
    terminal.keys("x", ">")  # from activity to the first column
    assert list(rows(terminal.shows("by name")))[0] == ("in", "udp", 23)
    terminal.keys("<", "<", "<")
    assert list(rows(terminal.shows("by drop packets")))[:2] == [("in", "udp", 23), ("in", "udp", 8000)]
    terminal.keys("Tab", "/")
    terminal.type("53")
    terminal.keys("Enter")
    assert re.findall("^(?:allow|deny).*?(?=  )", terminal.shows("rules by .*/53"), re.M) == ["allow in 53/udp"]


def test_pause_help_and_interval(top, fw):
    send(fw, 23, 5)
    terminal = top(words="--interval 0.2")
    terminal.keys("t", "Space")
    terminal.shows("PAUSED")
    send(fw, 23, 5)
    time.sleep(0.6)
    assert rows(terminal.screen())["in", "udp", 23][4] == "5"
    terminal.keys("Space")
    terminal.shows(r"udp +23 +0 +0 +0 +0 +10 ")
    terminal.keys("h")
    screen = terminal.shows("sort by the column before or after")
    assert "drops" in screen and max(map(len, screen.split("\n"))) <= 80
    terminal.keys("h")
    assert rows(terminal.shows("DRP PKT"))
    terminal.keys("+")
    terminal.shows("every 0.5 s")
    terminal.keys("-", "-", "-")
    terminal.shows("every 0.1 s")


def test_scroll(top, fw):
    sender = traffic.udp(fw.net.peer, V4)
    for port in range(1000, 1100):
        traffic.send(sender, b"x", (V4.host, port))
    fw.net.settle()
    terminal = top()
    terminal.keys("<", "<", "<", "<", "<", "<", "<")
    assert list(rows(terminal.shows("by name"))) == [("in", "udp", port) for port in range(1000, 1017)]
    terminal.keys("NPage", "Down")
    assert list(rows(terminal.shows("udp +1034 ")))[0] == ("in", "udp", 1018)
    terminal.keys("End")
    assert list(rows(terminal.shows("udp +1099 ")))[-1] == ("in", "udp", 1099)
    terminal.keys("Home")
    terminal.shows("udp +1000 ")


def test_resize(top, fw):
    send(fw, 23, 5)
    terminal = top()
    terminal.shows("udp +23 ")
    for columns, lines in ((200, 60), (20, 4), (1, 1), (80, 24)):
        terminal.resize(columns, lines)
        time.sleep(0.3)
        assert Path("/proc", str(terminal.pid)).exists()
    screen = terminal.shows("q quit")
    assert rows(screen) and len(screen.rstrip("\n").split("\n")) == 24


def test_rules_that_change_meanwhile(top, fw):
    terminal = top()
    terminal.keys("Tab")
    terminal.shows("deny in 23")
    fw("delete deny in 23")
    fw("allow in 4444")
    assert "deny in 23" not in terminal.shows("allow in 4444")


def test_reset_meanwhile(top, fw):
    send(fw, 23, 5)
    terminal = top()
    terminal.keys("t")
    terminal.shows("udp +23 +0 +0 +0 +0 +5 ")
    fw("stats --reset")
    send(fw, 23, 2)
    terminal.shows("udp +23 +0 +0 +0 +0 +2 ")


def test_colours(top, fw):
    stream = traffic.Stream(traffic.udp(fw.net.peer, V4), [(V4.host, 23)], per_second=50)
    stream.start()
    try:
        coloured, plain = top(), top(NO_COLOR="1")
        for terminal in (coloured, plain):
            terminal.shows("drops: in rule")
            time.sleep(1.2)
        assert re.search(r"\x1b\[31m", coloured.screen("-e"))
        assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|4[0-7])m", plain.screen("-e"))
    finally:
        stream.stop()


def test_characters(top, fw):
    stream = traffic.Stream(traffic.udp(fw.net.peer, V4), [(V4.host, 23)], per_second=50)
    stream.start()
    try:
        utf8, ascii_only = top(), top(LC_ALL="C")
        assert "█" in utf8.shows("█")
        screen = ascii_only.shows("#$")
        assert screen.isascii()
    finally:
        stream.stop()


def test_q_quits(top, fw):
    terminal = top()
    terminal.shows("q quit")
    terminal.keys("q")
    assert terminal.ended() == 0


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "ALRM", "XCPU", "PWR"])
def test_every_signal_quits(top, name):
    terminal = top()
    terminal.shows("q quit")
    os.kill(terminal.pid, signal.Signals[f"SIG{name}"])
    assert terminal.ended() == 0


def test_its_terminal_goes_away(top):
    terminal = top()
    terminal.shows("q quit")
    terminal.close()
    assert traffic.eventually(lambda: not Path("/proc", str(terminal.pid)).exists())


def test_unloaded_meanwhile(top, fw):
    terminal = top()
    terminal.shows("q quit")
    fw("unload --all")
    assert terminal.ended() == 3
    assert "unloaded meanwhile" in terminal.screen()


def test_refusals(fw):
    fw.refuses("top eth0", 2)
    fw.refuses("top --interval 0", 2)
    fw.refuses("top --interval 61", 2)
    fw.refuses("top --json", 2)
    fw.refuses("top", 3)
    fw.load("tc")
    assert "not a terminal" in fw.refuses("top", 1)


def test_a_terminal_of_unknown_kind(top):
    terminal = top(TERM="no-such-terminal")
    assert terminal.ended() == 1
    assert "no-such-terminal" in terminal.screen()


SWEEP = """
import socket, sys, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    begun = time.monotonic()
    for port in range(1, 65536):
        sender.sendto(b"", (sys.argv[1], port))
    time.sleep(max(0, begun + 1 - time.monotonic()))
"""


def used(pid):
    """Seconds of a CPU that the process has had."""
    return int(Path("/proc", str(pid), "schedstat").read_text().split()[0]) / 1e9


def test_cost(top, fw):
    """Below 2 % of a core while all ports are active, and as good as nothing when they are silent."""
    terminal = top((200, 60))
    terminal.shows("q quit")
    time.sleep(2.5)
    before = used(terminal.pid)
    time.sleep(4)
    assert (used(terminal.pid) - before) / 4 < 0.002
    sweep = subprocess.Popen(fw.net.peer.command("/usr/bin/python3", "-c", SWEEP, V4.host))
    try:
        assert traffic.eventually(lambda: len(fw.json("stats")["ports"]) >= 65535, 20)
        before = used(terminal.pid)
        time.sleep(6)
        assert (used(terminal.pid) - before) / 6 < 0.02
    finally:
        sweep.kill()
        sweep.wait()
