# SPDX-License-Identifier: GPL-2.0-only
"""The units in a real systemd, as process 1 of namespaces of its own: filtered before the network, or no network."""

import os
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from firewall import BINARY
from lab import run

HERE = Path(__file__).resolve().parent
PACKAGING = HERE.parents[1] / "packaging"

NETWORKING = """\
[Unit]
DefaultDependencies=no
Wants=network-pre.target
After=network-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c '/etc/xdpfw/program status >/dev/console; echo "networking: status $?" >/dev/console'
"""

CHECK = """\
[Unit]
After=xdpfw.service networking.service
Wants=networking.service
[Service]
Type=oneshot
ExecStart=/bin/sh /etc/check
ExecStopPost=/bin/systemctl poweroff --force
"""

# What a service in a slice of its own leaves behind, and what it finds again.
PROBE = """\
[Service]
Slice=web.slice
ExecStart=/bin/sleep 60
"""

# Of systemd's own, what has no business in a container without a disk.
MASKED = """systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-sysctl.service systemd-sysusers.service
    systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket
    systemd-journal-flush.service systemd-update-utmp.service systemd-modules-load.service systemd-remount-fs.service
    systemd-random-seed.service systemd-udev-trigger.service dev-hugepages.mount dev-mqueue.mount
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount
    systemd-ask-password-console.path systemd-ask-password-wall.path""".split()


# Of udev's own, the only ones: that an interface is a unit, and none of this machine's devices is touched.
UDEV_RULES = {"99-systemd.rules"}


def cgroup_root():
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    return Path(next(mount[1] for mount in mounts if mount[2] == "cgroup2"))


def make_files(directory, rules, check):
    """What is /etc there."""
    system = directory / "systemd" / "system"
    system.mkdir(parents=True)
    for unit in (PACKAGING / "systemd").iterdir():
        text = unit.read_text(encoding="ascii").replace("/usr/sbin/xdpfw", "/etc/xdpfw/program")
        (system / unit.name).write_text(text, encoding="ascii")
    for name in MASKED:
        (system / name).symlink_to("/dev/null")
    shutil.copytree(PACKAGING / "udev", directory / "udev" / "rules.d")
    for rules_file in Path("/usr/lib/udev/rules.d").iterdir():
        if rules_file.name not in UDEV_RULES:
            (directory / "udev" / "rules.d" / rules_file.name).symlink_to("/dev/null")
    for name, text in (("networking", NETWORKING), ("check", CHECK), ("probe", PROBE)):
        (system / f"{name}.service").write_text(text, encoding="ascii")
    (system / "default.target").write_text("[Unit]\nRequires=sysinit.target check.service\n", encoding="ascii")
    (directory / "machine-id").write_text(f"{os.urandom(16).hex()}\n", encoding="ascii")
    (directory / "check").write_text(f"exec >/dev/console 2>&1\n{check}", encoding="ascii")
    (directory / "xdpfw").mkdir()
    (directory / "xdpfw" / "host.rules").write_text(rules, encoding="ascii")
    shutil.copy(BINARY, directory / "xdpfw" / "program")
    run("systemctl", f"--root={directory.parent}", "enable", "xdpfw.service")


def read_console(child, console, wait):
    said, deadline = b"", time.monotonic() + wait
    while child.poll() is None and time.monotonic() < deadline:
        if select.select([console], [], [], 0.2)[0]:
            said += os.read(console, 65536)
    while select.select([console], [], [], 0)[0]:
        said += os.read(console, 65536)
    return said.decode("utf-8", "replace").replace("\r", "")


@pytest.fixture
def boot(tool, tmp_path):
    """Boots, and returns what was said at the console until it powered off."""
    tool("/lib/systemd/systemd")
    cgroup = cgroup_root() / f"xdpfw-boot-{os.getpid()}"
    cgroup.mkdir()
    ours, theirs = os.openpty()

    def begin(rules, check):
        make_files(tmp_path / "etc", rules, check)
        (tmp_path / "root").mkdir()
        start = (f"ip link add up0 type veth peer name up1 && "
                 f"exec sh {HERE}/boot.sh {tmp_path}/root {tmp_path}/etc {os.ttyname(theirs)}")
        child = subprocess.Popen(
            ["sh", "-c", f'echo $$ >{cgroup}/cgroup.procs && exec "$@"', "sh", "unshare", "--mount", "--uts", "--ipc",
             "--net", "--pid", "--cgroup", "--fork", "--kill-child=KILL", "sh", "-c", start])
        said = read_console(child, ours, 120)
        alive = child.poll() is None
        child.kill()
        child.wait()
        assert not alive, f"it does not power off:\n{said}"
        return said

    yield begin
    os.close(ours)
    os.close(theirs)
    for folder, _, _ in os.walk(cgroup, topdown=False):
        os.rmdir(folder)


STATES = "for unit in xdpfw networking; do echo $unit: $(systemctl is-active $unit); done\n"


def test_filtered_before_the_network(boot):
    said = boot("allow in 22\nload up0\n", f"{STATES}systemctl reload xdpfw && echo reloaded\n")
    assert re.search(r"^up0: in TC", said, re.M), said
    assert "networking: status 0" in said, said
    assert {"xdpfw: active", "networking: active", "reloaded"} <= set(said.splitlines()), said


def test_without_rules_that_can_be_read_no_network(boot):
    said = boot("allow in 70000\nload up0\n", STATES)
    assert "networking: status" not in said, said
    assert {"xdpfw: failed", "networking: inactive"} <= set(said.splitlines()), said


def test_a_slice_outlives_its_service(boot):
    """What xdpfw.rules(5) says of cgroups: the restarted service has another one, its slice the same."""
    inodes = "stat -c '%n %i' /sys/fs/cgroup/web.slice /sys/fs/cgroup/web.slice/probe.service\n"
    said = boot("load up0\n", f"systemctl start probe\n{inodes}systemctl stop probe\nsleep 1\nsystemctl start probe\n{inodes}")
    found = re.findall(r"^/sys/fs/cgroup/(\S+) (\d+)$", said, re.M)
    assert len(found) == 4, said
    (_, slice_then), (_, service_then), (_, slice_now), (_, service_now) = found
    assert slice_then == slice_now and service_then != service_now, said


APPEARING = """
wait_for() { for try in $(seq 100); do "$@" && return; sleep 0.1; done; echo "in vain: $*"; }
filtered() { /etc/xdpfw/program status | grep -q "^$1: in "; }
asked() { [ "$(systemctl show -P ExecMainExitTimestampMonotonic xdpfw@$1)" != 0 ]; }
ip link add br-lan type veth peer name far0
wait_for filtered br-lan
wait_for asked far0
ip link delete br-lan
filtered br-lan && echo "what is gone is filtered"
ip link add br-lan type veth peer name far0
wait_for filtered br-lan
/etc/xdpfw/program status
echo "failed: $(systemctl list-units --failed --plain --no-legend)"
"""


def test_interfaces_that_appear_later(boot, tool):
    """udev starts xdpfw@NAME.service: what the rules file names is filtered, when it comes again as well."""
    tool("/lib/systemd/systemd-udevd")
    said = boot("allow in 22\nload up0\nload br-lan\n", APPEARING)
    assert re.search(r"^br-lan: in TC", said, re.M), said
    assert not re.search(r"^far0: |in vain|what is gone", said, re.M), said
    assert "failed: " in said.splitlines(), said
