# SPDX-License-Identifier: GPL-2.0-only
"""Routers on both sides of the host: client and server are not on its wires.

    client (203.0.113.2) --- lan0
                                PEER (192.0.2.2) -- host0 HOST back0 -- TARGET (198.51.100.2) -- server (10.9.0.2)
    neighbour (203.0.113.3) - lan0

`peer` and `target` of a Trio are routers here. The neighbour is in the client's own subnet.
"""

from dataclasses import dataclass

import lab
import trio

SERVER_IFACE = "server0"  # the router's end of the server's wire
LAN_IFACE = "lan0"  # a bridge


@dataclass(frozen=True)
class Ends:
    """Addresses behind the routers, and how long their prefixes are."""

    client: str
    neighbour: str
    lan: str  # the client's router
    server: str
    behind: str  # the server's router
    length: int
    lan_prefix: str
    server_prefix: str


FAR = {
    lab.V4: Ends("203.0.113.2", "203.0.113.3", "203.0.113.1", "10.9.0.2", "10.9.0.1", 24, "203.0.113.0/24", "10.9.0.0/24"),
    lab.V6: Ends("2001:db8:c::2", "2001:db8:c::3", "2001:db8:c::1", "fd09::2", "fd09::1", 64, "2001:db8:c::/64", "fd09::/64"),
}


class Routers(trio.Trio):
    """Also has the namespaces `client`, `neighbour` and `server`."""

    def __init__(self):
        super().__init__(routed=True)
        self.far = []
        try:
            self.client, self.neighbour, self.server = (self._namespace(letter) for letter in "cns")
            self._wire()
            self._route()
        except BaseException:
            self.delete()
            raise

    def _namespace(self, letter):
        ns = lab.Namespace(self.host.name[:-1] + letter)
        self.far.append(ns)
        lab.prepare(ns)
        ns.settle = self.settle
        return ns

    def _wire(self):
        self.peer.ip(f"link add {LAN_IFACE} type bridge\nlink set {LAN_IFACE} up\n")
        for ns, port in ((self.client, "client0"), (self.neighbour, "neighbour0")):
            self.peer.ip(f"link add {port} type veth peer name eth0 netns {ns.name}\nlink set {port} master {LAN_IFACE} up\n")
        self.target.ip(f"link add {SERVER_IFACE} type veth peer name eth0 netns {self.server.name}\n")
        for attribute, ns, iface in (
            ("client", self.client, "eth0"),
            ("neighbour", self.neighbour, "eth0"),
            ("lan", self.peer, LAN_IFACE),
            ("server", self.server, "eth0"),
            ("behind", self.target, SERVER_IFACE),
        ):
            self._address(ns, iface, [getattr(ends, attribute) for ends in FAR.values()])

    def _route(self):
        for family, ends in FAR.items():
            for ns, router in ((self.client, ends.lan), (self.neighbour, ends.lan), (self.server, ends.behind)):
                ns.ip(f"route add default via {router}\n")
            self.host.ip(
                f"route add {ends.lan_prefix} via {family.peer}\n"
                f"route add {ends.server_prefix} via {trio.BACK[family].target}\n"
            )
            self.target.ip(f"route add {ends.lan_prefix} via {trio.BACK[family].host}\n")
        for ns in (self.peer, self.target):
            ns.sysctl("ipv4/ip_forward", 1)
            ns.sysctl("ipv6/conf/all/forwarding", 1)
            ns.sysctl("ipv4/conf/all/send_redirects", 0)

    def close_sockets(self):
        super().close_sockets()
        for ns in self.far:
            ns.close_sockets()

    def delete(self):
        for ns in getattr(self, "far", ()):
            ns.delete()
        super().delete()
