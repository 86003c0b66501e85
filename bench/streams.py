# SPDX-License-Identifier: GPL-2.0-only
"""One TCP stream through the firewall: what a download costs more."""

import json
import time

import lab as labs
from contenders import Contender, Nftables, Xdpfw, enforcing
from lab import BenchError, Lab, run
from report import Section

PORT = 5201


def contenders(options):
    rules = ["default deny in", f"allow in {PORT}"]
    return [
        Contender("no firewall"),
        Xdpfw("xdpfw --mode auto", options.xdpfw, "auto", rules, options.scratch),
        Nftables("nftables, stateful", [PORT]),
    ]


def await_server(lab):
    for _ in range(50):
        if f":{PORT} " in run(lab.inside(lab.target, ["ss", "-Hltn"])):
            return
        time.sleep(0.1)
    raise BenchError("iperf3 -s does not listen")


def measure(options, contender):
    """Gbit/s that the server received. A fresh pair of namespaces each time: a firewall may
    leave a device with other offloads than it found."""
    with Lab() as lab, enforcing(contender, lab):
        lab.start(lab.target, ["iperf3", "-s", "--one-off"])
        await_server(lab)
        text = run(lab.inside(lab.source, client(options)), timeout=90)
    return read_result(text)


def read_result(text):
    result = json.loads(text)
    if "error" in result:  # with -J, iperf3 says so here and exits 0
        raise BenchError(f"iperf3: {result['error']}")
    return result["end"]["sum_received"]["bits_per_second"] / 1e9


def client(options):
    # Client and server on a CPU each: left to the scheduler, they share one in some rounds.
    return ["iperf3", "-c", labs.TARGET, "-p", str(PORT), "-t", str(max(1, round(options.seconds * 3))),
            "--connect-timeout", "5000", "-A", f"{options.cpu},{options.other_cpu}", "-J"]


def sections(options):
    running = contenders(options)
    section = Section("one TCP stream, iperf3", "Gbit/s", 2, [contender.name for contender in running], running[0].name)
    for _ in range(options.rounds):
        for contender in running:
            section.measure(contender.name, measure, options, contender)
    yield section
