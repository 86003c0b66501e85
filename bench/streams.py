# SPDX-License-Identifier: GPL-2.0-only
"""TCP streams through the firewall, 1 and 16: what a download costs more."""

import json
import time
from contextlib import ExitStack

import lab as labs
from contenders import Contender, Nftables, Xdpfw, enforcing, iptables_filter
from lab import BenchError, Lab, run
from report import Goal, Section

PORT = 5201


def contenders(options):
    rules = ["default deny in", f"allow in {PORT}"]
    return [
        Contender("no firewall"),
        *(Xdpfw(f"xdpfw --mode {mode}", options.xdpfw, mode, rules, options.scratch)
          for mode in ("auto", "native", "generic", "tc")),
        Nftables("nftables, stateful", [PORT]),
        iptables_filter("nft", "tcp", [PORT]),
    ]


def await_server(lab):
    for _ in range(50):
        if f":{PORT} " in run(lab.inside(lab.target, ["ss", "-Hltn"])):
            return
        time.sleep(0.1)
    raise BenchError("iperf3 -s does not listen")


def set_up(stack, contender):
    lab = stack.enter_context(Lab())
    stack.enter_context(enforcing(contender, lab))
    lab.start(lab.target, ["iperf3", "-s"])
    await_server(lab)
    return lab


def measure(options, lab, streams):
    """Gbit/s that the server received."""
    return read_result(run(lab.inside(lab.source, client(options, streams)), timeout=90))


def read_result(text):
    result = json.loads(text)
    if "error" in result:  # with -J, iperf3 says so here and exits 0
        raise BenchError(f"iperf3: {result['error']}")
    received = result["end"]["sum_received"]["bits_per_second"] / 1e9
    if not received:
        raise BenchError("iperf3: nothing was received")
    return received


def client(options, streams):
    amount = ["--bytes", "50M"] if options.short else ["--time", str(max(1, round(options.seconds * 3)))]
    # Client and server on a CPU each: left to the scheduler, they share one in some rounds.
    return ["iperf3", "-c", labs.TARGET, "-p", str(PORT), "-P", str(streams), *amount,
            "--connect-timeout", "5000", "-A", f"{options.cpu},{options.other_cpu}", "-J"]


def goals(streams, name):
    return [Goal("one TCP stream, --mode auto, of no firewall", name, at_least=0.97)] if streams == 1 else []


def sections(options):
    running = contenders(options)
    names = [contender.name for contender in running]
    found = {streams: Section(f"{'one TCP stream' if streams == 1 else f'{streams} TCP streams'}, iperf3", "Gbit/s", 2,
                              names, names[0], goals(streams, names[1])) for streams in (1, 16)}
    with ExitStack() as stack:
        labs_of = {one: found[1].attempt(one.name, set_up, stack, one) for one in running}
        found[16].errors.update(found[1].errors)
        found[16].missing.update(found[1].missing)
        for streams, section in found.items():
            for _ in range(options.rounds):
                for contender, lab in labs_of.items():
                    section.measure(contender.name, measure, options, lab, streams)
            yield section
