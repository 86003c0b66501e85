# SPDX-License-Identifier: GPL-2.0-only
"""What is compared. A contender puts itself in front of a lab's target and takes itself away again."""

import json
import os
from contextlib import contextmanager

from lab import BenchError, run


class Contender:
    def __init__(self, name):
        self.name = name

    def start(self, lab):
        """Enforce in @lab's target namespace."""

    def stop(self, lab):
        """Undo start(), also one that failed half way."""

    def counters(self, lab):
        """How many packets have arrived at the target's interface, and how many of them were dropped."""
        return lab.counters()


@contextmanager
def enforcing(contender, lab):
    try:
        contender.start(lab)
        yield
    finally:
        try:
            contender.stop(lab)
        except BenchError:
            pass  # the namespace goes away next, and what failed before this is what to report


class Limit(Contender):
    """A program of one instruction."""

    def __init__(self, name, program, build):
        super().__init__(name)
        self.program = program
        self.object = os.path.join(build, "limits.bpf.o")

    def start(self, lab):
        run(["ip", "-n", lab.target, "link", "set", "dev", lab.target_interface,
             "xdpdrv", "obj", self.object, "program", self.program])


class XdpFilter(Contender):
    """xdp-filter of Debian's xdp-tools, with all features. A policy, and the ports that are its exceptions."""

    def __init__(self, name, policy, ports=()):
        super().__init__(name)
        self.policy = policy
        self.ports = ports

    def start(self, lab):
        self._xdp_filter(lab, "load", lab.target_interface, "-m", "native", "-f", "all", "-p", self.policy)
        for port in self.ports:
            self._xdp_filter(lab, "port", str(port), "-p", "udp", "-m", "dst")

    def stop(self, lab):
        self._xdp_filter(lab, "unload", lab.target_interface)

    @staticmethod
    def _xdp_filter(lab, *words):
        run(lab.inside(lab.target, ["xdp-filter", *words]))


class Xdpfw(Contender):
    def __init__(self, name, binary, mode, rules, scratch):
        super().__init__(name)
        self.binary = binary
        self.mode = mode
        self.rules = rules
        self.scratch = scratch

    def start(self, lab):
        self.command(lab, "load", lab.target_interface, "--mode", self.mode)
        self.command(lab, "apply", self.write_rules(lab, self.rules))

    def stop(self, lab):
        self.command(lab, "unload", "--all")

    def command(self, lab, *words):
        # Through nsenter, which -n makes needless, because the others go through it: so times compare.
        command = lab.inside(lab.target, [self.binary, "-n", lab.target, *words])
        return run(command, timeout=120, env=self.environment(lab))

    def environment(self, lab):
        return {**os.environ, "XDPFW_RULES": os.path.join(self.scratch, f"{lab.target}.saved")}

    def write_rules(self, lab, rules, suffix="rules"):
        path = os.path.join(self.scratch, f"{lab.target}.{suffix}")
        lines = [f"load {lab.target_interface} --mode {self.mode}", *rules]
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        return path


class Nftables(Contender):
    """The usual stateful host firewall: answers pass, named ports pass, the rest is dropped."""

    def __init__(self, name, ports):
        super().__init__(name)
        self.ports = ports

    def start(self, lab):
        # Without XDP, a veth takes the generator's frames only while GRO is on.
        run(lab.inside(lab.target, ["ethtool", "-K", lab.target_interface, "gro", "on"]))
        self.feed(lab, self.ruleset(self.ports))

    def counters(self, lab):
        link = json.loads(run(["ip", "-n", lab.target, "-json", "-statistics", "link", "show", lab.target_interface]))
        counter = json.loads(run(lab.inside(lab.target, ["nft", "--json", "list", "counter", "inet", "bench", "dropped"])))
        dropped = next(entry["counter"]["packets"] for entry in counter["nftables"] if "counter" in entry)
        return link[0]["stats64"]["rx"]["packets"], dropped

    @staticmethod
    def ruleset(ports):
        rules = "\n".join(f"tcp dport {port} accept" for port in ports)
        return f"""
            table inet bench
            delete table inet bench
            table inet bench {{
                chain in {{
                    type filter hook input priority filter; policy drop;
                    ct state established,related accept
                    iif lo accept
                    {rules}
                    counter name dropped drop
                }}
                counter dropped {{}}
            }}
            """

    @staticmethod
    def feed(lab, text):
        run(lab.inside(lab.target, ["nft", "-f", "-"]), stdin=text)
