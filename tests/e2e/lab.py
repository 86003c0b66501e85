# SPDX-License-Identifier: GPL-2.0-only
"""Two network namespaces joined by a veth pair: a host to protect and its peer.

Every socket of a test is made by this process: a thread steps into the
namespace, opens the socket and steps back. The socket stays where it was
made, so tests need no helper processes and see each packet at once.
"""

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOST_MAC = bytes.fromhex("020000000001")
PEER_MAC = bytes.fromhex("020000000002")
IFACE = "host0"
PEER_IFACE = "peer0"

# How long to wait for what must come, and for what must not where nothing else tells.
PATIENCE = 4.0
SILENCE = 0.25

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
_serial = itertools.count(1)


@dataclass(frozen=True)
class Family:
    """An address family and the addresses that every Net uses for it."""

    name: str
    af: int
    host: str
    peer: str
    other: str  # a second address of the peer
    host_linklocal: str
    header: int  # bytes of the IP header without options
    ethertype: int

    def __str__(self):
        return self.name


V4 = Family("v4", socket.AF_INET, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1", 20, 0x0800)
V6 = Family("v6", socket.AF_INET6, "2001:db8::1", "2001:db8::2", "2001:db8::3", "fe80::ff:fe00:1", 40, 0x86DD)
FAMILIES = (V4, V6)


def run(*command, check=True, timeout=20, **kwargs):
    """Run a command to its end; its output is part of the error if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **kwargs)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Socket(socket.socket):
    """A socket that knows the wire it talks over."""

    settle = None


class Namespace:
    """One network namespace, and all that a test has opened in it."""

    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        self.settle = None  # set by Net
        self._open = contextlib.ExitStack()
        run("ip", "netns", "add", name)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in this namespace; others stay where they are."""
        there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
            yield
        finally:
            os.close(there)
            _setns(_home)

    def command(self, *words):
        """The command line that runs `words` here (`ip netns exec` would hide bpffs)."""
        return ("nsenter", f"--net={self.path}", *words)

    def run(self, *words, **kwargs):
        return run(*self.command(*words), **kwargs)

    def ip(self, text):
        """A batch of ip(8) commands."""
        run("ip", "-n", self.name, "-batch", "-", input=text)

    def sysctl(self, key, value):
        with self.entered():
            Path("/proc/sys/net", key).write_text(str(value), encoding="ascii")

    def socket(self, *args):
        """A socket in this namespace; closed with the test."""
        with self.entered():
            return self._adopt(Socket(*args))

    def accept(self, listener):
        """The next connection of a listening socket, and where it comes from."""
        listener.settimeout(PATIENCE)
        accepted, sender = listener.accept()
        return self._adopt(Socket(fileno=accepted.detach())), sender

    def _adopt(self, sock):
        self._open.callback(sock.close)
        sock.settle = self.settle
        sock.settimeout(PATIENCE)
        return sock

    def close_sockets(self):
        self._open.close()

    def delete(self):
        self.close_sockets()
        run("ip", "netns", "del", self.name, check=False)


def prepare(ns):
    """What all namespaces of a test have in common."""
    # Tests start at once: no duplicate address detection, no router solicitations.
    ns.sysctl("ipv6/conf/default/accept_dad", 0)
    ns.sysctl("ipv6/conf/default/router_solicitations", 0)
    # Reports of group memberships go out at once, not in the first seconds of a test that counts packets.
    ns.sysctl("ipv6/conf/default/mldv2_unsolicited_report_interval", 1)
    # Addresses outlive `ip link set down`; errors are answered without a rate limit.
    ns.sysctl("ipv6/conf/all/keep_addr_on_down", 1)
    ns.sysctl("ipv4/icmp_ratelimit", 0)
    ns.sysctl("ipv6/icmp/ratelimit", 0)


class _ArpEnd:
    """One side's means to ask the other by ARP and wait for the answer."""

    def __init__(self, ns, iface, mac, mine, theirs):
        with ns.entered():
            self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sock.bind((iface, 0x0806))
        head = b"\xff" * 6 + mac + bytes.fromhex("0806" "0001080006040001")
        self._request = head + mac + socket.inet_aton(mine) + bytes(6) + socket.inet_aton(theirs)

    def round_trip(self):
        self._sock.setblocking(False)
        with contextlib.suppress(OSError):  # nothing is left to read, or the interface was down meanwhile
            while self._sock.recv(100):
                pass
        self._sock.settimeout(SILENCE)
        try:
            self._sock.send(self._request)
            while self._sock.recv(100)[20:22] != b"\x00\x02":
                pass
        except OSError:
            pass  # the interface is down or gone, or ARP was lost: then the time has passed instead

    def close(self):
        self._sock.close()


class Net:
    """host0 in the host's namespace, peer0 in the peer's, with addresses of both families."""

    def __init__(self, ifindex=None):
        prefix = f"xt{os.getpid()}-{next(_serial)}"
        self._ends = ()
        self._cpu = None  # the processor from which settle() has asked last
        self.host = Namespace(prefix + "h")
        try:
            self.peer = Namespace(prefix + "p")
            self._join(ifindex)
        except BaseException:
            self.delete()
            raise

    def _join(self, ifindex):
        for ns in (self.host, self.peer):
            prepare(ns)
        index = f"index {ifindex}" if ifindex else ""
        self.host.ip(
            f"link add {IFACE} address {HOST_MAC.hex(':')} {index} type veth "
            f"peer name {PEER_IFACE} netns {self.peer.name} address {PEER_MAC.hex(':')}\n"
        )
        self._address(self.host, IFACE, [V4.host, V6.host])
        self._address(self.peer, PEER_IFACE, [V4.peer, V4.other, V6.peer, V6.other])
        self._ends = (
            _ArpEnd(self.peer, PEER_IFACE, PEER_MAC, V4.peer, V4.host),
            _ArpEnd(self.host, IFACE, HOST_MAC, V4.host, V4.peer),
        )
        self.host.settle = self.peer.settle = self.settle

    def settle(self):
        """Return when all that was sent before has arrived or never will.

        A wire keeps its order, and no firewall touches ARP: when each side has
        asked and was answered, whatever was sent before is through. So a test
        that expects silence need not guess how long to listen.
        """
        if self._cpu == _libc.sched_getcpu():
            self._round_trips()
            return
        # We have moved. Each processor has a queue of its own for what is received, and what was sent from one may wait
        # there for longer than what is sent from another. (Answers wait where the question did.)
        allowed = os.sched_getaffinity(0)
        try:
            for self._cpu in allowed:
                os.sched_setaffinity(0, {self._cpu})
                self._round_trips()
        finally:
            os.sched_setaffinity(0, allowed)

    def _round_trips(self):
        for end in self._ends:
            end.round_trip()

    @staticmethod
    def _address(ns, iface, addresses):
        lines = ["link set lo up", f"link set {iface} up"]
        for address in addresses:
            plain = f"{address}/64 nodad" if ":" in address else f"{address}/24"
            # A second address is used by those who ask for it, never by default.
            second = "preferred_lft 0" if address == V6.other else ""
            lines.append(f"address add {plain} dev {iface} {second}")
        ns.ip("\n".join(lines) + "\n")

    def offloads(self, ns, **features):
        """offloads(net.peer, tx="off"): ethtool -K on that side's interface."""
        iface = IFACE if ns is self.host else PEER_IFACE
        words = [word for pair in features.items() for word in pair]
        ns.run("ethtool", "-K", iface, *words)

    def close_sockets(self):
        self.host.close_sockets()
        self.peer.close_sockets()

    def delete(self):
        for end in self._ends:
            end.close()
        for side in ("host", "peer"):
            ns = getattr(self, side, None)
            if ns:
                ns.delete()


def sweep():
    """Remove what earlier runs left behind that were killed before they could."""
    for path in Path("/run/netns").glob("xt*-*"):
        owner = path.name[2:].split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            run("ip", "netns", "del", path.name, check=False)
