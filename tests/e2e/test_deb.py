# SPDX-License-Identifier: GPL-2.0-only
"""The Debian package, through a package's life: installed, upgraded, removed, purged by the real dpkg.

The machine stays as it was: dpkg works on an overlay over /, with its own bpffs, processes and network namespace.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import bpf
import lab
import pytest
from lab import IFACE, PEER_IFACE, run

ROOT = Path(__file__).resolve().parents[2]

# An overlay over /, whose upper side is seen as /mnt and the packages as /media. Process 1 of it lives in the network
# namespace it is started in, so that this is the instance "host".
OVERLAY = """
set -e
scratch=$1
mount -t tmpfs none "$scratch"
cd "$scratch"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" root
mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
mount -t bpf bpf root/sys/fs/bpf
mount -t tmpfs none root/run
mkdir root/run/netns
mount --rbind /run/netns root/run/netns
mount --rbind /dev root/dev
mount --bind upper root/mnt
mount --bind "$2" root/media
rm -rf root/etc/xdpfw
exec chroot root sh -c 'echo ready; exec sleep infinity'
"""


class Machine:
    """A copy of this machine on which packages come and go."""

    def __init__(self, net, scratch, packages):
        command = net.host.command("unshare", "--mount", "--propagation=slave", "--pid", "--fork", "--kill-child")
        script = ("sh", "-c", OVERLAY, "sh", str(scratch), str(packages))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._holder = subprocess.Popen([*command, *script], **pipes, text=True)
        if self._holder.stdout.readline() != "ready\n":
            raise RuntimeError(self._holder.stderr.read())
        pid = self._holder.pid
        self._first = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").strip()

    def run(self, text, code=0):
        """A shell line; what it printed."""
        enter = ("nsenter", "--target", self._first, "--mount", "--pid", "--net", "--root", "--wd")
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        done = run(*enter, "sh", "-c", text, check=False, timeout=120, env=environment)
        assert done.returncode == code, f"{text}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def named(self):
        """Whatever has xdpfw in its name and was not there before."""
        return self.run("find /mnt /run /sys/fs/bpf -name '*xdpfw*' ! -type c").split()

    def close(self):
        self._holder.kill()
        self._holder.communicate()


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A directory with the package, and with the same as a later version."""
    if not shutil.which("dpkg-deb"):
        pytest.skip("dpkg-deb is not installed: no Debian")
    directory = tmp_path_factory.mktemp("packages")
    run("make", "-C", str(ROOT), "deb", timeout=600)
    (built,) = (ROOT / "build").glob("xdpfw_*.deb")
    shutil.copy(built, directory / "xdpfw.deb")
    run("dpkg-deb", "-R", str(built), str(directory / "later"))
    control = directory / "later" / "DEBIAN" / "control"
    control.write_text(re.sub("(?m)^(Version: .*)", r"\1+later", control.read_text(encoding="ascii")), encoding="ascii")
    run("dpkg-deb", "--root-owner-group", "-b", str(directory / "later"), str(directory / "later.deb"))
    return directory


@pytest.fixture
def machine(net, tmp_path, packages):
    made = Machine(net, tmp_path, packages)
    yield made
    made.close()


@pytest.fixture
def installed(machine):
    machine.run("dpkg -i /media/xdpfw.deb")
    return machine


def program_id(ns, iface):
    (link,) = json.loads(ns.run("ip", "-j", "link", "show", "dev", iface).stdout)
    return link["xdp"]["prog"]["id"]


def test_contents(packages):
    package = str(packages / "xdpfw.deb")
    files = {line.split()[5]: line.split()[:2] for line in run("dpkg-deb", "-c", package).stdout.splitlines()}
    assert files["./usr/sbin/xdpfw"] == ["-rwxr-xr-x", "root/root"]
    for name in (
        "lib/systemd/system/xdpfw.service",
        "lib/systemd/system/xdpfw@.service",
        "lib/udev/rules.d/90-xdpfw.rules",
        "share/man/man8/xdpfw.8.gz",
        "share/man/man5/xdpfw.rules.5.gz",
        "share/doc/xdpfw/copyright",
        "share/doc/xdpfw/changelog.gz",
    ):
        assert files[f"./usr/{name}"] == ["-rw-r--r--", "root/root"], name
    assert {rights[1:] for rights, _ in files.values()} == {"rwxr-xr-x", "rw-r--r--"}
    depends = run("dpkg-deb", "-f", package, "Depends").stdout
    for library in ("libbpf", "libjansson", "libmnl", "libncursesw", "libmicrohttpd", "libpcap", "libc6"):
        assert library in depends


def test_install_from_source_finds_its_program(tmp_path):
    run("make", "-C", str(ROOT), "install", f"DESTDIR={tmp_path}", "PREFIX=/opt/fw", timeout=60)
    unit = (tmp_path / "opt/fw/lib/systemd/system/xdpfw.service").read_text(encoding="ascii")
    assert "ExecStart=/opt/fw/sbin/xdpfw restore\n" in unit
    assert os.access(tmp_path / "opt/fw/sbin/xdpfw", os.X_OK)


def test_installing_changes_nothing(installed, net):
    version = installed.run("dpkg-query -W -f '${Version}' xdpfw")
    assert installed.run("xdpfw --version").split() == ["xdpfw", version]
    assert installed.run("dpkg --verify xdpfw") == ""
    installed.run("xdpfw status", code=3)
    assert bpf.attached(net.host, IFACE) == []
    assert [name for name in installed.named() if "/etc/" in name or "/sys/" in name] == [], "nothing is enabled"


def test_upgrade_swaps_programs(installed, net):
    installed.run(f"xdpfw allow in 22; xdpfw load {IFACE} --mode native")
    installed.run(f"xdpfw -n {net.peer.name} load {PEER_IFACE} --mode native")
    sides = ((net.host, IFACE), (net.peer, PEER_IFACE))
    before = [program_id(*side) for side in sides]
    said = installed.run("dpkg -i /media/later.deb")
    assert "filter on" not in said
    assert installed.run("dpkg-query -W -f '${Version}' xdpfw").endswith("+later")
    for side, old in zip(sides, before):
        assert program_id(*side) != old
    status = json.loads(installed.run("xdpfw status --json"))
    assert [rule["text"] for rule in status["rules"]] == ["allow in 22"]
    assert status["interfaces"][0]["state"] == "up"


def test_upgrade_that_cannot_swap_leaves_the_old_programs(installed, net):
    installed.run(f"xdpfw load {IFACE} --mode native && echo 'allow sideways 22' >>/etc/xdpfw/host.rules")
    before = program_id(net.host, IFACE)
    said = installed.run("dpkg -i /media/later.deb")
    assert "sideways" in said and "host: the programs from before the upgrade filter on" in said
    assert program_id(net.host, IFACE) == before


def test_remove_unloads_and_purge_forgets(installed, net):
    installed.run(f"xdpfw allow in 22; xdpfw load {IFACE}; xdpfw -n {net.peer.name} load {PEER_IFACE}")
    gone = lab.Namespace(f"{net.host.name}-gone")
    try:
        gone.ip("link add gone0 type veth peer name gone1\n")
        installed.run(f"xdpfw -n {gone.name} load gone0")
    finally:
        gone.delete()
    assert bpf.attached(net.host, IFACE) and bpf.attached(net.peer, PEER_IFACE)

    installed.run("dpkg -r xdpfw")
    assert bpf.attached(net.host, IFACE) == bpf.attached(net.peer, PEER_IFACE) == []
    assert "allow in 22" in installed.run("cat /etc/xdpfw/host.rules")
    assert [name for name in installed.named() if not name.startswith(("/mnt/etc/", "/mnt/var/lib/dpkg/"))] == []
    installed.run("command -v xdpfw", code=127)

    installed.run("dpkg -P xdpfw")
    installed.run("dpkg -s xdpfw", code=1)
    assert installed.named() == []


def test_removal_is_refused_if_it_cannot_unload(installed, net):
    """Else programs would filter on that nothing could take away."""
    installed.run(f"xdpfw load {IFACE}; mv /usr/sbin/xdpfw /tmp; ln -s /bin/false /usr/sbin/xdpfw")
    installed.run("dpkg -r xdpfw", code=1)
    assert bpf.attached(net.host, IFACE) != []
    installed.run("mv /tmp/xdpfw /usr/sbin/xdpfw && xdpfw status")


def test_removal_does_not_keep_the_network_down(tool, installed):
    """An enabled unit that is gone would: networking.service requires it."""
    tool("systemctl")
    installed.run("systemctl --quiet enable xdpfw.service")
    assert "/mnt/etc/systemd/system/networking.service.requires/xdpfw.service" in installed.named()
    installed.run("dpkg -P xdpfw")
    assert installed.named() == []
