# SPDX-License-Identifier: GPL-2.0-only
"""--confirm SECONDS: a change that undoes itself, whatever becomes of the command; confirm and rollback."""

import signal
import subprocess
import time

import pytest
import traffic
from lab import IFACE, V4
from test_kill import killed_at, steps_of

PORT = 441


def is_open(fw, port=PORT):
    return traffic.tcp_answer(fw.net.peer, V4, V4.host, port, "timeout") == "refused"


def left(fw, code=0):
    return fw.json("status", code=code)["trial_seconds_left"]


@pytest.fixture
def tried(fw):
    """Loaded, with port 441 open by a rule. (No server: what passes is refused by the kernel, what does not is silent.)"""
    fw(f"allow in {PORT}")
    fw.load("tc")
    assert is_open(fw)
    return fw


def test_undoes_itself_with_every_process_dead(tried):
    """The command is killed right after the change; nothing of xdpfw runs any more."""
    file = tried.rules_lines()
    process = subprocess.Popen(tried.command(f"deny in {PORT} --confirm 3"), env=tried.env, stdout=subprocess.PIPE)
    process.stdout.readline()  # it is done
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not is_open(tried)
    assert tried.rules_lines() == file, "the file is written by confirm only"
    assert traffic.eventually(lambda: is_open(tried), 10), "the trial did not end by itself"
    status = tried.json("status")
    assert [rule["text"] for rule in status["rules"]] == [f"allow in {PORT}"]
    assert (status["trial_seconds_left"], status["file_in_sync"], status["generation"]) == (None, True, 1)


def test_the_deadline_is_kept(tried):
    began = time.monotonic()
    tried(f"deny in {PORT} --confirm 4")
    assert not is_open(tried) and 1 <= left(tried) <= 4
    assert traffic.eventually(lambda: is_open(tried), 12)
    assert 3.9 < time.monotonic() - began < 7


def test_confirm(tried):
    said = tried(f"deny in {PORT} --confirm 60").out
    assert "xdpfw confirm" in said
    assert f"deny in {PORT}" not in tried.rules_lines()
    status = tried("status").out
    assert "trial: " in status and "edited" not in status
    tried("confirm --dry-run")
    assert left(tried)
    tried("confirm")
    assert f"deny in {PORT}" in tried.rules_lines() and left(tried) is None
    assert not is_open(tried)
    assert "no trial" in tried.refuses("confirm", 1)
    assert "no trial" in tried.refuses("rollback", 1)


def test_rollback(tried):
    file = tried.rules_lines()
    tried(f"deny in {PORT} --confirm 60")
    tried("rollback --dry-run")
    assert not is_open(tried)
    tried("rollback")
    assert is_open(tried) and left(tried) is None and tried.rules_lines() == file
    tried("allow in 80")
    assert "allow in 80" in tried.rules_lines()


def test_changes_during_a_trial_are_part_of_it(tried):
    """They keep its fallback and its deadline, however many there are."""
    tried(f"deny in {PORT} --confirm 8")
    deadline = time.monotonic() + 8
    for number in range(5):
        tried(f"allow in {1000 + number}")
    warned = tried("deny in 99 --confirm 60").err
    assert "keeps its deadline" in warned and left(tried) <= 8
    tried("forward 8080:2988")
    assert not is_open(tried) and is_open(tried, 1003)
    assert tried.policy_lines() == [f"allow in {PORT}"]
    assert traffic.eventually(lambda: is_open(tried), deadline + 4 - time.monotonic())
    assert not is_open(tried, 1003)
    assert tried.rule_texts() == [f"allow in {PORT}"] and tried.json("status")["forwards"] == []
    tried("allow in 80")
    assert tried.policy_lines() == [f"allow in {PORT}", "allow in 80"]


def test_apply_of_the_edited_file(tried):
    """Edit the file, apply it on trial, confirm: the usual way. Editing it during the trial is noticed."""
    tried.rules.write_text(f"load {IFACE} --mode tc\nallow in 442\n", encoding="utf-8")
    tried(f"apply {tried.rules} --confirm 60")
    tried("allow in 443")
    tried("confirm")
    assert tried.policy_lines() == ["allow in 442", "allow in 443"]
    tried("allow in 444 --confirm 60")
    tried.rules.write_text("allow in 1\n", encoding="utf-8")
    assert "edited" in tried.refuses("confirm", 1)
    assert left(tried)
    tried("rollback")
    assert tried.rules_lines() == ["allow in 1"]


@pytest.mark.parametrize("mode", ["native", "generic", "tc"])
def test_load_on_trial(fw, mode):
    """Nothing was loaded: then nothing is filtered afterwards, and the next command takes the hooks away."""
    assert is_open(fw)
    fw.load(mode, "--confirm", "8")
    assert not is_open(fw) and fw.attached() and fw.rules_lines() == []
    assert traffic.eventually(lambda: is_open(fw), 20), "still filtered"
    assert fw.json("status", code=3)["loaded"] is False
    assert "over" in fw("status", code=3).out
    fw("allow in 22")
    assert (fw.attached(), fw.pinned()) == ([], [])
    assert fw.rules_lines() == ["allow in 22"]
    fw.load(mode, "--confirm", "60")
    fw("confirm")
    assert fw.rules_lines() == ["allow in 22", f"load {IFACE} --mode {mode}"]
    time.sleep(0.1)
    assert not is_open(fw)


def test_load_on_trial_and_roll_back(fw):
    fw.load("tc", "--confirm", "60")
    fw("rollback")
    assert is_open(fw) and (fw.attached(), fw.pinned()) == ([], [])
    fw.load("tc", "--confirm", "60")
    fw("unload --all")
    assert is_open(fw) and (fw.attached(), fw.pinned()) == ([], [])


def test_one_interface_more_on_trial(tried):
    """Only the new one is let go; the first stays as it was."""
    tried.net.host.ip("link add other0 type veth peer name other1\nlink set other0 up\nlink set other1 up\n")
    tried(["load", "other0", "--mode", "tc", "--confirm", "60"])
    assert len(tried.json("status")["interfaces"]) == 2
    assert "confirm" in tried.refuses("unload other0", 1)
    tried("rollback")
    assert [each["name"] for each in tried.json("status")["interfaces"]] == [IFACE]
    assert is_open(tried) and not is_open(tried, 80)


def test_words(fw):
    for words in ("deny in 22 --confirm 0", "deny in 22 --confirm x", "deny in 22 --confirm 1000000", "confirm now"):
        fw.refuses(words, 2)
    for words in ("status --confirm 5", "unload --all --confirm 5", "confirm --confirm 5"):
        fw.refuses(words, 2)
    assert "not loaded" in fw.refuses("deny in 22 --confirm 60", 3)
    assert "not loaded" in fw.refuses("confirm", 3)
    assert fw.rules_lines() == []


def test_confirm_killed_anywhere(tried, tool, tmp_path):
    """The trial runs on or is confirmed, in kernel and file alike once the next command has run."""
    tool("strace")
    tried(f"deny in {PORT} --confirm 600")
    steps = steps_of(tried, "confirm", tmp_path / "log")
    old, new = [f"allow in {PORT}"], [f"deny in {PORT}"]
    problems, states = [], set()
    for step in steps:
        tried(f"allow in {PORT}")
        tried(f"deny in {PORT} --confirm 600")
        killed_at(tried, "confirm", step)
        running = left(tried) is not None
        states.add(running)
        if is_open(tried):
            problems.append(f"killed at {step}: undone")
        if tried.policy_lines() not in (old, new) or (running and tried.policy_lines() != old):
            problems.append(f"killed at {step}: the file says {tried.policy_lines()}")
        tried("confirm" if running else "allow in 80")
        if new[0] not in tried.policy_lines():
            problems.append(f"killed at {step}: not in the file in the end")
        tried("delete allow in 80")
    assert not problems, "\n".join(problems)
    assert states == {True, False}


def test_rollback_killed_anywhere(tried, tool, tmp_path):
    tool("strace")
    tried(f"deny in {PORT} --confirm 600")
    steps = steps_of(tried, "rollback", tmp_path / "log", least=4)
    problems, states = [], set()
    for step in steps:
        tried(f"deny in {PORT} --confirm 600")
        killed_at(tried, "rollback", step)
        running = left(tried) is not None
        states.add(running)
        if is_open(tried) == running:
            problems.append(f"killed at {step}: neither the one nor the other")
        tried.attempt("rollback")
        if not is_open(tried) or tried.policy_lines() != [f"allow in {PORT}"]:
            problems.append(f"killed at {step}: rollback then does not do it")
    assert not problems, "\n".join(problems)
    assert states == {True, False}


def test_load_on_trial_killed_anywhere(fw, tool, tmp_path):
    """Filtered or not, by all hooks or none; and the trial ends by itself in any case."""
    tool("strace")
    words = ["load", IFACE, "--mode", "tc", "--confirm", "600"]
    steps = steps_of(fw, words, tmp_path / "log")
    fw("rollback")
    problems = []
    for step in steps:
        killed_at(fw, words, step)
        state = fw.attempt("status").code
        if is_open(fw) != (state == 3):
            problems.append(f"killed at {step}: status exits {state}, open: {is_open(fw)}")
        fw.attempt("rollback")
        fw.attempt("unload --all")
        if not is_open(fw) or fw.attached() or fw.pinned():
            problems.append(f"killed at {step}: left behind: {fw.attached()} {fw.pinned()}")
    assert not problems, "\n".join(problems)


def test_two_trials_in_a_row_over_one_slot_each(tried):
    """Slots are reused: what falls back is what was active, never a half-built policy."""
    for number in range(6):
        tried(f"deny in {PORT} --confirm 600")
        tried(f"allow in {2000 + number}")
        assert not is_open(tried) and is_open(tried, 2000 + number)
        tried("rollback" if number % 2 else "confirm")
        assert is_open(tried) == bool(number % 2)
        tried(f"allow in {PORT}")
        assert is_open(tried)
