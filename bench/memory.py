# SPDX-License-Identifier: GPL-2.0-only
"""What it takes: the maps of an instance, as the kernel accounts them, and the most that a command held resident.

nftables and iptables keep their rules in the kernel's general memory, of which it tells no share.
"""

import json
import os
import re
import sys

from changes import NftApplies, contenders
from contenders import Xdpfw, enforcing
from lab import BenchError, Lab, run
from report import Section

RULES = 10_000


def prefixes(count):
    """@count /24 networks apart from each other."""
    return [f"{11 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.0/24" for number in range(count)]


def policies(options):
    """Rules by the name of the row."""
    count = 1_000 if options.short else 100_000
    return {
        "no rules": [],
        "60,000 rules on ports": [f"allow in {port}/udp" for port in range(1, 60_001)],
        "10,000 rules with addresses": [f"allow in {1 + number}/tcp from {prefix}"
                                        for number, prefix in enumerate(prefixes(10_000))],
        f"a set of {count:,} prefixes": [f"set add bad {prefix}" for prefix in prefixes(count)] + ["deny in from @bad"],
    }


def bpftool(*words):
    return json.loads(run(["bpftool", "--json", "map", *words]))


def pinned_maps(directory):
    """What bpftool shows of each; the other pins are links and programs."""
    for name in os.listdir(directory):
        try:
            yield bpftool("show", "pinned", os.path.join(directory, name))
        except BenchError:
            continue


def inner_maps(outer):
    """The maps that a map of maps holds now: what it is looked up for is their ids."""
    if not outer["type"].endswith("of_maps"):
        return
    for entry in bpftool("dump", "id", str(outer["id"])):
        number = int.from_bytes((int(byte, 16) for byte in entry["value"]), sys.byteorder)
        yield bpftool("show", "id", str(number))


def map_memory(lab):
    """MiB of all maps of the lab's instance."""
    outer = list(pinned_maps(f"/sys/fs/bpf/xdpfw/{lab.target}"))
    shown = outer + [inner for one in outer for inner in inner_maps(one)]
    return sum({one["id"]: one["bytes_memlock"] for one in shown}.values()) / 2**20


def measure_maps(options, rules):
    with Lab() as lab, enforcing(Xdpfw("xdpfw", options.xdpfw, "native", rules, options.scratch), lab):
        return map_memory(lab)


def applying(options, contender, lab):
    """The command that applies 10,000 rules, from a file."""
    what = contender.prepare(lab, RULES, 1)
    if isinstance(contender, Xdpfw):
        return [options.xdpfw, "-n", lab.target, "apply", what]
    path = os.path.join(options.scratch, "peak")
    with open(path, "w", encoding="ascii") as file:
        file.write(what)
    if isinstance(contender, NftApplies):
        return ["nft", "-f", path]
    return [f"iptables-{contender.flavour}-restore", path]


def measure_command(options, contender):
    """MiB that the command held resident at most."""
    with Lab() as lab, enforcing(contender, lab):
        environment = contender.environment(lab) if isinstance(contender, Xdpfw) else None
        command = [os.path.join(options.build, "peak"), *applying(options, contender, lab)]
        return int(re.search(r"peak_kib=(\d+)", run(lab.inside(lab.target, command), env=environment)).group(1)) / 1024


def sections(options):
    rules = policies(options)
    title = "memory of all maps of an instance, with 262,144 flows' room and all counters"
    maps = Section(title, "MiB", 1, rules, "no rules")
    for name, lines in rules.items():
        maps.measure(name, measure_maps, options, lines)
    yield maps
    running = [one for one in contenders(options) if hasattr(one, "feed") or isinstance(one, Xdpfw)]
    peak = Section(f"peak resident memory of the command that applies {RULES:,} rules", "MiB", 1,
                   [contender.name for contender in running], "nftables")
    for contender in running:
        peak.measure(contender.name, measure_command, options, contender)
    yield peak
