# SPDX-License-Identifier: GPL-2.0-only
"""New connections: what a firewall takes from a server of many short ones."""

import os
import re
from contextlib import ExitStack

import lab as labs
from contenders import Contender, Nftables, Xdpfw, enforcing, iptables_filter
from lab import Lab, run
from flood import softirq_seconds
from report import Goal, Section

PORT = 80


def contenders(options):
    rules = ["default deny in", f"allow in {PORT}"]
    return [
        Contender("no firewall"),
        Xdpfw("xdpfw --mode auto", options.xdpfw, "auto", rules, options.scratch),
        Nftables("nftables, stateful", [PORT]),
        *(iptables_filter(flavour, "tcp", [PORT]) for flavour in ("nft", "legacy")),
    ]


def set_up(stack, options, contender):
    lab = stack.enter_context(Lab())
    run(lab.inside(lab.source, ["sysctl", "-qw", "net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=1024 65535"]))
    stack.enter_context(enforcing(contender, lab))
    dial(options, lab, 0.1)
    return lab


def dial(options, lab, seconds):
    """Thousands of connections a second of CPU time, of both ends together."""
    before = softirq_seconds(options.cpu)
    text = run(["nice", "-n", "-20", os.path.join(options.build, "dial"), f"/run/netns/{lab.source}",
                f"/run/netns/{lab.target}", labs.TARGET, str(PORT), str(options.cpu), str(seconds)])
    made, cpu = re.search(r"connections=(\d+) cpu=([\d.]+)", text).groups()
    return int(made) / (float(cpu) + softirq_seconds(options.cpu) - before) / 1000


def sections(options):
    running = contenders(options)
    section = Section("short TCP connections: connect, ask, answer, close", "k/s", 2,
                      [contender.name for contender in running], running[0].name,
                      [Goal("short connections, of no firewall", running[1].name, at_least=0.97)])
    with ExitStack() as stack:
        labs_of = {contender: section.attempt(contender.name, set_up, stack, options, contender)
                   for contender in running}
        for _ in range(options.rounds):
            for contender, lab in labs_of.items():
                section.measure(contender.name, dial, options, lab, options.seconds)
    yield section
