# SPDX-License-Identifier: GPL-2.0-only
"""Named sets of addresses: what the commands say and write, and that 100,000 members are no trouble."""

import random
import resource

import pytest


def test_add_list_delete_flush(fw):
    fw("set add office 203.0.113.0/24 2001:db8::/32")
    fw("set add office 203.0.113.0/24")
    fw("set add home 192.0.2.9 until 2035-01-01T00:00:00Z")
    assert fw.policy_lines() == [
        "set add office 203.0.113.0/24",
        "set add office 2001:db8::/32",
        "set add home 192.0.2.9 until 2035-01-01T00:00:00Z",
    ]
    assert fw("set list").out == "office: 2 addresses\nhome: 1 address\n"
    assert fw.json("set list") == {"office": 2, "home": 1}
    assert fw("set list office").out == "203.0.113.0/24\n2001:db8::/32\n"
    assert fw.json("set list home") == [{"address": "192.0.2.9", "expires_at": "2035-01-01T00:00:00Z"}]
    assert fw.json("status", code=3)["sets"] == {"office": 2, "home": 1}
    assert fw.json("set del office 2001:db8::/32 192.0.2.1")["removed"] == ["set add office 2001:db8::/32"]
    assert fw.json("set del office 2001:db8::/32")["changed"] is False
    assert fw.json("set flush office")["removed"] == ["set add office 203.0.113.0/24"]
    assert fw.json("set flush office")["changed"] is False
    assert "office" in fw.refuses("set list office", code=1)


def test_repeating_restarts_the_time(fw):
    fw("set add x 192.0.2.1 until 2035-01-01T00:00:00Z")
    replaced = fw.json("set add x 192.0.2.1 until 2036-01-01T00:00:00Z")["replaced"]
    assert replaced == ["set add x 192.0.2.1 until 2036-01-01T00:00:00Z"]


def test_load_replaces_all_at_once(fw, tmp_path):
    fw("set add bad 192.0.2.1 192.0.2.2")
    fw("set add good 192.0.2.1")
    path = tmp_path / "list"
    path.write_text("# remark\n\n192.0.2.2 ; as Spamhaus writes\n 10.0.0.0/8 # private\r\n10.0.0.0/8\n", encoding="utf-8")
    changed = fw.json(f"set load bad {path}")
    assert (changed["added"], changed["removed"]) == (["set add bad 10.0.0.0/8"], ["set add bad 192.0.2.1"])
    assert fw("set list bad").out == "192.0.2.2\n10.0.0.0/8\n" and fw("set list good").out == "192.0.2.1\n"
    fw("set load bad -", stdin="2001:db8::/32\n")
    assert fw("set list bad").out == "2001:db8::/32\n"
    assert fw.json(f"set load bad {path} --dry-run")["changed"] is True
    assert fw("set list bad").out == "2001:db8::/32\n"


@pytest.mark.parametrize(
    "line, named",
    [
        ("192.0.2.300", "300"),
        ("192.0.2.1 192.0.2.2", "192.0.2.2"),
        ("example.com", "example.com"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.0/33", "/33"),
    ],
)
def test_a_bad_line_changes_nothing(fw, line, named):
    fw("set add x 192.0.2.1")
    error = fw("set load x -", stdin=f"192.0.2.2\n{line}\n192.0.2.3\n", code=2).err
    assert "stdin:2:" in error and named in error and error.count("\n") == 1
    assert fw("set list x").out == "192.0.2.1\n"


def test_wrong_words(fw, tmp_path):
    for words in ("set", "set foo", "set add", "set add x", "set del x", "set load x", "set flush", "set list x y"):
        fw.refuses(words, code=2)
    for words in ("set add @x 192.0.2.1", "set add x y", "set flush x y", "set load x a b", "set add -x 192.0.2.1"):
        fw.refuses(words, code=2)
    fw.refuses(f"set load x {tmp_path}/missing", code=1)


def test_rules_of_an_empty_set_warn(fw):
    result = fw.attempt("deny in from @nobody")
    assert "@nobody" in result.err


def prefixes(count, seed):
    rand = random.Random(seed)
    octets = [(rand.randrange(1, 224), *rand.randbytes(3)) for _ in range(count)]
    return [".".join(map(str, each)) for each in octets]


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("mode", ["tc", None], ids=["loaded", "not loaded"])
def test_a_hundred_thousand(fw, mode):
    """CPU time, not the clock: the machine may be busy. Measured when idle: 0.1 s."""
    if mode:
        fw.load(mode)
    text = "\n".join(prefixes(100_000, 1))
    start = cpu_seconds()
    said = fw("set load big -", stdin=text).out
    used = cpu_seconds() - start
    assert said.startswith(f"set big: {len(set(text.split()))} addresses; ")
    assert used < 2, f"{used:.2f} s"
    status = fw("status", code=0 if mode else 3).out
    assert "set big:" in status and len(status.splitlines()) < 10
    assert len(fw("set list big").out.splitlines()) == len(set(text.split()))
    fw("deny in 22 from @big")
    table = fw.json("status", code=0 if mode else 3)["address_table_bytes"]
    assert (0 < table < 64 << 20) if mode else table == 0
    assert ("addresses are looked up in tables of " in fw("status", code=0 if mode else 3).out) == bool(mode)
    if mode:
        generation = fw.json("status")["generation"]
        assert fw.json("set add big 192.0.2.1")["generation"] == generation + 1
    fw("delete deny in 22 from @big")
    flushed = fw("set flush big").out
    assert flushed.startswith("set big: 0 addresses; 0 added, ") and len(flushed.splitlines()) < 3
