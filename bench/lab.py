# SPDX-License-Identifier: GPL-2.0-only
"""Where the measuring happens: pairs of network namespaces that leave nothing behind.

The whole run lives in a mount namespace of its own, with its own /run/netns and its own
bpffs. So namespaces, pinned programs and maps end with the run even if it is killed with
SIGKILL, and a firewall that protects this host is neither seen nor touched.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time

# RFC 2544 reserves 198.18.0.0/15 for benchmarks: two halves of one subnet, so that
# 65,536 source addresses do not reach into the target's half.
SOURCE = "198.18.0.1"
TARGET = "198.19.0.1"
PREFIX = 15
TARGET_MAC = "02:00:00:00:00:02"

INSIDE = "XDPFW_BENCH_INSIDE"


class BenchError(Exception):
    """Something that was to be measured could not be; the text says what and why."""


class Missing(BenchError):
    """Something to compare with that is not there, or cannot do what is compared: reported, but not a fault of the run."""


class Starved(BenchError):
    """Less than half of the load came through: other work kept this run from the CPU, or so it seems the first few times."""


def isolate():
    """Go on in a mount namespace of our own (by executing this program again)."""
    if os.geteuid() != 0:
        raise BenchError("needs root: it makes network namespaces and loads BPF programs")
    if os.environ.get(INSIDE) != str(os.getpid()):
        os.environ[INSIDE] = str(os.getpid())  # exec keeps the pid
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])
    os.makedirs("/run/netns", exist_ok=True)
    run(["mount", "-t", "tmpfs", "none", "/run/netns"])
    run(["mount", "-t", "bpf", "none", "/sys/fs/bpf"])
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def run(command, timeout=60, env=None, stdin=None):
    """Run a command; return its stdout, or raise with its last line of stderr."""
    try:
        done = subprocess.run(command, timeout=timeout, env=env, input=stdin, text=True, capture_output=True)
    except FileNotFoundError as error:
        raise BenchError(f"{command[0]}: not found") from error
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{shown(command)}: still running after {timeout} s") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "said nothing").splitlines()[-1]
        raise BenchError(f"{shown(command)}: exit {done.returncode}: {said}")
    return done.stdout


def shown(command):
    """The start of a command, for a message, without how it got into its namespace, and without folders."""
    words = command[2:8] if command[0] == "nsenter" else command[:6]
    return " ".join(os.path.basename(word) or word for word in words)


class Lab:
    """A source and a target namespace, joined by a veth pair; the target is under test."""

    count = 0
    pair = None  # names of two interfaces that are to be used instead of a veth pair (--iface)

    def __init__(self):
        Lab.count += 1
        # Numbered throughout: xdp-filter and others pin by interface name, whatever the namespace.
        self.source, self.target = f"xbs{Lab.count}", f"xbt{Lab.count}"
        self.source_interface, self.target_interface = f"xbsv{Lab.count}", f"xbtv{Lab.count}"
        if Lab.pair:
            self.source_interface, self.target_interface = Lab.pair
        self.target_mac = TARGET_MAC
        self.children = []

    def __enter__(self):
        try:
            self._create()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.terminate()  # timeout(1) hands SIGTERM on; SIGKILL would orphan what it runs
            child.wait()
        if Lab.pair:
            self._give_back()
        for name in (self.source, self.target):
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)

    def _give_back(self):
        """To where they came from: a veth would die with its namespace."""
        for namespace, interface in ((self.source, self.source_interface), (self.target, self.target_interface)):
            subprocess.run(["ip", "-n", namespace, "link", "set", "dev", interface, "netns", str(os.getpid())],
                           stderr=subprocess.DEVNULL)

    def _create(self):
        run(["ip", "netns", "add", self.source])
        run(["ip", "netns", "add", self.target])
        if Lab.pair:
            self._borrow()
        else:
            self._make_pair()
        self._configure(self.source, self.source_interface, SOURCE)
        self._configure(self.target, self.target_interface, TARGET)

    def _make_pair(self):
        # Like a NIC that hashes one flow to one queue: one queue, so one CPU does all the work.
        run(["ip", "link", "add", self.source_interface, "netns", self.source,
             "numtxqueues", "1", "numrxqueues", "1", "type", "veth",
             "peer", "name", self.target_interface, "netns", self.target,
             "address", TARGET_MAC, "numtxqueues", "1", "numrxqueues", "1"])

    def _borrow(self):
        for namespace, interface in ((self.source, self.source_interface), (self.target, self.target_interface)):
            run(["ip", "link", "set", "dev", interface, "netns", namespace])
        self.target_mac = self._link(self.target, self.target_interface)["address"]

    @staticmethod
    def _link(namespace, interface):
        return json.loads(run(["ip", "-n", namespace, "-json", "-statistics", "link", "show", "dev", interface]))[0]

    def await_carrier(self):
        """Drivers of real interfaces take them down for a while to attach a program."""
        for _ in range(150):
            if self._link(self.target, self.target_interface)["operstate"] == "UP":
                return
            time.sleep(0.1)
        raise BenchError(f"{self.target_interface}: no carrier")

    @staticmethod
    def _configure(namespace, interface, address):
        run(["ip", "-n", namespace, "address", "add", f"{address}/{PREFIX}", "dev", interface])
        run(["ip", "-n", namespace, "link", "set", "lo", "up"])
        run(["ip", "-n", namespace, "link", "set", interface, "up"])

    @staticmethod
    def inside(namespace, command):
        # Not `ip netns exec`: that mounts a fresh /sys and so hides the bpffs.
        return ["nsenter", f"--net=/run/netns/{namespace}", *command]

    def start(self, namespace, command):
        """Start a command in the background; it ends with the lab or, if the run is killed, with the run."""
        self._spawn(namespace, command, stdout=subprocess.DEVNULL)

    def _spawn(self, namespace, command, stdout):
        command = ["setpriv", "--pdeathsig", "TERM", *self.inside(namespace, ["timeout", "900", *command])]
        child = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL, text=True)
        self.children.append(child)
        return child

    def source_mac(self):
        return self._link(self.source, self.source_interface)["address"]

    def await_word(self, namespace, command, word, seconds=120):
        """Start a command in the background and wait for the line @word of it."""
        child = self._spawn(namespace, command, stdout=subprocess.PIPE)
        if not select.select([child.stdout], [], [], seconds)[0] or child.stdout.readline().strip() != word:
            raise BenchError(f"{shown(command)}: did not say '{word}' within {seconds} s")

    def counters(self):
        """Packets seen, and dropped by native XDP: as a veth's driver tells, or, of others, as the stack does."""
        text = run(self.inside(self.target, ["ethtool", "-S", self.target_interface]))

        def total(name):
            return sum(int(number) for number in re.findall(rf"rx_queue_\d+_{name}: (\d+)", text))

        if "_xdp_packets" not in text:
            return self.stack_counters()
        return total("xdp_packets"), total("xdp_drops")

    def stack_counters(self):
        """The interface says what arrived, and the IP layer what got past the last hook of a host's input."""
        seen = self._link(self.target, self.target_interface)["stats64"]["rx"]["packets"]
        names, values = [line.split() for line in run(self.inside(self.target, ["cat", "/proc/net/snmp"])).splitlines()
                         if line.startswith("Ip:")]
        return seen, seen - int(values[names.index("InDelivers")])
