# SPDX-License-Identifier: GPL-2.0-only
"""A whole rules file applied: the wall clock of the command, from fork to exit.

Rules with a port and a sender's /24 each, all different. Everything goes through `nsenter`; the row `true` shows what
starting a process costs by itself.
"""

import time
from contextlib import ExitStack

from contenders import Contender, Iptables, Nftables, Xdpfw, enforcing
from lab import BenchError, Lab, Missing, run
from report import Goal, Section

COUNTS = (10, 1_000, 10_000, 60_000, 100_000)
SHORT_COUNTS = (10, 1_000)


def pairs(count, turn):
    """@count ports and senders; another one with each @turn, for applying what is enforced has nothing to do."""
    return [(1 + number % 60_000, f"10.{number >> 8 & 255}.{number & 255}.0/24")
            for number in range(turn, turn + count)]


class XdpfwApplies(Xdpfw):
    def prepare(self, lab, count, turn):
        rules = [f"allow in {port}/tcp from {sender}" for port, sender in pairs(count, turn)]
        return self.write_rules(lab, ["default deny in", *rules], f"{count}.{turn}")

    def apply(self, lab, file):
        try:
            self.command(lab, "apply", file)
        except BenchError as error:
            if "too much" in str(error):
                raise Missing("refuses so many: 65,535 rules and forwards at most") from error
            raise


class NftApplies(Nftables):
    def prepare(self, lab, count, turn):
        return self.table(f"tcp dport {port} ip saddr {sender} accept" for port, sender in pairs(count, turn))

    def apply(self, lab, text):
        self.feed(lab, text)


class IptablesApplies(Iptables):
    def prepare(self, lab, count, turn):
        rules = [f"-A INPUT -p tcp --dport {port} -s {sender} -j ACCEPT" for port, sender in pairs(count, turn)]
        answers = "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
        return "\n".join(["*filter", ":INPUT DROP", answers, *rules, "COMMIT"]) + "\n"

    def apply(self, lab, text):
        self.feed(lab, text)


class ProcessStart(Contender):
    """What any command costs at least."""

    def prepare(self, lab, count, turn):
        return None

    def apply(self, lab, _):
        run(lab.inside(lab.target, ["true"]))


def contenders(options):
    empty = "*filter\nCOMMIT\n"
    return [XdpfwApplies("xdpfw", options.xdpfw, "native", ["default deny in"], options.scratch),
            NftApplies("nftables", []),
            *(IptablesApplies(f"iptables-{flavour}", flavour, empty) for flavour in ("nft", "legacy")),
            ProcessStart("`true`")]


def timed(function, *arguments):
    """Milliseconds."""
    start = time.perf_counter()
    function(*arguments)
    return (time.perf_counter() - start) * 1000


def prepare(stack, contender, make=lambda lab, contender: lab):
    """Contender in force, in a lab of its own: what @make makes of the two."""
    lab = stack.enter_context(Lab())
    stack.enter_context(enforcing(contender, lab))
    return make(lab, contender)


def apply_once(contender, lab, count, turn):
    what = contender.prepare(lab, count, turn)
    return timed(contender.apply, lab, what)


def set_up(stack, contender):
    lab = prepare(stack, contender)
    apply_once(contender, lab, 10, 0)
    return lab


def goals(count):
    if count != 10_000:
        return []
    return [Goal("apply of 10,000 rules with addresses", "xdpfw", at_most=300, quantity="value"),
            Goal("the same, of nft -f", "xdpfw", at_most=1.0)]


def run_count(options, running, count, faults):
    section = Section(f"a file of {count:,} rules applied", "ms", 1, [one.name for one in running], "nftables",
                      goals(count))
    section.errors.update(faults.errors)
    section.missing.update(faults.missing)
    for turn in range(1, options.rounds + 1):
        for contender, lab in running.items():
            section.measure(contender.name, apply_once, contender, lab, count, turn)
    return section


def sections(options):
    running = contenders(options)
    faults = Section("", "", 0, [one.name for one in running], "nftables")
    with ExitStack() as stack:
        labs_of = {one: faults.attempt(one.name, set_up, stack, one) for one in running}
        for count in SHORT_COUNTS if options.short else COUNTS:
            yield run_count(options, labs_of, count, faults)
