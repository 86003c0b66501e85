# SPDX-License-Identifier: GPL-2.0-only
"""What a local link (`forward 8080:2988`) costs, by BPF_PROG_TEST_RUN of the attached program.

In mode tc, where one program judges and rewrites; at native XDP the rewriting is a second program's, behind it.
"""

import glob
import json
import os
import re
import socket
import struct
from contextlib import ExitStack

from changes import prepare
from contenders import Xdpfw
from lab import SOURCE, TARGET, run
from report import Goal, Section

PORT, LINKED, LINK = 22, 8080, "forward 8080:2988"
REPEAT = 1_000_000


def request(port):
    """A frame that asks for a connection. The checksums are none: they are mended, not verified."""
    ethernet = bytes(12) + struct.pack("!H", 0x0800)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, socket.IPPROTO_TCP, 0,
                     socket.inet_aton(SOURCE), socket.inet_aton(TARGET))
    tcp = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 5 << 4, 2, 1000, 0, 0)
    return ethernet + ip + tcp + bytes(6)


def attached_program(lab):
    """The id of the program at TC ingress, by its pinned link."""
    pin, = glob.glob(f"/sys/fs/bpf/xdpfw/{lab.target}/in_*")
    return json.loads(run(["bpftool", "-j", "link", "show", "pinned", pin]))["prog_id"]


def ask(lab, options, port):
    """Nanoseconds that a request to @port takes."""
    frame = os.path.join(options.scratch, f"request.{port}")
    with open(frame, "wb") as file:
        file.write(request(port))
    text = run(lab.inside(lab.target, ["taskset", "-c", str(options.cpu), "bpftool", "prog", "run", "id",
                                       str(attached_program(lab)), "data_in", frame, "repeat", str(REPEAT)]))
    return int(re.search(r"(\d+)ns", text).group(1))


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
            section.measure(plain.name, ask, labs_of[plain], options, PORT)
            section.measure(beside, ask, labs_of[linked], options, PORT)
            section.measure(linked.name, ask, labs_of[linked], options, LINKED)
    yield section
