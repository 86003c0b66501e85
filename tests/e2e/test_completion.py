# SPDX-License-Identifier: GPL-2.0-only
"""Completion in real shells, as installed: bash and zsh at a terminal, fish by its own query."""

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from lab import run

ROOT = Path(__file__).parents[2]
RULES = """\
allow in 22
deny in from @office
forward 8080:2988
set add office 203.0.113.0/24
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What `make install` puts into a prefix."""
    prefix = tmp_path_factory.mktemp("prefix")
    run("make", "-C", str(ROOT), "install", "DESTDIR=", f"PREFIX={prefix}")
    return prefix


@pytest.fixture
def env(installed, tmp_path):
    (tmp_path / "rules").write_text(RULES, encoding="ascii")
    own = {
        "PATH": f"{installed}/sbin:{os.environ['PATH']}",
        "XDPFW_RULES": str(tmp_path / "rules"),
        "XDPFW_PIN_DIR": f"/sys/fs/bpf/xdpfw-test-{os.getpid()}-completion",
        "HOME": str(tmp_path),
        "ZDOTDIR": str(tmp_path),
        "TERM": "dumb",
    }
    return {**os.environ, **own}


def split(line):
    """A line that ends with a blank asks for the next word."""
    return line.split() + [""] * line.endswith(" ")


def words(installed, env, line):
    """What all shells get to choose from."""
    offered = ask([str(installed / "share/xdpfw/complete"), *split(line)], env)
    return [word for word in offered if word.startswith(split(line)[-1]) or word == "FILES"]


def bash(installed, env, line):
    script = """source "$0"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _xdpfw xdpfw "${COMP_WORDS[-1]}"; printf '%s\\n' "${COMPREPLY[@]}" """
    path = str(installed / "share/bash-completion/completions/xdpfw")
    return ask(["bash", "-c", script, path, *split(line)], env)


def zsh(installed, env, line):
    """The function itself, with the two of zsh's that it calls replaced by ones that print."""
    script = """path_=$1; shift; words=("$@"); CURRENT=$#
        _describe() { print -rl -- ${found%%:*} }; _files() { print FILES }
        _xdpfw() { source $path_ }; _xdpfw"""
    path = str(installed / "share/zsh/site-functions/_xdpfw")
    offered = ask(["zsh", "-fc", script, "zsh", path, *split(line)], env)
    return [word for word in offered if word.startswith(split(line)[-1])]


def fish(installed, env, line):
    script = "source $argv[1]; complete -C $argv[2]"
    path = str(installed / "share/fish/vendor_completions.d/xdpfw.fish")
    return ask(["fish", "--no-config", "-c", script, path, line], env)


def ask(command, env):
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=20, check=False)
    assert not done.stderr, done.stderr
    return [entry.split("\t")[0] for entry in done.stdout.splitlines() if entry]


@pytest.fixture(params=(bash, zsh, fish), ids=lambda shell: shell.__name__)
def shell(request, tool):
    tool(request.param.__name__)
    return request.param


def test_every_command(installed, env, shell):
    """The table of `xdpfw --help` and what is offered at first are the same."""
    table = run(str(installed / "sbin/xdpfw"), "--help").stdout.split("flags, anywhere")[0]
    commands = set(re.findall(r"^  ([a-z]+)\b", table, re.M))
    assert {"load", "allow", "prepend", "disable", "export"} <= commands
    assert set(shell(installed, env, "xdpfw ")) == commands


CASES = (
    # line, what must be offered, what must not
    ("xdpfw lo", {"load", "log"}, {"allow"}),
    ("xdpfw load ", {"lo"}, {"auto"}),
    ("xdpfw load l", {"lo"}, {"auto"}),
    ("xdpfw load --mode ", {"auto", "native", "generic", "tc"}, {"lo"}),
    ("xdpfw load --f", {"--flows", "--force"}, {"--mode"}),
    ("xdpfw --json load --f", {"--flows", "--force"}, {"--mode"}),
    ("xdpfw allow ", {"in", "out", "ssh", "app"}, {"lo", "22"}),
    ("xdpfw allow in ss", {"ssh"}, {"http"}),
    ("xdpfw allow in ssh ", {"from", "on", "comment"}, {"ssh"}),
    ("xdpfw allow in ssh on ", {"lo"}, {"from"}),
    ("xdpfw delete ", {"1", "2", "allow"}, {"3"}),
    ("xdpfw disable ", {"1", "2"}, {"3", "allow"}),
    ("xdpfw insert ", {"1", "2"}, {"allow"}),
    ("xdpfw insert 2 ", {"allow", "deny"}, {"1"}),
    ("xdpfw set ", {"add", "del", "load", "flush", "list"}, {"office"}),
    ("xdpfw set flush ", {"office"}, {"add"}),
    ("xdpfw deny in from @", {"@office"}, {"office"}),
    ("xdpfw default ", {"allow", "deny", "reject"}, set()),
    ("xdpfw option ", {"allow-ping", "udp-timeout"}, set()),
    ("xdpfw log drops ", {"on", "off"}, {"lo"}),
    ("xdpfw log drops -", {"--json"}, {"--pcap"}),
    ("xdpfw forward ", {"list", "one-way"}, {"COMMAND"}),
    ("xdpfw forward --", {"--check", "--json"}, {"list"}),
    ("xdpfw forward --check ", set(), {"list", "one-way"}),
    ("xdpfw forward --check --", {"--probe", "--within", "--mark", "--json"}, {"--check"}),
    ("xdpfw forward --check --probe true --m", {"--mark"}, {"--within"}),
    ("xdpfw forward --check --within ", {"1s", "5s"}, {"list", "--mark"}),
    ("xdpfw forward 8080:2988 --check --within=1s -", {"--probe", "--json"}, {"--check", "list"}),
    ("xdpfw explain in tcp on ", {"lo"}, {"from"}),
)


@pytest.mark.parametrize("line,offered,not_offered", CASES, ids=[case[0] for case in CASES])
def test_words(installed, env, shell, line, offered, not_offered):
    found = set(shell(installed, env, line))
    assert offered <= found and not not_offered & found


@pytest.mark.parametrize(
    "line",
    (
        "xdpfw apply ",
        "xdpfw --rules ",
        "xdpfw explain --pcap ",
        "xdpfw set load office ",
        "xdpfw forward --check --probe ",
    ),
)
def test_files(installed, env, line):
    assert "FILES" in words(installed, env, line)


@pytest.mark.parametrize("line", ("xdpfw log ", "xdpfw stats --count ", "xdpfw confirm ", "xdpfw set "))
def test_no_files(installed, env, line):
    assert "FILES" not in words(installed, env, line)


def test_other_rules_file(installed, env, tmp_path):
    (tmp_path / "other").write_text("allow in 1\nallow in 2\nallow in 3\n", encoding="ascii")
    assert words(installed, env, f"xdpfw --rules {tmp_path}/other delete 3") == ["3"]


def test_without_rights(env):
    """No rules to offer, and no complaint in the middle of somebody's line."""
    script = ROOT / "packaging/completions/complete"
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-s", "xdpfw", "disable", ""]
    with script.open(encoding="ascii") as stdin:
        done = subprocess.run(command, env=env, stdin=stdin, capture_output=True, text=True, timeout=20, check=False)
    assert (done.stdout, done.stderr) == ("", "")


START = {
    "bash": (".bashrc", 'source "{share}/bash-completion/completions/xdpfw"'),
    "zsh": (".zshrc", "fpath=({share}/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; bindkey -e"),
}


@pytest.mark.parametrize("name", START)
@pytest.mark.parametrize("typed,becomes", (("pani", "panic"), ("deny in from @of", "deny in from @office")))
def test_at_a_terminal(installed, env, tmp_path, tool, name, typed, becomes):
    """Tab completes the line; then `echo` is put before it and what became of it goes to a file."""
    tool(name)
    file, start = START[name]
    (tmp_path / file).write_text(start.format(share=installed / "share") + "\nPS1='ready> '\n", encoding="ascii")
    out = tmp_path / "out"
    master, slave = pty.openpty()
    with subprocess.Popen(
        [name, "-i"], env=env, cwd=tmp_path, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    ) as child:
        os.close(slave)
        shown = watch(master, until=lambda shown: "ready>" in shown)
        os.write(master, f"xdpfw {typed}\t>out\x01echo \r".encode())
        shown += watch(master, until=lambda _: out.exists() and out.stat().st_size)
        child.kill()
    os.close(master)
    assert out.exists(), shown
    assert out.read_text(encoding="ascii").split() == ["xdpfw", *becomes.split()], shown


def watch(terminal, until):
    """What the terminal shows, until something is so, or for 20 s."""
    shown, end = "", time.monotonic() + 20
    while not until(shown) and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown
