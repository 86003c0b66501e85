# SPDX-License-Identifier: GPL-2.0-only
"""What a request of an allowed service waits for while a closed port is flooded.

The flood is paced: 500,000 packets a second for everyone, somewhat less than the slowest takes. A generator that
sends what the receiver takes would slow down with it, and so the slowest firewall would have the quietest wire.
"""

import os
import re
import subprocess
import time
from contextlib import ExitStack

import flood
import lab as labs
from contenders import (Contender, Limit, NftIngress, Nftables, XdpFilter, Xdpfw, XdpfwTc, enforcing, iptables_filter,
                        iptables_raw)
from lab import Lab, Starved, run
from report import Goal, Section

ECHO = 7
PPS = 500_000
BATCH = 16
REQUESTS = 2000  # a second
SETTLE = 0.2  # seconds of flood before and behind the requests
OFFERED = ["--pps", str(PPS), "--batch", str(BATCH), "--sport", "40000", "--dport", str(flood.PORT)]


def contenders(options):
    rules = ["default deny in", f"allow in {ECHO}/udp"]
    return [
        Limit("smallest XDP program", "limit_drop_port", options.build),
        Xdpfw("xdpfw native", options.xdpfw, "native", rules, options.scratch),
        XdpfwTc("xdpfw tc", options.xdpfw, "tc", rules, options.scratch),
        XdpFilter("xdp-filter", "allow", [flood.PORT]),
        NftIngress("nftables, netdev ingress", f"udp dport {flood.PORT}"),
        Nftables("nftables, stateful", [ECHO], "udp"),
        iptables_raw("nft", f"-p udp --dport {flood.PORT}"),
        iptables_filter("nft", "udp", [ECHO]),
    ]


class Quiet(Contender):
    """No flood and no firewall: what is the harness's own."""


def start_flood(options, lab, seconds):
    command = flood.command(options, lab, seconds)
    return subprocess.Popen(lab.inside(lab.source, [*command, *OFFERED]), stdout=subprocess.DEVNULL)


def ask(options, lab, seconds):
    """Microseconds that half of the requests take at most, and 99 of 100."""
    text = run([os.path.join(options.build, "ask"), f"/run/netns/{lab.source}",
                f"/run/netns/{lab.target}", labs.TARGET, str(ECHO), str(options.other_cpu), str(REQUESTS),
                str(seconds)])
    requests, lost, half, most = re.search(r"requests=(\d+) lost=(\d+) p50=([\d.]+) p99=([\d.]+)", text).groups()
    # Few that are lost count as long as was waited for them.
    if int(lost) > 0.5 * int(requests):
        raise Starved(f"{lost} of {requests} requests without an answer")
    return float(half), float(most)


def measure(options, lab, contender, seconds):
    if isinstance(contender, Quiet):
        return ask(options, lab, seconds)
    before = contender.counters(lab)
    generator = start_flood(options, lab, seconds + 2 * SETTLE)
    try:
        time.sleep(SETTLE)
        result = ask(options, lab, seconds)
    finally:
        generator.wait(60)
    seen, dropped = (now - then for now, then in zip(contender.counters(lab), before))
    wanted = PPS * (seconds + 2 * SETTLE)
    if generator.returncode or seen < 0.5 * wanted or dropped < 0.5 * wanted:
        raise Starved(f"of a flood of {wanted:,.0f} packets {seen:,} arrived and {dropped:,} were dropped")
    return result


def set_up(stack, options, contender):
    lab = stack.enter_context(Lab())
    stack.enter_context(enforcing(contender, lab))
    if not options.short:
        measure(options, lab, contender, 0.05)  # pages, caches, JIT
    return lab


def make_section(quantile, running):
    names = [contender.name for contender in running]
    ours = running[1].name
    title = f"latency of a request, {quantile}, beside {PPS:,} packets a second to a closed port"
    return Section(title, "us", 1, names, names[0],
                   [Goal(f"latency, {quantile}, of the smallest XDP program", ours, at_most=1.2)])


def sections(options):
    running = [*contenders(options), Quiet("no flood, no firewall")]
    half, most = make_section("p50", running), make_section("p99", running)
    seconds = max(options.seconds, 0.1)
    # What waits for a scheduler varies more than what a program costs.
    turns = 1 if options.short else 2 * options.rounds + 1
    with ExitStack() as stack:
        labs_of = {one: half.attempt(one.name, set_up, stack, options, one) for one in running}
        for _ in range(turns):
            for contender, lab in labs_of.items():
                result = half.attempt(contender.name, measure, options, lab, contender, seconds)
                if result:
                    half.values[contender.name].append(result[0])
                    most.values[contender.name].append(result[1])
    most.errors.update(half.errors)
    most.missing.update(half.missing)
    yield half
    yield most
