# SPDX-License-Identifier: GPL-2.0-only
"""A real Docker container behind the firewall: a port that Docker publishes is closed until a rule opens it.

The daemon lives in namespaces of its own (processes, mounts, and the network of the test's host), so killing it
leaves nothing behind but control groups and files, which have names of their own as well.
"""

import contextlib
import io
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import time
from pathlib import Path

import firewall
import lab
import pytest
import traffic

STARTUP = 30.0  # seconds; it takes one or two
INNER = 7  # where the container listens
IMAGE, NAME = "xdpfw-test", "echo"
BRIDGE = "172.31.77.1/24"

# /run is hidden so that no other daemon's socket is found there, and nothing is left there.
START = """
mount -t tmpfs none /run && exec dockerd --data-root "$0/data" --exec-root "$0/exec" --pidfile "$0/pid" \\
    --host "unix://$0/docker.sock" --storage-driver vfs --iptables=true --ip6tables=false \\
    --bip "$1" --cgroup-parent "$2"
"""


def image():
    """busybox and nothing else, as a tar file for `docker import`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(os.path.realpath(shutil.which("busybox")), "bin/busybox")
    return out.getvalue()


class Docker:
    """dockerd in the namespace of a test's host, with one container whose TCP echo service is published."""

    def __init__(self, net, directory):
        self.net, self._directory = net, directory
        self._group = f"/xdpfw-test-{os.getpid()}"
        self.url = f"unix://{directory}/docker.sock"
        self._log = (directory / "log").open("wb")
        self.published = traffic.fresh_port()
        command = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", START)
        self._process = subprocess.Popen(
            net.host.command(*command, str(directory), BRIDGE, self._group),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    def __call__(self, *words, **how):
        return lab.run("docker", "-H", self.url, *words, **how)

    def wait(self):
        """Does the daemon run within its time?"""
        deadline = time.monotonic() + STARTUP
        while time.monotonic() < deadline and self._process.poll() is None:
            if self("version", check=False).returncode == 0:
                return True
            time.sleep(0.1)
        return False

    def why(self):
        """The last thing the daemon said."""
        lines = (self._directory / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"

    def start_container(self):
        (self._directory / "image.tar").write_bytes(image())
        self("import", str(self._directory / "image.tar"), IMAGE)
        service = ("/bin/busybox", "nc", "-ll", "-p", str(INNER), "-e", "/bin/busybox", "cat")
        self("run", "-d", "--name", NAME, "-p", f"{self.published}:{INNER}", IMAGE, *service)
        form = "{{.NetworkSettings.IPAddress}}"
        self.address = self("inspect", "-f", form, NAME).stdout.strip()
        with self.net.host.entered():
            assert traffic.eventually(self._answers), "the container does not listen"

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection((self.address, INNER), lab.PATIENCE):
            return True
        return False

    def inside(self, *words):
        """Start a program of busybox in the container."""
        command = ("docker", "-H", self.url, "exec", NAME, "/bin/busybox", *words)
        output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, text=True, **output)

    def close(self):
        # With the first process of a namespace all others die; unshare waits for it, so no zombie stays.
        pid = self._process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            os.kill(int(child), signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait(10)
        self._log.close()
        traffic.eventually(self._groups_gone)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _groups_gone(self):
        """Remove its control groups, in every hierarchy there is; they may be busy for a moment."""
        top = Path("/sys/fs/cgroup")
        for root in (top, *top.iterdir()):
            for path, _, _ in os.walk(f"{root}{self._group}", topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(path)
        return not any(Path(f"{root}{self._group}").exists() for root in (top, *top.iterdir()))


@pytest.fixture(scope="module")
def docker(tmp_path_factory):
    for name in ("docker", "dockerd", "busybox"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed (scripts/install-deps docker)")
    with contextlib.ExitStack() as stack:
        net = lab.Net()
        stack.callback(net.delete)
        made = Docker(net, tmp_path_factory.mktemp("docker"))
        stack.callback(made.close)
        if not made.wait():
            pytest.skip(f"dockerd does not start here: {made.why()}")
        made.start_container()
        # The way to the container's own address, which a neighbour may know.
        net.peer.ip(f"route add {made.address}/32 via {lab.V4.host}\n")
        yield made


@pytest.fixture
def guarded(docker, mode, tmp_path):
    """A firewall in front of the daemon's host."""
    fw = firewall.Firewall(docker.net, tmp_path)
    fw.load(mode)
    yield fw
    fw.close()
    # The kernel detaches a link some time after its pin is gone; the next instance would find a foreign program.
    assert traffic.eventually(lambda: not fw.attached())
    docker.net.close_sockets()


def echoes(net, family, address, port):
    """What is sent there comes back."""
    sock = traffic.connect(net.peer, family, address, port)
    return traffic.flows(sock, sock)


def test_published_port_is_closed_until_a_rule_opens_it(guarded, docker, family):
    """The port on the wire counts, whatever Docker makes of it behind the filter's back (TRAPS 37).

    IPv4 is translated by the kernel; IPv6 goes through docker-proxy, a program of this host.
    """
    net, port = docker.net, docker.published
    for policy in (
        ("default deny in",),
        ("default deny in", "default allow routed"),
        ("default deny in", f"allow in {INNER}", f"route allow {INNER}", f"route allow {port}"),
    ):
        guarded.policy(*policy)
        assert traffic.tcp_answer(net.peer, family, family.host, port, "timeout") == "timeout", policy
    guarded(f"allow in {port}/tcp")
    assert echoes(net, family, family.host, port)

    guarded(f"deny in {port}/tcp")
    assert traffic.tcp_answer(net.peer, family, family.host, port, "timeout") == "timeout"


def test_container_is_not_reached_by_its_own_address(guarded, docker):
    """Docker's own rules let neighbours in that know the way; ours ask for a route rule."""
    guarded.policy("default deny in", f"allow in {INNER}", f"allow in {docker.published}")
    answer = traffic.tcp_answer(docker.net.peer, lab.V4, docker.address, INNER, "timeout")
    assert answer == "timeout"
    guarded.policy("default deny in", f"route allow {INNER}/tcp")
    assert echoes(docker.net, lab.V4, docker.address, INNER)


def test_container_reaches_out(guarded, docker):
    """Behind a masquerade, with nothing allowed in: TCP in both directions at length, and ping."""
    guarded.policy("default deny in", "default deny routed")
    port, data = traffic.fresh_port(), b"0123456789abcdef" * (1 << 16)
    server = traffic.listen(docker.net.peer, lab.V4, port)
    client = docker.inside("wget", "-q", "-O", "-", f"http://{lab.V4.peer}:{port}/")
    accepted, sender = docker.net.peer.accept(server)
    assert sender[0] == lab.V4.host, "not masqueraded"
    assert accepted.recv(4096).startswith(b"GET / ")
    accepted.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + data)
    accepted.close()
    out, _ = client.communicate(timeout=20)
    assert client.returncode == 0 and out.encode() == data

    client = docker.inside("ping", "-c", "1", "-W", "3", lab.V4.peer)
    out, _ = client.communicate(timeout=20)
    assert client.returncode == 0, out


def test_outbound_rules_hold_for_containers(guarded, docker):
    """What a container asks for leaves by the loaded interface, so `out` decides."""
    port, other = traffic.fresh_port(), traffic.fresh_port()
    for number in (port, other):
        traffic.listen(docker.net.peer, lab.V4, number)
    guarded.policy("default deny in", "default deny out", f"allow out {port}/tcp")
    for number in (port, other):
        client = docker.inside("nc", "-w", "1", lab.V4.peer, str(number), "-e", "/bin/busybox", "true")
        out, _ = client.communicate(timeout=20)
        assert (client.returncode == 0) == (number == port), f"{number}: {out}"


def test_ports_names_the_container(guarded, docker):
    """The process that listens is docker-proxy; the container is behind it. Judged is the published port."""
    guarded.policy("default deny in", f"allow in {docker.published}/tcp")
    guarded.env["DOCKER_HOST"] = docker.url
    found = [one for one in guarded.json("ports")["ports"] if one["port"] == docker.published]
    assert found, "docker-proxy listens"
    for row in found:
        assert row["container"] == {"name": NAME, "port": INNER}
        assert [process["name"] for process in row["processes"]] == ["docker-proxy"]
        assert row["outside"] == "allowed"
    assert f"container {NAME}, port {INNER}" in guarded("ports").out
    guarded.env["DOCKER_HOST"] = "unix:///no/such/socket"
    assert all(one["container"] is None for one in guarded.json("ports")["ports"])
