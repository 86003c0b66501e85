# SPDX-License-Identifier: GPL-2.0-only
"""Packets a second through a forward to another host, beside a bare redirect and nftables.

A third namespace stands behind the target and drops at XDP whatever arrives; its device's counters say how much
that was. The bare redirect changes nothing but the addresses of the frame.
"""

import os
import re
from contextlib import ExitStack

import flood
from contenders import Limit, Nftables, Xdpfw, enforcing
from lab import Lab, Starved, run
from report import Goal, Section

PORT = 9
# RFC 5737: the wire behind the target.
NEAR, FAR, FAR_PREFIX = "203.0.113.1", "203.0.113.2", 24
FAR_MAC = "02:00:00:00:00:03"
NEAR_INDEX = 4242  # known to the program of the bare redirect
ONE_FLOW = ["--sport", "40000", "--dport", str(PORT)]
MANY_FLOWS = ["--sport", "10000+10000", "--dport", str(PORT)]


class ForwardLab(Lab):
    """A lab with a far end: source - target - far."""

    def _create(self):
        super()._create()
        self.far, self.near_interface, self.far_interface = f"{self.target}f", f"xbn{Lab.count}", f"xbf{Lab.count}"
        run(["ip", "netns", "add", self.far])
        run(["ip", "link", "add", self.near_interface, "netns", self.target, "index", str(NEAR_INDEX),
             "numtxqueues", "1", "numrxqueues", "1", "type", "veth",
             "peer", "name", self.far_interface, "netns", self.far, "address", FAR_MAC,
             "numtxqueues", "1", "numrxqueues", "1"])
        for namespace, interface, address in ((self.target, self.near_interface, NEAR), (self.far, self.far_interface, FAR)):
            run(["ip", "-n", namespace, "address", "add", f"{address}/{FAR_PREFIX}", "dev", interface])
            run(["ip", "-n", namespace, "link", "set", interface, "up"])
        run(self.inside(self.target, ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]))
        run(["ip", "-n", self.target, "neigh", "replace", FAR, "lladdr", FAR_MAC, "dev", self.near_interface])

    def __exit__(self, *exception):
        super().__exit__(*exception)
        if hasattr(self, "far"):
            os.system(f"ip netns delete {self.far} 2>/dev/null")

    def arrived(self):
        text = run(self.inside(self.far, ["ethtool", "-S", self.far_interface]))
        return sum(int(number) for number in re.findall(r"rx_queue_\d+_xdp_packets: (\d+)", text))

    def sink(self, build):
        run(["ip", "-n", self.far, "link", "set", "dev", self.far_interface, "xdpdrv", "obj",
             os.path.join(build, "limits.bpf.o"), "program", "limit_drop"])


class XdpfwForward(Xdpfw):
    """Both interfaces loaded."""

    def start(self, lab):
        self.command(lab, "load", lab.target_interface, lab.near_interface, "--mode", self.mode)
        for rule in self.rules:
            self.command(lab, *rule.split())


class NftForward(Nftables):
    """DNAT and masquerade; XDP that passes, so that the device takes the generator's frames."""

    def __init__(self, name, build):
        super().__init__(name, [])
        self.limit = Limit(name, "limit_pass", build)

    def start(self, lab):
        self.limit.start(lab)
        self.feed(lab, f"""
            table ip bench {{
                chain before {{
                    type nat hook prerouting priority dstnat;
                    udp dport {PORT} dnat to {FAR}:{PORT}
                }}
                chain behind {{
                    type nat hook postrouting priority srcnat;
                    oifname "{lab.near_interface}" masquerade
                }}
            }}
            """)


def contenders(options):
    forward = [f"forward {PORT}:{FAR}:{PORT}/udp"]
    return [
        Limit("bare redirect", "limit_redirect", options.build),
        XdpfwForward("xdpfw native", options.xdpfw, "native", forward, options.scratch),
        NftForward("nft dnat + masquerade", options.build),
    ]


def measure(options, lab, traffic, seconds):
    """Millions of packets a second that arrived at the far end; CPU time as in flood.py."""
    before = lab.arrived()
    sent, took = flood.generate(options, lab, traffic, seconds)
    arrived = lab.arrived() - before
    if arrived < 0.5 * sent:
        raise Starved(f"{sent} packets sent, {arrived} arrived at the far end")
    return arrived / took / 1e6


def set_up(stack, options, traffic, contender):
    lab = stack.enter_context(ForwardLab())
    lab.sink(options.build)
    stack.enter_context(enforcing(contender, lab))
    measure(options, lab, traffic, 0.2)
    return lab


def run_scenario(options, title, traffic):
    ours = contenders(options)
    section = Section(title, "Mpps", 2, [contender.name for contender in ours], ours[0].name,
                      [Goal(f"{title}, of a bare redirect", ours[1].name, at_least=0.75),
                       Goal("the same, of nft dnat + masquerade", ours[1].name, at_least=4, against=ours[2].name)])
    with ExitStack() as stack:
        running = {contender: section.attempt(contender.name, set_up, stack, options, traffic, contender)
                   for contender in ours}
        for _ in range(options.rounds):
            for contender, lab in running.items():
                section.measure(contender.name, measure, options, lab, traffic, options.seconds)
    return section


def sections(options):
    yield run_scenario(options, "UDP forwarded to another host, 1 flow", ONE_FLOW)
    yield run_scenario(options, "UDP forwarded to another host, 10,000 flows", MANY_FLOWS)
