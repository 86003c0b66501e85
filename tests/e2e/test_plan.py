# SPDX-License-Identifier: GPL-2.0-only
"""plan: what apply would change and whom it would concern; it touches nothing, and what it says then happens."""

import pytest

import traffic
from lab import V4
from test_explain import trace


@pytest.fixture
def served(loaded):
    """A server that just anyone reaches, with one connection in, and one connection out."""
    port, far = traffic.fresh_port(), traffic.fresh_port()
    loaded.policy(f"allow in {port}/tcp")
    server = traffic.listen(loaded.net.host, V4, port)
    inward = traffic.tcp_pair(loaded.net.peer, server, V4, V4.host, port)
    elsewhere = traffic.listen(loaded.net.peer, V4, far)
    outward = traffic.tcp_pair(loaded.net.host, elsewhere, V4, V4.peer, far)
    return loaded, port, far, inward, outward


def plan(fw, *lines):
    text = "".join(f"{line}\n" for line in lines)
    return fw.json("plan -", stdin=text)


def mine(report, port):
    """What concerns one port of these tests; others may have left sockets behind."""
    listeners = [(one["before"], one["after"]) for one in report["listeners"] if one["port"] == port]
    fates = [
        (one["dir"], one["fate"], one["rule_text"])
        for one in report["connections"]
        if one["local"].endswith(f":{port}") or one["remote"].endswith(f":{port}")
    ]
    return listeners, fates


def test_nothing_to_change(served):
    fw, port, far, *_ = served
    report = plan(fw, f"allow in {port}/tcp")
    assert (report["changed"], report["loaded"], report["refused"]) == (False, True, None)
    assert mine(report, port) == mine(report, far) == ([], [])


def test_what_would_close(served):
    fw, port, far, inward, outward = served
    before = trace(fw)
    rule = f"deny out {far}/tcp"
    report = plan(fw, rule)
    assert trace(fw) == before
    assert (report["added"], report["removed"]) == ([rule], [f"allow in {port}/tcp"])
    assert mine(report, port) == ([("pass", "drop")], [("in", "not-again", None)])
    assert mine(report, far) == ([], [("out", "not-again", rule)])
    fw("apply -", stdin=f"{rule}\n")
    assert traffic.flows(*inward) and traffic.flows(*outward), "they live on"
    assert traffic.tcp_answer(fw.net.peer, V4, V4.host, port, expect="timeout") == "timeout"


def test_what_would_be_cut(served):
    fw, port, far, inward, outward = served
    rule = f"block {V4.peer}"
    report = plan(fw, f"allow in {port}/tcp", rule)
    assert mine(report, port) == ([], [("in", "cut", rule)])
    assert mine(report, far) == ([], [("out", "cut", rule)])
    linked = traffic.fresh_port()
    report = plan(fw, f"allow in {port}/tcp", f"forward {linked}:{port}/tcp")
    assert mine(report, port)[1] == [("in", "cut", None)]
    fw.policy(f"allow in {port}/tcp", rule)
    assert not traffic.flows(*inward, wait=0.5)
    assert outward


def test_what_would_open(served):
    fw, port, *_ = served
    other = traffic.fresh_port()
    kept = traffic.listen(fw.net.host, V4, other)
    report = plan(fw, f"allow in {port}/tcp", f"allow in {other}/tcp")
    assert mine(report, other)[0] == [("drop", "pass")]
    text = fw("plan -", stdin=f"allow in {other}/tcp\n").out
    assert f"would add: allow in {other}/tcp" in text
    assert f"would open: tcp {V4.host}:{other}" in text or f"would open: tcp 0.0.0.0:{other}" in text
    assert "would close: tcp" in text and "would live on, but not begin again: tcp" in text
    assert kept


def test_not_loaded(fw, tmp_path):
    path = tmp_path / "policy"
    path.write_text("allow in 22\n", encoding="utf-8")
    assert "would add: allow in 22" in fw(f"plan {path}").out
    assert not fw.rules.exists()


def test_words(fw, tmp_path):
    assert "one file" in fw.refuses("plan", 2)
    path = tmp_path / "policy"
    path.write_text("allow in 22\nallow in 70000\n", encoding="utf-8")
    assert f"{path}:2" in fw.refuses(f"plan {path}", 2)
    assert "absent" in fw.refuses("plan /absent", 1)
