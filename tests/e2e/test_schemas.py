# SPDX-License-Identifier: GPL-2.0-only
"""Every command's --json against its schema in docs/schemas. (All other tests that read JSON check it as well.)"""

import copy
import json
import re

import pytest

import lab
import schemas
import traffic

V4 = lab.V4

# Commands that print no JSON, and why.
TEXT = {
    "top": "a screen",
    "metrics": "a format of its own",
    "report": "a page",
    "export": "a rules file",
    "import": "a rules file",
}

CHANGES = (
    "allow in 22",
    "deny in 23 from 10.0.0.0/8 comment hi for 1h",
    "reject in 25",
    "limit in 99/tcp rate 3/10s",
    "route allow 80/tcp",
    "default deny out",
    "insert 1 allow in 77",
    "prepend allow in 78",
    "disable 1",
    "enable 1",
    "delete 1",
    "forward 8080:2988",
    "block 10.9.9.9 for 1h",
    "unblock 10.9.9.9",
    "set add some 10.1.1.1",
    "option allow-ping off",
    "allow in 22",
)


@pytest.fixture
def busy(fw):
    """Loaded, with rules of every kind, and packets that passed and were dropped."""
    fw.load("tc")
    for words in CHANGES:
        fw.json(words)
    peer = traffic.udp(fw.net.peer, V4)
    for port in (9, 22, 23):
        traffic.send(peer, b"x", (V4.host, port))
    traffic.send(traffic.udp(fw.net.host, V4), b"x", (V4.peer, 53))
    traffic.listen(fw.net.host, V4, 22)
    traffic.listen(fw.net.host, V4, 2988)
    fw.net.settle()
    return fw


def test_changes(fw):
    fw.json("load host0 --mode tc --dry-run")
    fw.json("load host0 --mode tc")
    for words in CHANGES:
        fw.json(words)
    fw.json("reload")
    fw.json("apply -", stdin="allow in 1\n")
    fw.json("allow in 2 --confirm 60")
    assert fw.json("status")["trial_seconds_left"] > 0
    fw.json("confirm")
    fw.json("allow in 3 --confirm 60")
    fw.json("rollback")
    fw.json("log drops off")
    fw.json("panic on")
    fw.json("panic off")
    fw.json("reset")
    fw.json("restore")
    fw.json("unload --all")


CHANGING = {"load", "unload", "apply", "reload", "confirm", "rollback", "panic", "reset", "restore"}  # not in CHANGES

REPORTS = ("status", "stats", "ports", "history", "flows udp", "forward list", "set list", "set list some", "app list", "app info all")


@pytest.mark.parametrize("words", REPORTS)
def test_reports(busy, words):
    assert busy.json(words) or words.startswith("app")


def test_explain_and_bench(busy):
    busy.json(f"explain in tcp from {V4.peer} to {V4.host}:22")
    busy.json(f"explain out udp from {V4.host} to {V4.peer}:53")
    busy.json("bench --repeat 10")


def test_every_line_of_a_watch(busy):
    lines = busy("stats --watch 0.1 --count 3 --json").out.splitlines()
    assert len(lines) == 3
    for line in lines:
        record = json.loads(line)
        assert record["interval_s"] > 0 and record["ports"] and record["reasons"]
        schemas.check(["stats"], record)


def test_before_load(fw):
    fw.json("status", code=3)
    fw.json("ports", code=3)
    fw.json("allow in 22")


def test_every_command_has_a_schema(fw):
    """A new command comes with a schema, or says above why it has none."""
    commands = set(re.findall(r"^  ([a-z]+) ", fw("--help").out.split("flags, anywhere")[0], re.M))
    assert {"status", "stats", "allow"} <= commands
    known = {path.stem.split("-")[0] for path in schemas.DIRECTORY.glob("*.json")}
    changing = {words.split()[0] for words in CHANGES} | CHANGING
    assert commands - known - changing - set(TEXT) == set()


def breakages(document, place=""):
    """The document with each part in turn left out or of another kind: (what was done, the result)."""
    for key, value in document.items():
        smaller = {name: copy.deepcopy(other) for name, other in document.items() if name != key}
        yield f"{place}{key} left out", smaller
        yield f"{place}{key} of another kind", {**copy.deepcopy(document), key: 7 if isinstance(value, dict) else {"no": 1}}
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for how, row in breakages(value[0], f"{place}{key}[0]."):
                yield how, {**copy.deepcopy(document), key: [row, *value[1:]]}


@pytest.mark.parametrize("words", ["status", "stats", "ports", "history"])
def test_schemas_do_object(busy, words):
    """Each key of each object is required, and has a type."""
    broken = list(breakages(busy.json(words)))
    assert len(broken) > 10
    for how, document in broken:
        with pytest.raises(AssertionError, match="breaks docs/schemas"):
            schemas.check([words], document)
            pytest.fail(f"nothing was said of {how}")
