# SPDX-License-Identifier: GPL-2.0-only
"""The tools that people judge a firewall by, and the exchanges that firewalls break.

nmap, ping, traceroute and dig as they are installed; DHCP, path MTU discovery, neighbour
discovery and the rarer turns of TCP as they are on the wire.
"""

import contextlib
import errno
import gzip
import os
import re
import select
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path
from xml.etree import ElementTree

import firewall
import frames
import lab
import pytest
import traffic

# Not in Python's socket module everywhere.
_IP_MTU_DISCOVER, _IP_MTU, _IPV6_MTU_DISCOVER, _IPV6_MTU, _PMTUDISC_DO = 10, 14, 23, 24, 2

# Two routers beyond the peer: peer0 of the host's peer is the first hop, FAR the end.
MIDDLE = {lab.V4: "198.51.100.2", lab.V6: "2001:db8:a::2"}
FAR = {lab.V4: "203.0.113.2", lab.V6: "2001:db8:f::2"}


class Answering(threading.Thread):
    """A server for tools that want answers: each datagram, and each TCP request, gets `answer(it)`."""

    def __init__(self, ns, family, port, answer):
        super().__init__(daemon=True)
        self._answer = answer
        self._datagrams, self._listener = traffic.udp(ns, family, port), traffic.listen(ns, family, port)
        self._quit, self._quit_writer = os.pipe()
        self.start()

    def run(self):
        while True:
            ready, _, _ = select.select([self._datagrams, self._listener, self._quit], [], [])
            if self._quit in ready:
                return
            if self._datagrams in ready:
                data, sender = self._datagrams.recvfrom(65535)
                self._datagrams.sendto(self._answer(data), sender)
            if self._listener in ready:
                self._converse(self._listener.accept()[0])

    def _converse(self, client):
        """One request and its answer with DNS's two bytes of length in front; a scan just hangs up."""
        client.settimeout(lab.PATIENCE)
        with client:
            try:
                head = client.recv(2, socket.MSG_WAITALL)
                if len(head) == 2:
                    data = self._answer(client.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
                    client.sendall(len(data).to_bytes(2, "big") + data)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._quit_writer)
        self.join(2 * lab.PATIENCE)
        os.close(self._quit)


# ---- nmap ---------------------------------------------------------------


class Scan:
    """One nmap run from the peer against the host, started at once: it mostly waits, so scans share their time."""

    def __init__(self, fw, family, words, ports):
        v6 = ["-6"] if family is lab.V6 else []
        quick = "-n -Pn -T4 --max-retries 1 --initial-rtt-timeout 250ms --max-rtt-timeout 400ms".split()
        listed = ",".join(map(str, ports))
        command = ["nmap", *words.split(), *v6, *quick, "-p", listed, "-oX", "-", family.host]
        self._process = subprocess.Popen(
            fw.net.peer.command(*command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )

    def states(self):
        """What nmap says of each port, in the order of their numbers."""
        out, err = self._process.communicate(timeout=20)
        assert self._process.returncode == 0, err.decode()
        ports = ElementTree.fromstring(out).iter("port")
        found = {int(port.get("portid")): port.find("state").get("state") for port in ports}
        return [found[port] for port in sorted(found)]


def four_ports(fw):
    """Denied with a listener, denied without, allowed with one (the test's to open), allowed without."""
    served, idle, opened, vacant = (traffic.fresh_port() for _ in range(4))
    for family in lab.FAMILIES:
        traffic.udp(fw.net.host, family, served)
        traffic.listen(fw.net.host, family, served)
    fw.policy("default deny in", f"allow in {opened}", f"allow in {vacant}")
    return served, idle, opened, vacant


def test_nmap_finds_what_is_allowed_and_nothing_else(loaded, tool):
    """Denied ports look alike, whether or not anything listens behind them (TRAPS 11)."""
    tool("nmap")
    ports = four_ports(loaded)
    with contextlib.ExitStack() as servers:
        for family in lab.FAMILIES:
            servers.enter_context(Answering(loaded.net.host, family, ports[2], lambda _: b"answer"))
        kinds = ("-sS", "-sT", "-sA", "-sU")
        scans = {family: [Scan(loaded, family, words, ports) for words in kinds] for family in lab.FAMILIES}
        for family, started in scans.items():
            syn, connect, ack, udp = (scan.states() for scan in started)
            assert syn == connect == ["filtered", "filtered", "open", "closed"], family
            assert ack == ["filtered", "filtered", "unfiltered", "unfiltered"], family
            assert udp == ["open|filtered", "open|filtered", "open", "closed"], family


def test_nmap_stealth_scans_show_nothing(loaded, tool):
    """Impossible flags and tiny fragments die at every port, allowed ones too; so no port differs from another."""
    tool("nmap")
    ports = four_ports(loaded)
    kinds = ["-sN", "-sX", "-sF", "-sS --scanflags SYNFIN", "-sS --scanflags SYNRST", "-sS --scanflags URGPSHFIN"]
    before = loaded.drops()
    scans = [(family, words, Scan(loaded, family, words, ports)) for family in lab.FAMILIES for words in kinds]
    # 8 bytes a fragment; nmap does not offer it for IPv6.
    scans.append((lab.V4, "-f", Scan(loaded, lab.V4, "-sS -f", ports)))
    for family, words, scan in scans:
        states = scan.states()
        assert set(states) in ({"filtered"}, {"open|filtered"}), f"{family} {words}: {states}"
    after = loaded.drops()
    for reason in ("tcp-flags", "bad-fragment"):
        assert after.get(reason, 0) > before.get(reason, 0)


# ---- ping, traceroute and path MTU, through two routers ------------------


class Hops:
    """host - peer - middle - far; the hop between the two routers takes 1,280 bytes, the others 1,500."""

    def __init__(self):
        self.net = lab.Net()
        prefix = self.net.host.name[:-1]
        self._spaces = []
        try:
            self.middle, self.far = self._space(prefix + "m"), self._space(prefix + "f")
            self._join()
        except BaseException:
            self.delete()
            raise

    def _space(self, name):
        made = lab.Namespace(name)
        self._spaces.append(made)
        made.settle = self.net.settle
        made.sysctl("ipv6/conf/default/accept_dad", 0)
        made.sysctl("ipv4/icmp_ratelimit", 0)
        made.sysctl("ipv6/icmp/ratelimit", 0)
        return made

    def _join(self):
        for router in (self.net.peer, self.middle):
            router.sysctl("ipv4/ip_forward", 1)
            router.sysctl("ipv6/conf/all/forwarding", 1)
        self.net.host.ip(f"route add default via {lab.V4.peer}\nroute add default via {lab.V6.peer}\n")
        self.net.peer.ip(
            f"link add narrow0 mtu 1280 type veth peer name narrow1 mtu 1280 netns {self.middle.name}\n"
            "link set narrow0 up\n"
            "address add 198.51.100.1/24 dev narrow0\naddress add 2001:db8:a::1/64 dev narrow0 nodad\n"
        )
        self.middle.ip(
            f"link add wide0 type veth peer name wide1 netns {self.far.name}\n"
            "link set lo up\nlink set narrow1 up\nlink set wide0 up\n"
            "address add 198.51.100.2/24 dev narrow1\naddress add 2001:db8:a::2/64 dev narrow1 nodad\n"
            "address add 203.0.113.1/24 dev wide0\naddress add 2001:db8:f::1/64 dev wide0 nodad\n"
            "route add default via 198.51.100.1\nroute add default via 2001:db8:a::1\n"
        )
        self.far.ip(
            "link set lo up\nlink set wide1 up\n"
            "address add 203.0.113.2/24 dev wide1\naddress add 2001:db8:f::2/64 dev wide1 nodad\n"
            "route add default via 203.0.113.1\nroute add default via 2001:db8:f::1\n"
        )
        self.net.peer.ip("route add 203.0.113.0/24 via 198.51.100.2\nroute add 2001:db8:f::/64 via 2001:db8:a::2\n")

    def forget(self):
        """Nobody remembers the path MTU that an earlier test has found."""
        for ns in (self.net.host, self.far):
            for version in ("-4", "-6"):
                ns.run("ip", version, "route", "flush", "cache")

    def close_sockets(self):
        self.net.close_sockets()
        for ns in self._spaces:
            ns.close_sockets()

    def delete(self):
        for ns in self._spaces:
            ns.delete()
        self.net.delete()


@pytest.fixture(scope="module", params=firewall.MODES)
def path_in_mode(request, tmp_path_factory):
    made = Hops()
    fw = firewall.Firewall(made.net, tmp_path_factory.mktemp("rules"))
    fw.path = made
    try:
        fw.mode = request.param
        fw.load(request.param)
        yield fw
    finally:
        fw.close()
        made.delete()


@pytest.fixture
def path(path_in_mode):
    """A firewall on a host that is two routers away from `path.far`."""
    path_in_mode.path.forget()
    yield path_in_mode
    path_in_mode.path.close_sockets()


def ping_tool(ns, address, size, count=1):
    """Does ping(8) get an answer to this many bytes?"""
    words = f"-n -c {count} -i 0.2 -W 2 -s {size}".split()
    return ns.run("ping", *words, address, check=False).returncode == 0


@pytest.mark.parametrize("size", [56, 1474, 65000])
def test_ping_of_any_size(loaded, family, tool, size):
    """1,474 bytes make the smallest second fragment, 65,000 make 45 fragments; both ways, under default deny."""
    tool("ping")
    loaded.policy("default deny in", "default deny out", "allow out icmp")
    assert ping_tool(loaded.net.host, family.peer, size)
    assert ping_tool(loaded.net.peer, family.host, size)


def test_ping_through_the_narrow_hop(path, family, tool):
    """Fragments that a router made (IPv4), and "too big" about an echo request (IPv6)."""
    tool("ping")
    path.policy("default deny in")
    # The first one tells the host of the narrow hop, the second one's answer tells the far end.
    assert ping_tool(path.net.host, FAR[family], 1400, count=4)
    assert ping_tool(path.net.host, FAR[family], 20000)


@pytest.mark.parametrize("method", ["default", "udp", "icmp"])
def test_traceroute(path, family, tool, method):
    """Time exceeded from routers nobody asked, and at the end "port unreachable" or an echo reply.

    "default" is UDP to a port that rises with each probe, "udp" is UDP to port 53.
    """
    tool("traceroute")
    path.policy("default deny in", "default deny out", "allow out icmp", "allow out 53,33434-33534/udp")
    version = "-4" if family is lab.V4 else "-6"
    words = f"{version} -n -q 1 -w 2 -m 5 --module={method}".split()
    done = path.net.host.run("traceroute", *words, FAR[family])
    hops = [line.split()[1] for line in done.stdout.splitlines()[1:]]
    assert hops == [family.peer, MIDDLE[family], FAR[family]], done.stdout


def path_mtu(sock, family):
    """What the kernel knows of a connected socket's path."""
    if family is lab.V4:
        return sock.getsockopt(socket.IPPROTO_IP, _IP_MTU)
    return sock.getsockopt(socket.IPPROTO_IPV6, _IPV6_MTU)


def a_mebibyte_each_way(here, there, family):
    """`here` is the loaded host's end. It learns of the narrow hop by an ICMP error, which must reach it."""
    assert path_mtu(here, family) == 1500, "the path is already known"
    data = os.urandom(1 << 20)
    assert traffic.bulk(here, there, data) == data
    assert path_mtu(here, family) == 1280
    assert traffic.bulk(there, here, data) == data


def test_path_mtu_of_tcp_outward(path, family):
    port = traffic.fresh_port()
    server = traffic.listen(path.path.far, family, port)
    path.policy("default deny in")
    here, there = traffic.tcp_pair(path.net.host, server, family, FAR[family], port)
    a_mebibyte_each_way(here, there, family)


def test_path_mtu_of_tcp_inward(path, family):
    """The error quotes a segment of a connection that a rule let in; also under default deny out."""
    port = traffic.fresh_port()
    server = traffic.listen(path.net.host, family, port)
    path.policy("default deny in", "default deny out", f"allow in {port}")
    there, here = traffic.tcp_pair(path.path.far, server, family, family.host, port)
    a_mebibyte_each_way(here, there, family)


def test_path_mtu_of_udp(path, family):
    """A datagram that may not be fragmented is lost, the next one fails with EMSGSIZE: the error has come."""
    port = traffic.fresh_port()
    server = traffic.udp(path.path.far, family, port)
    path.policy("default deny in")
    client = traffic.udp(path.net.host, family)
    if family is lab.V4:
        client.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DO)
    else:
        client.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_DO)
    client.connect((FAR[family], port))
    client.send(bytes(1400))
    assert traffic.eventually(lambda: path_mtu(client, family) == 1280)
    client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # what is pending
    with pytest.raises(OSError) as raised:
        client.send(bytes(1400))
    assert raised.value.errno == errno.EMSGSIZE
    client.send(bytes(1200))
    assert len(traffic.receive(server)[0]) == 1200


# ---- default deny out with a few holes -----------------------------------

TEXTS = [f"{number:03d}".encode() * 80 for number in range(16)]


def dns_answer(query):
    """All TEXTS as TXT records: about 4,000 bytes."""
    end = query.index(b"\0", 12) + 5
    records = b"".join(struct.pack("!HHHIHB", 0xC00C, 16, 1, 0, len(text) + 1, len(text)) + text for text in TEXTS)
    return query[:2] + struct.pack("!HHHHH", 0x8580, 1, len(TEXTS), 0, 0) + query[12:end] + records


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_dig_under_default_deny_out(loaded, family, tool, transport):
    """`allow out 53` is enough for name resolution, also where the answer comes in three fragments."""
    tool("dig")
    loaded.policy("default deny in", "default deny out", "allow out 53", "allow out 443/tcp")
    with Answering(loaded.net.peer, family, 53, dns_answer):
        words = f"{transport} +short +tries=1 +timeout=3 +bufsize=4096 +ignore".split()
        done = loaded.net.host.run("dig", f"@{family.peer}", *words, "many.example.", "TXT", check=False)
    found = sorted(line.strip('"').encode() for line in done.stdout.split())
    assert found == TEXTS, done.stdout + done.stderr


def test_all_but_the_holes_fails(loaded, family):
    """https is TCP: the same port over UDP stays shut, as do all others and ping."""
    loaded.policy("default deny in", "default deny out", "allow out 53", "allow out 443/tcp")
    server = traffic.listen(loaded.net.peer, family, 443)
    one, two = traffic.tcp_pair(loaded.net.host, server, family, family.peer, 443)
    data = os.urandom(1 << 20)
    assert traffic.bulk(two, one, data) == data
    for port in (80, 22, 444):
        traffic.listen(loaded.net.peer, family, port)
        assert traffic.tcp_answer(loaded.net.host, family, family.peer, port, "timeout") == "timeout"
    for port in (443, 123):
        receiver = traffic.udp(loaded.net.peer, family, port)
        assert not traffic.udp_passes(traffic.udp(loaded.net.host, family), receiver, (family.peer, port), expect=False)
    assert not traffic.ping(loaded.net.host, family, family.peer, expect=False)


# ---- DHCP ---------------------------------------------------------------

DENY_ALL = ("default deny in", "default deny out", "default deny routed")
BROADCAST = b"\xff" * 6
OFFERED = "192.0.2.77"  # not yet the host's


def packet_socket(fw):
    """A DHCP client's view: behind every hook (a tap for all protocols would stand in front of TC)."""
    sock = fw.net.host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    sock.bind((lab.IFACE, 0x0800))
    return sock


def dhcp_frame(src, dst, sport, dport, data, src_mac, dst_mac):
    segment = frames.udp(src, dst, sport, dport, data)
    return frames.ether(lab.V4, frames.ipv4(src, dst, frames.UDP, segment), src=src_mac, dst=dst_mac)


@pytest.mark.parametrize("destination", ["255.255.255.255", OFFERED])
def test_dhcp(loaded, destination):
    """No flow can know this exchange: asked by broadcast from 0.0.0.0, answered to an address not yet set."""
    loaded.policy(*DENY_ALL)
    client, server = packet_socket(loaded), traffic.Wire(loaded.net, "peer")
    discover, offer = os.urandom(300), os.urandom(300)
    client.send(dhcp_frame("0.0.0.0", "255.255.255.255", 68, 67, discover, lab.HOST_MAC, BROADCAST))
    assert server.answer(lambda frame: frame.endswith(discover))

    mac = BROADCAST if destination == "255.255.255.255" else lab.HOST_MAC
    server.send(dhcp_frame(lab.V4.peer, destination, 67, 69, b"to another port", lab.PEER_MAC, mac))
    server.send(dhcp_frame(lab.V4.peer, destination, 67, 68, offer, lab.PEER_MAC, mac))
    seen = []
    while not seen or not seen[-1].endswith(offer):
        frame, _ = traffic.receive(client)
        assert frame is not None, "the offer is lost"
        seen.append(frame)
    assert not any(frame.endswith(b"to another port") for frame in seen)


def test_dhcp_renewal(loaded):
    """By unicast, from an ordinary socket."""
    loaded.policy(*DENY_ALL)
    client, server = traffic.udp(loaded.net.host, lab.V4, 68), traffic.udp(loaded.net.peer, lab.V4, 67)
    assert traffic.udp_echo(client, server, (lab.V4.peer, 67))


def test_dhcpv6(loaded):
    """Asked by multicast from a link-local address, answered from the server's own."""
    loaded.policy(*DENY_ALL)
    with loaded.net.host.entered():
        scope = socket.if_nametoindex(lab.IFACE)
    client, server = traffic.udp(loaded.net.host, lab.V6, 546), traffic.Wire(loaded.net, "peer")
    solicit, advertise = os.urandom(60), os.urandom(60)
    client.sendto(solicit, ("ff02::1:2", 547, 0, scope))
    asked = server.answer(lambda frame: frame.endswith(solicit))
    assert asked and frames.ports_of(asked) == (frames.UDP, 546, 547)
    source, destination = "fe80::ff:fe00:2", lab.V6.host_linklocal
    server.send(frames.udp_frame(lab.V6, 547, 546, advertise, src=source, dst=destination))
    assert traffic.receive(client)[0] == advertise


# ---- neighbours and listeners -------------------------------------------


def test_neighbours_are_found_again(loaded, family):
    """Under default deny both ways a flushed host still finds and is found (TRAPS 20)."""
    inward, outward = traffic.fresh_port(), traffic.fresh_port()
    traffic.listen(loaded.net.host, family, inward)
    traffic.listen(loaded.net.peer, family, outward)
    loaded.policy(*DENY_ALL, f"allow in {inward}", f"allow out {outward}")
    for _ in range(2):
        for ns in (loaded.net.host, loaded.net.peer):
            ns.run("ip", "neigh", "flush", "all")
        assert traffic.tcp_answer(loaded.net.peer, family, family.host, inward) == "open"
        for ns in (loaded.net.host, loaded.net.peer):
            ns.run("ip", "neigh", "flush", "all")
        assert traffic.tcp_answer(loaded.net.host, family, family.peer, outward) == "open"


def mld_report(group):
    """A predicate: MLDv2 reports (behind their hop-by-hop header) that name the group."""
    return lambda frame: frame[12:14] == b"\x86\xdd" and frame[62:63] == b"\x8f" and frames.packed(group) in frame[62:]


def test_multicast_listener_reports(loaded):
    """A group joined is reported, and reported again when a router asks."""
    loaded.policy(*DENY_ALL)
    group = f"ff15::{traffic.fresh_port():x}"
    wire = traffic.Wire(loaded.net, "peer")
    with loaded.net.host.entered():
        scope = socket.if_nametoindex(lab.IFACE)
    member = traffic.udp(loaded.net.host, lab.V6)
    member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, frames.packed(group) + struct.pack("@I", scope))
    assert wire.answer(mld_report(group))
    # The kernel repeats a report of its own accord; then only the query can cause another.
    wire.drain(2 * lab.SILENCE)
    source, everyone = "fe80::ff:fe00:2", "ff02::1"
    query = struct.pack("!HH", 1, 0) + bytes(16) + struct.pack("!BBH", 2, 125, 0)
    message = frames.icmp(130, 0, query, source, everyone)
    alert = [(frames.HOP_BY_HOP, frames.extension(b"\x05\x02\0\0"))]
    packet = frames.ipv6(source, everyone, frames.ICMPV6, message, headers=alert, hop_limit=1)
    wire.send(frames.ether(lab.V6, packet, dst=bytes.fromhex("333300000001")))
    assert wire.answer(mld_report(group))


# ---- TCP: the kernel decides --------------------------------------------


def forget_flows(fw):
    """Clear what stands in front of the socket lookup for TCP, as minutes of silence do."""
    (pin,) = fw.pins.rglob("marked_ages")
    key, value = ["0"] * 4, ["0"] * 65536
    lab.run("bpftool", "map", "update", "pinned", str(pin), "key", *key, "value", *value)


def test_open_before_load_and_idle_since(fw, mode, tool):
    """Connections of both directions that were there before `load` and say nothing for long.

    Simulated: the fingerprints are cleared as by age, and the "yes" of one second has run out, so that the first
    segment has only the budgeted socket lookup to help it. Not simulated: the minutes themselves, in
    which the kernel keeps its sockets anyway.
    """
    tool("bpftool")
    inward, outward = traffic.fresh_port(), traffic.fresh_port()
    pairs = []
    for family in lab.FAMILIES:
        servers = traffic.listen(fw.net.host, family, inward), traffic.listen(fw.net.peer, family, outward)
        for _ in range(2):
            pairs.append(traffic.tcp_pair(fw.net.peer, servers[0], family, family.host, inward))
            pairs.append(traffic.tcp_pair(fw.net.host, servers[1], family, family.peer, outward)[::-1])
    fw("default deny in")
    fw("default deny out")
    fw.load(mode)
    for remote, local in pairs:
        assert traffic.flows(remote, local) and traffic.flows(local, remote)
    time.sleep(1.2)
    forget_flows(fw)
    for number, (remote, local) in enumerate(pairs):
        first, second = (remote, local) if number & 2 else (local, remote)
        assert traffic.flows(first, second) and traffic.flows(second, first)
    for family in lab.FAMILIES:
        assert traffic.tcp_answer(fw.net.peer, family, family.host, inward, "timeout") == "timeout"


def test_simultaneous_open(loaded, family):
    """Both ends connect() to each other: an inbound SYN that a socket waits for.

    For true simultaneity the host's first SYN must be lost: it goes to an address that the peer takes only then.
    """
    here, there = traffic.fresh_port(), traffic.fresh_port()
    late = f"192.0.2.{there % 200 + 20}" if family is lab.V4 else f"2001:db8::{there:x}"
    loaded.policy("default deny in")
    loaded.net.host.ip(f"neigh replace {late} lladdr {lab.PEER_MAC.hex(':')} dev {lab.IFACE}\n")
    host = loaded.net.host.socket(family.af, socket.SOCK_STREAM)
    host.bind((family.host, here))
    host.setblocking(False)
    assert host.connect_ex((late, there)) == errno.EINPROGRESS
    plain = f"{late}/24" if family is lab.V4 else f"{late}/64 nodad"
    loaded.net.peer.ip(f"address add {plain} dev {lab.PEER_IFACE} preferred_lft 0\n")
    peer = loaded.net.peer.socket(family.af, socket.SOCK_STREAM)
    peer.bind((late, there))
    peer.connect((family.host, here))
    assert select.select([], [host], [], lab.PATIENCE)[1]
    assert host.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    host.setblocking(True)
    assert traffic.flows(host, peer) and traffic.flows(peer, host)
    # A stranger's SYN to the same port is still a request.
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, here, "timeout") == "timeout"


def test_half_close(loaded):
    """After the host's FIN the stream from the peer goes on, and after the peer's FIN the host's does."""
    port = traffic.fresh_port()
    loaded.policy("default deny in")
    data = os.urandom(1 << 19)
    pairs = []
    for family in lab.FAMILIES:
        server = traffic.listen(loaded.net.peer, family, port)
        pairs.append(traffic.tcp_pair(loaded.net.host, server, family, family.peer, port))
        pairs.append(traffic.tcp_pair(loaded.net.host, server, family, family.peer, port)[::-1])
    for closer, other in pairs:
        closer.shutdown(socket.SHUT_WR)
        assert other.recv(1) == b""
    time.sleep(1.1)  # the firewall's memory of a connection lasts for a second
    for closer, other in pairs:
        assert traffic.bulk(other, closer, data) == data
        other.close()
        closer.settimeout(lab.PATIENCE)
        assert closer.recv(1) == b""


def again(ns, family, to, source_port):
    """A connection from that port, which one in TIME_WAIT may still hold; None while it does."""
    sock = ns.socket(family.af, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((traffic.wildcard(family), source_port))
        sock.connect(to)
    except OSError as error:
        sock.close()
        assert error.errno in (errno.EADDRNOTAVAIL, errno.EADDRINUSE), error
        return None
    return sock


@pytest.mark.parametrize("closer", ["host", "peer"])
def test_time_wait_is_reused(loaded, family, closer):
    """The same four numbers again, while one end is still in TIME_WAIT: its kernel allows it, so do we."""
    loaded.net.host.sysctl("ipv4/tcp_tw_reuse", 1)
    delay = "ipv4/tcp_tw_reuse_delay"  # since Linux 6.14; a second otherwise
    with loaded.net.host.entered():
        known = Path("/proc/sys/net", delay).exists()
    if known:
        loaded.net.host.sysctl(delay, 1)
    port, local = traffic.fresh_port(), traffic.fresh_port()
    server = traffic.listen(loaded.net.peer, family, port)
    loaded.policy("default deny in")
    client = traffic.connect(loaded.net.host, family, family.peer, port, local)
    accepted, _ = loaded.net.peer.accept(server)
    first, second = (client, accepted) if closer == "host" else (accepted, client)
    first.close()
    assert second.recv(1) == b""
    second.close()
    where = loaded.net.host if closer == "host" else loaded.net.peer
    assert str(local) in where.run("ss", "-Htan", "state", "time-wait").stdout

    found = []
    traffic.eventually(lambda: found.append(again(loaded.net.host, family, (family.peer, port), local)) or found[-1])
    assert found[-1], "the port stayed in TIME_WAIT"
    accepted, _ = loaded.net.peer.accept(server)
    assert traffic.flows(found[-1], accepted) and traffic.flows(accepted, found[-1])


def test_challenge_ack(loaded, family):
    """RST and SYN inside the window but not where the next byte is due: the kernel asks back (RFC 5961), and the
    connection lives. The RST at the very place ends it."""
    loaded.net.host.sysctl("ipv4/tcp_invalid_ratelimit", 0)
    port = traffic.fresh_port()
    server = traffic.listen(loaded.net.peer, family, port)
    loaded.policy("default deny in")
    client, accepted = traffic.tcp_pair(loaded.net.host, server, family, family.peer, port)
    local = client.getsockname()[1]
    wire = traffic.Wire(loaded.net, "peer")
    ours = frames.is_port(frames.TCP, local)

    def due():
        """The next sequence number of the peer, from a segment that it sends."""
        assert traffic.flows(accepted, client)
        sent = [frame for frame, outgoing in wire.drain() if outgoing and ours(frame) and len(frame) > 90]
        return frames.next_sequence(family, sent[-1])

    for flags in (frames.RST, frames.SYN):
        wire.send(frames.tcp_frame(family, port, local, flags, seq=due() + 100 & 0xFFFFFFFF))
        challenge = wire.answer(ours)
        assert challenge and challenge[14 + family.header + 13] == frames.ACK
        assert traffic.flows(client, accepted)
    wire.send(frames.tcp_frame(family, port, local, frames.RST, seq=due()))
    client.settimeout(lab.PATIENCE)
    with pytest.raises(ConnectionResetError):
        client.recv(1)


# ---- reject -------------------------------------------------------------

BURST, ANSWERS_PER_JIFFY = 10_000, 16


def jiffies_per_second():
    """The kernel's HZ; the most there is where it does not say."""
    try:
        config = gzip.decompress(Path("/proc/config.gz").read_bytes()).decode()
        return int(re.search(r"^CONFIG_HZ=(\d+)$", config, re.MULTILINE)[1])
    except (OSError, TypeError):
        return 1000


def is_answer(family, port, protocol):
    """A predicate: RST from the port, or the ICMP error that quotes a datagram to it."""

    def match(frame):
        if protocol == frames.TCP:
            found = frames.ports_of(frame)
            return found is not None and found[:2] == (frames.TCP, port) and frame[14 + family.header + 13] & frames.RST
        kind = b"\x03\x03" if family is lab.V4 else b"\x01\x04"
        at = 14 + family.header
        quoted = at + 8 + family.header + 2
        return frame[at : at + 2] == kind and frame[quoted : quoted + 2] == port.to_bytes(2, "big")

    return match


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("protocol", [frames.TCP, frames.UDP], ids=["tcp", "udp"])
def test_rejects_are_answered_within_a_budget(loaded, family, protocol, direction):
    """Strangers cannot make this host send a flood: at most 16 answers a jiffy and CPU, however long the burst took."""
    if direction == "in" and loaded.mode == "native":
        pytest.skip("a reject is a drop on native veth")
    if direction == "out" and loaded.mode == "generic" and protocol == frames.TCP:
        pytest.skip("generic XDP judges the answer, and no socket waits for it; see test_outbound.py for one that does")
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"reject {direction} {port}")
    src, dst = family.peer, family.host
    macs = {"src": lab.PEER_MAC, "dst": lab.HOST_MAC}
    if direction == "out":
        src, dst = dst, src
        macs = {"src": lab.HOST_MAC, "dst": lab.PEER_MAC}
    wire = traffic.Wire(loaded.net, "peer" if direction == "in" else "host")
    if protocol == frames.TCP:
        segment = frames.tcp(src, dst, 4000, port, frames.SYN)
    else:
        segment = frames.udp(src, dst, 4000, port, b"x" * 40)
    frame = frames.ether(family, frames.ip(family, src, dst, protocol, segment), **macs)
    match = is_answer(family, port, protocol)

    wire.send(frame)
    assert wire.answer(match), "no answer"
    begin = time.monotonic()
    for _ in range(BURST):
        with contextlib.suppress(OSError):  # a drop on the way out shows as ENOBUFS
            wire.send(frame)
    loaded.net.settle()
    elapsed = time.monotonic() - begin
    answers = sum(not outgoing and bool(match(seen)) for seen, outgoing in wire.drain(0.0))
    most = ANSWERS_PER_JIFFY * os.cpu_count() * (elapsed * jiffies_per_second() + 2)
    assert ANSWERS_PER_JIFFY <= answers <= most
    assert answers < BURST // 2, "so slow a burst shows nothing"
    assert loaded.port(direction, "tcp" if protocol == frames.TCP else "udp", port)["drop_packets"] == BURST + 1


def test_a_rejected_datagram_never_leaves(loaded, family):
    """Not the first of a socket, nor any later one; and nobody may answer what was never asked."""
    port = traffic.fresh_port()
    receiver = traffic.udp(loaded.net.peer, family, port)
    loaded.policy("default deny in", f"reject out {port}")
    client = traffic.udp(loaded.net.host, family)
    for _ in range(3):
        assert not traffic.udp_passes(client, receiver, (family.peer, port), expect=False)
    local = (family.host, client.getsockname()[1])
    assert not traffic.udp_passes(receiver, client, local, expect=False)


# ---- deny --kill --------------------------------------------------------


def open_connections(fw, family, direction, port):
    """(asking end, answering end) of two connections that `direction PORT` is about."""
    server_ns, client_ns = (fw.net.host, fw.net.peer) if direction == "in" else (fw.net.peer, fw.net.host)
    server = traffic.listen(server_ns, family, port)
    address = family.host if direction == "in" else family.peer
    return [traffic.tcp_pair(client_ns, server, family, address, port) for _ in range(2)]


@pytest.mark.parametrize("action", ["deny", "reject"])
@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_new_rule_and_open_connections(loaded, family, direction, action):
    """By default they live on, and the command says how many; --kill cuts them, also as an afterthought."""
    port, other = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy("default deny in", f"allow {direction} {port}", f"allow {direction} {other}")
    pairs = open_connections(loaded, family, direction, port)
    spared = open_connections(loaded, family, direction, other)
    said = loaded(f"{action} {direction} {port}").out
    assert re.search(r"\b2 open connections? lives? on", said), said
    for one, two in pairs:
        assert traffic.flows(one, two) and traffic.flows(two, one)

    said = loaded(f"{action} {direction} {port} --kill").out
    assert re.search(r"\b2 open connections", said), said
    for pair in pairs:
        for end in pair:
            end.settimeout(lab.PATIENCE)
            with pytest.raises(ConnectionError):
                end.recv(1)
    for one, two in spared:
        assert traffic.flows(one, two) and traffic.flows(two, one)


def test_kill_cuts_only_whom_the_rule_names(loaded, family):
    port = traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {port}")
    ((one, two), _) = open_connections(loaded, family, "in", port)
    assert "cut: 0 " in loaded(f"deny in {port} from {family.other} --kill").out
    assert traffic.flows(one, two) and traffic.flows(two, one)
    loaded(f"set add friends {family.other}")
    assert "cut: 0 " in loaded(f"reject in {port} from @friends --kill").out
    assert traffic.flows(one, two)
    assert "cut: 2 " in loaded(f"deny in {port} from {family.peer} to {family.host} --kill").out
    one.settimeout(lab.PATIENCE)
    with pytest.raises(ConnectionError):
        one.recv(1)


def test_kill_cuts_udp(loaded, family):
    """A flow has no socket to destroy: its answers are strangers again."""
    port = traffic.fresh_port()
    server, client = traffic.udp(loaded.net.peer, family, port), traffic.udp(loaded.net.host, family)
    loaded.policy("default deny in")
    assert traffic.udp_echo(client, server, (family.peer, port))
    said = loaded(f"deny out {port}/udp").out
    assert re.search(r"\b1 open connection", said), said
    local = (family.host, client.getsockname()[1])
    assert traffic.udp_passes(server, client, local)
    assert traffic.udp_passes(client, server, (family.peer, port)), "it lives, so it may go on asking"
    loaded(f"deny out {port}/udp --kill")
    assert not traffic.udp_passes(server, client, local, expect=False)
    assert not traffic.udp_passes(client, server, (family.peer, port), expect=False)
