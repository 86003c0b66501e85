# SPDX-License-Identifier: GPL-2.0-only
"""docs/benchmarks.md and its pictures, from the results of a run (or of a part of one: whatever is there)."""

import os
import textwrap

import plot
from report import format_goal, short

PICTURES = "pictures"

# What each part measures, for readers who have not read bench/README.md.
PARTS = {
    "packets": "A flood of 60-byte frames, native XDP at the receiver; packets by CPU time of generator and receiver "
               "together. *Added ns* is what one packet costs more than with the reference.",
    "rules": "A closed UDP port behind rules that allow other ports, without state.",
    "states": "Answers to UDP flows that this host has begun, at random among them, into full sockets; most of a packet "
              "is the stack's own work.",
    "sets": "Floods from senders that a set (`deny in from @SET`) or blocks shut out, crowded in one /16 or spread over the "
            "whole list, and how long the list takes to load.",
    "replies": "Test runs (BPF_PROG_TEST_RUN) with segments of real connections that the policy alone would drop.",
    "latency": "A datagram to an allowed service and its answer, 2,000 a second, timed from when they were due, beside "
               "a *paced* flood: the same rate for all, for a generator that sends what the receiver takes would be "
               "gentlest to the slowest.",
    "connections": "Connect, ask, answer, close; thousands a second of CPU time of both ends.",
    "streams": "iperf3, client and server on a CPU each.",
    "enforce": "A port is opened, and knocked at every 20 us meanwhile. Smaller is faster.",
    "changes": "A whole file of rules with a port and a sender's /24 each. Smaller is faster.",
    "memory": "Maps as the kernel accounts them (room is taken at load), and the most that the command held resident. "
              "The kernel does not tell what rules of nftables and iptables take. Counters cannot be switched off, so "
              "there is no figure without them.",
    "events": "Floods with and without somebody who follows `xdpfw log`.",
    "links": "`forward 8080:2988`, by `xdpfw bench` in mode tc, where one program judges and rewrites.",
    "forwards": "64-byte UDP to another host, native XDP on both sides; counted at the far end.",
}

HIDDEN = """\
## What this measures, and what it hides

All in one machine: network namespaces joined by veth pairs of one queue, no network card. So there is no DMA, no
descriptor ring and no cold frame (a frame here is warm in the cache), and there are never several queues at once.
**Generator and receiver share cores**: a veth's packets are received on the CPU that sends them, so in floods
generator, veth and filter take turns on one CPU, and a ratio is (generator + veth + least program) / (generator +
veth + filter): milder than the ratio of the programs alone. *Added ns* has no generator in it; read that if you
compare with other machines. Floods are closed loops (the generator is as fast as its receiver lets it be), except for
latency, where the generator is paced. Streams and connections have both ends in this machine, too.

Contenders run in turns, and a ratio is to the reference of the same round; each figure is the median of all rounds,
with the smallest and largest. A machine that others use as well moves absolute figures far more than ratios.
[bench/README.md](../bench/README.md) has the details of each part.
"""


def write(report, path):
    """Write the page at @path and its pictures beside it."""
    folder = os.path.join(os.path.dirname(path), PICTURES)
    os.makedirs(folder, exist_ok=True)
    drawn = draw_pictures(report["sections"], folder)
    lines = [*introduction(report), *goals(report["sections"]), *pictures(drawn), HIDDEN, *results(report["sections"])]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines).rstrip() + "\n")


def introduction(report):
    when = report["time"][:16].replace("T", " ")
    warning = ": **the machine was busy**, so trust ratios only, and those not to the last digit."
    words = (f"{when}, {report['cpu']}, {report['cpus']} CPUs, Linux {report['kernel']}; "
             "xdpfw at native XDP where no mode is named; "
             f"medians of {report['rounds']} rounds in turns, {report['seconds']:g} s each. "
             f"When a part began, other work used {100 * report['busy']:.0f} % of the CPUs at most"
             + (warning if report["busy"] > 0.1 else "."))
    return ["# Benchmarks", "",
            "Written by `make bench`, which measures all this again on your machine (as root; nothing leaves it).", "",
            words, ""]


def goals(sections):
    found = [format_goal(goal) for section in sections for goal in section["goals"]]
    if not found:
        return []
    rows = [f"| {text} | {wanted} | {reached} | {met} |" for text, wanted, reached, met in found]
    return ["## Wanted, and reached", "", "Numbers without a unit are ratios.", "",
            "| | wanted | reached | met |", "|---|---|---|---|", *rows, ""]


def pictures(drawn):
    return [line for name, title in drawn for line in (f"![{title}]({PICTURES}/{name})", "")]


def results(sections):
    lines, part = [], None
    for section in sections:
        if section["part"] != part:
            part = section["part"]
            lines += [f"## {part.capitalize()}", "", PARTS.get(part, ""), ""]
        lines += [f"### {section['title']}", "", *table(section), ""]
    return lines


def table(section):
    rate = "added_ns" in section["rows"][0]
    head = f"| | ratio to {section['reference']} | {section['unit']} |" + (" added ns |" if rate else "")
    rows = [table_row(section, row, rate) for row in section["rows"]]
    return [head, "|---|---|---|" + ("---|" if rate else ""), *rows]


def table_row(section, row, rate):
    fault = row["error"] and f"failed: {row['error']}" or row["missing"] and f"missing: {row['missing']}"
    if fault:
        return f"| {row['name']} | {fault} | |" + (" |" if rate else "")
    cells = [cell(row["ratio"], 2), cell(row["value"], section["digits"])] + ([cell(row["added_ns"], 1)] if rate else [])
    return f"| {row['name']} | {' | '.join(cells)} |"


def cell(values, digits):
    if not values:
        return "-"
    return f"{short(values['median'], digits)} ({short(values['min'], digits)}..{short(values['max'], digits)})"


# --- pictures ---------------------------------------------------------------------


def draw_pictures(sections, folder):
    """Draw what there are results for; returns file names and titles."""
    drawn = []
    for draw in (draw_ratios, draw_axes, draw_latency):
        drawn += draw(sections, folder)
    return drawn


def measured(section):
    return [row for row in section["rows"] if row["value"]]


def family(row):
    """A contender without its circumstances."""
    return row["name"].split(",")[0]


def draw_ratios(sections, folder):
    """Of each family its first row in each flood."""
    floods = [section for section in sections if section["part"] == "packets" and len(measured(section)) > 1]
    if not floods:
        return []
    values, names = {}, []
    for section in floods:
        for row in measured(section):
            group = wrapped(section["title"])
            if row["name"] == section["reference"] or (group, family(row)) in values:
                continue
            values[group, family(row)] = row["ratio"]["median"]
            names += [family(row)] if family(row) not in names else []
    title = "Floods: packets a second by CPU time, 1 = the smallest XDP program"
    plot.draw_bars(os.path.join(folder, "bench-ratios.svg"), title, "ratio",
                   [wrapped(one["title"]) for one in floods], names, values)
    return [("bench-ratios.svg", title)]


def wrapped(title):
    return "\n".join(textwrap.wrap(title, 16))


def draw_axes(sections, folder):
    """A picture for each section whose rows are points of curves."""
    drawn = []
    for section in sections:
        curves = {}
        for row in measured(section):
            if "series" in row:
                value = row["value"]
                curves.setdefault(row["series"], []).append((row["x"], value["median"], value["min"], value["max"]))
        if not section["axis"] or not curves:
            continue
        name, title = f"bench-{section['axis']}.svg", f"{section['title']}"
        plot.draw_curves(os.path.join(folder, name), title, section["axis"], "Mpps by CPU time", curves)
        drawn.append((name, title))
    return drawn


def draw_latency(sections, folder):
    both = [section for section in sections if section["part"] == "latency" and measured(section)]
    if not both:
        return []
    values, names = {}, ["p50", "p99"]
    for section, quantile in zip(both, names):
        for row in measured(section):
            values[wrapped(row["name"]), quantile] = row["value"]["median"]
    title = "Latency of a request beside a flood of a closed port, microseconds"
    plot.draw_bars(os.path.join(folder, "bench-latency.svg"), title, "us",
                   [wrapped(row["name"]) for row in measured(both[0])], names, values, logarithmic=True)
    return [("bench-latency.svg", title)]
