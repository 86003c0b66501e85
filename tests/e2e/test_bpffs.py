# SPDX-License-Identifier: GPL-2.0-only
"""`load` on a machine where nobody has mounted a BPF filesystem yet."""

import os

import pytest

import lab
from firewall import BPFFS
from test_kill import killed_at


def _mounted():
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return any(line.split()[1:3] == [str(BPFFS), "bpf"] for line in mounts)


def _used():
    """Somebody has pinned something; directories and the kernel's own maps.debug, progs.debug do not count."""
    return any(not path.is_dir() and path.suffix != ".debug" for path in BPFFS.rglob("*"))


@pytest.fixture
def no_bpffs():
    if _mounted() and _used():
        pytest.skip(f"{BPFFS} is in use by someone else, so it cannot be unmounted for this test")
    while _mounted():
        lab.run("umount", str(BPFFS))
    assert os.path.isdir(BPFFS)


def test_load_mounts_it(fw, no_bpffs):
    fw.load("tc")
    assert _mounted() and fw.pinned()


def test_asking_does_not_mount_it(fw, no_bpffs):
    fw("status", code=3)
    fw("allow in 22")
    assert not _mounted()


def test_killed_before_the_mount(fw, no_bpffs, tool):
    tool("strace")
    killed_at(fw, f"load {lab.IFACE} --mode tc", ("mount", 1))
    assert not _mounted()
    fw.load("tc")
    assert fw.pinned()
