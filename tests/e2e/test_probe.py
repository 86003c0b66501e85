# SPDX-License-Identifier: GPL-2.0-only
"""`forward --check --probe COMMAND [--mark]`: the user's own command says which targets are alive; new connections pass
over those that are not."""

import json
import os
import re
import select
import shlex
import subprocess

import pytest

import firewall
import lab
import traffic
import trio
from trio import BACK


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with firewall.on(trio.Trio(routed=True), tmp_path_factory) as made:
        made(["load", lab.IFACE, trio.BACK_IFACE, "--mode", "tc"])
        yield made


@pytest.fixture
def fw(shared):
    yield shared
    shared.net.close_sockets()


def check(fw, *words, code=0):
    return fw.json(shlex.join(["forward", "--check", *words]), code=code)


class Pair:
    """A forward to two addresses of the target, a UDP server at each."""

    def __init__(self, fw, family):
        self.fw, self.family = fw, family
        self.asked, self.served = traffic.fresh_port(), traffic.fresh_port()
        self.addresses = [BACK[family].target, BACK[family].second]
        self.names = [trio.endpoint(family, address, self.served) for address in self.addresses]
        fw.policy("default deny in", f"forward {self.asked}:{','.join(self.names)}")
        self.servers = [traffic.udp(fw.net.target, family, self.served, address) for address in self.addresses]

    def clients(self, count=16):
        return [traffic.udp(self.fw.net.peer, self.family) for _ in range(count)]

    def reached(self, client):
        """Which server gets what the client sends."""
        client.sendto(b"who?", (self.family.host, self.asked))
        ready, _, _ = select.select(self.servers, [], [], lab.PATIENCE)
        assert len(ready) == 1
        data, sender = traffic.receive(ready[0])
        assert data == b"who?"
        ready[0].sendto(b"me", sender)
        assert traffic.receive(client)[0] == b"me"
        return self.servers.index(ready[0])

    def mark(self, dead, code=0):
        """Those of the addresses in `dead` are found dead."""
        cases = "|".join(dead) or "nobody"
        return check(self.fw, "--probe", f'case "$ADDR" in {cases}) exit 3;; esac', "--mark", code=code)


def test_the_command_decides(fw, family):
    pair = Pair(fw, family)
    probe = f'test "$PORT" = {pair.served} && test "$PROTO" = tcp && test "$ADDR" = {pair.addresses[0]}'
    found = check(fw, "--probe", probe, code=1)
    assert [(target["target"], target["alive"], target["well"]) for target in found] == [
        (pair.names[0], True, True), (pair.names[1], False, False)]
    assert found[1]["why"] == "the probe exits 1" and not any(target["passed_over"] for target in found)
    text = fw(["forward", "--check", "--probe", probe], code=1).out
    assert f"{pair.names[0]}: alive\n" in text and f"{pair.names[1]}: dead: the probe exits 1\n" in text
    assert fw.json("forward --check")[0]["alive"] is None


def test_a_real_probe(fw, family):
    """A port that does not answer, then does, asked by another program."""
    pair = Pair(fw, family)
    probe = "python3 -c 'import os, socket; socket.create_connection((os.environ[\"ADDR\"], os.environ[\"PORT\"]), 3)' 2>/dev/null"
    assert [target["alive"] for target in check(fw, "--probe", probe, code=1)] == [False, False]
    traffic.listen(fw.net.target, family, pair.served)
    assert [target["alive"] for target in check(fw, "--probe", probe)] == [True, True]


def test_time_limit(fw, family):
    """A command that does not end is killed, with what it has started."""
    Pair(fw, family)
    mine = f"sleep {80000 + os.getpid()}"  # other runs of this test may be there
    found = check(fw, "--probe", f"{mine} & {mine}", "--within", "1s", code=1)
    assert {target["why"] for target in found} == {"the probe has not ended after 1 s"}
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert mine not in listing


def test_killed_by_a_signal(fw, family):
    Pair(fw, family)
    assert check(fw, "--probe", "kill -9 $$", code=1)[0]["why"] == "the probe dies of signal 9"


def test_its_output_is_not_ours(fw, family):
    Pair(fw, family)
    assert json.loads(fw(["forward", "--check", "--json", "--probe", "echo noise"]).out)


def test_dead_targets_are_passed_over(fw, family):
    pair = Pair(fw, family)
    clients = pair.clients()
    before = [pair.reached(client) for client in clients]
    assert set(before) == {0, 1}
    found = pair.mark([pair.addresses[1]])
    assert [target["passed_over"] for target in found] == [False, True]
    after = [pair.reached(client) for client in clients]
    assert set(after) == {0}, "open UDP connections of the dead one move, others stay"
    assert {pair.reached(client) for client in pair.clients()} == {0}, "new ones pass it over"
    assert fw.json("forward list")[0]["passed_over"] == [pair.names[1]]
    assert fw.json("status")["forwards"][0]["passed_over"] == [pair.names[1]]
    for command in ("forward list", "status"):
        assert re.search(rf"forward {pair.asked}:.*\n +passed over: {re.escape(pair.names[1])}\n", fw(command).out)
    fw("allow in 1")  # another policy in another slot
    assert {pair.reached(client) for client in pair.clients()} == {0}
    assert not any(target["passed_over"] for target in pair.mark([]))
    assert "passed over" not in fw("status").out
    assert {pair.reached(client) for client in pair.clients()} == {0, 1}, "it is back"


def test_established_connections_stay(fw, family):
    """TCP to a target that is found dead goes on while it can."""
    pair = Pair(fw, family)
    pair.mark([pair.addresses[0]])
    server = traffic.listen(fw.net.target, family, pair.served)
    one, two = traffic.tcp_pair(fw.net.peer, server, family, family.host, pair.asked)
    assert two.getsockname()[0] == pair.addresses[1]
    pair.mark([pair.addresses[1]])
    assert traffic.flows(one, two) and traffic.flows(two, one)


def test_all_dead(fw, family):
    """Then nobody is passed over: the probe may be what is wrong."""
    pair = Pair(fw, family)
    found = pair.mark(pair.addresses)
    assert [(target["alive"], target["passed_over"]) for target in found] == [(False, False)] * 2
    assert {pair.reached(client) for client in pair.clients()} == {0, 1}
    text = fw(["forward", "--check", "--probe", "false", "--mark"]).out
    assert text.count("not passed over, since no target is alive") == 2


def test_dry_run(fw, family):
    pair = Pair(fw, family)
    said = fw(["forward", "--check", "--probe", f'test "$ADDR" = {pair.addresses[0]}', "--mark", "--dry-run"]).out
    assert "would be passed over" in said
    assert fw.json("forward list")[0]["passed_over"] == []


@pytest.mark.parametrize("words, said", [
    (["--mark"], "--mark: goes with --probe"),
    (["--within", "3s"], "--within: goes with --probe"),
    (["--probe", ""], "the command is empty"),
    (["--probe", "true", "--within", "soon"], "'soon'"),
    (["--probe", "true", "loudly"], "'loudly'"),
])
def test_wrong_words(fw, words, said):
    assert said in fw(["forward", "--check", *words], code=2).err


def test_marks_need_a_loaded_firewall(tmp_path):
    net = trio.Trio()
    fw = firewall.Firewall(net, tmp_path)
    try:
        fw("forward 9:198.51.100.2:9")
        assert fw.json("forward --check --probe true")[0]["alive"]
        fw("forward --check --probe true --mark", code=3)
    finally:
        fw.close()
        net.delete()


@pytest.mark.parametrize("words, ill", [("from 192.0.2.0/24", False), ("from 198.51.100.0/24", True), (f"on {trio.BACK_IFACE}", True),
                                        (f"on {lab.IFACE}", False), ("", False)])
def test_return_path(fw, words, ill):
    """With keep-source: clients on the target's own wire would be answered without this host."""
    fw.policy("default deny in", f"forward 9:198.51.100.2:9 keep-source {words}")
    target = fw.json("forward --check", code=int(ill))[0]
    assert [fault["kind"] for fault in target["faults"]] == ["return"] * ill
    assert target["returns"] == ("elsewhere" if ill else "unknown")
    assert ill or "by way of this host" in fw("forward --check").out
