# SPDX-License-Identifier: GPL-2.0-only
"""Nobody locks himself out: a real sshd, a real login, and every kind of change that would cut it (exit 5)."""

import json
import subprocess

import pytest
import sshd
import traffic
from lab import IFACE, V4, V6


@pytest.fixture
def daemon(fw, tool, tmp_path):
    tool(sshd.SSHD)
    tool("ssh")
    started = []

    def start(*ports):
        started.append(sshd.Sshd(fw.net, tmp_path, ports or (22,)))
        return started[-1]

    yield start
    for each in started:
        each.close()


def state(fw):
    status = fw.json("status", code=fw.attempt("status").code)
    return fw.rules_lines(), status["generation"], [rule["text"] for rule in status["rules"]]


def refused(fw, words, *parts, **how):
    """Exit 5, one line that has these parts and offers both ways out; and nothing has changed."""
    before = state(fw)
    line = fw.refuses(words, 5, **how)
    for part in (*parts, "--force", "--confirm 60"):
        assert part in line, f"`{words}`: no {part!r} in: {line}"
    assert state(fw) == before, f"`{words}` changed something"


def test_load_needs_a_way_in(fw, daemon):
    session = daemon().login()
    refused(fw, f"load {IFACE} --mode tc", "the default, deny in,", f"from {V4.peer}", "port 22 (sshd)")
    assert fw.attached() == [] and fw.pinned() == []
    fw("allow in 22")
    fw.load("tc")
    assert session.lives()


def test_load_forced(fw, daemon):
    server = daemon()
    session = server.login()
    fw.load("tc", "--force")
    assert session.lives(), "an open connection is not cut by the default"
    assert traffic.tcp_answer(fw.net.peer, V4, V4.host, 22, "timeout") == "timeout"


REFUSALS = (
    ("deny in 22/tcp", "'deny in 22/tcp'", "keep out new logins"),
    ("reject in ssh", "'reject in 22/tcp'", "keep out new logins"),
    ("delete 1", "the default, deny in,", "keep out new logins"),
    ("delete allow in 22/tcp", "the default, deny in,", "keep out new logins"),
    (f"block {V4.peer}", f"'block {V4.peer}'", "cut the login"),
    ("block 192.0.2.0/24", "'block 192.0.2.0/24'", "cut the login"),
    ("forward 8022:22", "'forward 8022:22'", "cut the login"),
    ("forward 22:2222/tcp", "'forward 22:2222/tcp'", "cut the login"),
)


def test_changes_that_cut(fw, daemon):
    server = daemon()
    session = server.login()
    fw("allow in 22/tcp")
    fw.load("tc")
    for words, *parts in REFUSALS:
        refused(fw, words, *parts, f"from {V4.peer}", "port 22 (sshd)")
        if words.startswith("block"):
            refused(fw, f"{words} --runtime", *parts[1:])
    assert session.lives()
    server.login().close()


def test_apply_and_default(fw, daemon):
    server = daemon()
    session = server.login()
    fw("default allow in")
    fw.load("tc")
    refused(fw, "default deny in", "'default deny in'", "keep out new logins")
    refused(fw, "apply -", "'deny in 1-1000'", stdin="default allow in\ndeny in 1-1000\n")
    fw("apply -", stdin="default deny in\nallow in 22/tcp\n")
    refused(fw, "apply -", "the default, deny in,", stdin="")
    assert session.lives()
    fw("apply - --check", stdin="")


def test_what_does_not_cut_is_not_refused(fw, daemon):
    server = daemon()
    session = server.login()
    fw("allow in 22/tcp")
    fw.load("tc")
    for words in (
        "deny in 22/udp",
        "deny in 23",
        "deny out any",  # answers pass
        "default deny in",
        "default deny out",
        "block 198.51.100.0/24",
        f"block {V6.peer}",
        "forward 8080:2988",
        "reject in any",  # behind the rule that allows
    ):
        fw(words)
    assert session.lives()
    server.login()


def test_nobody_logged_in(fw, daemon):
    daemon()
    fw("allow in 22/tcp")
    fw.load("tc")
    fw("deny in 22/tcp")
    fw("delete 1")
    fw(f"block {V4.peer}")


def test_who_has_not_logged_in_can_be_blocked(fw, daemon):
    """Someone who only knocks: a silent connection, and one that tries passwords. A real login beside it is guarded."""
    server = daemon()
    fw("allow in 22/tcp")
    fw.load("tc")
    silent = traffic.connect(fw.net.peer, V4, V4.host, 22)
    trying = traffic.connect(fw.net.peer, V4, V4.host, 22)
    trying.sendall(b"SSH-2.0-knocking\r\n")
    assert trying.recv(100).startswith(b"SSH-2.0")
    assert trying.recv(100), "the server has begun to negotiate"
    assert silent.recv(100).startswith(b"SSH-2.0")
    fw(f"block {V4.peer} --dry-run")
    server.login()
    refused(fw, f"block {V4.peer}", f"'block {V4.peer}'")


def test_a_connection_that_is_already_kept_out_is_not_the_change_s_fault(fw, daemon):
    """The port was closed before, by force: what comes later does no new harm."""
    session = daemon().login()
    fw.load("tc", "--force")
    fw("deny in 22")
    fw("allow in 80")
    assert session.lives()


def test_ipv6(fw, daemon):
    server = daemon()
    session = server.login(V6)
    fw("allow in 22/tcp")
    fw.load("tc")
    fw(f"block {V4.peer}")
    refused(fw, f"block {V6.peer}", f"'block {V6.peer}'", f"from {V6.peer}")
    assert session.lives()


def test_through_a_link(fw, daemon):
    """Logged in by port 8022, which a forward leads to 22: without it the connection is cut."""
    server = daemon()
    fw("forward 8022:22")
    fw.load("tc")
    session = server.login(port=8022)
    refused(fw, "delete forward 8022:22", "deleting 'forward 8022:22'", "port 8022 (sshd)", "cut the login")
    refused(fw, "deny in 8022", "'deny in 8022'", "port 8022 (sshd)")
    fw("deny in 22")  # leads to port 8022 of this host, where nobody listens
    assert session.lives()


def test_through_a_one_way_forward(fw, daemon):
    """Logged in by port 8022, which leads to 22 one way: without it he stays, but nobody comes that way again."""
    server = daemon()
    fw("forward 8022:22 one-way")
    fw("allow in 8022 from 198.51.100.0/24")
    fw.load("tc")
    session = server.login(port=8022)
    gone = "deleting 'forward 8022:22 one-way'"
    refused(fw, "delete forward 8022:22 one-way", gone, "port 8022 (sshd)", "keep out new logins")
    refused(fw, "delete forward 8022:22 one-way --kill", gone)
    refused(fw, "apply -", gone, stdin="allow in 8022\n")
    refused(fw, "apply -", "'forward 8022:2222 one-way'", stdin="forward 8022:2222 one-way\n")
    refused(fw, "deny in 8022", "'deny in 8022'", "port 8022 (sshd)")
    refused(fw, f"block {V4.peer}", f"'block {V4.peer}'", "cut the login")
    refused(fw, "forward 8022:22 one-way for 1h", "once what allows them has expired")
    fw("forward 8023:22 one-way")
    fw("delete forward 8023:22 one-way")
    fw("allow in 22")
    assert session.lives()
    fw("delete forward 8022:22 one-way --force")
    assert session.lives(), "what is open goes on"


def test_sshd_moved_to_another_port(fw, daemon, tmp_path):
    """The session came by 22, but sshd now listens on 2222 alone: that is the way in that must stay."""
    first = daemon(22)
    session = first.login()
    fw("default allow in")
    fw.load("tc")
    first.stop_listening()
    daemon(2222)
    fw("deny in 22")
    refused(fw, "deny in 2222", "'deny in 2222'", "port 2222 (sshd)", "keep out new logins")
    assert session.lives()


def test_from_a_script_without_a_terminal(fw, daemon):
    """Under setsid with no parent that knows of ssh, as in tmux or cron: the sockets are asked, not the process tree."""
    daemon().login()
    fw("allow in 22/tcp")
    fw.load("tc")
    done = subprocess.run(
        ["env", "-i", "setsid", "-w", *fw.command("deny in 22/tcp --pin-dir"), str(fw.pins), "--rules", str(fw.rules)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5, done.stderr


def test_force(fw, daemon):
    session = daemon().login()
    fw("allow in 22/tcp")
    fw.load("tc")
    fw("deny in 22/tcp --force")
    assert session.lives() and "deny in 22/tcp" in fw.rules_lines()
    fw(f"block {V4.peer} --force")
    assert not session.lives(0.5)


def test_dry_run_tells(fw, daemon):
    daemon().login()
    fw("allow in 22/tcp")
    fw.load("tc")
    result = fw("deny in 22/tcp --dry-run", code=5)
    assert "would replace: deny in 22/tcp" in result.out and "refused" in result.err
    changes = json.loads(fw("deny in 22/tcp --dry-run --json", code=5).out)
    assert changes["replaced"] == ["deny in 22/tcp"]
    assert "allow in 22/tcp" in fw.rules_lines()


def test_on_trial_it_may_be_cut_and_comes_back(fw, daemon):
    """--confirm instead of --force: the login is cut, nobody does anything, and it lives again."""
    session = daemon().login()
    fw("allow in 22/tcp")
    fw.load("tc")
    fw(f"block {V4.peer} --confirm 3")
    assert not session.lives(0.5), "the block is in force"
    assert traffic.eventually(lambda: session.lives(0.5), 15), "the block did not undo itself"


def test_another_interface_is_not_filtered(fw, daemon):
    """Logged in by an interface that is not loaded: nothing cuts that."""
    fw.net.host.ip("link add other0 type veth peer name other1\nlink set other0 up\nlink set other1 up\n")
    daemon().login()
    fw(["load", "other0", "--mode", "tc"])
    fw("deny in 22")
    refused(fw, f"load {IFACE} --mode tc", "'deny in 22'")
