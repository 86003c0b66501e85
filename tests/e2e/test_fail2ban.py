# SPDX-License-Identifier: GPL-2.0-only
"""packaging/fail2ban/xdpfw.conf under the real Fail2Ban, which tails a log in the host's namespace."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
import sshd
import traffic
from lab import V4, V6, run

ACTION = Path(__file__).resolve().parents[2] / "packaging" / "fail2ban" / "xdpfw.conf"
JAIL = """\
[DEFAULT]
loglevel = DEBUG

[knocking]
enabled = true
filter = knocking
backend = polling
usedns = no
logpath = {0}/knocks.log
maxretry = 3
findtime = 600
bantime = {1}
banaction = xdpfw
action = xdpfw[xdpfw="{2}", flags="{3}"]
"""


class Fail2ban:
    def __init__(self, fw, directory, bantime, flags):
        self.fw, self.dir = fw, directory
        for part in ("action.d", "filter.d", "jail.d"):
            (directory / part).mkdir()
        shutil.copy(ACTION, directory / "action.d")
        # A directory of its own, so that no other jail of this machine starts.
        shutil.copy("/etc/fail2ban/fail2ban.conf", directory)
        (directory / "filter.d" / "knocking.conf").write_text("[Definition]\nfailregex = knock from <HOST>$\n")
        binary, *words = fw.command("")
        (directory / "jail.conf").write_text(JAIL.format(directory, bantime, binary, f"{' '.join(words)} {flags}"))
        (directory / "knocks.log").touch()
        self._server = subprocess.Popen(
            fw.net.host.command(
                *("fail2ban-server", "-f", "-x", "-c", str(directory), "-s", str(directory / "socket")),
                *("-p", str(directory / "pid"), "--logtarget", str(directory / "fail2ban.log"), "start"),
            ),
            env=fw.env,
            stdout=subprocess.DEVNULL,
        )
        assert traffic.eventually(lambda: self.client("status", "knocking").returncode == 0, 30), self.log()

    def client(self, *words):
        return run("fail2ban-client", "-c", str(self.dir), "-s", str(self.dir / "socket"), *words, check=False)

    def log(self):
        path = self.dir / "fail2ban.log"
        return path.read_text(encoding="utf-8") if path.exists() else "no log"

    def knock(self, address, times=3):
        with open(self.dir / "knocks.log", "a", encoding="ascii") as log:
            for _ in range(times):
                log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} knock from {address}\n")

    def close(self):
        self._server.terminate()
        self._server.wait(20)


@pytest.fixture
def fail2ban(fw, tool, tmp_path):
    tool("fail2ban-server")
    started = []

    def start(bantime=600, flags=""):
        started.append(Fail2ban(fw, tmp_path, bantime, flags))
        return started[-1]

    fw("allow in 80/tcp")
    fw.load("tc")
    yield start
    for each in started:
        each.close()


def blocked(fw):
    return [block.split()[0] for block in fw.json("status")["blocked"]]


def answer(fw, family, expect):
    return traffic.tcp_answer(fw.net.peer, family, family.host, 80, expect)


@pytest.mark.parametrize("family", [V4, V6], ids=str)
def test_ban_and_unban(fw, fail2ban, family):
    server = fail2ban()
    file = fw.rules_lines()
    server.knock(family.peer, 2)
    server.knock(family.other, 1)
    assert answer(fw, family, "refused") == "refused"
    server.knock(family.peer, 1)
    assert traffic.eventually(lambda: blocked(fw) == [family.peer], 20), server.log()
    assert answer(fw, family, "timeout") == "timeout"
    assert fw.rules_lines() == file, "bans live in the kernel only"
    server.client("set", "knocking", "unbanip", family.peer)
    assert traffic.eventually(lambda: blocked(fw) == [], 20), server.log()
    assert answer(fw, family, "refused") == "refused"


def test_a_ban_ends_though_fail2ban_has_died(fw, fail2ban):
    server = fail2ban(bantime=6)
    server.knock(V4.peer)
    assert traffic.eventually(lambda: answer(fw, V4, "timeout") == "timeout", 20), server.log()
    server._server.kill()
    assert traffic.eventually(lambda: answer(fw, V4, "timeout") == "refused", 20), "the block did not expire"


def test_for_good_and_stopped(fw, fail2ban):
    """bantime -1 is a block without an end; Fail2Ban takes its bans back when it stops, and nobody else's."""
    fw(f"block {V4.other}")
    server = fail2ban(bantime=-1)
    server.knock(V4.peer)
    server.knock(V4.other)
    assert traffic.eventually(lambda: blocked(fw) == [V4.other, V4.peer], 20), server.log()
    assert fw.json("status")["blocked"][1] == V4.peer
    server.client("stop")
    assert traffic.eventually(lambda: blocked(fw) == [V4.other], 20), server.log()


@pytest.mark.parametrize("flags", ["", "--force"])
def test_who_is_logged_in(fw, fail2ban, tmp_path, tool, flags):
    tool(sshd.SSHD)
    fw("allow in 22/tcp")
    daemon = sshd.Sshd(fw.net, tmp_path)
    daemon.login()
    server = fail2ban(flags=flags)
    server.knock(V4.peer)
    if flags:
        assert traffic.eventually(lambda: blocked(fw) == [V4.peer], 20), server.log()
    else:
        assert traffic.eventually(lambda: "refused" in server.log(), 20)
        assert blocked(fw) == []
    daemon.close()
