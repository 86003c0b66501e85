# SPDX-License-Identifier: GPL-2.0-only
"""What a flood of closed ports costs, and what passes to a local socket."""

import lab as labs
from contenders import Limit, NftIngress, Nftables, XdpFilter, Xdpfw, iptables_filter, iptables_raw
from flood import MANY_PORTS, ONE_FLOW, PORT, Grounds, Scenario, run_scenario
from lab import BenchError, run
from report import Goal

SYNS = ["--proto", "syn", "--sources", "65536", *MANY_PORTS]
ACKS = ["--proto", "ack", "--sources", "65536", *MANY_PORTS]
# What comes last of generator words counts.
IPV6 = [*ONE_FLOW, "--family", "6", "--src", "2001:db8::1", "--dst", "2001:db8::2", "--size", "64"]
MANY_SENDERS = ["--src", "10.0.0.0", "--sources", "100000", "--sport", "0+65536", "--dport", str(PORT)]

# UDP flows that the host has begun: 600 local ports with 100 remote endpoints each.
FLOWS = f"""
import socket
for _ in range(600):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for port in range(1, 101):
        client.sendto(b"", ("{labs.SOURCE}", port))
"""


def begin_flows(lab, count_flows):
    run(lab.inside(lab.target, ["python3", "-c", FLOWS]))
    flows = count_flows()
    if flows < 50_000:
        raise BenchError(f"only {flows} flows in the table")


class BusyXdpfw(Xdpfw):
    """xdpfw whose flow table holds what 60,000 live UDP flows leave there."""

    def start(self, lab):
        super().start(lab)
        begin_flows(lab, lambda: self.command(lab, "flows", "udp", "--json").count('"origin"'))


class BusyNftables(Nftables):
    """nftables whose connection tracking knows the same 60,000 flows."""

    def start(self, lab):
        super().start(lab)
        run(lab.inside(lab.target, ["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=600"]))
        count = ["sysctl", "-n", "net.netfilter.nf_conntrack_count"]
        begin_flows(lab, lambda: int(run(lab.inside(lab.target, count))))


def scenarios(options):
    drop = Limit("bare XDP_DROP", "limit_drop", options.build)
    bare_pass = Limit("bare XDP_PASS", "limit_pass", options.build)
    few = xdpfw(options, "xdpfw native, 1 rule", [f"deny in {PORT}/udp"])
    many = xdpfw(options, "xdpfw native, 60,000 rules", [f"deny in {port}/udp" for port in range(1, 60001)])
    busy = BusyXdpfw("xdpfw native, 60,000 flows", options.xdpfw, "native",
                     ["option udp-timeout 10m", "default deny in", f"deny in {PORT}/udp"], options.scratch)
    allow = xdpfw(options, "xdpfw native, allowed", [f"allow in {PORT}/udp"])
    deny_port = XdpFilter("xdp-filter, port denied", "allow", [PORT])
    deny_rest = XdpFilter("xdp-filter, all denied", "deny")
    allow_port = XdpFilter("xdp-filter, port allowed", "deny", [PORT])
    ingress = NftIngress("nftables, netdev ingress", f"udp dport {PORT}")
    ingress_rest = NftIngress("nftables, netdev ingress, all denied", "meta l4proto { tcp, udp } th dport != 22")
    nft = Nftables("nftables, stateful", [22])
    busy_nft = BusyNftables("nftables, stateful, 60,000 flows", [22])
    nft_allow = Nftables("nftables, stateful, allowed", [f"{PORT}"], "udp")
    raw = [iptables_raw(flavour, f"-p udp --dport {PORT}") for flavour in ("nft", "legacy")]
    raw_rest = [iptables_raw(flavour, "-p all") for flavour in ("nft", "legacy")]
    inputs = [iptables_filter(flavour, "tcp", [22]) for flavour in ("nft", "legacy")]
    inputs_allow = [iptables_filter(flavour, "udp", [PORT]) for flavour in ("nft", "legacy")]
    return [
        Scenario("denied UDP port, 1 flow", ONE_FLOW, "drop", [drop, few, many, deny_port, ingress, nft, *raw, *inputs],
                 [Goal("UDP flood of one denied port, of bare XDP_DROP", few.name, at_least=0.90),
                  Goal("the same behind 60,000 rules, of that behind 1", many.name, at_least=0.95, against=few.name)]),
        Scenario("denied UDP port, 1 flow, IPv6", IPV6, "drop", [drop, few, many, deny_port]),
        Scenario("denied UDP port, 100,000 senders", MANY_SENDERS, "drop", [drop, few, deny_port, ingress, nft, *raw]),
        Scenario("denied UDP, 65,536 source and destination ports", MANY_PORTS, "drop",
                 [drop, few, many, busy, deny_rest, ingress_rest, busy_nft, *raw_rest, *inputs],
                 [Goal("UDP flood over 65,536 ports, of bare XDP_DROP", few.name, at_least=0.90),
                  Goal("the same behind 60,000 rules", many.name, at_least=0.90),
                  Goal("the same beside 60,000 flows", busy.name, at_least=0.90)]),
        Scenario("denied TCP SYNs, 65,536 ports and sources", SYNS, "drop",
                 [drop, few, busy, deny_rest, ingress_rest, busy_nft, raw_rest[0]],
                 [Goal("SYN flood beside 60,000 flows, of bare XDP_DROP", busy.name, at_least=0.85)]),
        Scenario("denied TCP ACKs, 65,536 ports and sources", ACKS, "drop",
                 [drop, few, busy, deny_rest, ingress_rest, busy_nft, raw_rest[0]],
                 [Goal("ACK flood beside 60,000 flows, of bare XDP_DROP", busy.name, at_least=0.85)]),
        Scenario("allowed UDP port, 1 flow, into a full socket", ONE_FLOW, "pass",
                 [bare_pass, allow, allow_port, nft_allow, *inputs_allow]),
    ]


def xdpfw(options, name, rules):
    return Xdpfw(name, options.xdpfw, "native", ["default deny in", *rules], options.scratch)


def sections(options):
    with Grounds(options) as grounds:
        for scenario in scenarios(options):
            yield run_scenario(grounds, scenario)
