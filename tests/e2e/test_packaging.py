# SPDX-License-Identifier: GPL-2.0-only
"""The units are what systemd understands, and come before the network (TRAPS 36)."""

import re
from pathlib import Path

from lab import run

UNITS = Path(__file__).resolve().parents[2] / "packaging" / "systemd"


def test_units_are_valid(tool, tmp_path):
    tool("systemd-analyze")
    for unit in UNITS.iterdir():
        # The program need not be installed where it will be.
        text = re.sub(r"/usr/sbin/xdpfw", "/bin/true", unit.read_text(encoding="ascii"))
        name = unit.name.replace("@", "@eth0")
        (tmp_path / name).write_text(text, encoding="ascii")
        done = run("systemd-analyze", "verify", "--man=no", str(tmp_path / name), check=False)
        complaints = [line for line in done.stderr.splitlines() if "xdpfw" in line]
        assert complaints == [], complaints


def test_before_the_network():
    text = (UNITS / "xdpfw.service").read_text(encoding="ascii")
    assert re.search(r"^Before=.*\bnetwork-pre\.target\b", text, re.M)
    assert re.search(r"^Wants=.*\bnetwork-pre\.target\b", text, re.M)
    assert re.search(r"^DefaultDependencies=no$", text, re.M), "else it would wait for sysinit"
