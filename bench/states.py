# SPDX-License-Identifier: GPL-2.0-only
"""What an answer costs among 1, 10,000 and 1,000,000 live UDP flows that the target has begun.

The answers come at random from all of them, so their state is fetched from wherever it is. They pass to sockets
that are full, and most of a packet's cost is the stack's own: the reference has that, too.
"""

import contextlib
import os

import lab as labs
from contenders import Limit, Nftables, Xdpfw
from flood import Grounds, Scenario, measure_in_turns
from lab import BenchError, run
from report import Goal, Section

# Local sockets, and remote ports that each of them has sent to.
SHAPES = {1: (1, 1), 10_000: (10, 1_000), 1_000_000: (20, 50_000)}
SHORT_COUNTS = (1, 10_000)
LOCAL, REMOTE = 30_000, 10_000
ROOM = 1 << 21  # flows in either table, so that hashing and not their number decides what stays

# Sends one datagram a flow, keeps the sockets and never reads.
BEGIN = f"""
import socket, sys, time
sockets, ports = map(int, sys.argv[1:])
kept = []
for number in range(sockets):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    one.bind(("", {LOCAL} + number))
    kept.append(one)
    for port in range(ports):
        one.sendto(b"", ("{labs.SOURCE}", {REMOTE} + port))
print("begun", flush=True)
time.sleep(600)
"""

CONNTRACK = {"/proc/sys/net/netfilter/nf_conntrack_max": ROOM,
             "/proc/sys/net/netfilter/nf_conntrack_buckets": ROOM // 2}


def traffic(count):
    sockets, ports = SHAPES[count]
    return ["--sport", f"{REMOTE}+{ports}", "--dport", f"{LOCAL}+{sockets}"]


class WithFlows:
    """Mixed into a contender: begins the flows once it is in force."""

    flows = 1

    def start(self, lab):
        super().start(lab)
        # XDP at the source's end keeps it from answering each with "port unreachable", and to ARP as well.
        run(["ip", "-n", lab.target, "neigh", "replace", labs.SOURCE, "lladdr", lab.source_mac(),
             "dev", lab.target_interface])
        run(["ip", "-n", lab.source, "link", "set", "dev", lab.source_interface, "xdpdrv",
             "obj", self.limits, "program", "limit_drop"])
        lab.await_word(lab.target, ["python3", "-c", BEGIN, *map(str, SHAPES[self.flows])], "begun")


class LimitWithFlows(WithFlows, Limit):
    pass


class XdpfwWithFlows(WithFlows, Xdpfw):
    pass


class NftablesWithFlows(WithFlows, Nftables):
    def start(self, lab):
        run(lab.inside(lab.target, ["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=600",
                                    "net.netfilter.nf_conntrack_udp_timeout_stream=600"]))
        super().start(lab)
        known = int(run(lab.inside(lab.target, ["sysctl", "-n", "net.netfilter.nf_conntrack_count"])))
        if known < self.flows:
            raise BenchError(f"connection tracking knows {known:,} of {self.flows:,} flows")


def contenders(options, count):
    name = f"{count:,} flow{'s' if count > 1 else ''}"
    found = {
        "bare XDP_PASS": LimitWithFlows(f"bare XDP_PASS, {name}", "limit_pass", options.build),
        "xdpfw native": XdpfwWithFlows(f"xdpfw native, {name}", options.xdpfw, "native",
                                       ["option udp-timeout 10m", "option udp-replied-timeout 10m", "default deny in"],
                                       options.scratch, load=["--flows", str(ROOM)]),
        "nftables, stateful": NftablesWithFlows(f"nftables, stateful, {name}", [22]),
    }
    for contender in found.values():
        contender.flows, contender.limits = count, os.path.join(options.build, "limits.bpf.o")
    return found


def kept_rate(names, count):
    """Goal: among @count flows more of the rate is left than of nftables' own."""

    def kept(section, series):
        return [many / one for many, one in zip(section.values[names[series, count]], section.values[names[series, 1]])]

    def compare(section):
        return [ours / theirs for ours, theirs in
                zip(kept(section, "xdpfw native"), kept(section, "nftables, stateful"))]

    return Goal(f"rate left among {count:,} flows of that with 1, by the same of nftables",
                names["xdpfw native", count], at_least=1.0, values=compare)


@contextlib.contextmanager
def roomy_conntrack():
    """Connection tracking's table is one for the whole machine: more room, for the time of the run."""
    before = {path: read(path) for path in CONNTRACK}
    try:
        for path, value in CONNTRACK.items():
            write(path, max(value, before[path]))
        yield
    finally:
        for path, value in before.items():
            write(path, value)


def read(path):
    with open(path, encoding="ascii") as file:
        return int(file.read())


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def sections(options):
    counts = SHORT_COUNTS if options.short else tuple(SHAPES)
    curves = {count: contenders(options, count) for count in counts}
    running = {contender: Scenario("", traffic(count), "pass", [])
               for count in counts for contender in curves[count].values()}
    names = {(series, count): contender.name for count in counts for series, contender in curves[count].items()}
    section = Section("answers to UDP flows of this host, at random among so many", "Mpps", 3, list(names.values()),
                      names["bare XDP_PASS", 1], axis="flows")
    section.goals = [kept_rate(names, counts[-1])]
    for (series, count), name in names.items():
        section.point(name, series, count)
    with roomy_conntrack(), Grounds(options) as grounds:
        measure_in_turns(section, grounds, running)
    yield section
