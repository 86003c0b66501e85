# SPDX-License-Identifier: GPL-2.0-only
"""What a segment of an open TCP connection costs in the inbound program, by BPF_PROG_TEST_RUN.

The connection is a real one of the target, so the socket lookup and the memory in front of it
answer as they would. It is one connection, all of whose state is in the cache: what
thousands of them cost on top are cache misses, which a repeated test run cannot show.
"""

import os
import re
import struct
import time
from contextlib import ExitStack

import lab as labs
from contenders import Xdpfw, enforcing
from lab import BenchError, Lab, run
from report import Section

REPEAT = 1_000_000
SERVER_PORT, CLIENT_PORT = 443, 40000
PIN = "/sys/fs/bpf/bench-pass"

SERVER = f"""
import socket, time
server = socket.create_server(("", {SERVER_PORT}))
open_ones = [server.accept()]
time.sleep(600)
"""
CLIENT = f"""
import socket, time
client = socket.create_connection(("{labs.SOURCE}", {SERVER_PORT}), source_address=("", {CLIENT_PORT}))
time.sleep(600)
"""


def segment(path, source_port):
    """An Ethernet frame with a bare ACK from the server's address; the programs read no checksums."""
    tcp = struct.pack("!HHIIBBHHH", source_port, CLIENT_PORT, 1, 1, 0x50, 0x10, 1000, 0, 0)
    addresses = b"".join(bytes(map(int, text.split("."))) for text in (labs.SOURCE, labs.TARGET))
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + addresses
    with open(path, "wb") as file:
        file.write(bytes(12) + b"\x08\x00" + ip + tcp)
    return path


class TestRun:
    """One program and one frame; the result is 1000 / ns, so that it reads as Mpps beside the others."""

    def __init__(self, program, frame, verdict):
        self.program, self.frame, self.verdict = program, frame, verdict

    def measure(self, lab):
        text = run(lab.inside(lab.target, ["bpftool", "prog", "run", *self.program, "data_in", self.frame,
                                           "repeat", str(REPEAT)]))
        verdict, took = re.search(r"Return value: (\d+), duration \(average\): (\d+)ns", text).groups()
        if int(verdict) != self.verdict:
            raise BenchError(f"verdict {verdict} instead of {self.verdict}")
        return 1000 / int(took)


def attached_program(lab):
    text = run(lab.inside(lab.target, ["ip", "-details", "link", "show", "dev", lab.target_interface]))
    return ["id", re.search(r"prog/xdp id (\d+)", text).group(1)]


def open_connection(lab):
    lab.start(lab.source, ["python3", "-c", SERVER])
    time.sleep(0.5)
    lab.start(lab.target, ["python3", "-c", CLIENT])
    time.sleep(0.5)


def prepare(stack, options):
    lab = stack.enter_context(Lab())
    xdpfw = Xdpfw("xdpfw", options.xdpfw, "native", ["default deny in"], options.scratch)
    stack.enter_context(enforcing(xdpfw, lab))
    open_connection(lab)
    run(["bpftool", "prog", "load", os.path.join(options.build, "limits.bpf.o"), PIN + "-all", "type", "xdp"])
    program = attached_program(lab)
    ours = segment(os.path.join(options.scratch, "ours"), SERVER_PORT)
    forged = segment(os.path.join(options.scratch, "forged"), SERVER_PORT + 1)
    return lab, {
        "bare XDP program": TestRun(["pinned", PIN + "-all"], ours, 1),
        "xdpfw, open connection": TestRun(program, ours, 2),
        "xdpfw, forged segment": TestRun(program, forged, 1),
    }


def sections(options):
    names = ["bare XDP program", "xdpfw, open connection", "xdpfw, forged segment"]
    section = Section("a TCP segment that the policy would drop, test runs", "Mpps", 2, names, names[0])
    with ExitStack() as stack:
        prepared = section.attempt(names[0], prepare, stack, options)
        for _ in range(options.rounds if prepared else 0):
            lab, runs = prepared
            for name, one in runs.items():
                section.measure(name, one.measure, lab)
    yield section
