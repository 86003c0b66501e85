# SPDX-License-Identifier: GPL-2.0-only
"""Packets a second: a generator floods the target, and the target's counters say what came of it."""

import contextlib
import functools
import glob
import os
import re
from contextlib import ExitStack

import lab as labs
from contenders import Limit, Nftables, XdpFilter, Xdpfw, enforcing
from lab import BenchError, Lab, run
from report import Section

PORT = 9  # discard
MANY_PORTS = ["--sport", "0+65536", "--dport", "0+65536"]
ONE_FLOW = ["--sport", "40000", "--dport", str(PORT)]

# Binds a port and never reads: what passes is delivered, then dropped at the full socket,
# instead of being answered with an ICMP error.
SINK = f"""
import socket, time
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("", {PORT}))
time.sleep(600)
"""


# UDP flows that the host has begun: 600 local ports with 100 remote endpoints each.
FLOWS = f"""
import socket
for _ in range(600):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for port in range(1, 101):
        client.sendto(b"", ("{labs.SOURCE}", port))
"""


def begin_flows(lab, count_flows):
    run(lab.inside(lab.target, ["python3", "-c", FLOWS]))
    flows = count_flows()
    if flows < 50_000:
        raise BenchError(f"only {flows} flows in the table")


class BusyXdpfw(Xdpfw):
    """xdpfw whose flow table holds what 60,000 live UDP flows leave there."""

    def start(self, lab):
        super().start(lab)
        begin_flows(lab, lambda: self.command(lab, "flows", "udp", "--json").count('"origin"'))


class BusyNftables(Nftables):
    """nftables whose connection tracking knows the same 60,000 flows."""

    def start(self, lab):
        super().start(lab)
        count = ["sysctl", "-n", "net.netfilter.nf_conntrack_count"]
        begin_flows(lab, lambda: int(run(lab.inside(lab.target, count))))


class Scenario:
    def __init__(self, title, traffic, verdict, contenders):
        self.title = title
        self.traffic = traffic
        self.verdict = verdict  # "drop" or "pass"
        self.contenders = contenders  # the first is the limit


def scenarios(options):
    drop = Limit("bare XDP_DROP", "limit_drop", options.build)
    bare_pass = Limit("bare XDP_PASS", "limit_pass", options.build)
    few = xdpfw(options, "xdpfw native, 1 rule", [f"deny in {PORT}/udp"])
    many = xdpfw(options, "xdpfw native, 60,000 rules", [f"deny in {port}/udp" for port in range(1, 60001)])
    busy = BusyXdpfw("xdpfw native, 60,000 flows", options.xdpfw, "native",
                     ["default deny in", f"deny in {PORT}/udp"], options.scratch)
    allow = xdpfw(options, "xdpfw native, 1 rule", [f"allow in {PORT}/udp"])
    deny_port = XdpFilter("xdp-filter, port denied", "allow", [PORT])
    deny_rest = XdpFilter("xdp-filter, all denied", "deny")
    nft = Nftables("nftables, stateful", [22])
    busy_nft = BusyNftables("nftables, stateful, 60,000 flows", [22])
    allow_port = XdpFilter("xdp-filter, port allowed", "deny", [PORT])
    return [
        Scenario("denied UDP port, 1 flow", ONE_FLOW, "drop", [drop, few, many, deny_port, nft]),
        Scenario("denied UDP, 65,536 source and destination ports", MANY_PORTS, "drop",
                 [drop, few, many, busy, deny_rest, busy_nft]),
        Scenario("denied TCP SYNs, 65,536 ports and sources", ["--proto", "syn", "--sources", "65536", *MANY_PORTS],
                 "drop", [drop, few, busy, deny_rest, busy_nft]),
        Scenario("denied TCP ACKs, 65,536 ports and sources", ["--proto", "ack", "--sources", "65536", *MANY_PORTS],
                 "drop", [drop, few, busy, deny_rest, busy_nft]),
        Scenario("allowed UDP port, 1 flow, into a full socket", ONE_FLOW, "pass", [bare_pass, allow, allow_port]),
    ]


def xdpfw(options, name, rules):
    return Xdpfw(name, options.xdpfw, "native", ["default deny in", *rules], options.scratch)


def generate(options, lab, traffic, seconds):
    """Flood the target; return the packets sent and the CPU time that sending and receiving them took.

    Not the time on the clock: what a busy machine does meanwhile on the same CPU is nobody's cost.
    """
    # Ahead of all else: what a busy machine has to do can wait for a second.
    command = ["nice", "-n", "-20", os.path.join(options.build, "gen"),
               "--iface", lab.source_interface, "--dst-mac", labs.TARGET_MAC,
               "--src", labs.SOURCE, "--dst", labs.TARGET, "--cpu", str(options.cpu), "--seconds", str(seconds)]
    before = softirq_seconds(options.cpu)
    text = run(lab.inside(lab.source, [*command, *traffic]))
    sent, cpu = re.search(r"packets=(\d+) seconds=[\d.]+ cpu=([\d.]+)", text).groups()
    return int(sent), float(cpu) + softirq_seconds(options.cpu) - before


def softirq_seconds(cpu):
    """What ksoftirqd of this CPU has used: to it goes receiving what the generator's batches do not wait for."""
    with open(f"/proc/{softirq_thread(cpu)}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


@functools.cache
def softirq_thread(cpu):
    for comm in glob.glob("/proc/[0-9]*/comm"):
        with contextlib.suppress(OSError), open(comm, encoding="ascii", errors="replace") as file:
            if file.read().strip() == f"ksoftirqd/{cpu}":
                return comm.split("/")[2]
    raise BenchError(f"no ksoftirqd/{cpu} in /proc")


def measure(options, lab, contender, scenario, seconds):
    """Millions of packets a second that the target's device saw *and* gave the right verdict.

    Counted at the receiver, over the CPU time of generator and ksoftirqd. What the generator says it sent is
    no rate: the receiving NAPI mostly runs on the generator's CPU before each batch returns,
    but once the kernel hands it to ksoftirqd, frames are lost at the full ring.
    """
    seen, dropped = contender.counters(lab)
    sent, took = generate(options, lab, scenario.traffic, seconds)
    seen, dropped = (now - before for now, before in zip(contender.counters(lab), (seen, dropped)))
    right = dropped if scenario.verdict == "drop" else seen - dropped
    if seen < 0.5 * sent or right < 0.99 * seen:
        raise BenchError(f"{sent} packets sent, {seen} arrived, {dropped} dropped; all were to {scenario.verdict}")
    return right / took / 1e6


def set_up(stack, options, scenario, contender):
    lab = stack.enter_context(Lab())
    if scenario.verdict == "pass":
        lab.start(lab.target, ["python3", "-c", SINK])
    stack.enter_context(enforcing(contender, lab))
    measure(options, lab, contender, scenario, 0.1)  # pages, caches, JIT: paid before the first round
    return lab


def run_scenario(options, scenario):
    names = [contender.name for contender in scenario.contenders]
    section = Section(scenario.title, "Mpps", 2, names, names[0])
    with ExitStack() as stack:
        running = {contender: section.attempt(contender.name, set_up, stack, options, scenario, contender)
                   for contender in scenario.contenders}
        for _ in range(options.rounds):
            for contender, lab in running.items():
                section.measure(contender.name, measure, options, lab, contender, scenario, options.seconds)
    return section


def sections(options):
    for scenario in scenarios(options):
        yield run_scenario(options, scenario)
