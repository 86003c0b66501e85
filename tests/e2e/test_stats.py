# SPDX-License-Identifier: GPL-2.0-only
"""stats at intervals, as CSV, for chosen ports; and reset, which must neither lose nor double a packet."""

import csv
import io
import json
import signal
import subprocess
import time
from datetime import datetime

import pytest

import lab
import traffic

SIDES = ("rx", "tx", "drop")
V4 = lab.V4


@pytest.fixture
def quiet(fw):
    """A loaded firewall of its own: counters begin at zero."""
    fw.load("tc")
    return fw


def start(fw, words):
    return subprocess.Popen(
        fw.command(words), env=fw.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )


def ended(process):
    """(exit code, what else it wrote)"""
    out, err = process.communicate(timeout=10)
    return process.returncode, out, err


def send(fw, port, count, size=100):
    sender = traffic.udp(fw.net.peer, V4)
    for _ in range(count):
        traffic.send(sender, bytes(size), (V4.host, port))
    fw.net.settle()


def row(record, direction, proto, port):
    found = [one for one in record["ports"] if (one["dir"], one["proto"], one["port"]) == (direction, proto, port)]
    return found[0] if found else None


def test_rates_over_exact_intervals(quiet):
    watch = start(quiet, "stats --watch 0.5 --count 4 --json")
    first = json.loads(watch.stdout.readline())
    send(quiet, 22, 300)
    records = [first, *map(json.loads, watch.stdout)]
    assert ended(watch) == (0, "", "")
    assert len(records) == 4
    counted = 0.0
    for before, record in zip(records, records[1:]):
        assert record["interval_s"] == pytest.approx((record["mono_ns"] - before["mono_ns"]) / 1e9, abs=1e-9)
        seen = row(record, "in", "udp", 22)
        if seen:
            counted += seen["drop_pps"] * record["interval_s"]
            assert seen["drop_bps"] == pytest.approx(seen["drop_pps"] * 8 * 142)
            assert seen["rx_pps"] == seen["tx_pps"] == seen["rx_bps"] == 0
    assert counted == pytest.approx(300, abs=1e-6)
    assert row(records[-1], "in", "udp", 22)["drop_packets"] == 300
    # No drift: readings stand at whole intervals after the first, give or take a late wake-up.
    drift = (records[-1]["mono_ns"] - records[0]["mono_ns"]) / 1e9 - 1.5
    assert abs(drift) < 0.2


def test_named_ports_appear_at_zero_and_others_do_not(quiet):
    send(quiet, 22, 5)
    send(quiet, 80, 7)
    record = quiet.json("stats --port 22,443")
    places = [(one["dir"], one["proto"], one["port"]) for one in record["ports"]]
    assert places == [(d, p, n) for d in ("in", "out") for p in ("tcp", "udp") for n in (22, 443)]
    assert row(record, "in", "udp", 22)["drop_packets"] == 5
    assert len(quiet.json("stats --port 53/udp")["ports"]) == 2


def test_csv(quiet):
    send(quiet, 22, 5)
    watch = start(quiet, "stats --watch 0.2 --count 3 --port 22/udp --csv")
    text = watch.stdout.read()
    assert ended(watch)[0] == 0
    head = "time,interval_s,dir,proto,port," + ",".join(f"{s}_{u}" for s in SIDES for u in ("packets", "bytes"))
    head += "," + ",".join(f"{s}_{u}" for s in SIDES for u in ("pps", "bps"))
    assert text.splitlines()[0] == head and text.count("time,") == 1
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(one["dir"], one["proto"], one["port"]) for one in rows] == [("in", "udp", "22"), ("out", "udp", "22")] * 3
    assert all(one["drop_packets"] == "5" and one["drop_bytes"] == str(5 * 142) for one in rows[::2])
    assert all(0.1 < float(one["interval_s"]) < 1 and one["drop_pps"] == "0.0" for one in rows)
    (once,) = [one for one in csv.DictReader(io.StringIO(quiet("stats --csv").out)) if one["port"] == "22"]
    assert once["interval_s"] == once["rx_pps"] == "" and once["drop_packets"] == "5"


@pytest.mark.parametrize("form", ["--json", "--csv", ""])
def test_each_record_is_there_at_once(quiet, form):
    """Through a pipe, where stdio would keep it."""
    watch = start(quiet, f"stats --watch 0.2 --port 22 {form}")
    begun = time.monotonic()
    for _ in range(3):
        assert watch.stdout.readline()
    assert time.monotonic() - begun < 5
    watch.send_signal(signal.SIGINT)
    assert ended(watch)[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_clean_on_a_signal(quiet, number):
    watch = start(quiet, "stats --watch 0.2 --json")
    watch.stdout.readline()
    watch.send_signal(number)
    code, out, err = ended(watch)
    assert (code, err) == (0, "")
    assert all(json.loads(line) for line in out.splitlines())


def test_ends_clean_without_a_reader(quiet):
    watch = start(quiet, "stats --watch 0.1 --json")
    watch.stdout.readline()
    watch.stdout.close()
    assert watch.wait(timeout=10) == 0
    assert watch.stderr.read() == ""


def test_ends_when_unloaded(quiet):
    watch = start(quiet, "stats --watch 0.1 --json")
    watch.stdout.readline()
    quiet("unload --all")
    code, _, err = ended(watch)
    assert code == 3 and "unloaded" in err


@pytest.mark.parametrize(
    "words",
    [
        "stats --watch",
        "stats --watch 0",
        "stats --watch 1s",
        "stats --count 3",
        "stats --watch 1 --count 0",
        "stats --watch 1 --count x",
        "stats --port 99999",
        "stats --port any",
        "stats --csv --json",
        "stats --reset --watch 1",
        "stats --reset --port 22",
        "stats eth0",
    ],
)
def test_words_that_are_refused(fw, words):
    fw.refuses(words, 2)


def test_not_loaded(fw):
    fw.refuses("stats --watch 1", 3)
    fw.refuses("stats --reset", 3)


def test_reset(quiet):
    send(quiet, 22, 5)
    before = quiet.json("stats")
    was = quiet.json("stats --reset")
    assert row(was, "in", "udp", 22)["drop_packets"] == 5
    assert was["since"] == before["since"]
    now = quiet.json("stats")
    assert row(now, "in", "udp", 22) is None
    assert datetime.fromisoformat(now["since"].rstrip("Z")) > datetime.fromisoformat(was["since"].rstrip("Z"))
    send(quiet, 22, 3)
    assert row(quiet.json("stats"), "in", "udp", 22)["drop_packets"] == 3
    again = quiet.json("stats --reset")
    assert row(again, "in", "udp", 22)["drop_packets"] == 3 and again["since"] == now["since"]


def test_dry_run_resets_nothing(quiet):
    send(quiet, 22, 5)
    assert row(quiet.json("stats --reset --dry-run"), "in", "udp", 22)["drop_packets"] == 5
    assert row(quiet.json("stats"), "in", "udp", 22)["drop_packets"] == 5


def test_a_reset_ends_with_the_counters(quiet):
    """Counters made anew by the next load are not measured by an old beginning."""
    send(quiet, 22, 50)
    quiet("stats --reset")
    quiet.load("tc")
    assert row(quiet.json("stats"), "in", "udp", 22) is None, "loading again keeps counters and their beginning"
    quiet("unload --all")
    quiet.load("tc")
    send(quiet, 22, 3)
    assert row(quiet.json("stats"), "in", "udp", 22)["drop_packets"] == 3


@pytest.mark.parametrize("mode", ["native", "tc"])
def test_resets_while_counting_lose_nothing(fw, mode):
    """What a hundred resets have printed, and what is left, is what was sent; port and reason alike."""
    fw.load(mode)
    sock = traffic.udp(fw.net.peer, V4)
    stream = traffic.Stream(sock, [(V4.host, port) for port in range(2000, 2020)], per_second=2000)
    stream.start()
    ports = reasons = 0
    records = []
    for _ in range(100):
        records.append(fw.json("stats --reset"))
    stream.stop()
    fw.net.settle()
    records.append(fw.json("stats"))
    for record in records:
        ports += sum(one["drop_packets"] for one in record["ports"] if 2000 <= one["port"] < 2020)
        reasons += sum(
            one["packets"] for one in record["reasons"] if (one["dir"], one["reason"]) == ("in", "default")
        )
    assert stream.sent > 1000
    assert ports == reasons == stream.sent * 20
    assert sum(1 for record in records if record["ports"]) > 50, "resets and packets did meet"
