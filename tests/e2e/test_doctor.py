# SPDX-License-Identifier: GPL-2.0-only
"""doctor: finds what is wrong, and its commands mend it. What needs other hardware or kernels is in the unit tests."""

import json
import shlex

import pytest

import bpf
import schemas
import traffic
from lab import IFACE, V4, run

CONTROL_BUILD = 56  # offset in struct xdpfw_control
BEFORE = 1 << 3  # BPF_F_BEFORE: at the head of TCX


@pytest.fixture
def foreign(fw):
    """A program of someone else on host0."""
    made = []

    def attach(kind, name):
        made.append(bpf.Program(kind, name))
        made[-1].link(fw.net.host)
        return made[-1]

    yield attach
    for program in made:
        program.close()


def findings(fw):
    """{id: (interface, command)}; the exit code says if there are any."""
    result = fw.attempt("doctor --json")
    report = json.loads(result.out)
    schemas.check(["doctor"], report)
    assert result.code == (1 if report["findings"] else 0) and not result.err
    return {one["id"]: (one["interface"], one["mend"]) for one in report["findings"]}


def mended(fw, name):
    """Type what the doctor says; it then does not say it again."""
    command = findings(fw)[name][1]
    for part in command.split(" && "):
        words = shlex.split(part)
        if words[0] == "xdpfw":
            fw(words[3:])  # behind `xdpfw -n NAME`
        else:
            run(*words)
    return name not in findings(fw)


def test_health(fw, mode):
    fw.load(mode)
    assert findings(fw) == {}
    assert "nothing to mend" in fw("doctor").out


def test_facts(fw):
    fw.load("tc")
    report = fw.json("doctor")
    (interface,) = report["interfaces"]
    assert (interface["name"], interface["loaded"], interface["in"]) == (IFACE, True, "tc")
    assert (interface["driver"], interface["mtu"], interface["lro"]) == ("veth", 1500, False)
    assert report["kernel"]["release"] == run("uname", "-r").stdout.strip()


def test_not_loaded(fw):
    assert findings(fw)["not-loaded"] == (None, f"xdpfw -n {fw.net.host.name} load {IFACE}")
    assert mended(fw, "not-loaded")
    fw("unload --all")
    fw.net.host.ip(f"route add default via {V4.peer}\n")
    assert findings(fw)["unprotected"][0] == IFACE
    fw.rules.write_text(f"load {IFACE}\n", encoding="utf-8")
    assert mended(fw, "not-loaded")


def test_an_edited_file(fw):
    fw.load("tc")
    with fw.rules.open("a", encoding="utf-8") as file:
        file.write("allow in 22\n")
    assert mended(fw, "file-edited")
    assert fw.rule_texts() == ["allow in 22"]
    fw.rules.chmod(0o666)
    assert mended(fw, "file-writable")


def test_routing(fw):
    fw.load("tc")
    fw("route allow 80")
    assert mended(fw, "no-routing")
    fw.net.host.ip("rule add fwmark 0x78646677 table 100\n")
    assert mended(fw, "mark")


def test_an_interface_that_is_gone(fw):
    fw.load("tc")
    fw.net.host.ip(f"link del {IFACE}\n")
    assert findings(fw)["gone"][0] == IFACE
    assert mended(fw, "gone")


def test_programs_of_others(fw, foreign):
    fw.load("tc")
    foreign(bpf.TCX_INGRESS | {"link": BEFORE}, "early")
    assert mended(fw, "in-front")
    program = foreign(bpf.XDP, "balancer")
    assert findings(fw)["foreign-xdp"][0] == IFACE
    program.close()
    assert traffic.eventually(lambda: "foreign-xdp" not in findings(fw))


def test_somebody_takes_a_program_away(fw, mode):
    fw.load(mode)
    hooks = fw.attached()
    (pin,) = [*fw.pins.glob("xdp_*"), *fw.pins.glob("in_*")]
    pin.unlink()
    assert traffic.eventually(lambda: fw.attached() != hooks)
    assert findings(fw)["detached"][0] == IFACE
    assert mended(fw, "detached")
    assert fw.attached() == hooks


def test_clsact_is_attached_too(fw):
    fw.env["XDPFW_NO_TCX"] = "1"
    fw.load("tc")
    assert findings(fw) == {}
    fw.net.host.run("tc", "qdisc", "del", "dev", IFACE, "clsact")
    assert "detached" in findings(fw)
    assert mended(fw, "detached")


def test_a_port_of_a_bridge(fw):
    fw.load("tc")
    fw.net.host.ip(f"link add br0 type bridge\nlink set br0 up\nlink set {IFACE} master br0\n")
    assert findings(fw)["port"][0] == IFACE
    assert mended(fw, "port")


def test_programs_of_another_build(fw, mode):
    """Their twins cannot be had from this binary, so it does not guess."""
    fw.load(mode)
    fw("explain tcp to :22")
    bpf.write_map(fw.pins / "control", CONTROL_BUILD, bytes(8))
    old = fw.pins / "twin_out_0123456789abcdef"
    next(fw.pins.glob("twin_out_*")).rename(old)
    assert "another build" in fw.refuses("explain tcp to :22", 1)
    assert mended(fw, "other-build") and not old.exists()
    fw("explain tcp to :22")


def test_words(fw):
    assert "'now'" in fw.refuses("doctor now", 2)
