# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces without an Ethernet header: tun, and a tunnel made of two of them."""

import fcntl
import os
import select
import struct
import threading
from pathlib import Path

import pytest

import lab

TUN = "tun0"
MTU = 1400
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def open_tun(ns):
    """tun0 in a namespace; what is written to this descriptor arrives there as an IP packet, what leaves there can be read."""
    if not Path("/dev/net/tun").exists():
        pytest.skip("no /dev/net/tun on this machine")
    with ns.entered():
        fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", TUN.encode(), _IFF_TUN | _IFF_NO_PI))
    return fd


class Tunnel(lab.Net):
    """
    Also has `far`, a namespace at the other end of a tunnel, as with WireGuard:

        peer (192.0.2.2) -- host0 HOST tun0 == tun0 (198.51.100.2) far

    far knows the peer's network by way of the host.
    """

    ENDS = {lab.V4: ("198.51.100.1", "198.51.100.2", "198.51.100.3"), lab.V6: ("2001:db8:b::1", "2001:db8:b::2", "2001:db8:b::3")}

    def __init__(self):
        self._tuns, self._carrier = [], None
        super().__init__()
        self.far = lab.Namespace(self.host.name[:-1] + "f")
        try:
            self._join_far()
        except BaseException:
            self.delete()
            raise

    def _join_far(self):
        lab.prepare(self.far)
        self.far.ip("link set lo up\n")
        for ns, first, last in ((self.host, 0, 1), (self.far, 1, 3)):
            self._tuns.append(open_tun(ns))
            ns.ip(f"link set {TUN} mtu {MTU} up\n")
            for family, ends in self.ENDS.items():
                for number, address in enumerate(ends[first:last]):
                    length = "64 nodad" if family is lab.V6 else "24"
                    second = "preferred_lft 0" if family is lab.V6 and number else ""
                    ns.ip(f"address add {address}/{length} dev {TUN} {second}\n")
        self.far.ip(f"route add 192.0.2.0/24 dev {TUN}\nroute add 2001:db8::/64 dev {TUN}\n")
        self.host.sysctl("ipv4/ip_forward", 1)
        self.host.sysctl("ipv6/conf/all/forwarding", 1)
        self.far.settle = self.settle
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    def _carry(self):
        one, other = self._tuns
        try:
            while True:
                for fd in select.select(self._tuns, [], [])[0]:
                    os.write(other if fd == one else one, os.read(fd, 65536))
        except OSError:
            pass  # the interfaces are gone

    def close_sockets(self):
        super().close_sockets()
        self.far.close_sockets()

    def delete(self):
        far = getattr(self, "far", None)
        if far:
            far.delete()
        super().delete()
        if self._carrier:
            self._carrier.join(lab.PATIENCE)
        for fd in self._tuns:
            os.close(fd)
