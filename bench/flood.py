# SPDX-License-Identifier: GPL-2.0-only
"""How packets a second are measured: a generator floods the target, and the target's counters say what came of it."""

import contextlib
import functools
import glob
import os
import re
from contextlib import ExitStack

import lab as labs
from contenders import enforcing
from lab import BenchError, Lab, Starved, run
from report import Section

PORT = 9  # discard
MANY_PORTS = ["--sport", "0+65536", "--dport", "0+65536"]
ONE_FLOW = ["--sport", "40000", "--dport", str(PORT)]

STRAYS = 16  # neighbours and multicast groups are asked for meanwhile, too

# Binds a port and never reads: what passes is delivered, then dropped at the full socket,
# instead of being answered with an ICMP error.
SINK = f"""
import socket, time
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("", {PORT}))
time.sleep(600)
"""


class Scenario:
    def __init__(self, title, traffic, verdict, contenders, goals=()):
        self.title = title
        self.traffic = traffic
        self.verdict = verdict  # "drop" or "pass"
        self.contenders = contenders  # the first is the limit
        self.goals = goals


class Grounds:
    """Contenders in force, each in a lab of its own, made when first asked for and kept for all scenarios of a part.

    Borrowed interfaces are one pair, so with those only one lab is there at a time, made anew for each turn.
    """

    def __init__(self, options):
        self.options = options
        self.labs, self.faults, self.warm = {}, {}, set()
        self.stack = ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return self.stack.__exit__(*exception)

    def lab(self, contender):
        if contender in self.faults:
            raise self.faults[contender]
        if contender not in self.labs:
            try:
                self._make_room()
                self.labs[contender] = self._prepare(contender)
            except BenchError as fault:
                self.faults[contender] = fault
                raise
        return self.labs[contender]

    def _make_room(self):
        if Lab.pair:
            self.stack.close()
            self.labs.clear()
            self.warm.clear()

    def _prepare(self, contender):
        lab = self.stack.enter_context(Lab())
        lab.start(lab.target, ["python3", "-c", SINK])
        self.stack.enter_context(enforcing(contender, lab))
        lab.await_carrier()
        return lab

    def measure(self, contender, scenario):
        lab = self.lab(contender)
        if not self.options.short and (contender, scenario) not in self.warm:
            measure(self.options, lab, contender, scenario, 0.05)  # pages, caches, JIT: paid before the first round
            self.warm.add((contender, scenario))
        return measure(self.options, lab, contender, scenario, self.options.seconds)


def command(options, lab, seconds):
    """The generator's, at the target of @lab. Ahead of all else: what a busy machine has to do can wait."""
    return ["nice", "-n", "-20", os.path.join(options.build, "gen"),
            "--iface", lab.source_interface, "--dst-mac", lab.target_mac,
            "--src", labs.SOURCE, "--dst", labs.TARGET, "--cpu", str(options.cpu), "--seconds", str(seconds)]


def generate(options, lab, traffic, seconds):
    """Flood the target; return the packets sent and the CPU time that sending and receiving them took.

    Not the time on the clock: what a busy machine does meanwhile on the same CPU is nobody's cost. But with
    borrowed interfaces it is the clock's: real ones receive on other CPUs, beside the generator.
    """
    before = softirq_seconds(options.cpu)
    text = run(lab.inside(lab.source, [*command(options, lab, seconds), *traffic]))
    sent, cpu, sending = re.search(r"packets=(\d+) .* cpu=([\d.]+) .* sending=([\d.]+)", text).groups()
    if Lab.pair:
        return int(sent), float(sending)
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
    came = f"{sent} packets sent, {seen} arrived, {dropped} dropped"
    if right < 0.99 * seen - STRAYS:
        raise BenchError(f"{came}; all were to {scenario.verdict}")
    if not sent or seen < 0.5 * sent:
        raise Starved(came)
    return right / took / 1e6


def run_scenario(grounds, scenario):
    names = [contender.name for contender in scenario.contenders]
    section = Section(scenario.title, "Mpps", 2, names, names[0], scenario.goals)
    measure_in_turns(section, grounds, {contender: scenario for contender in scenario.contenders})
    return section


def measure_in_turns(section, grounds, scenario_of):
    for _ in range(grounds.options.rounds):
        for contender, scenario in scenario_of.items():
            section.measure(contender.name, grounds.measure, contender, scenario)
