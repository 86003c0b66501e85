# SPDX-License-Identifier: GPL-2.0-only
"""A real sshd in the host's namespace, and real logins from its peer."""

import contextlib
import os
import select
import subprocess
from pathlib import Path

import lab
import traffic

SSHD = "/usr/sbin/sshd"
CONFIG = """\
HostKey {0}/host_key
AuthorizedKeysFile {0}/client_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
LogLevel ERROR
"""


class Session:
    """One login that stays open: what is written comes back."""

    def __init__(self, command):
        self._client = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        assert self.lives(10.0), "the login did not succeed"

    def lives(self, wait=lab.PATIENCE):
        line = os.urandom(8).hex().encode() + b"\n"
        try:
            self._client.stdin.write(line)
        except BrokenPipeError:
            return False
        while select.select([self._client.stdout], [], [], wait)[0]:
            got = self._client.stdout.readline()
            if got in (line, b""):  # what was asked while it was cut comes first
                return got == line
        return False

    def close(self):
        self._client.kill()
        self._client.wait()
        self._client.stdin.close()
        self._client.stdout.close()


class Sshd:
    """Listens on `ports` in net.host. Passes for another namespace's client with login()."""

    def __init__(self, net, directory, ports=(22,)):
        self.net, self.dir, self.ports = net, Path(directory), ports
        self._open = contextlib.ExitStack()
        for key in ("host_key", "client_key"):
            if not (self.dir / key).exists():
                lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.dir / key))
        config = self.dir / "sshd_config"
        config.write_text(CONFIG.format(self.dir) + "".join(f"Port {port}\n" for port in ports), encoding="ascii")
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on its empty directory
        self._daemon = subprocess.Popen(net.host.command(SSHD, "-D", "-e", "-f", str(config)), stderr=subprocess.DEVNULL)
        for port in ports:
            assert traffic.eventually(lambda port=port: self._is_up(port)), "sshd does not listen"

    def _is_up(self, port):
        found = self.net.host.run("ss", "-Htln", f"sport = :{port}").stdout
        return bool(found.strip())

    def login(self, family=lab.V4, port=None, source=None):
        bind = ("-b", source) if source else ()
        command = self.net.peer.command(
            *("ssh", "-F", "none", "-T", "-i", str(self.dir / "client_key"), "-p", str(port or self.ports[0]), *bind),
            *("-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self.dir}/known", "-o", "BatchMode=yes"),
            *("-o", "ConnectTimeout=10", f"root@{family.host}", "cat"),
        )
        session = Session(command)
        self._open.callback(session.close)
        return session

    def stop_listening(self):
        """As when sshd is restarted: open sessions live on."""
        self._daemon.kill()
        self._daemon.wait()

    def close(self):
        self._open.close()
        self.stop_listening()
