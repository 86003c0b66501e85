# SPDX-License-Identifier: GPL-2.0-only
"""Wrong words, missing rights: exit codes and one-line messages."""

import re
import subprocess

import pytest

import firewall
import lab
from firewall import NOBODY

# words, what the message must name
WRONG = [
    ("allow in 210.10.94.277:8082", ["277"]),
    ("allow in 70000", ["70000", "65535"]),
    ("allow in 65536", ["65536", "65535"]),
    ("allow in 22/tpc", ["tpc"]),
    ("forward 8080", ["8080"]),
    ("forward 8080:8080", ["8080"]),
    ("forward 8080:70000", ["70000"]),
    ("forward 8080:2988/icmp", ["icmp"]),
    ("allow 8080:2988", ["forward 8080:2988"]),
    ("allow in 022", ["022"]),
    ("allow in 90-80", ["90-80"]),
    ("allow in 22,", ["22,"]),
    ("allow in 22-", ["22-"]),
    ("allow in 22/", ["22/"]),
    ("allow in 2 2", ["2"]),
    ("allow in 0x16", ["0x16"]),
    ("allow in +22", ["+22"]),
    ("allow in", ["allow"]),
    ("allow in host.example", ["host.example"]),
    ("allow sideways 22", ["sideways"]),
    ("allow in 22 sideways", ["sideways"]),
    ("allow in 22 --nonsense", ["--nonsense"]),
    ("default", ["default"]),
    ("default perhaps in", ["perhaps"]),
    ("default deny sideways", ["sideways"]),
    ("delete", ["delete"]),
    ("delete frobnicate", ["frobnicate"]),
    ("delete allow in 70000", ["70000"]),
    ("block", ["block"]),
    ("block example.org", ["example.org"]),
    ("block 203.0.113.256", ["256"]),
    ("block 203.0.113", ["203.0.113"]),
    ("block 203.0.113.9/33", ["33"]),
    ("block 2001:db8::/129", ["129"]),
    ("block ::ffff:203.0.113.9", ["::ffff:203.0.113.9"]),
    ("block fe80::1%eth0", ["fe80::1%eth0"]),
    ("unblock nothing", ["nothing"]),
    ("load", ["load"]),
    ("load host0 --mode fast", ["fast"]),
    ("load host0 --mode", ["--mode"]),
    ("unload", ["unload"]),
    ("option", ["option"]),
    ("option allow-pings off", ["allow-pings"]),
    ("option allow-ping perhaps", ["perhaps"]),
    ("apply", ["apply"]),
    ("status now", ["now"]),
    ("frobnicate", ["frobnicate"]),
]


@pytest.mark.parametrize("words, named", WRONG, ids=[words for words, _ in WRONG])
def test_wrong_words(fw, words, named):
    """As root and as nobody: words are judged before permission, and before anything is touched."""
    for prefix in ((), NOBODY):
        error = fw.refuses(words, code=2, prefix=prefix)
        for word in named:
            assert word in error
    assert fw.rules_lines() == [] and not fw.pins.exists()


def test_overlapping_forwards(fw):
    fw("forward 8080:2988")
    for words in ("forward 2988:99", "forward 99:8080", "forward 8080:99/tcp"):
        result = fw.attempt(words)
        assert result.code in (1, 2) and "8080:2988" in result.err, words
    fw("forward 99:98/udp")
    fw("forward 99:97/tcp")


@pytest.mark.parametrize(
    "words",
    [
        "status",
        "stats",
        "status --json",
        "load host0",
        "unload --all",
        "allow in 22",
        "delete 1",
        "default deny in",
        "forward 8080:2988",
        "block 203.0.113.9",
        "unblock 203.0.113.9",
        "option allow-ping off",
    ],
)
def test_normal_user(fw, words):
    error = fw.refuses(words, code=4, prefix=NOBODY)
    assert "root" in error or "permission" in error.lower()


def plain(*words, prefix=()):
    """xdpfw without -n."""
    return subprocess.run(
        [*prefix, str(firewall.BINARY), *words],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("load", "--help")])
def test_help_needs_no_root(words):
    done = plain(*words, prefix=NOBODY)
    assert done.returncode == 0 and done.stdout and not done.stderr


def test_help_lists_the_commands():
    text = plain("--help").stdout
    for command in (
        "load",
        "unload",
        "default",
        "allow",
        "deny",
        "reject",
        "forward",
        "delete",
        "block",
        "unblock",
        "status",
        "stats",
        "apply",
        "option",
    ):
        assert re.search(rf"\b{command}\b", text), command


def test_no_words_at_all():
    done = plain()
    assert done.returncode == 2 and "xdpfw" in done.stdout + done.stderr


def test_unknown_namespace(fw):
    done = plain("-n", "no-such-namespace", "status")
    assert done.returncode == 1 and "no-such-namespace" in done.stderr


def options_of_the_help():
    """Each option that takes a value, with its command and as the help shows it: ("log", "--count N")."""
    usages, flags = plain("--help").stdout.split("flags, anywhere:")
    for line in usages.splitlines():
        usage = line[2:].split("  ")[0]
        for form in re.findall(r"(--[a-z-]+ [^][ ]+)", usage):
            yield usage.split()[0], form
    for form in re.findall(r"^  .*?(--[a-z-]+ [A-Z]+)  ", flags, re.M):
        yield "status", form
    yield "status", "-n NAME"


@pytest.mark.parametrize("command, form", list(options_of_the_help()))
def test_missing_value(command, form):
    """The message shows what the help shows, and the flag that was taken for the value."""
    option = form.split()[0]
    words = [command, *(["--check"] if command == "forward" else []), option]
    for behind, why in (((), "a value is missing"), (("--other",), "'--other' is a flag, not a value")):
        done = plain(*words, *behind, prefix=NOBODY)
        assert done.returncode == 2 and not done.stdout
        assert done.stderr == f"xdpfw: {option}: {why}; write {form}\n"


def test_missing_value_is_looked_for():
    """The help was understood: it has options of commands and of all."""
    assert {("forward", "--probe COMMAND"), ("load", "--mode auto|native|generic|tc"), ("status", "--rules FILE")} <= set(
        options_of_the_help()
    )


def test_flags_may_stand_anywhere(fw):
    fw(["--json", "allow", "in", "22"])
    fw(["allow", "--json", "in", "23"])
    fw(["allow", "in", "--", "24"])
    assert fw.policy_lines() == ["allow in 22", "allow in 23", "allow in 24"]


def test_pins_and_rules_by_flag(fw, tmp_path):
    """--pin-dir and --rules say the same as the environment, and win over it."""
    other = firewall.Firewall(fw.net, tmp_path)
    try:
        words = ["--pin-dir", str(other.pins), "--rules", str(other.rules)]
        fw([*words, "allow", "in", "22"])
        fw([*words, "load", lab.IFACE, "--mode", "tc"])
        assert other.pinned() and not fw.pinned()
        assert other.policy_lines() == ["allow in 22"] and not fw.rules.exists()
        fw([*words, "unload", "--all"])
    finally:
        other.close()


def test_quiet(fw):
    assert fw("allow in 22 -q").out == ""


def test_ambiguous_ports_are_said(fw):
    """Ports without a protocol mean tcp and udp: the output says so."""
    said = fw("allow in 22").out
    assert "tcp" in said and "udp" in said


def test_host_bits_are_normalised_with_a_warning(fw):
    result = fw("block 203.0.113.9/24")
    assert "203.0.113.0/24" in result.text
    assert fw.policy_lines() == ["block 203.0.113.0/24"]
    assert fw.json("block 198.51.100.9/24")["warnings"]


def test_private_mount_namespace_is_refused(fw):
    """A bpffs mounted under `ip netns exec` dies with the command, and the firewall with it (TRAPS 33)."""
    done = subprocess.run(
        ["ip", "netns", "exec", fw.net.host.name, str(firewall.BINARY), "load", lab.IFACE, "--mode", "tc"],
        env=fw.env,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1 and "-n" in done.stderr
    assert fw.attached() == []
