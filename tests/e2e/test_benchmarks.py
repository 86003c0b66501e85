# SPDX-License-Identifier: GPL-2.0-only
"""The benchmarks' own words: what is broken fails a run, and a run's JSON makes the page. Figures are not judged."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bench(*words):
    command = [sys.executable, "bench/run", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_a_broken_contender_fails_the_run(tmp_path):
    result = tmp_path / "result.json"
    done = bench("--short", "--only", "links", "--xdpfw", "/bin/false", "--json", result)
    assert done.returncode == 1
    assert "FAILED" in done.stdout and "bench: failed: " in done.stderr
    rows = json.loads(result.read_text())["sections"][0]["rows"]
    assert all(row["error"] and not row["values"] for row in rows)


@pytest.mark.parametrize("words, told", [
    (["--iface", "lo", "nosuch0", "--only", "packets"], "nosuch0: no such interface"),
    (["--iface", "lo", "lo", "--only", "streams"], "streams cannot be measured with it"),
    (["--short", "--docs"], "figures of a --short run say too little"),
    (["--rounds", "0"], "expected 1..100"),
])
def test_bad_words(words, told):
    done = bench(*words)
    assert done.returncode == 2 and told in done.stderr


def row(name, median, **more):
    spread = {"median": median, "min": median / 2, "max": median * 2}
    return {"name": name, "error": None, "missing": None, "ratio": spread, "value": spread, "values": [median], **more}


def section(part, title, rows, axis=None, goals=()):
    return {"part": part, "title": title, "unit": "us", "digits": 1, "reference": rows[0]["name"], "axis": axis,
            "rows": rows, "goals": list(goals)}


def test_the_page_has_what_was_measured(tmp_path):
    curve = [row(f"{name}, {x}", x, series=name, x=x) for name in ("ours", 'their "best"') for x in (1, 1000)]
    absent = {**row("absent", 1), "missing": "not in this kernel", "ratio": None, "value": None, "values": []}
    goals = [{"text": "flat", "row": "ours", "wanted": ">= 0.95", "unit": "", "reached": 0.5, "met": False},
             {"text": "never run", "row": "ours", "wanted": "<= 8", "unit": "ns", "reached": None, "met": None}]
    report = {"schema": 2, "time": "2026-01-02T03:04:05+00:00", "cpu": "a CPU", "cpus": 2, "kernel": "6.1", "busy": 0.5,
              "rounds": 5, "seconds": 0.4, "short": False, "sections": [
                  section("packets", "a flood", [row("bare", 1), row("ours, 1 rule", 2), absent]),
                  section("rules", "by rules", curve, "rules", goals),
                  section("latency", "p50", [row("least", 10), row("ours", 11)]),
                  section("latency", "p99", [row("least", 20), row("ours", 25)])]}
    result, page = tmp_path / "result.json", tmp_path / "page.md"
    result.write_text(json.dumps(report))
    done = bench("--docs-from", result, "--page", page)
    assert (done.returncode, done.stderr) == (0, "")
    text = page.read_text()
    assert "| flat | >= 0.95 | 0.50 | no |" in text and "| never run | <= 8 ns | not measured |  |" in text
    assert "a CPU" in text and "Linux 6.1" in text and "**the machine was busy**" in text
    assert "| absent | missing: not in this kernel | |" in text and "| ours, 1 rule | 2.00 (1.00..4.00) |" in text
    for name in ("ratios", "rules", "latency"):
        picture = tmp_path / "pictures" / f"bench-{name}.svg"
        assert f"(pictures/{picture.name})" in text
        assert ElementTree.parse(picture).getroot().tag.endswith("svg")
