# SPDX-License-Identifier: GPL-2.0-only
"""The order of rules and their switches: insert, prepend, enable, disable; and which rules hide which."""

import lab
import traffic


def test_insert_decides_first(loaded):
    family, port = lab.V4, traffic.fresh_port()
    loaded.policy("default deny in", f"allow in {port}")
    traffic.listen(loaded.net.host, family, port)
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, port) == "open"
    loaded(f"insert 1 deny {port}/tcp")
    assert loaded.rule_texts() == [f"deny in {port}/tcp", f"allow in {port}"]
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, port, "timeout") == "timeout"


def test_a_disabled_rule_decides_nothing_and_keeps_its_place(loaded):
    family, port = lab.V4, traffic.fresh_port()
    loaded.policy("default deny in", f"deny in {port}/tcp", f"allow in {port}")
    traffic.listen(loaded.net.host, family, port)
    loaded("disable 1")
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, port) == "open"
    assert [rule["enabled"] for rule in loaded.json("status")["rules"]] == [False, True]
    assert loaded.json("disable 1")["changed"] is False
    loaded("enable 1")
    assert traffic.tcp_answer(loaded.net.peer, family, family.host, port, "timeout") == "timeout"
    assert loaded.policy_lines() == ["default deny in", f"deny in {port}/tcp", f"allow in {port}"]


def test_insert_and_prepend(fw):
    for words in ("allow 1", "allow 2", "prepend deny 3", "insert 2 deny 4"):
        fw(words)
    assert fw.policy_lines() == ["deny in 3", "deny in 4", "allow in 1", "allow in 2"]
    moved = fw.json("insert 1 allow 2")
    assert moved["changed"] and moved["moved"] == ["allow in 2"] and moved["added"] == []
    assert fw.policy_lines() == ["allow in 2", "deny in 3", "deny in 4", "allow in 1"]
    assert fw.json("insert 1 allow 2")["changed"] is False
    assert "5" in fw.refuses("insert 5 allow 9", code=1)
    for words in ("insert", "insert x allow 9", "insert 0 allow 9", "insert 1", "insert 1 block 192.0.2.9", "enable x"):
        fw.refuses(words, code=2)
    fw.refuses("disable 9", code=1)
    fw.refuses("enable", code=2)
    assert fw.policy_lines() == ["allow in 2", "deny in 3", "deny in 4", "allow in 1"]


def test_several_addresses_at_once(fw):
    fw("block 192.0.2.1 192.0.2.2 2001:db8::1")
    assert fw.json("block 192.0.2.2 192.0.2.1")["changed"] is False
    assert fw.json("unblock 192.0.2.1 192.0.2.9")["removed"] == ["block 192.0.2.1"]
    assert fw.policy_lines() == ["block 192.0.2.2", "block 2001:db8::1"]
    assert "192.0.2.300" in fw.refuses("block 192.0.2.3 192.0.2.300", code=2)
    assert fw.policy_lines() == ["block 192.0.2.2", "block 2001:db8::1"], "all or nothing"


def test_hidden_rules_are_named(fw):
    fw("deny 6000-6010/tcp")
    assert "'deny in 6000-6010/tcp' comes first and decides all" in fw("allow 6005/tcp").err
    assert "'deny in 6000-6010/tcp' comes first and decides some" in fw("allow 6010-6020").err
    assert fw("deny 6006").err == "" and fw("allow 7000").err == ""
    rules = fw.json("status", code=3)["rules"]
    assert [rule["hidden_by"] for rule in rules] == [[], [rules[0]["id"]], [rules[0]["id"]], [], []]


def test_status_takes_the_words_of_ufw(fw):
    fw("allow 22")
    plain = fw("status", code=3).out
    assert fw("status verbose", code=3).out == plain and fw("status numbered", code=3).out == plain
    fw.refuses("status verbos", code=2)


def test_numbers_are_those_that_status_shows(fw):
    """Also while a rule that has expired still stands there; it goes with the next change."""
    fw.rules.write_text("allow in 1 until 2020-01-01T00:00:00Z\nallow in 2\nallow in 3\n", encoding="utf-8")
    assert [rule["n"] for rule in fw.json("status", code=3)["rules"]] == [1, 2, 3]
    assert fw.json("delete 2")["removed"] == ["allow in 2"]
    assert fw.policy_lines() == ["allow in 3"]
    assert fw.json("allow 3")["changed"] is False
