# SPDX-License-Identifier: GPL-2.0-only
"""bench: packets of every kind that the policy has, timed, and no trace left. Figures themselves are not judged."""

import pytest

import traffic
from lab import IFACE, V4
from test_explain import trace


def test_every_kind(loaded):
    opened, linked, limited, inner = (traffic.fresh_port() for _ in range(4))
    loaded.policy(
        f"allow in {opened}",
        f"forward {linked}:{inner}/tcp",
        f"limit in {limited}/tcp",
        "deny out 25/tcp",
        "block 203.0.113.0/24",
    )
    server = traffic.listen(loaded.net.peer, V4, inner)
    ends = traffic.tcp_pair(loaded.net.host, server, V4, V4.peer, inner)
    traffic.send(traffic.udp(loaded.net.host, V4), b"?", (V4.peer, inner))
    before = trace(loaded)
    report = loaded.json(f"bench on {IFACE} --repeat 100")
    assert trace(loaded) == before
    found = {(one["dir"], one["family"], one["kind"]): one for one in report["packets"]}
    told = {key: (one["verdict"], one["reason"]) for key, one in found.items()}
    for ip in (4, 6):
        assert told["in", ip, "request to an allowed port"] == ("pass", "rule")
        assert told["in", ip, "request to a closed port"] == ("drop", "default")
        assert told["in", ip, "request to a forwarded port"] == ("pass", "forward")
        assert told["in", ip, "request to a port with conditions"] == ("pass", "rule")
        assert told["out", ip, "request to a denied port"] == ("drop", "rule")
        assert told["out", ip, "request to a web server"] == ("pass", "default")
    assert told["in", 4, "from a blocked address"] == ("drop", "blocked")
    assert told["in", 4, "data of an open connection"] == ("pass", "reply")
    assert told["in", 4, "answer to a datagram"] == ("pass", "reply")
    assert ("in", 6, "answer to a datagram") not in told
    for one in [*(one["ns"] for one in report["packets"]), *report["bare_ns"].values()]:
        assert 0 < one["min"] <= one["median"] <= one["max"]
    assert (report["interface"], report["repeat"]) == (IFACE, 100)
    assert ends  # open until here


@pytest.mark.parametrize("way", ["", "one-way"])
def test_forwarded_port(loaded, way):
    """The lowest ports of their kind: 1 is forwarded, so it is not the closed one."""
    loaded.policy(f"forward 1:2988/tcp {way}")
    report = loaded.json(f"bench on {IFACE} --repeat 10")
    kinds = {one["kind"]: one for one in report["packets"] if (one["dir"], one["family"]) == ("in", 4)}
    forwarded = kinds["request to a forwarded port"]
    assert (forwarded["verdict"], forwarded["reason"]) == ("pass", "forward")
    for kind in ("request to a closed port", "stray segment to a closed port"):
        assert (kinds[kind]["verdict"], kinds[kind]["reason"]) == ("drop", "default")


def test_text(loaded):
    out = loaded("bench --repeat 10").out
    assert f"{IFACE}, in by " in out
    assert "request to a closed port" in out and "drop" in out


def test_not_loaded(fw):
    assert "not loaded" in fw.refuses("bench", 3)


@pytest.mark.parametrize(
    "words, named",
    [("bench eth0", "'eth0'"), ("bench on", "'on'"), ("bench --repeat 0", "'0'"), ("bench on a b", "'b'")],
)
def test_wrong_words(fw, words, named):
    assert named in fw.refuses(words, 2)
