# SPDX-License-Identifier: GPL-2.0-only
"""Floods from senders that a list of prefixes shuts out, and how long it takes to load the list.

Each list twice: its senders crowded in one /16, and spread over all of it."""

import functools
import os
import random
from contextlib import ExitStack

from changes import prepare, timed
from contenders import Limit, Nftables, Stack, XdpFilter, Xdpfw
from flood import ONE_FLOW, PORT, Grounds, Scenario, run_scenario
from lab import Missing
from report import Goal, Section

SIZES = [10, 1000, 100_000]
SHORT_SIZES = [100]
CROWD = 60 << 24 | 1 << 16  # 60.1.0.0/16
CROWD_MAX = 32768  # every second address of it: what is not in the list lies between what is
REPEATS = 5
XDP_FILTER_MAX = 1000  # its map takes 10,000, but one a command


def text(address):
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def crowded(size):
    return [CROWD | place << 1 for place in range(min(size, CROWD_MAX))]


def usable(network):
    """Unicast, and neither loopback, the lab's own network nor the crowd's. @network: the upper 24 bits."""
    return network >> 16 not in (0, 127) and network >> 16 < 224 and network >> 9 != 198 << 7 | 18 >> 1 \
        and network >> 8 != CROWD >> 16


@functools.cache
def spread(size):
    """Networks all over IPv4, half of them /24, half single addresses; with each one sender in it."""
    chance = random.Random(size)
    networks = [network for network in chance.sample(range(1 << 24), 2 * size) if usable(network)][:size]
    senders = [network << 8 | chance.randrange(256) for network in networks]
    prefixes = [f"{text(network << 8)}/24" if network & 1 else text(sender)
                for network, sender in zip(networks, senders)]
    return prefixes, senders


class List:
    """The prefixes, and in a file the senders, shuffled."""

    def __init__(self, options, size, is_crowded):
        crowd = crowded(size)
        self.prefixes, senders = spread(size - len(crowd) if is_crowded else size)
        if is_crowded:
            self.prefixes = [text(address) for address in crowd] + self.prefixes
            senders = crowd
        self.senders = os.path.join(options.scratch, f"senders.{size}.{is_crowded}")
        with open(self.senders, "w", encoding="ascii") as file:
            file.writelines(f"{text(sender)}\n" for sender in random.Random(1).sample(senders, len(senders)))


class NftablesSet(Stack):
    """A named set of intervals where nftables is fastest: at the interface, before the IP layer."""

    def __init__(self, name, prefixes):
        super().__init__(name)
        self.prefixes = prefixes

    def start(self, lab):
        super().start(lab)
        Nftables.feed(lab, f"""
            table netdev bench {{
                set bad {{ type ipv4_addr; flags interval; }}
                chain in {{
                    type filter hook ingress device {lab.target_interface} priority filter; policy accept;
                    ip saddr @bad counter drop
                }}
            }}
            """)
        self.load(lab, self.prefixes)

    @staticmethod
    def load(lab, prefixes):
        Nftables.feed(lab, f"flush set netdev bench bad\nadd element netdev bench bad {{ {', '.join(prefixes)} }}")


class XdpFilterAddresses(XdpFilter):
    """xdp-filter knows single addresses, told one a command."""

    def __init__(self, name, addresses):
        super().__init__(name, "allow")
        self.addresses = addresses

    def start(self, lab):
        if any("/" in address for address in self.addresses):
            raise Missing("knows single addresses, no prefixes")
        if len(self.addresses) > XDP_FILTER_MAX:
            raise Missing(f"takes one address a command: not tried with more than {XDP_FILTER_MAX:,}")
        super().start(lab)
        for address in self.addresses:
            self._xdp_filter(lab, "ip", address, "-m", "src")


def rules_of(prefixes):
    return ["default deny in", *(f"set add bad {prefix}" for prefix in prefixes), "deny in from @bad",
            f"allow in {PORT}/udp"]


def blocks_of(prefixes):
    return ["default deny in", *(f"block {prefix}" for prefix in prefixes), f"allow in {PORT}/udp"]


def scenario(options, size, is_crowded):
    listed = List(options, size, is_crowded)
    by_set = Xdpfw("xdpfw native, a set", options.xdpfw, "native", rules_of(listed.prefixes), options.scratch)
    by_block = Xdpfw("xdpfw native, blocks", options.xdpfw, "native", blocks_of(listed.prefixes), options.scratch)
    contenders = [Limit("bare XDP_DROP", "limit_drop", options.build), by_set, by_block,
                  NftablesSet("nftables, a set at ingress", listed.prefixes),
                  XdpFilterAddresses("xdp-filter, addresses", listed.prefixes)]
    where = "crowded in one /16" if is_crowded else "all over the list"
    wanted = f"a flood from a list of {size:,} prefixes, {where}, of bare XDP_DROP"
    goals = [Goal(wanted, by_set.name, at_least=0.70)] if size == SIZES[-1] else []
    return Scenario(f"senders of a list of {size:,} prefixes, {where}", ["--sources-from", listed.senders, *ONE_FLOW],
                    "drop", contenders, goals)


class XdpfwLoading:
    def __init__(self, lab, contender, lists):
        self.lab, self.contender = lab, contender
        self.files = [self._write(prefixes, place) for place, prefixes in enumerate(lists)]

    def _write(self, prefixes, place):
        path = os.path.join(self.contender.scratch, f"{self.lab.target}.list{place}")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{prefix}\n" for prefix in prefixes)
        return path

    def load(self):
        self.files.reverse()
        return timed(self.contender.command, self.lab, "set", "load", "bad", self.files[0])


class NftablesLoading:
    def __init__(self, lab, contender, lists):
        self.lab, self.contender, self.lists = lab, contender, lists

    def load(self):
        self.lists.reverse()
        return timed(self.contender.load, self.lab, self.lists[0])


def loads(options, size):
    """The wall clock of the whole command. Two lists in turns, for a list that is there already is no work."""
    prefixes, _ = spread(size)
    lists = [prefixes, [*prefixes[1:], "60.0.0.1"]]
    xdpfw = Xdpfw("xdpfw set load", options.xdpfw, "native", rules_of(prefixes), options.scratch)
    nftables = NftablesSet("nft -f", prefixes)
    goals = [Goal("a set of 100,000 prefixes loaded, ms", xdpfw.name, at_most=500, quantity="value")]
    section = Section(f"a set of {size:,} prefixes loaded", "ms", 1, [xdpfw.name, nftables.name], nftables.name,
                      goals if size == SIZES[-1] else [])
    with ExitStack() as stack:
        running = {contender.name: section.attempt(contender.name, prepare, stack, contender,
                                                    functools.partial(loading, lists=list(lists)))
                   for contender, loading in ((xdpfw, XdpfwLoading), (nftables, NftablesLoading))}
        for _ in range(2 if options.short else REPEATS):
            for name, loading in running.items():
                section.measure(name, lambda: loading.load())
    return section


def sections(options):
    sizes = SHORT_SIZES if options.short else SIZES
    for size in sizes:
        for is_crowded in (True, False):
            with Grounds(options) as grounds:
                yield run_scenario(grounds, scenario(options, size, is_crowded))
    for size in sizes:
        yield loads(options, size)
