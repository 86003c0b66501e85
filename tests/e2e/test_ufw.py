# SPDX-License-Identifier: GPL-2.0-only
"""What ufw's users type, as whole commands. All forms of rules are in tests/unit/test_ufw_forms.c."""

import pytest

PROFILES = """[Samba]
title=LanManager-like file and printer server
description=For Windows hosts.
ports=137,138/udp|139,445/tcp

[Nginx Full]
title=Web Server
ports=80,443/tcp
"""

ACCEPTED = {
    "allow 53": ["allow in 53"],
    "allow smtp": ["allow in 25/tcp"],
    "deny proto tcp to any port 80": ["deny in 80/tcp"],
    "deny proto tcp from 10.0.0.0/8 to 192.168.0.1 port 25": ["deny in 25/tcp from 10.0.0.0/8 to 192.168.0.1"],
    "limit ssh/tcp": ["limit in 22/tcp"],
    "allow proto udp from 1.2.3.5 port 5469 to 1.2.3.4 port 5469": [
        "allow in 5469/udp from 1.2.3.5 port 5469 to 1.2.3.4"
    ],
    "allow in on eth0 to any port 80 proto tcp": ["allow in 80/tcp on eth0"],
    "route allow in on eth0 out on eth1": ["route allow on eth0 out on eth1"],
    "route allow in on eth0 out on eth1 to 10.0.0.0/8 port 53": ["route allow 53 to 10.0.0.0/8 on eth0 out on eth1"],
    "allow from 10.0.0.1 to any port 22 comment 'my home'": ["allow in 22 from 10.0.0.1 comment 'my home'"],
    "allow 6000:6007/tcp": ["allow in 6000-6007/tcp"],
    "default deny incoming": ["default deny in"],
    "default allow output": ["default allow out"],
    "prepend deny from 1.2.3.4": ["deny in from 1.2.3.4"],
    "insert 1 allow 22": ["allow in 22"],
    "allow 'Nginx Full'": ["allow in 80,443/tcp comment 'Nginx Full'"],
    "allow from 10.0.0.0/8 to any app Samba": [
        "allow in 137-138/udp from 10.0.0.0/8 comment 'Samba'",
        "allow in 139,445/tcp from 10.0.0.0/8 comment 'Samba'",
    ],
}


@pytest.fixture
def profiles(fw, tmp_path):
    (tmp_path / "samba").write_text(PROFILES, encoding="utf-8")
    fw.env["XDPFW_APPLICATIONS"] = str(tmp_path)
    return fw


@pytest.mark.parametrize("typed", ACCEPTED, ids=str)
def test_accepted(profiles, typed):
    profiles(typed)
    assert profiles.policy_lines() == ACCEPTED[typed]
    assert profiles.json(typed)["changed"] is False


def test_profiles_are_listed_and_described(profiles):
    assert profiles("app list").out == "Nginx Full\nSamba\n"
    assert profiles.json("app list") == ["Nginx Full", "Samba"]
    assert "ports 137,138/udp\n  ports 139,445/tcp\n" in profiles("app info Samba").out
    assert profiles.json("app info Samba")[0]["ports"] == ["137,138/udp", "139,445/tcp"]
    assert len(profiles.json("app info all")) == 2
    assert "nosuch" in profiles.refuses("app info nosuch", code=1)
    for wrong in ("app", "app list Samba", "app info", "app update Samba"):
        profiles.refuses(wrong, code=2)


def test_profiles_are_deleted_as_typed(profiles):
    profiles("allow Samba")
    profiles("allow 22")
    assert len(profiles.json("delete allow Samba")["removed"]) == 2
    assert profiles.policy_lines() == ["allow in 22"]


def test_prepend_keeps_the_order_of_a_profile(profiles):
    profiles("allow 22")
    profiles("prepend allow Samba")
    assert [line.split()[2] for line in profiles.policy_lines()] == ["137-138/udp", "139,445/tcp", "22"]


def test_route_delete(fw):
    fw("route allow 80/tcp")
    assert fw.json("route delete allow 80/tcp")["removed"] == ["route allow 80/tcp"]
    assert fw.policy_lines() == []


def test_reload_puts_an_edited_file_in_force(fw):
    fw.refuses("reload", code=3)
    fw.load("tc")
    fw("allow 22")
    fw.rules.write_text(fw.rules.read_text(encoding="utf-8") + "allow in 80/tcp\n", encoding="utf-8")
    fw.refuses("allow 443", code=1)
    assert fw.json("reload")["added"] == ["allow in 80/tcp"]
    assert fw.rule_texts() == ["allow in 22", "allow in 80/tcp"]
    fw("allow 443")
    fw.rules.write_text("allow in 99999\n", encoding="utf-8")
    fw.refuses("reload", code=2)
    assert fw.rule_texts() == ["allow in 22", "allow in 80/tcp", "allow in 443"]
    fw.refuses("reload now", code=2)


def test_help_and_version_are_words_too(fw):
    assert fw("help").out == fw("--help").out and fw("version").out == fw("--version").out
