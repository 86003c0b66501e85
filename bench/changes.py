# SPDX-License-Identifier: GPL-2.0-only
"""From the shell to enforced: how long a change takes.

The wall clock of the command, from fork to exit. The rule is enforced before the command
ends, so this is an upper bound; it includes the start of a process (`true` shows how much).
"""

import time
from contextlib import ExitStack

from contenders import Nftables, Xdpfw, enforcing
from lab import Lab, run
from report import Section

RULES = 10000
REPEATS = 11


def timed(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return (time.perf_counter() - start) * 1000


class XdpfwChanges:
    def __init__(self, lab, contender):
        self.lab, self.contender = lab, contender
        ports = range(1000, 1000 + RULES)
        rules = ["default deny in", *(f"allow in {port}/tcp" for port in ports)]
        # Two files in turns: applying what is enforced already would have nothing to do.
        self.files = [contender.write_rules(lab, rules, "first"),
                      contender.write_rules(lab, [*rules[:-1], "allow in 999/tcp"], "second")]

    def one_rule(self):
        took = timed(self.contender.command, self.lab, "allow", "in", "22")
        self.contender.command(self.lab, "delete", "allow", "in", "22")
        return took

    def many_rules(self):
        self.files.reverse()
        return timed(self.contender.command, self.lab, "apply", self.files[0])


class NftablesChanges:
    def __init__(self, lab, contender):
        self.lab, self.contender = lab, contender
        self.text = contender.ruleset(range(1000, 1000 + RULES))

    def one_rule(self):
        rule = ["nft", "add", "rule", "inet", "bench", "in", "tcp", "dport", "22", "accept"]
        took = timed(run, self.lab.inside(self.lab.target, rule))
        self.contender.start(self.lab)
        return took

    def many_rules(self):
        return timed(self.contender.feed, self.lab, self.text)


class ProcessStart:
    """What any command costs at least."""

    def __init__(self, lab):
        self.lab = lab

    def one_rule(self):
        return timed(run, self.lab.inside(self.lab.target, ["true"]))


def prepare(stack, contender, changes):
    lab = stack.enter_context(Lab())
    stack.enter_context(enforcing(contender, lab))
    return changes(lab, contender)


def repeat(section, running, change, repeats):
    for _ in range(repeats):
        for name, changes in running.items():
            section.measure(name, lambda: getattr(changes, change)())
    return section


def sections(options):
    xdpfw = Xdpfw("xdpfw", options.xdpfw, "native", ["default deny in"], options.scratch)
    nftables = Nftables("nftables", [])
    names = [xdpfw.name, nftables.name]
    repeats = 2 if options.short else REPEATS
    with ExitStack() as stack:
        one = Section("a rule added", "ms", 1, [*names, "`true`"], nftables.name)
        many = Section(f"a file of {RULES:,} rules applied", "ms", 1, names, nftables.name)
        running = {"xdpfw": one.attempt("xdpfw", prepare, stack, xdpfw, XdpfwChanges),
                   "nftables": one.attempt("nftables", prepare, stack, nftables, NftablesChanges)}
        many.errors.update(one.errors)
        yield repeat(one, {**running, "`true`": ProcessStart(stack.enter_context(Lab()))}, "one_rule", repeats)
        yield repeat(many, running, "many_rules", repeats)
