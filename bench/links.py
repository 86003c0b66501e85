# SPDX-License-Identifier: GPL-2.0-only
"""What a local link (`forward 8080:2988`) costs, by `xdpfw bench`: test runs of the program that is attached.

In mode tc, where one program judges and rewrites; at native XDP the rewriting is a second program's, behind it.
"""

import json
from contextlib import ExitStack

from changes import prepare
from contenders import Xdpfw
from report import Goal, Section

PORT, LINK = 22, "forward 8080:2988"
ALLOWED, LINKED = "request to an allowed port", "request to a forwarded port"
REPEAT = 20_000


def ask(lab, contender):
    """Nanoseconds by kind of packet, IPv4."""
    text = contender.command(lab, "bench", "on", lab.target_interface, "--repeat", str(REPEAT), "--json")
    return {one["kind"]: one["ns"]["median"] for one in json.loads(text)["packets"]
            if one["dir"] == "in" and one["family"] == 4}


def added(name, reference):
    def difference(section):
        return [more - less for more, less in zip(section.values[name], section.values[reference])]

    return difference


def sections(options):
    rules = ["default deny in", f"allow in {PORT}"]
    plain = Xdpfw("allowed port, no link", options.xdpfw, "tc", rules, options.scratch)
    linked = Xdpfw("linked port", options.xdpfw, "tc", [*rules, LINK], options.scratch)
    beside = "allowed port, beside a link"
    section = Section("a packet to a linked port, test runs in mode tc", "ns", 0,
                      [plain.name, beside, linked.name], plain.name,
                      [Goal("a local link, more than an allowed port", linked.name, at_most=8, quantity="value",
                            values=added(linked.name, plain.name))])
    with ExitStack() as stack:
        labs_of = {one: section.attempt(one.name, prepare, stack, one) for one in (plain, linked)}
        for _ in range(options.rounds if section.alive(plain.name) and section.alive(linked.name) else 0):
            without, with_link = ask(labs_of[plain], plain), ask(labs_of[linked], linked)
            section.values[plain.name].append(without[ALLOWED])
            section.values[beside].append(with_link[ALLOWED])
            section.values[linked.name].append(with_link[LINKED])
    yield section
