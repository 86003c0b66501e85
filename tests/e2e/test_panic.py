# SPDX-License-Identifier: GPL-2.0-only
"""panic on: nothing new passes in or out; open logins stay unless --all."""

import pytest
import sshd
import traffic
from lab import IFACE, V4
from test_kill import killed_at, steps_of


@pytest.fixture
def server(fw, tool, tmp_path):
    """An sshd whose port is open, and as much else as there can be."""
    tool(sshd.SSHD)
    tool("ssh")
    daemon = sshd.Sshd(fw.net, tmp_path)
    fw("default allow in")
    yield daemon
    daemon.close()


def answer(fw, port):
    return traffic.tcp_answer(fw.net.peer, V4, V4.host, port, "timeout")


def answer_out(fw, port):
    return traffic.tcp_answer(fw.net.host, V4, V4.peer, port, "timeout")


def test_open_logins_stay(fw, server, mode):
    other = traffic.listen(fw.net.host, V4, 80)
    fw.load(mode)
    session = server.login()
    client, accepted = traffic.tcp_pair(fw.net.peer, other, V4, V4.host, 80)
    line = fw.refuses("panic on", 5)
    assert "keep out new logins" in line
    fw("panic on --force")
    assert session.lives(), "the open login is cut"
    assert answer(fw, 22) == "timeout" and answer(fw, 80) == "timeout" and answer_out(fw, 80) == "timeout"
    assert not traffic.flows(client, accepted, 0.5), "another open connection goes on"
    status = fw.json("status")
    assert status["panic"] is True and status["file_in_sync"] is True
    assert "PANIC" in fw("status").out
    assert not any("panic" in line for line in fw.rules_lines()), "panic is not for the next boot"
    assert fw.drops()["panic"] > 0
    fw("panic off")
    assert fw.json("status")["panic"] is False
    assert answer(fw, 80) == "open" and session.lives()
    assert fw("panic off").out == "nothing to change\n"


def test_all(fw, server):
    fw.load("tc")
    session = server.login()
    assert "cut the login" in fw.refuses("panic on --all", 5)
    fw("panic on --all --confirm 4")
    assert not session.lives(0.5)
    assert traffic.eventually(lambda: answer(fw, 80) == "refused", 10), "the trial does not end"
    assert traffic.eventually(lambda: session.lives(1.0), 20)
    fw("panic on --all --force")
    assert not session.lives(0.5)


def test_ports_to_keep(fw, server):
    """By hand: open connections to 80 stay, and sshd's do not."""
    other = traffic.listen(fw.net.host, V4, 80)
    fw.load("tc")
    session = server.login()
    client, accepted = traffic.tcp_pair(fw.net.peer, other, V4, V4.host, 80)
    fw("panic on 80 --force")
    assert traffic.flows(client, accepted) and traffic.flows(accepted, client)
    assert not session.lives(0.5)


def test_login_by_a_link(fw, server):
    fw("forward 8022:22")
    fw.load("tc")
    session = server.login(port=8022)
    fw("panic on --force")
    assert session.lives() and answer(fw, 8022) == "timeout"


def test_what_is_changed_meanwhile_waits(fw, server):
    """Rules can be mended under panic, by apply and load too; it goes on until `panic off`."""
    fw.load("tc")
    session = server.login()
    fw("panic on --force")
    fw("allow in 80")
    assert answer(fw, 80) == "timeout"
    fw("apply -", stdin="default allow in\nallow in 81\n")
    assert fw.json("status")["panic"] and answer(fw, 81) == "timeout"
    fw(["load", IFACE, "--mode", "tc"])
    assert fw.json("status")["panic"] and session.lives()
    fw("panic off")
    assert answer(fw, 81) == "refused"


def test_words(fw):
    for words in ("panic", "panic maybe", "panic on 1-100", "panic on x", "panic off --all", "panic on 22 --all", "panic on 1 2"):
        fw.refuses(words, 2)
    assert "not loaded" in fw.refuses("panic on", 3)
    assert "not loaded" in fw.refuses("panic off", 3)


def test_dry_run(fw):
    fw.load("tc")
    assert "would add: panic on --runtime" in fw("panic on --dry-run").out
    assert fw.json("status")["panic"] is False


@pytest.mark.parametrize("words", ["panic on 22", "panic off"])
def test_killed_anywhere(fw, words, tool, tmp_path):
    """On or off, and `status` says which."""
    tool("strace")
    fw("default allow in")
    fw.load("tc")
    other = "panic off" if words != "panic off" else "panic on"
    fw(other)
    steps = steps_of(fw, words, tmp_path / "log")
    problems, states = [], set()
    for step in steps:
        fw(other)
        killed_at(fw, words, step)
        panic = fw.json("status")["panic"]
        states.add(panic)
        if (answer(fw, 80) == "timeout") != panic:
            problems.append(f"killed at {step}: status says {panic}, packets say otherwise")
        if fw.policy_lines() != ["default allow in"]:
            problems.append(f"killed at {step}: the file says {fw.policy_lines()}")
    assert not problems, "\n".join(problems)
    assert states == {True, False}
