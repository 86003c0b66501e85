# SPDX-License-Identifier: GPL-2.0-only
"""Rules as text: the file, the numbers, what commands say they changed."""

import subprocess

import pytest

import lab
import traffic
from firewall import NOBODY


@pytest.fixture(params=["loaded", "not loaded"])
def either(request, fw):
    """Most commands do the same to the file whether a firewall is loaded or not."""
    if request.param == "loaded":
        fw.load("tc")
    return fw


def test_file_says_what_was_typed(either):
    typed = ["default deny in", "default allow out", "allow in 22", "deny out 25/tcp", "forward 8080:2988"]
    typed.append("block 203.0.113.9")
    for words in typed:
        either(words)
    assert sorted(either.policy_lines()) == sorted(typed)


@pytest.mark.parametrize(
    "typed, written",
    [
        ("allow 22", "allow in 22"),
        ("allow in ssh", "allow in 22/tcp"),
        ("allow in domain", "allow in 53"),
        ("deny out 443,80", "deny out 80,443"),
        ("allow in 6000-6010/udp", "allow in 6000-6010/udp"),
        ("allow in 5,3-4,1", "allow in 1,3-5"),
        ("reject in any", "reject in any"),
        ("default deny incoming", "default deny in"),
        ("default reject outgoing", "default reject out"),
        ("default deny", "default deny in"),
        ("block 2001:DB8:0::1", "block 2001:db8::1"),
        ("block 203.0.113.0/24", "block 203.0.113.0/24"),
        ("forward 8080:2988/tcp", "forward 8080:2988/tcp"),
    ],
)
def test_canonical_form(fw, typed, written):
    fw(typed)
    assert fw.policy_lines() == [written]
    assert fw.json(typed)["changed"] is False, "the same again changes nothing"
    assert fw.policy_lines() == [written]


def test_comments_keep_their_place(either):
    either.rules.write_text(
        "# my firewall\n\ndefault deny in\n# for the office\nallow in 22\n\n# mail\nallow in 25\n", encoding="utf-8"
    )
    if either.pins.exists():
        either(f"apply {either.rules}")
    either("allow in 80")
    either("delete allow in 25")
    lines = [line for line in either.rules_lines() if not line.startswith("load ")]
    assert lines == ["# my firewall", "default deny in", "# for the office", "allow in 22", "# mail", "allow in 80"]


def test_without_load_changes_go_to_the_file(fw):
    assert fw.json("allow in 22")["changed"] is True
    assert fw.policy_lines() == ["allow in 22"]
    status = fw.json("status", code=3)
    assert status["loaded"] is False and [rule["text"] for rule in status["rules"]] == ["allow in 22"]
    fw("status", code=3)
    fw("stats", code=3)
    fw("stats --json", code=3)


def test_load_applies_the_file(fw, mode):
    port = traffic.fresh_port()
    fw.rules.write_text(f"default deny in\nallow in {port}/udp\n", encoding="utf-8")
    fw.load(mode)
    for each, expect in ((port, True), (port + 1, False)):
        receiver = traffic.udp(fw.net.host, lab.V4, each)
        sender = traffic.udp(fw.net.peer, lab.V4)
        assert traffic.udp_passes(sender, receiver, (lab.V4.host, each), expect=expect) == expect


# ---- order and numbers --------------------------------------------------


def numbered(fw):
    """{number: text} as `status` has it."""
    code = 0 if fw.pins.exists() else 3
    return {rule["n"]: rule["text"] for rule in fw.json("status", code=code)["rules"]}


def test_numbers_follow_the_order(either):
    for port in (11, 12, 13, 14):
        either(f"allow in {port}")
    assert numbered(either) == {1: "allow in 11", 2: "allow in 12", 3: "allow in 13", 4: "allow in 14"}
    either("delete 2")
    assert numbered(either) == {1: "allow in 11", 2: "allow in 13", 3: "allow in 14"}
    either("delete 1 3")
    assert numbered(either) == {1: "allow in 13"}, "all numbers are resolved first"
    either("delete allow in 13")
    assert numbered(either) == {}


def test_delete_a_number_that_is_not(either):
    for port in (11, 12, 13):
        either(f"allow in {port}")
    for words in ("delete 9", "delete 0", "delete 1 9"):
        assert words.split()[-1] in either.refuses(words, code=1)
    assert len(numbered(either)) == 3


def test_delete_by_words(either):
    either("allow in 22")
    assert either.json("delete allow in 23")["changed"] is False
    assert either.json("delete allow in 22")["changed"] is True
    assert numbered(either) == {}


def test_the_other_action_replaces_in_place(either):
    for words in ("allow in 11", "allow in 12", "allow in 13"):
        either(words)
    answer = either.json("deny in 12")
    assert answer["changed"] is True and answer["replaced"] and not answer["added"]
    assert numbered(either) == {1: "allow in 11", 2: "deny in 12", 3: "allow in 13"}


def test_changing_commands_in_json(either):
    answer = either.json("allow in 22")
    assert answer["changed"] is True and answer["added"]
    assert {"changed", "generation", "added", "removed", "replaced", "warnings"} <= set(answer)
    assert isinstance(answer["generation"], int)
    later = either.json("delete allow in 22")
    assert later["changed"] is True and later["removed"]
    assert later["generation"] >= answer["generation"]


def test_status_schema(fw, mode):
    fw.load(mode)
    for words in ("allow in 22", "deny out 25/tcp", "forward 8080:2988"):
        fw(words)
    status = fw.json("status")
    assert status["schema"] == 1 and status["loaded"] is True and status["file_in_sync"] is True
    assert isinstance(status["generation"], int) and status["rules_file"] == str(fw.rules)
    assert status["defaults"]["in"] == "deny" and status["defaults"]["out"] == "allow"
    assert status["panic"] is False and status["trial_seconds_left"] is None
    first, second = status["rules"]
    expected = {
        "n": 1,
        "text": "allow in 22",
        "action": "allow",
        "dir": "in",
        "proto": "tcp+udp",
        "ports": "22",
        "from": "any",
        "to": "any",
        "interface": None,
        "comment": None,
        "enabled": True,
        "runtime": False,
        "expires_at": None,
        "hidden_by": [],
        "packets": 0,
        "bytes": 0,
    }
    assert {key: first[key] for key in expected} == expected
    assert len(first["id"]) >= 8 and int(first["id"], 16)
    assert (second["action"], second["dir"], second["proto"], second["ports"]) == ("deny", "out", "tcp", "25")
    (forward,) = status["forwards"]
    assert (forward["text"], forward["listen"], forward["to"], forward["way"], forward["proto"]) == (
        "forward 8080:2988",
        "8080",
        ["2988"],
        "both",
        "tcp+udp",
    )


def test_status_text(fw, mode):
    fw.load(mode)
    fw("allow in 22")
    fw("forward 8080:2988")
    text = fw("status").out
    for word in (lab.IFACE, "allow in 22", "forward 8080:2988", "deny", "allow"):
        assert word in text


def test_ids_are_the_same_everywhere(fw):
    """A hash of the match part: stable over restarts, and not changed by the action."""
    fw("allow in 22")
    (before,) = fw.json("status", code=3)["rules"]
    fw.load("tc")
    (loaded,) = fw.json("status")["rules"]
    fw("deny in 22")
    (denied,) = fw.json("status")["rules"]
    assert before["id"] == loaded["id"] == denied["id"]


# ---- apply --------------------------------------------------------------


def test_apply_replaces_everything(either, tmp_path):
    either("allow in 11")
    either("forward 1:2")
    path = tmp_path / "new.rules"
    path.write_text("# new\ndefault reject in\nallow in 12\nblock 203.0.113.9\n", encoding="utf-8")
    either(f"apply {path}")
    assert numbered(either) == {1: "allow in 12"}
    assert either.policy_lines() == ["default reject in", "allow in 12", "block 203.0.113.9"]
    assert "# new" in either.rules_lines()


def test_apply_standard_input(either):
    either("apply -", stdin="allow in 12\n")
    assert numbered(either) == {1: "allow in 12"}


@pytest.mark.parametrize(
    "bad, word",
    [
        ("allow in 70000", "70000"),
        ("allow in 22/tpc", "tpc"),
        ("frobnicate", "frobnicate"),
        ("allow in 1.2.3.300:80", "300"),
        ("allow in", "allow"),
        ("block 203.0.113.256", "256"),
        ("forward 8080", "8080"),
    ],
)
def test_broken_line(fw, tmp_path, bad, word):
    """The message names file, line and word; nothing of the file is applied, by apply or by load."""
    path = tmp_path / "broken.rules"
    path.write_text(f"# fine\nallow in 12\n{bad}\nallow in 13\n", encoding="utf-8")
    fw("allow in 11")
    for words in (f"apply {path}", f"apply {path} --check"):
        error = fw.refuses(words, code=2)
        assert f"{path}:3" in error and word in error
    fw.load("tc")
    error = fw.refuses(f"apply {path}", code=2)
    assert f"{path}:3" in error and word in error
    assert numbered(fw) == {1: "allow in 11"} and fw.policy_lines() == ["allow in 11"]
    fw("unload --all")
    fw.rules.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    error = fw.refuses(["load", lab.IFACE, "--mode", "tc"], code=2)
    assert f"{fw.rules}:3" in error and word in error
    assert fw.attached() == [] and fw.pinned() == []


def test_broken_file_at_load_keeps_the_old_policy(fw):
    port = traffic.fresh_port()
    fw(f"allow in {port}")
    fw.load("tc")
    fw.rules.write_text("allow in nonsense-service\n", encoding="utf-8")
    error = fw.refuses(["load", lab.IFACE, "--mode", "tc"], code=2)
    assert f"{fw.rules}:1" in error and "nonsense-service" in error
    receiver = traffic.udp(fw.net.host, lab.V4, port)
    assert traffic.udp_passes(traffic.udp(fw.net.peer, lab.V4), receiver, (lab.V4.host, port))


def test_check_needs_neither_root_nor_load(fw):
    """The namespace is not entered either: there is nothing to look at there."""
    command = [*NOBODY, fw.command("x")[0], "apply", "-", "--check"]
    for text, code, said in (
        ("allow in 22\n", 0, "-: 1 rules, 0 forwards, no mistakes\n"),
        ("allow in 22\ndeny in 70000\n", 2, "    deny in 70000\n            ^^^^^\n"),
    ):
        done = subprocess.run(command, input=text, env=fw.env, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stdout) == (code, said), done.stderr
    assert fw.rules_lines() == []


def test_a_long_change_is_told_in_few_lines(fw):
    lines = "".join(f"allow in {port}\n" for port in range(1, 101))
    assert len(fw("apply - --dry-run", stdin=lines).out.splitlines()) == 100
    said = fw("apply -", stdin=lines).out.splitlines()
    assert said[49].startswith("added: allow in 50") and said[50] == "added: and 50 more"
    assert fw("apply -", stdin="").out.splitlines()[50] == "removed: and 50 more"


def test_missing_file(fw, tmp_path):
    assert "nothing.rules" in fw.refuses(f"apply {tmp_path}/nothing.rules", code=1)


# ---- a file edited by hand ----------------------------------------------


def test_edited_file_is_not_overwritten(fw):
    fw.load("tc")
    fw("allow in 11")
    edited = fw.rules.read_text(encoding="utf-8") + "allow in 12\n"
    fw.rules.write_text(edited, encoding="utf-8")
    assert fw.json("status")["file_in_sync"] is False
    for words in ("allow in 13", "delete 1", "default allow in", "block 203.0.113.9", "forward 1:2"):
        assert "apply" in fw.refuses(words, code=1)
    assert fw.rules.read_text(encoding="utf-8") == edited
    assert numbered(fw) == {1: "allow in 11"}
    fw(f"apply {fw.rules}")
    assert numbered(fw) == {1: "allow in 11", 2: "allow in 12"}
    fw("allow in 13")
    assert fw.json("status")["file_in_sync"] is True
    assert numbered(fw)[3] == "allow in 13"


def test_runtime_rules_leave_the_file_alone(fw):
    fw.load("tc")
    fw("allow in 11")
    before = fw.rules.read_text(encoding="utf-8")
    fw("allow in 12 --runtime")
    assert fw.rules.read_text(encoding="utf-8") == before
    assert {rule["text"].removesuffix(" --runtime"): rule["runtime"] for rule in fw.json("status")["rules"]} == {
        "allow in 11": False,
        "allow in 12": True,
    }
    assert fw.json("status")["file_in_sync"] is True
    fw("allow in 13")
    assert "allow in 12" not in fw.policy_lines()
    assert len(fw.json("status")["rules"]) == 3
    fw("unload --all")
    fw.load("tc")
    assert sorted(fw.rule_texts()) == ["allow in 11", "allow in 13"]


@pytest.mark.parametrize(
    "words",
    [
        "allow in 12",
        "delete 1",
        "delete allow in 11",
        "default allow in",
        "forward 1:2",
        "block 203.0.113.9",
        "option allow-ping off",
        "apply -",
        "unload --all",
    ],
)
def test_dry_run_touches_nothing(fw, words):
    fw.load("tc")
    fw("allow in 11")
    before = fw.rules.read_text(encoding="utf-8"), fw.json("status"), fw.pinned(), fw.attached()
    said = fw(f"{words} --dry-run", stdin="allow in 99\n").out
    assert said.strip(), "it prints what would change"
    after = fw.rules.read_text(encoding="utf-8"), fw.json("status"), fw.pinned(), fw.attached()
    assert before == after


def test_dry_run_of_load(fw):
    fw(["load", lab.IFACE, "--dry-run"])
    assert fw.attached() == [] and fw.pinned() == []


def test_forward_warns_of_what_stands_in_the_way(either):
    """Interface and route toward the target, and the kernel's setting; each warning names what mends it, and then is gone."""
    sysctl = "net.ipv4.ip_forward"
    kernel = f"the kernel does not forward to other hosts now; sysctl -w {sysctl}=1"
    either.net.host.ip("link add dummy7 type veth peer name dummy8\naddress add 198.51.100.1/24 dev dummy7\n")
    words = "forward 443:198.51.100.5:8443"
    assert either.json(words)["warnings"] == ["198.51.100.5: there is no route to it now; see ip route get", kernel]
    either.net.host.ip("link set dummy7 up\nlink set dummy8 up\n")
    unloaded = "198.51.100.5: dummy7, by which it is reached, is not loaded, so its answers would be lost; xdpfw load dummy7"
    expected = [unloaded, kernel] if either.pinned() else [kernel]
    assert either.json(words)["warnings"] == expected, "said again while it is so"
    if either.pinned():
        either("load dummy7 --mode tc")
    either.net.host.run("sysctl", "-qw", f"{sysctl}=1")
    assert not either.json(words)["warnings"]
    assert not either.json("forward 80:8080 one-way")["warnings"], "that is this host's own"


def test_forward_warns_while_the_kernel_forwards_nothing(either):
    """In each family."""
    either.net.host.ip("route add 10.0.0.0/24 via 192.0.2.2\nroute add fd00::/64 via 2001:db8::2\n")
    for family, name, words in (
        (4, "net.ipv4.ip_forward", "forward 443:10.0.0.5:8443"),
        (6, "net.ipv6.conf.all.forwarding", "forward 444:[fd00::5]:8443"),
    ):
        warnings = either.json(words)["warnings"]
        assert warnings == [f"the kernel does not forward to other hosts now; sysctl -w {name}=1"], f"IPv{family}"
        assert f"sysctl -w {name}=1" in either(words).err, "said again while it is so"
        either.net.host.run("sysctl", "-qw", f"{name}=1")
        assert not either.json(words)["warnings"]


def test_apply_warns_as_the_commands_do(either):
    """Of what a file names and is not there: once each."""
    either.net.host.ip("route add 10.0.0.0/24 via 192.0.2.2\n")
    text = "allow in 22 on nosuch0\nallow in 23 on nosuch0\nforward 443:10.0.0.5:8443\ndeny in from @nobody\n"
    warnings = either.json("apply -", stdin=text)["warnings"]
    assert [warning.split(":")[0] for warning in warnings] == [
        "nosuch0",
        "the kernel does not forward to other hosts now; sysctl -w net.ipv4.ip_forward=1",
        "@nobody",
    ]
    if either.pinned():
        assert "nosuch0" in either("reload").err


def test_load_warns_as_apply_does(fw):
    """Of what the file has and is not there, which is told when it is put in force; not at boot, when much is not there yet."""
    fw.net.host.sysctl("ipv4/ip_forward", 1)
    fw.net.host.ip("link add dummy7 type veth peer name dummy8\naddress add 198.51.100.1/24 dev dummy7\n")
    fw.net.host.ip("link set dummy7 up\nlink set dummy8 up\n")
    fw("forward 443:198.51.100.5:8443")
    unloaded = "198.51.100.5: dummy7, by which it is reached, is not loaded, so its answers would be lost; xdpfw load dummy7"
    assert fw.load("tc", "--dry-run").err == fw.load("tc").err == f"xdpfw: warning: {unloaded}\n"
    assert fw.json(f"load {lab.IFACE} --mode tc")["warnings"] == [unloaded]
    assert not fw("restore").err
    assert not fw("load dummy7 --mode tc").err and not fw.load("tc").err


def test_forward_warns_of_an_absent_interface(either):
    expected = "nosuch0: there is no such interface now, so the forward matches nothing; `xdpfw reload` when there is"
    assert either.json("forward 443:8443 one-way on nosuch0")["warnings"] == [expected]


def test_shadowed_rule_warns(either):
    """A rule that an earlier one decides otherwise is taken, and named."""
    either("allow in 20-30")
    assert either.json("deny in 25")["warnings"]
    assert not either.json("deny in 40")["warnings"]
