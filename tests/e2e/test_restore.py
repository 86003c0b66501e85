# SPDX-License-Identifier: GPL-2.0-only
"""reset keeps a dated backup; restore puts one back, and loads at boot what the rules file says."""

from lab import IFACE

RULES = ["# mine", "allow in 22", "deny out 25/tcp"]


def backups(fw):
    return sorted(fw.rules.parent.glob(fw.rules.name + ".2*"))


def test_reset_and_restore(fw):
    for words in RULES[1:]:
        fw(words)
    fw.load("tc")
    before = fw.rules.read_text(encoding="utf-8")
    said = fw("reset --dry-run").out
    assert "would remove: allow in 22" in said and "would remove: deny out 25/tcp" in said
    assert backups(fw) == [] and fw.rules.read_text(encoding="utf-8") == before
    said = fw("reset").out
    assert fw.rules_lines() == [f"load {IFACE} --mode tc"] and fw.rule_texts() == []
    (kept,) = backups(fw)
    assert kept.read_text(encoding="utf-8") == before and str(kept) in said
    fw("allow in 80")
    fw(f"restore {kept}")
    assert fw.rule_texts() == ["allow in 22", "deny out 25/tcp"]
    assert fw.rules.read_text(encoding="utf-8") == before
    fw("reset")
    fw("reset")
    assert len(backups(fw)) == 3, "no backup is overwritten"


def test_reset_of_nothing(fw):
    fw("reset")
    assert backups(fw) == []


def test_restore_at_boot(fw):
    """Each interface in its mode; those that are not there yet come later, by name."""
    fw.rules.write_text(f"allow in 22\nload {IFACE} --mode tc\nload late0 --mode generic\n", encoding="utf-8")
    said = fw("restore").out
    assert "late0: not there" in said
    assert [(each["name"], each["in"]) for each in fw.json("status")["interfaces"]] == [(IFACE, "tc")]
    fw.net.host.ip("link add late0 type veth peer name late1\nlink set late0 up\nlink set late1 up\n")
    fw("restore late0")
    assert ("late0", "generic") in [(each["name"], each["in"]) for each in fw.json("status")["interfaces"]]
    assert "names no interface" in fw("restore late1").out
    assert fw.rule_texts() == ["allow in 22"]
    fw("restore")
    assert len(fw.json("status")["interfaces"]) == 2


def test_words(fw):
    fw.refuses("restore a b", 2)
    fw.refuses("restore --what", 2)
    fw.refuses("reset now", 2)
    fw.refuses("restore /nonexistent/rules", 1)
