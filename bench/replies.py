# SPDX-License-Identifier: GPL-2.0-only
"""What a segment of an open TCP connection costs in the inbound program, by BPF_PROG_TEST_RUN.

The connections are real ones of the target, so the socket lookup and the memory in front of it answer as they would.
`segments` asks about them in turns, so that with many of them their state has to come from further away.
"""

import os
import re
import time
from contextlib import ExitStack

import lab as labs
from contenders import Xdpfw, enforcing
from lab import BenchError, Lab, run
from report import Goal, Section

REPEAT = 1_000_000
COUNTS = (1, 1_000, 10_000)
MOST_NS = {1_000: 40, 10_000: 100}
SERVER_PORT, FIRST_PORT = 443, 20000
PIN = "/sys/fs/bpf/bench-pass"

MANY_FILES = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))"
SERVER = f"""
{MANY_FILES}
import socket
server = socket.create_server(("", {SERVER_PORT}), backlog=4096)
open_ones = []
while True:
    open_ones.append(server.accept())
"""
CLIENT = f"""
{MANY_FILES}
import socket, sys, time
open_ones = [socket.create_connection(("{labs.SOURCE}", {SERVER_PORT}), source_address=("", {FIRST_PORT} + number))
             for number in range(int(sys.argv[1]))]
time.sleep(600)
"""


class TestRun:
    """One program, asked about @count connections; the result is 1000 / ns, so that it reads as Mpps beside the others."""

    def __init__(self, options, program, verdict, server_port, count):
        self.cpu = options.cpu
        self.words = [os.path.join(options.build, "segments"), program, verdict, labs.SOURCE, str(server_port),
                      labs.TARGET, str(FIRST_PORT), str(count), str(REPEAT)]

    def measure(self, lab):
        text = run(lab.inside(lab.target, ["taskset", "-c", str(self.cpu), *self.words]))
        return 1000 / float(re.search(r"ns=([\d.]+)", text).group(1))


def attached_program(lab):
    text = run(lab.inside(lab.target, ["ip", "-details", "link", "show", "dev", lab.target_interface]))
    return re.search(r"prog/xdp id (\d+)", text).group(1)


def bare_program(options):
    if not os.path.exists(PIN):
        run(["bpftool", "prog", "load", os.path.join(options.build, "limits.bpf.o"), PIN, "type", "xdp"])
    return re.match(r"(\d+):", run(["bpftool", "prog", "show", "pinned", PIN])).group(1)


def open_connections(lab, count):
    lab.start(lab.source, ["python3", "-c", SERVER])
    time.sleep(0.5)
    lab.start(lab.target, ["python3", "-c", CLIENT, str(count)])
    for _ in range(200):
        made = run(lab.inside(lab.target, ["ss", "-Htn", "state", "established"])).count("\n")
        if made == count:
            return
        time.sleep(0.1)
    raise BenchError(f"{made} of {count} connections came about")


def prepare(stack, options, count):
    lab = stack.enter_context(Lab())
    xdpfw = Xdpfw("xdpfw", options.xdpfw, "native", ["default deny in"], options.scratch)
    stack.enter_context(enforcing(xdpfw, lab))
    open_connections(lab, count)
    bare, ours = bare_program(options), attached_program(lab)
    return lab, {
        "bare XDP program": TestRun(options, bare, "drop", SERVER_PORT, count),
        "xdpfw, open connections": TestRun(options, ours, "pass", SERVER_PORT, count),
        "xdpfw, forged segments": TestRun(options, ours, "drop", SERVER_PORT + 1, count),
    }


def goals(row, count):
    if count not in MOST_NS:
        return []
    return [Goal(f"segment of one of {count:,} open connections, more than an empty program", row,
                 at_most=MOST_NS[count], quantity="added_ns")]


def run_count(options, count):
    names = ["bare XDP program", "xdpfw, open connections", "xdpfw, forged segments"]
    title = f"TCP segments that the policy would drop, {count:,} connection{'s' if count > 1 else ''}, test runs"
    section = Section(title, "Mpps", 2, names, names[0], goals(names[1], count))
    with ExitStack() as stack:
        prepared = section.attempt(names[0], prepare, stack, options, count)
        for _ in range(options.rounds if prepared else 0):
            lab, runs = prepared
            for name, one in runs.items():
                section.measure(name, one.measure, lab)
    return section


def sections(options):
    for count in COUNTS[:2] if options.short else COUNTS:
        yield run_count(options, count)
