# SPDX-License-Identifier: GPL-2.0-only
"""What the manual pages say: every command is in them, and every example works."""

import re
import subprocess
from pathlib import Path

from firewall import BINARY

MAN = Path(__file__).parents[2] / "man"


def page(name):
    return (MAN / name).read_text(encoding="utf-8")


def plain(text):
    """Without the marks of roff."""
    return re.sub(r"\\f.|\\-", lambda mark: "-" if mark[0] == "\\-" else "", text).replace('"', "")


def examples(name):
    blocks = re.findall(r"^\.nf\n(.*?)^\.fi$", page(name), re.M | re.S)
    return [plain(line) if name == "xdpfw.8" else line for block in blocks for line in block.splitlines()]


def judge(text):
    command = [str(BINARY), "apply", "-", "--check"]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=20, check=False)


def commands():
    done = subprocess.run([str(BINARY), "help"], capture_output=True, text=True, timeout=20, check=True)
    usage = done.stdout.split("\n\n")[2]
    return {line.split()[0] for line in usage.splitlines() if line.startswith("  ") and line[2] != " "}


def test_every_command_is_in_the_manual():
    text = plain(page("xdpfw.8"))
    headings = " ".join(line for line in text.splitlines() if re.match(r"\.(BR?|BI|IR?) ", line))
    missing = [name for name in commands() if not re.search(rf"\b{re.escape(name)}\b", headings)]
    assert len(commands()) > 20 and not missing


def test_every_line_of_the_rules_page_is_a_statement():
    lines = examples("xdpfw.rules.5")
    assert len(lines) > 30
    for line in lines:
        done = judge(f"{line}\n")
        assert done.returncode == 0, done.stderr


def test_the_rules_page_has_every_kind_of_statement():
    said = judge("nonsense\n").stderr
    kinds = re.findall(r"[a-z]+", said.split("statements are")[1])
    words = {line.split()[0] for line in examples("xdpfw.rules.5")}
    assert {"allow", "set", "load"} <= set(kinds)
    assert {kind for kind in kinds if kind not in ("and",)} <= words


def test_examples_of_commands_begin_with_one():
    lines = [line.split() for line in examples("xdpfw.8") if line.startswith("xdpfw ")]
    assert lines and all(line[1] in commands() for line in lines)
