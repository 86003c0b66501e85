# SPDX-License-Identifier: GPL-2.0-only
"""kill -9 between any two steps of a command leaves the old firewall or the new one (TRAPS 27).

strace kills xdpfw at the entry of its N-th system call, for each call that
changes something: what it has done by then is what it would leave behind.
Between two such calls nothing can change but mapped memory, so the calls that
follow a store into it (munmap, membarrier) are steps as well.
"""

import re
import shutil

import pytest

import lab
import traffic

FAMILY = lab.V4
OPEN, FILTERED = (True, True), (False, False)

# System calls that leave a trace in the kernel or in a file, and those around stores into mapped memory.
STEPS = (
    "mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat mount umount2 "
    "ftruncate fsync fdatasync fchmod fchown write pwrite64 writev sendto sendmsg flock munmap membarrier bpf "
    "exit_group"
).split()
# What failed, bpf(2) commands whose work dies with the process, netlink questions, and output.
HARMLESS = re.compile(
    r"= -1 E|bpf\((BPF_MAP_CREATE|BPF_PROG_LOAD|BPF_BTF_LOAD|BPF_OBJ_GET\b|BPF_OBJ_GET_INFO_BY_FD|BPF_MAP_LOOKUP_\w+|"
    r"BPF_MAP_GET_\w+|BPF_(PROG|MAP|BTF|LINK)_GET_\w+|BPF_PROG_QUERY|BPF_PROG_TEST_RUN|BPF_MAP_FREEZE|"
    r"BPF_PROG_BIND_MAP|0x\w+ /\*)|nlmsg_type=(0x12|0x14|0x2e|RTM_GET|SOCK_DIAG)|\bwritev?\([12],"
)
# Steps that are never left out when there are many.
DECISIVE = re.compile(r"LINK|ATTACH|DETACH|/(xdp|in|out|swap)_|rename|membarrier|flock|exit_group|sendto|sendmsg")
MOST_OTHERS = 6


def strace(*words):
    # Not with --seccomp-bpf: its stops ignore the signal.
    return ("strace", "-f", "-qq", "-e", "signal=none", *words)


def steps_of(fw, words, log, least=6):
    """Run a command to its end; the (system call, n) at which it is to be killed."""
    fw(words, prefix=strace("-e", f"trace={','.join(STEPS)}", "-o", str(log)))
    seen, found, before = {}, [], None
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        match = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if not match:
            continue
        name = match[1]
        seen[name] = seen.get(name, 0) + 1
        # Of a row of munmap nothing but the first can show something new.
        if not HARMLESS.search(line) and not name == before == "munmap":
            found.append((name, seen[name], bool(DECISIVE.search(line))))
        before = name
    assert len(found) >= least, "strace saw too few steps"
    return thinned(found)


def thinned(steps):
    """All decisive steps and at most MOST_OTHERS of the rest, evenly spread, in order."""
    others = [step for step in steps if not step[2]]
    if len(others) > MOST_OTHERS:
        stride = (len(others) - 1) / (MOST_OTHERS - 1)
        others = [others[round(number * stride)] for number in range(MOST_OTHERS)]
    return [step[:2] for step in steps if step[2] or step in others]


def killed_at(fw, words, step):
    """Run `words` and kill it at that step."""
    name, number = step
    result = fw.attempt(
        words,
        prefix=strace("-e", f"trace={name}", "-o", "/dev/null", "-e", f"inject={name}:signal=SIGKILL:when={number}"),
    )
    # A run may be shorter than the one that was counted; then it simply ended well.
    assert result.code in (0, 137, -9), result.text
    return result.code != 0


class Probe:
    """What the firewall does now, told by an allowed datagram that follows a denied one."""

    def __init__(self, net):
        self.net = net
        self.opened, self.closed = traffic.fresh_port(), traffic.fresh_port()
        self.policy = f"default deny in\ndefault deny out\nallow in {self.opened}/udp\nallow out {self.opened}/udp\n"

    def _passes(self, sender_ns, receiver_ns, address):
        closed, opened = (traffic.udp(receiver_ns, FAMILY, port) for port in (self.closed, self.opened))
        sender = traffic.udp(sender_ns, FAMILY)
        traffic.send(sender, b"denied", (address, self.closed))
        traffic.send(sender, b"allowed", (address, self.opened))
        assert traffic.receive(opened)[0] == b"allowed", "an allowed packet is lost"
        passed = traffic.receive(closed, 0.0)[0] is not None
        for sock in (closed, opened, sender):
            sock.close()
        return passed

    def __call__(self):
        """(denied in passes, denied out passes)"""
        return (
            self._passes(self.net.peer, self.net.host, FAMILY.host),
            self._passes(self.net.host, self.net.peer, FAMILY.peer),
        )


@pytest.fixture
def probe(fw, tool):
    tool("strace")
    made = Probe(fw.net)
    fw.rules.write_text(made.policy, encoding="utf-8")
    return made


def fresh_start(fw, probe):
    """Not loaded, and the rules file as it was. Removing the pins detaches, soon; it is quicker than unload."""
    shutil.rmtree(fw.pins, ignore_errors=True)
    fw.rules.write_text(probe.policy, encoding="utf-8")
    assert traffic.eventually(lambda: probe() == OPEN)


@pytest.mark.parametrize("mode", ["native", "tc"])
def test_load(fw, probe, mode, tmp_path):
    words = ["load", lab.IFACE, "--mode", mode]
    steps = steps_of(fw, words, tmp_path / "log")
    assert probe() == FILTERED
    attached = fw.attached()
    problems, states = [], set()
    for step in steps:
        fresh_start(fw, probe)
        killed_at(fw, words, step)
        states.add(probe())
        if not states <= {OPEN, FILTERED}:
            problems.append(f"killed at {step}: half a firewall")
            states &= {OPEN, FILTERED}
        again = fw.attempt(words)
        if again.code != 0:
            problems.append(f"killed at {step}: load then says {again.err.strip()}")
        elif probe() != FILTERED:
            problems.append(f"killed at {step}: load then does not filter")
        elif fw.attached() != attached:
            problems.append(f"killed at {step}: load then attaches {fw.attached()}, not {attached}")
    assert not problems, "\n".join(problems)
    assert states == {OPEN, FILTERED}, "the steps reach from before the change to after it"
    fw("unload --all")
    assert (fw.attached(), fw.pinned()) == ([], [])


@pytest.mark.parametrize(
    "modes", [("tc", "tc"), ("native", "native"), ("tc", "native"), ("generic", "tc")], ids="-to-".join
)
def test_load_again(fw, probe, modes, tmp_path):
    """An upgrade or a change of mode that dies leaves a firewall, never a gap."""
    old, new = (["load", lab.IFACE, "--mode", name] for name in modes)
    fw(old)
    steps = steps_of(fw, new, tmp_path / "log")
    problems = []
    for step in steps:
        if modes[0] != modes[1]:
            fresh_start(fw, probe)
            fw(old)
        killed_at(fw, new, step)
        if probe() != FILTERED:
            problems.append(f"killed at {step}: not filtered")
    fw(new)
    assert probe() == FILTERED
    assert not problems, "\n".join(problems)
    fw("unload --all")
    assert (fw.attached(), fw.pinned()) == ([], [])


@pytest.mark.parametrize("mode", ["native", "tc"])
def test_unload(fw, probe, mode, tmp_path):
    fw.load(mode)
    problems, states = [], set()
    for step in steps_of(fw, "unload --all", tmp_path / "log"):
        fw.load(mode)
        assert probe() == FILTERED
        killed_at(fw, "unload --all", step)
        states.add(probe())
        if not states <= {OPEN, FILTERED}:
            problems.append(f"killed at {step}: half a firewall")
            states &= {OPEN, FILTERED}
        again = fw.attempt("unload --all")
        if again.code not in (0, 3) or fw.attached() or fw.pinned():
            problems.append(f"killed at {step}: unload then leaves {fw.attached() + fw.pinned()} {again.err}")
    assert not problems, "\n".join(problems)
    assert states == {OPEN, FILTERED}


def port_open(fw, port):
    receiver, sender = traffic.udp(fw.net.host, FAMILY, port), traffic.udp(fw.net.peer, FAMILY)
    passed = traffic.udp_passes(sender, receiver, (FAMILY.host, port), expect=False)
    receiver.close()
    return passed


def test_allow(fw, probe, tmp_path):
    """Old or new in the kernel, old or new in the file, never half a file; and the same words then succeed."""
    fw.load("tc")
    port = traffic.fresh_port()
    words, line = f"allow in {port}/udp", f"allow in {port}/udp"
    steps = steps_of(fw, words, tmp_path / "log")
    new = fw.rules.read_text(encoding="utf-8")
    fw(f"delete {words}")
    old = fw.rules.read_text(encoding="utf-8")
    problems, states = [], set()
    for step in steps:
        killed_at(fw, words, step)
        states.add(port_open(fw, port))
        if fw.rules.read_text(encoding="utf-8") not in (old, new):
            problems.append(f"killed at {step}: the file is neither old nor new")
        if probe() != FILTERED:
            problems.append(f"killed at {step}: other rules have changed")
        again = fw.attempt(words)
        if again.code != 0 or not port_open(fw, port) or line not in fw.policy_lines():
            problems.append(f"killed at {step}: the same words then: exit {again.code} {again.err.strip()}")
        fw.attempt(f"delete {words}")
        if port_open(fw, port):
            problems.append(f"killed at {step}: delete then does not delete")
            break
    assert not problems, "\n".join(problems)
    assert states == {True, False}
    leftovers = [path.name for path in fw.rules.parent.iterdir() if path.name.startswith(fw.rules.name)]
    assert set(leftovers) <= {fw.rules.name, fw.rules.name + ".lock"}, "temporary files were left"


def test_apply(fw, probe, tmp_path):
    """Two whole policies: one of them is in force, never a mixture."""
    fw.load("tc")
    ports = [traffic.fresh_port() for _ in range(2)]
    texts = ["".join([f"load {lab.IFACE} --mode tc\n", probe.policy, f"allow in {port}/udp\n"]) for port in ports]
    files = [tmp_path / name for name in ("one.rules", "two.rules")]
    for path, text in zip(files, texts):
        path.write_text(text, encoding="utf-8")
    fw(f"apply {files[0]}")
    steps = steps_of(fw, f"apply {files[1]}", tmp_path / "log")
    problems, states = [], set()
    for step in steps:
        fw(f"apply {files[0]}")
        killed_at(fw, f"apply {files[1]}", step)
        if probe() != FILTERED:
            problems.append(f"killed at {step}: not filtered")
        states.add(tuple(port_open(fw, port) for port in ports))
        if not states <= {(True, False), (False, True)}:
            problems.append(f"killed at {step}: a mixture of two policies")
    assert not problems, "\n".join(problems)
    assert states == {(True, False), (False, True)}
    fw(f"apply {files[1]}")
    assert port_open(fw, ports[1])


def test_what_died_before_the_file_is_finished_not_undone(fw, tool):
    """Killed after the flip: `status` says what is so, and `load` does not put the old file in force."""
    tool("strace")
    fw.load("tc")
    inject = ("strace", "-f", "-o", "/dev/null", "-e", "inject=membarrier:signal=SIGKILL:when=1")
    assert fw.attempt("deny in 441", prefix=inject).code != 0
    assert "deny in 441" in fw.rule_texts() and "deny in 441" not in fw.rules_lines()
    said = fw("status").out
    assert "died before it wrote" in said and "apply" not in said
    fw("allow in 80 --dry-run")
    assert "deny in 441" not in fw.rules_lines(), "a dry run writes nothing"
    fw.load("tc")
    assert "deny in 441" in fw.rule_texts() and "deny in 441" in fw.rules_lines()
