# SPDX-License-Identifier: GPL-2.0-only
"""What is compared. A contender puts itself in front of a lab's target and takes itself away again."""

import os
import shutil
import time
from contextlib import contextmanager

from lab import BenchError, Missing, run


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

    def stop(self, lab):
        run(["ip", "-n", lab.target, "link", "set", "dev", lab.target_interface, "xdpdrv", "off"])


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
        """It gives up at once if another one, anywhere on the machine, is just working."""
        for patience in (True, True, True, False):
            try:
                return run(lab.inside(lab.target, ["xdp-filter", *words]))
            except BenchError as error:
                if not patience or "lockfile" not in str(error):
                    raise
            time.sleep(0.2)


class Xdpfw(Contender):
    def __init__(self, name, binary, mode, rules, scratch, load=()):
        super().__init__(name)
        self.binary = binary
        self.load = load  # more words for that command
        self.mode = mode
        self.rules = rules
        self.scratch = scratch

    def start(self, lab):
        self.command(lab, "load", lab.target_interface, "--mode", self.mode, *self.load)
        self.command(lab, "apply", self.write_rules(lab, self.rules))

    def stop(self, lab):
        # Not `unload`, which takes a second and gaps nothing that matters here: the namespace goes next.
        shutil.rmtree(f"/sys/fs/bpf/xdpfw/{lab.target}", ignore_errors=True)

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


class Stack(Contender):
    """A firewall of the kernel's own stack, which has no XDP to count by."""

    def start(self, lab):
        # Without XDP, a veth takes the generator's frames only while GRO is on.
        run(lab.inside(lab.target, ["ethtool", "-K", lab.target_interface, "gro", "on"]))
        super().start(lab)

    def counters(self, lab):
        return lab.stack_counters()


class XdpfwTc(Stack, Xdpfw):
    """xdpfw at TC: counted as the stack's own firewalls are."""


class Nftables(Stack):
    """The usual stateful host firewall: answers pass, named ports pass, the rest is dropped."""

    def __init__(self, name, ports, proto="tcp"):
        super().__init__(name)
        self.ports = ports
        self.proto = proto

    def start(self, lab):
        super().start(lab)
        self.feed(lab, self.ruleset(self.ports))

    def ruleset(self, ports):
        return self.table(f"{self.proto} dport {port} accept" for port in ports)

    @staticmethod
    def table(rules):
        """A stateful firewall with these rules and no others."""
        lines = "\n".join(rules)
        return f"""
            table inet bench
            delete table inet bench
            table inet bench {{
                chain in {{
                    type filter hook input priority filter; policy drop;
                    ct state established,related accept
                    iif lo accept
                    {lines}
                    counter drop
                }}
            }}
            """

    @staticmethod
    def feed(lab, text):
        run(lab.inside(lab.target, ["nft", "-f", "-"]), stdin=text)


class NftIngress(Stack):
    """nftables where it is fastest: at the interface, before the IP layer, without state."""

    def __init__(self, name, match):
        super().__init__(name)
        self.match = match

    def start(self, lab):
        super().start(lab)
        Nftables.feed(lab, f"""
            table netdev bench {{
                chain in {{
                    type filter hook ingress device {lab.target_interface} priority filter; policy accept;
                    {self.match} counter drop
                }}
            }}
            """)


class Iptables(Stack):
    """iptables in either flavour: on nftables ("nft", Debian's default) or on its own tables ("legacy")."""

    def __init__(self, name, flavour, text):
        super().__init__(name)
        self.flavour = flavour
        self.text = text

    def start(self, lab):
        super().start(lab)
        self.feed(lab, self.text)

    def feed(self, lab, text):
        try:
            run(lab.inside(lab.target, [f"iptables-{self.flavour}-restore"]), stdin=text)
        except BenchError as error:
            if "initialize" in str(error) or "Table does not exist" in str(error):
                raise Missing(f"the kernel has no tables for iptables-{self.flavour} ({error})") from error
            raise


def iptables_raw(flavour, match):
    """A drop where iptables is fastest: before connection tracking."""
    return Iptables(f"iptables-{flavour}, raw", flavour, f"*raw\n-A PREROUTING {match} -j DROP\nCOMMIT\n")


def iptables_filter(flavour, proto, ports):
    """The usual stateful host firewall, as of class Nftables."""
    return Iptables(f"iptables-{flavour}, stateful", flavour, iptables_text(proto, ports, stateful=True))


def iptables_text(proto, ports, stateful):
    state = ["-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"] if stateful else []
    rules = [f"-A INPUT -p {proto} --dport {port} -j ACCEPT" for port in ports]
    return "\n".join(["*filter", ":INPUT DROP", *state, "-A INPUT -i lo -j ACCEPT", *rules, "COMMIT"]) + "\n"
