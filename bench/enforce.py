# SPDX-License-Identifier: GPL-2.0-only
"""From typed to enforced: `probe` starts the command that opens a port and knocks at it every 20 us until it is let in.

Both times are of the clock, from before the command was started: what a person waits for. `nsenter`, through which
all go, is in it.
"""

import os
import re
from contextlib import ExitStack

import lab as labs
from contenders import Iptables, Nftables, Xdpfw, enforcing, iptables_text
from lab import Lab, run
from report import Goal, Section

PORT = 22
OTHERS = range(1000, 11000)


class XdpfwOpens(Xdpfw):
    def opening(self, lab):
        return [self.binary, "-n", lab.target, "allow", "in", str(PORT)]

    def close(self, lab):
        self.command(lab, "delete", "allow", "in", str(PORT))

    def probe_environment(self, lab):
        return self.environment(lab)


class NftOpens(Nftables):
    def opening(self, lab):
        return ["nft", "insert", "rule", "inet", "bench", "in", "udp", "dport", str(PORT), "accept"]

    def close(self, lab):
        self.feed(lab, self.ruleset(self.ports))

    def probe_environment(self, lab):
        return None


class IptablesOpens(Iptables):
    WORDS = ["INPUT", "-p", "udp", "--dport", str(PORT), "-j", "ACCEPT"]

    def opening(self, lab):
        return [f"iptables-{self.flavour}", "-I", *self.WORDS]

    def close(self, lab):
        run(lab.inside(lab.target, [f"iptables-{self.flavour}", "-D", *self.WORDS]))

    def probe_environment(self, lab):
        return None


def contenders(options):
    found = []
    for label, others in (("", []), (", beside 10,000 rules", OTHERS)):
        ours = ["default deny in", *(f"allow in {port}/udp" for port in others)]
        text = iptables_text("udp", others, stateful=True)
        found += [XdpfwOpens(f"xdpfw{label}", options.xdpfw, "native", ours, options.scratch),
                  NftOpens(f"nftables{label}", others, "udp"),
                  *(IptablesOpens(f"iptables-{flavour}{label}", flavour, text) for flavour in ("nft", "legacy"))]
    return found


def probe(options, lab, contender):
    """Milliseconds until the port was open, and until the command was done."""
    text = run([os.path.join(options.build, "probe"), f"/run/netns/{lab.source}", f"/run/netns/{lab.target}",
                labs.TARGET, str(PORT), str(options.cpu), *lab.inside(lab.target, contender.opening(lab))],
               env=contender.probe_environment(lab))
    contender.close(lab)
    return tuple(map(float, re.search(r"enforced=([\d.]+) ended=([\d.]+)", text).groups()))


def set_up(stack, options, contender):
    lab = stack.enter_context(Lab())
    stack.enter_context(enforcing(contender, lab))
    probe(options, lab, contender)
    return lab


def sections(options):
    running = contenders(options)
    names = [contender.name for contender in running]
    enforced = Section("`allow` typed, until the first packet gets in", "ms", 1, names, "nftables",
                       [Goal("`allow in 22`, typed to enforced", "xdpfw", at_most=20, quantity="value")])
    ended = Section("`allow` typed, until the command is done", "ms", 1, names, "nftables")
    with ExitStack() as stack:
        labs_of = {one: enforced.attempt(one.name, set_up, stack, options, one) for one in running}
        for _ in range(options.rounds):
            for contender, lab in labs_of.items():
                result = enforced.attempt(contender.name, probe, options, lab, contender)
                if result:
                    enforced.values[contender.name].append(result[0])
                    ended.values[contender.name].append(result[1])
    ended.errors.update(enforced.errors)
    ended.missing.update(enforced.missing)
    yield enforced
    yield ended
