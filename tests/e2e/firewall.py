# SPDX-License-Identifier: GPL-2.0-only
"""xdpfw as a user runs it: words in, exit code and output out. XDPFW_BINARY names another one than build/xdpfw."""

import contextlib
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import bpf
import schemas
from lab import IFACE

BINARY = Path(os.environ.get("XDPFW_BINARY", Path(__file__).resolve().parents[2] / "build" / "xdpfw"))
BPFFS = Path("/sys/fs/bpf")
LOCKS = Path("/run/xdpfw")
MODES = ("native", "generic", "tc")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")

_serial = itertools.count(1)


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def text(self):
        return self.out + self.err


class Firewall:
    """One instance: a namespace, a directory of pins and a rules file of its own."""

    def __init__(self, net, directory):
        self.net = net
        self.pins = BPFFS / f"xdpfw-test-{os.getpid()}-{next(_serial)}"
        self.rules = Path(directory) / f"{self.pins.name}.rules"
        self.env = dict(os.environ, XDPFW_PIN_DIR=str(self.pins), XDPFW_RULES=str(self.rules), LC_ALL="C")

    def command(self, words):
        """The command line for words such as "allow in 22" or ("allow", "in", "22")."""
        words = shlex.split(words) if isinstance(words, str) else list(words)
        return [str(BINARY), "-n", self.net.host.name, *words]

    def attempt(self, words, prefix=(), stdin=None):
        """Run, whatever comes of it."""
        done = subprocess.run(
            [*prefix, *self.command(words)],
            env=self.env,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return Result(done)

    def __call__(self, words, code=0, **how):
        """Run and insist on the exit code."""
        result = self.attempt(words, **how)
        assert result.code == code, f"`{words}` exited {result.code}, not {code}:\n{result.text}"
        return result

    def refuses(self, words, code, **how):
        """Run and insist on the exit code and on one line `xdpfw: WHAT: WHY`, which is returned."""
        result = self(words, code=code, **how)
        lines = result.err.splitlines()
        assert len(lines) == 1, f"`{words}`: an error is one line, not:\n{result.err}"
        assert re.match(r"xdpfw: .+: .+", lines[0]), f"`{words}`: not `xdpfw: WHAT: WHY`: {lines[0]}"
        return lines[0]

    def json(self, words, code=0, **how):
        """What it prints with --json, which must be as its schema says."""
        document = json.loads(self(f"{words} --json", code=code, **how).out)
        schemas.check(shlex.split(words), document)
        return document

    def load(self, mode, *words):
        return self(["load", IFACE, "--mode", mode, *words])

    def policy(self, *lines):
        """Replace the whole policy by `lines`; the file's `load` lines stay."""
        loads = [line for line in self.rules_lines() if line.startswith("load ")]
        self("apply -", stdin="".join(f"{line}\n" for line in [*loads, *lines]))

    def rules_lines(self):
        """What the rules file says, without blank lines."""
        if not self.rules.exists():
            return []
        return [line for line in self.rules.read_text(encoding="utf-8").splitlines() if line.strip()]

    def policy_lines(self):
        """What the rules file says about requests: no comments, no interfaces."""
        return [line for line in self.rules_lines() if not line.startswith(("#", "load "))]

    def rule_texts(self):
        return [rule["text"] for rule in self.json("status")["rules"]]

    # ---- counters ----

    def port(self, direction, proto, port):
        """The counters of a service port; all zero if it is not listed."""
        for entry in self.json("stats")["ports"]:
            if (entry["dir"], entry["proto"], entry["port"]) == (direction, proto, port):
                return entry
        names = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "drop_packets", "drop_bytes")
        return dict.fromkeys(names, 0)

    def reason(self, direction, name, verdict):
        """(packets, bytes) of a reason."""
        for entry in self.json("stats")["reasons"]:
            if (entry["dir"], entry["reason"], entry["verdict"]) == (direction, name, verdict):
                return entry["packets"], entry["bytes"]
        return 0, 0

    def drops(self, direction="in"):
        """Packets dropped, by reason."""
        found = [entry for entry in self.json("stats")["reasons"] if entry["verdict"] == "drop"]
        return {entry["reason"]: entry["packets"] for entry in found if entry["dir"] == direction}

    # ---- what is attached and pinned ----

    def attached(self):
        """What the kernel has attached to host0, by hook."""
        return bpf.attached(self.net.host, IFACE)

    def pinned(self):
        """Every pin below this instance's directory, by name."""
        if not self.pins.exists():
            return []
        return sorted(str(path.relative_to(self.pins)) for path in self.pins.rglob("*") if not path.is_dir())

    def close(self):
        """Leave nothing behind, even of a program that cannot unload any more: without pins nothing is attached."""
        shutil.rmtree(self.pins, ignore_errors=True)
        _lock_of(self.pins).unlink(missing_ok=True)


@contextlib.contextmanager
def on(net, tmp_path_factory):
    """A firewall for these namespaces, which go with it: what a fixture shares among the tests of a file."""
    made = Firewall(net, tmp_path_factory.mktemp("rules"))
    try:
        yield made
    finally:
        made.close()
        net.delete()


def _lock_of(pins):
    """xdpfw never removes its lock files, for others may wait for them."""
    return LOCKS / (str(pins).strip("/").replace("/", "_") + ".lock")


def sweep():
    """Remove the pins of earlier runs that were killed."""
    for path in [*BPFFS.glob("xdpfw-test-*"), *LOCKS.glob("*xdpfw-test-*")]:
        owner = path.name.split("-test-")[1].split("-")[0]
        if Path("/proc", owner).exists():
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
