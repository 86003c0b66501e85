# SPDX-License-Identifier: GPL-2.0-only
"""A third namespace behind the host: what is forwarded to another host goes there.

    peer (192.0.2.2) -- host0 HOST back0 -- target0 (198.51.100.2) target

The target knows the host only, or (routed=True) the peer's network by way of the host.
"""

from dataclasses import dataclass

import lab

BACK_IFACE = "back0"
TARGET_IFACE = "target0"
BACK_MAC = bytes.fromhex("020000000003")
TARGET_MAC = bytes.fromhex("020000000004")


@dataclass(frozen=True)
class Ends:
    """Addresses of the wire between host and target."""

    host: str
    target: str
    second: str  # another address of the target


BACK = {lab.V4: Ends("198.51.100.1", "198.51.100.2", "198.51.100.3"), lab.V6: Ends("2001:db8:b::1", "2001:db8:b::2", "2001:db8:b::3")}


def endpoint(family, address, port):
    return f"[{address}]:{port}" if family is lab.V6 else f"{address}:{port}"


class Trio(lab.Net):
    """Also has `target`, a namespace with a wire to the host's back0."""

    def __init__(self, routed=False):
        super().__init__()
        self.target = lab.Namespace(self.host.name[:-1] + "t")
        try:
            self._join_target(routed)
        except BaseException:
            self.delete()
            raise

    def _join_target(self, routed):
        ns = self.target
        lab.prepare(ns)
        self.host.ip(
            f"link add {BACK_IFACE} address {BACK_MAC.hex(':')} type veth "
            f"peer name {TARGET_IFACE} netns {ns.name} address {TARGET_MAC.hex(':')}\n"
        )
        ends = BACK.values()
        self._address(self.host, BACK_IFACE, [end.host for end in ends])
        self._address(ns, TARGET_IFACE, [end.target for end in ends])
        for end in ends:  # used by those who ask for it, never by default
            length = 64 if ":" in end.second else 24
            ns.ip(f"address add {end.second}/{length} dev {TARGET_IFACE} nodad preferred_lft 0\n" if length == 64 else f"address add {end.second}/24 dev {TARGET_IFACE}\n")
        self.host.sysctl("ipv4/ip_forward", 1)
        self.host.sysctl("ipv6/conf/all/forwarding", 1)
        if routed:
            ns.ip(f"route add 192.0.2.0/24 via {BACK[lab.V4].host}\nroute add 2001:db8::/64 via {BACK[lab.V6].host}\n")
        ns.settle = self.settle

    def offload(self, ns, iface, **features):
        words = [word for pair in features.items() for word in pair]
        ns.run("ethtool", "-K", iface, *words)

    def close_sockets(self):
        super().close_sockets()
        self.target.close_sockets()

    def delete(self):
        target = getattr(self, "target", None)
        if target:
            target.delete()
        super().delete()
