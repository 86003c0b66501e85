# SPDX-License-Identifier: GPL-2.0-only
"""What a closed port costs behind 1 to 60,000 rules that allow other ports: stateless, the rules alone.

Batches of 32 packets, so that even 32 passes over 60,000 rules are one turn of the receiver: what a longer turn
leaves over goes to ksoftirqd, and then frames are lost at the full ring.
"""

from contenders import Iptables, Limit, Nftables, Xdpfw, iptables_text
from flood import Grounds, Scenario, measure_in_turns
from report import Goal, Section

COUNTS = (1, 10, 100, 1_000, 10_000, 60_000)
SHORT_COUNTS = (1, 1_000)
CLOSED = 65000
TRAFFIC = ["--sport", "40000", "--dport", str(CLOSED), "--batch", "32"]


class NftChain(Nftables):
    """A chain of one rule a port."""

    def matches(self, ports):
        return "\n".join(f"udp dport {port} accept" for port in ports)

    def ruleset(self, ports):
        return f"""
            table inet bench {{
                chain in {{
                    type filter hook input priority filter; policy drop;
                    iif lo accept
                    {self.matches(ports)}
                }}
            }}
            """


class NftSet(NftChain):
    """One rule and a set of ports: what a careful author would write."""

    def matches(self, ports):
        return f"udp dport {{ {', '.join(map(str, ports))} }} accept"


def contenders(options, count):
    """By the name of their curve."""
    ports = range(1, count + 1)

    def name(series):
        return f"{series}, {count:,} rule{'s' if count > 1 else ''}"

    ours = Xdpfw(name("xdpfw native"), options.xdpfw, "native",
                 ["default deny in", *(f"allow in {port}/udp" for port in ports)], options.scratch)
    text = iptables_text("udp", ports, stateful=False)
    return {"xdpfw native": ours,
            "nftables, set of ports": NftSet(name("nftables, set of ports"), ports),
            "nftables, chain": NftChain(name("nftables, chain"), ports),
            **{f"iptables-{flavour}": Iptables(name(f"iptables-{flavour}"), flavour, text)
               for flavour in ("nft", "legacy")}}


def sections(options):
    counts = SHORT_COUNTS if options.short else COUNTS
    limit = Limit("bare XDP_DROP", "limit_drop", options.build)
    curves = {count: contenders(options, count) for count in counts}
    running = [limit, *(curves[count][series] for series in curves[1] for count in counts)]
    ours = {count: curve["xdpfw native"].name for count, curve in curves.items()}
    section = Section("a closed UDP port behind rules for other ports", "Mpps", 3,
                      [contender.name for contender in running], limit.name,
                      [Goal(f"{counts[-1]:,} rules, of 1 rule", ours[counts[-1]], at_least=0.95, against=ours[1])],
                      "rules")
    for count, curve in curves.items():
        for series, contender in curve.items():
            section.point(contender.name, series, count)
    with Grounds(options) as grounds:
        measure_in_turns(section, grounds, {one: Scenario(section.title, TRAFFIC, "drop", []) for one in running})
    yield section
