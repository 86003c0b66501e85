# SPDX-License-Identifier: GPL-2.0-only
"""Attaching, detaching, and all that may happen to an interface in between."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

import bpf
import firewall
import lab
import traffic

FAMILY = lab.V4


@pytest.fixture
def other():
    """A program of someone else; see `bpf.Program`."""
    made = []

    def make(kind, name):
        made.append(bpf.Program(kind, name))
        return made[-1]

    yield make
    for program in made:
        program.close()


def passes_in(fw, port, family=FAMILY, expect=True):
    receiver = traffic.udp(fw.net.host, family, port)
    passed = traffic.udp_passes(traffic.udp(fw.net.peer, family), receiver, (family.host, port), expect=expect)
    receiver.close()
    return passed


def passes_out(fw, port, family=FAMILY, expect=True):
    receiver = traffic.udp(fw.net.peer, family, port)
    passed = traffic.udp_passes(traffic.udp(fw.net.host, family), receiver, (family.peer, port), expect=expect)
    receiver.close()
    return passed


def filters(fw):
    """Both directions are in force; for policies that deny both by default."""
    port = traffic.fresh_port()
    return not passes_in(fw, port, expect=False) and not passes_out(fw, port, expect=False)


def after_some_loads(fw, mode):
    """What is attached and pinned once every slot there is has been used."""
    for _ in range(3):
        fw.load(mode)
    return fw.attached(), fw.pinned()


def interface(fw, code=0):
    (found,) = fw.json("status", code=code)["interfaces"]
    return found


# ---- load and unload ----------------------------------------------------


def test_load_says_how_it_attached(fw, mode):
    said = fw.load(mode).out
    assert lab.IFACE in said and (mode if mode != "tc" else "TC").lower() in said.lower()
    found = interface(fw)
    assert (found["name"], found["state"], found["in"]) == (lab.IFACE, "up", mode)
    assert found["out"] in ("tcx", "clsact") and found["reason"]


def test_auto_takes_tc_on_veth(fw):
    """On veth XDP costs more than it saves."""
    said = fw(f"load {lab.IFACE}").out
    assert "veth" in said
    assert interface(fw)["in"] == "tc"


def test_unload_opens_and_leaves_nothing(fw, mode):
    fw("default deny out")
    fw.load(mode)
    assert filters(fw)
    fw(f"unload {lab.IFACE}")
    port = traffic.fresh_port()
    assert passes_in(fw, port) and passes_out(fw, port)
    assert fw.attached() == [] and fw.pinned() == []
    assert "default deny out" in fw.policy_lines(), "the rules stay in the file"
    fw.load(mode)
    assert filters(fw), "and load takes them up again"
    fw("unload --all")
    assert fw.attached() == [] and fw.pinned() == []


def test_connections_from_before_load_live(fw, mode, family):
    """Also inbound ones to a port that the policy denies, and idle ones (TCP is the kernel's business)."""
    port = traffic.fresh_port()
    came = traffic.tcp_pair(fw.net.peer, traffic.listen(fw.net.host, family, port), family, family.host, port)
    went = traffic.tcp_pair(fw.net.host, traffic.listen(fw.net.peer, family, port), family, family.peer, port)
    fw("default deny out")
    fw.load(mode)
    for one, two in (came, went):
        assert traffic.flows(one, two) and traffic.flows(two, one)
    assert traffic.tcp_answer(fw.net.peer, family, family.host, port, "timeout") == "timeout"


def test_load_again_changes_nothing(fw, mode):
    port = traffic.fresh_port()
    fw(f"allow in {port}")
    attached, pinned = after_some_loads(fw, mode)
    for _ in range(3):
        fw.load(mode)
    assert (fw.attached(), fw.pinned()) == (attached, pinned)
    assert fw.rule_texts() == [f"allow in {port}"]
    assert passes_in(fw, port) and not passes_in(fw, port + 1, expect=False)


def test_load_again_has_no_gap(fw, mode):
    """Upgrades in place under a stream: nothing denied ever passes, nothing allowed is lost."""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    fw(f"allow in {opened}/udp")
    fw(f"deny out {closed}")
    fw.load(mode)
    into = {port: traffic.udp(fw.net.host, FAMILY, port) for port in (opened, closed)}
    out = {port: traffic.udp(fw.net.peer, FAMILY, port) for port in (opened, closed)}
    streams = [
        traffic.Stream(traffic.udp(fw.net.peer, FAMILY), [(FAMILY.host, port) for port in (closed, opened)]),
        traffic.Stream(traffic.udp(fw.net.host, FAMILY), [(FAMILY.peer, port) for port in (closed, opened)]),
    ]
    for stream in streams:
        stream.start()
    try:
        for _ in range(4):
            fw.load(mode)
    finally:
        for stream in streams:
            stream.stop()
    for stream, sockets in zip(streams, (into, out)):
        assert stream.sent > 50
        assert traffic.arrived(sockets[closed]) == []
        assert traffic.arrived(sockets[opened]) == list(range(stream.sent))


def test_policy_changes_have_no_gap(fw, mode):
    """Fifty changes of other rules: no packet meets half a policy."""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    fw(f"allow in {opened}/udp")
    fw.load(mode)
    sockets = {port: traffic.udp(fw.net.host, FAMILY, port) for port in (opened, closed)}
    targets = [(FAMILY.host, port) for port in (closed, opened)]
    stream = traffic.Stream(traffic.udp(fw.net.peer, FAMILY), targets, per_second=1000)
    stream.start()
    try:
        for number in range(50):
            fw(f"allow in {1000 + number}" if number % 2 else f"deny in {1000 + number}")
    finally:
        stream.stop()
    assert traffic.arrived(sockets[closed]) == []
    assert traffic.arrived(sockets[opened]) == list(range(stream.sent))


@pytest.mark.parametrize(
    "modes",
    [("native", "tc"), ("tc", "native"), ("generic", "tc"), ("tc", "generic"), ("generic", "native")],
    ids="-to-".join,
)
def test_mode_change_has_no_gap(fw, modes):
    """The new hook is there before the old one goes. (veth may lose packets when it begins to do XDP; the
    firewall must not let any pass.)"""
    opened, closed = traffic.fresh_port(), traffic.fresh_port()
    fw(f"allow in {opened}/udp")
    fw.load(modes[0])
    receiver = traffic.udp(fw.net.host, FAMILY, closed)
    stream = traffic.Stream(traffic.udp(fw.net.peer, FAMILY), [(FAMILY.host, closed)], per_second=1000)
    stream.start()
    try:
        fw.load(modes[1])
    finally:
        stream.stop()
    assert traffic.arrived(receiver) == []
    assert interface(fw)["in"] == modes[1]
    assert passes_in(fw, opened)
    fw("unload --all")
    assert fw.attached() == []


@pytest.mark.parametrize("mode", ["native", "tc"])
def test_twenty_loads_at_once(fw, mode):
    """Writers wait for each other: one consistent end, nothing leaked (TRAPS 31)."""
    port = traffic.fresh_port()
    fw(f"allow in {port}")
    attached, pinned = after_some_loads(fw, mode)
    fw("unload --all")
    command = fw.command(["load", lab.IFACE, "--mode", mode])
    running = [
        subprocess.Popen(command, env=fw.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(20)
    ]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert {code for _, code in ends} <= {0, 1}
    assert any(code == 0 for _, code in ends)
    for text, code in ends:
        assert code == 0 or "lock" in text or "busy" in text or "wait" in text, text
    assert (fw.attached(), fw.pinned()) == (attached, pinned)
    assert passes_in(fw, port) and not passes_in(fw, port + 1, expect=False)


def test_changes_at_once_are_all_kept(fw):
    """Ten people allow ten ports at the same moment; none is forgotten."""
    fw.load("tc")
    ports = [traffic.fresh_port() for _ in range(10)]
    running = [
        subprocess.Popen(fw.command(f"allow in {port}"), env=fw.env, stdout=subprocess.DEVNULL) for port in ports
    ]
    assert [process.wait(30) for process in running] == [0] * len(ports)
    assert sorted(fw.rule_texts()) == sorted(f"allow in {port}" for port in ports)
    assert sorted(fw.policy_lines()) == sorted(f"allow in {port}" for port in ports)


def test_a_hundred_changes_at_once(fw):
    """They serialise. Whoever waited ten seconds in vain says so, and nobody's change is lost or half done."""
    fw.load("tc")
    ports = [traffic.fresh_port() for _ in range(100)]
    running = [
        subprocess.Popen(
            fw.command(f"allow in {port}"), env=fw.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for port in ports
    ]
    ends = [(port, process.communicate(timeout=120)[1], process.returncode) for port, process in zip(ports, running)]
    done = sorted(f"allow in {port}" for port, _, code in ends if code == 0)
    assert done, "nobody got through"
    for _, text, code in ends:
        assert code == 0 or (code == 1 and "busy" in text), text
    assert sorted(fw.rule_texts()) == done and sorted(fw.policy_lines()) == done
    assert fw.json("status")["file_in_sync"] is True
    assert fw.json("status")["generation"] == 1 + len(done), "each is one generation"


# ---- refusals -----------------------------------------------------------


def test_loopback_is_refused(fw):
    assert "lo" in fw.refuses("load lo", code=1)
    assert fw.pinned() == []


def test_unknown_interface(fw):
    assert "nope0" in fw.refuses("load nope0", code=1)
    assert fw.pinned() == []


def test_one_bad_interface_attaches_none(fw):
    fw.refuses(f"load {lab.IFACE} nope0 --mode tc", code=1)
    assert fw.attached() == [] and fw.pinned() == []


@pytest.mark.parametrize("by", ["link", "netlink"])
@pytest.mark.parametrize("mode", ["native", "generic"])
def test_foreign_xdp_is_left_alone(fw, other, tool, mode, by):
    """TRAPS 30: refuse, name it, touch nothing."""
    program = other(bpf.XDP, "someone_elses")
    if by == "link":
        program.link(fw.net.host)
    else:
        tool("bpftool")
        fw.net.host.run("bpftool", "net", "attach", "xdp", "id", str(program.id), "dev", lab.IFACE)
    before = fw.attached()
    assert before
    error = fw.refuses(["load", lab.IFACE, "--mode", mode], code=1)
    assert "someone_elses" in error
    assert fw.attached() == before and fw.pinned() == []
    port = traffic.fresh_port()
    assert passes_in(fw, port) and passes_out(fw, port)


def test_foreign_tc_in_front_does_not_bypass(fw, other):
    """A program that says TC_ACT_OK ends the chain, so ours stands at its head."""
    for kind in (bpf.TCX_INGRESS, bpf.TCX_EGRESS):
        other(kind, "first_here").link(fw.net.host)
    fw("default deny out")
    fw.load("tc")
    assert filters(fw)


def test_foreign_generic_xdp_does_not_blind_tc(fw, other):
    """Behind a generic XDP program that takes fragments, Linux hands TC ingress a packet without its Ethernet
    header (it copies the skb and forgets mac_len). Read as Ethernet, that is "not IP", and would pass."""
    fw("default deny out")
    fw.load("tc")
    other(bpf.GENERIC_XDP, "someone_elses").link(fw.net.host)
    assert "generic someone_elses" in fw.attached()
    port = traffic.fresh_port()
    fw(f"allow in {port}")
    assert filters(fw) and passes_in(fw, port)


def test_foreign_tc_behind_still_runs(fw, other):
    """What we let pass is not decided yet: the other program stays attached."""
    fw.load("tc")
    other(bpf.TCX_INGRESS, "late").link(fw.net.host)
    assert any("late" in name for name in fw.attached())
    fw.load("tc")
    assert any("late" in name for name in fw.attached())
    fw("unload --all")
    assert any("late" in name for name in fw.attached())


# ---- the interface's life -----------------------------------------------


def test_deleted_interface(fw, mode):
    """TRAPS 29: the status says so, also when a new interface of that name has come."""
    fw.load(mode)
    fw.net.host.ip(f"link del {lab.IFACE}\n")
    assert interface(fw, code=1)["state"] == "gone"
    assert "gone" in fw("status", code=1).out.lower()
    fw.net.host.ip(f"link add {lab.IFACE} type veth peer name spare0\nlink set {lab.IFACE} up\n")
    assert interface(fw, code=1)["state"] == "gone"


def test_recreated_interface_can_be_loaded(fw):
    fw.load("tc")
    fw.net.host.ip(f"link del {lab.IFACE}\n")
    fw.net.host.ip(f"link add {lab.IFACE} type veth peer name spare0\nlink set {lab.IFACE} up\n")
    fw.load("tc")
    assert interface(fw)["state"] == "up"
    fw("unload --all")
    assert fw.pinned() == []


def test_unload_after_deletion_cleans_up(fw, mode):
    fw.load(mode)
    fw.net.host.ip(f"link del {lab.IFACE}\n")
    fw("unload --all")
    assert fw.pinned() == []


def test_down_up_and_rename_change_nothing(fw, mode):
    port = traffic.fresh_port()
    fw("default deny out")
    fw(f"allow in {port}")
    fw.load(mode)
    index = interface(fw)["ifindex"]
    fw.net.host.ip(f"link set {lab.IFACE} down\nlink set {lab.IFACE} up\n")
    assert passes_in(fw, port) and filters(fw)
    fw.net.host.ip(f"link set {lab.IFACE} down\nlink set {lab.IFACE} name other7\nlink set other7 up\n")
    assert passes_in(fw, port) and filters(fw)
    found = interface(fw)
    assert (found["ifindex"], found["state"]) == (index, "up")
    fw("allow in 999")
    fw("unload --all")
    assert fw.pinned() == []


def test_same_ifindex_in_two_namespaces(tmp_path):
    """Instances by `-n NAME` have pins and rules of their own, in the default places (TRAPS 29)."""
    nets = [lab.Net(ifindex=77) for _ in range(2)]
    port = traffic.fresh_port()
    made_directory = not Path("/etc/xdpfw").exists()
    walls = [firewall.Firewall(net, tmp_path) for net in nets]
    try:
        for number, fw in enumerate(walls):
            fw.env = {key: value for key, value in os.environ.items() if not key.startswith("XDPFW_")}
            fw.pins = firewall.BPFFS / "xdpfw" / fw.net.host.name
            fw(f"allow in {port + number}")
            fw.load("tc")
        for number, fw in enumerate(walls):
            status = fw.json("status")
            assert (status["instance"], fw.rule_texts()) == (fw.net.host.name, [f"allow in {port + number}"])
            assert passes_in(fw, port + number) and not passes_in(fw, port + 1 - number, expect=False)
            # From inside the namespace it is the same instance, under the same name.
            inside = json.loads(fw.net.host.run(str(firewall.BINARY), "status", "--json", env=fw.env).stdout)
            assert (inside["instance"], inside["loaded"]) == (fw.net.host.name, True)
        walls[0]("unload --all")
        assert passes_in(walls[0], port + 1)
        assert not passes_in(walls[1], port, expect=False)
    finally:
        for fw in walls:
            fw.close()
            Path("/etc/xdpfw", f"{fw.net.host.name}.rules").unlink(missing_ok=True)
            fw.net.delete()
        if made_directory and Path("/etc/xdpfw").exists() and not any(Path("/etc/xdpfw").iterdir()):
            Path("/etc/xdpfw").rmdir()


def test_two_interfaces(fw):
    """`unload` of one leaves the other."""
    fw.net.host.ip("link add extra0 type veth peer name spare0\nlink set extra0 up\n")
    fw(f"load {lab.IFACE} extra0 --mode tc")
    assert {found["name"] for found in fw.json("status")["interfaces"]} == {lab.IFACE, "extra0"}
    fw("unload extra0")
    assert interface(fw)["name"] == lab.IFACE
    assert not passes_in(fw, traffic.fresh_port(), expect=False)
    fw("load extra0 --mode tc")
    fw(f"unload {lab.IFACE}")
    assert interface(fw)["name"] == "extra0"
    assert passes_in(fw, traffic.fresh_port())


def test_apply_is_quick(fw):
    """A guard against an accident of size, not a benchmark: 10,000 rules are applied in seconds, and decide."""
    fw.load("tc")
    lines = "".join(f"{'allow' if port % 2 else 'deny'} in {port}\n" for port in range(10000, 20000))
    begin = time.monotonic()
    fw("apply -", stdin=lines)
    assert time.monotonic() - begin < 5
    assert passes_in(fw, 19999) and not passes_in(fw, 19998, expect=False)
    assert len(json.loads(fw("status --json").out)["rules"]) == 10000


def test_without_tcx(fw):
    """Kernels before 6.6: clsact filters instead of TCX links, and the same firewall."""
    fw.env["XDPFW_NO_TCX"] = "1"
    a, b, port = (traffic.fresh_port() for _ in range(3))
    for words in ("default deny out", f"forward {a}:{b}", f"allow in {port}"):
        fw(words)
    for _ in range(2):
        fw.load("tc")
        assert interface(fw)["out"] == "clsact"
        assert passes_in(fw, port) and filters(fw)
        server, client = traffic.udp(fw.net.host, FAMILY, b), traffic.udp(fw.net.peer, FAMILY)
        assert traffic.udp_echo(client, server, (FAMILY.host, a)) == (FAMILY.host, a)
        server.close()
    assert all(hook.startswith("clsact") for hook in fw.attached()) and fw.attached()
    fw("unload --all")
    assert (fw.attached(), fw.pinned()) == ([], [])
    assert passes_in(fw, traffic.fresh_port()) and passes_out(fw, traffic.fresh_port())
