# SPDX-License-Identifier: GPL-2.0-only
"""report: a page with plots of a recorded run; its numbers, and how a browser without network shows it."""

import re
import struct
import subprocess
import time
import zlib
from html.parser import HTMLParser

import pytest

import firewall
import lab
import traffic

V4 = lab.V4
BLUE = (0x00, 0x72, 0xB2)  # of the first line in each plot


@pytest.fixture
def recording(fw, tmp_path):
    """Three seconds: 300 datagrams to a port that is denied, and 60 to one that is allowed."""
    fw.policy("default deny in", "allow in 53/udp")
    fw.load("tc")
    listener = traffic.udp(fw.net.host, V4, 53)
    path = tmp_path / "run.jsonl"
    with path.open("w", encoding="utf-8") as out:
        watch = subprocess.Popen(fw.command("stats --watch 0.5 --count 6 --json"), env=fw.env, stdout=out)
        time.sleep(0.3)
        sender = traffic.udp(fw.net.peer, V4)
        for number in range(300):
            traffic.send(sender, bytes(100), (V4.host, 9999))
            if number % 5 == 0:
                traffic.send(sender, bytes(100), (V4.host, 53))
            time.sleep(0.004)
        assert watch.wait(timeout=20) == 0
    assert listener
    return path


class Page(HTMLParser):
    """Tables as rows of cells, and all attributes of a page that is well-formed."""

    VOID = {"meta", "line"}

    def __init__(self, text):
        super().__init__()
        self.rows, self.attributes, self._open = [], [], []
        self.feed(text)
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in self.VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_numbers(fw, recording, tmp_path):
    out = tmp_path / "report.html"
    fw(["report", str(out), "--from", str(recording)])
    text = out.read_text(encoding="utf-8")
    found = {(row[0], row[1]) for row in Page(text).rows}
    assert ("in udp 9999", "300") in found, "dropped packets by port"
    assert ("in udp 53", str(60 * 142)) in found, "received bytes by port"
    assert ("in default (drop)", "300") in found, "dropped packets by reason"
    assert text.count("<svg") == 3 and "Nothing in this recording" in text, "nothing was sent, so there is no plot of it"
    # The same from standard input to standard output.
    piped = fw("report -", stdin=recording.read_text(encoding="utf-8")).out
    assert piped == text


def test_nothing_comes_from_elsewhere(fw, recording):
    text = fw(["report", "-", "--from", str(recording)]).out
    names = {name for name, _ in Page(text).attributes}
    assert not names & {"src", "href", "srcset", "data", "onload", "onclick"}
    assert not re.search(r"https?:|url\(|@import|<script|<link|<iframe", text)


def test_neither_root_nor_load(fw, recording, tmp_path):
    fw("unload --all")
    page = fw(["report", "-"], stdin=recording.read_text(encoding="utf-8"), prefix=firewall.NOBODY)
    assert page.out.startswith("<!DOCTYPE html>")


def test_refusals(fw, tmp_path):
    fw.refuses("report", 2)
    fw.refuses("report one two", 2)
    fw.refuses("report - --from", 2)
    fw.refuses("report - --json", 2)
    fw.refuses("report - --from /no/such/file", 1)
    fw.refuses("report -", 2, stdin="nonsense\n")
    fw.refuses("report -", 2, stdin="")
    kept = tmp_path / "kept.html"
    kept.write_text("old", encoding="utf-8")
    fw.refuses(["report", str(kept)], 2, stdin='{"time":1}\n')
    assert kept.read_text(encoding="utf-8") == "old" and [path.name for path in tmp_path.glob("kept*")] == ["kept.html"]
    fw.refuses(["report", str(tmp_path / "no" / "such.html")], 2, stdin="x")


def pixels(png):
    """Rows of (red, green, blue) of an 8-bit RGB or RGBA picture (RFC 2083)."""
    at, data, header = 8, b"", None
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        body = png[at + 8 : at + 8 + length]
        header = header or struct.unpack(">IIBB", body[:10])
        data += body if kind == b"IDAT" else b""
        at += length + 12
    width, height, depth, colour = header
    assert depth == 8 and colour in (2, 6)
    size = 3 if colour == 2 else 4
    raw, before, out = zlib.decompress(data), bytearray(width * size), []
    for y in range(height):
        start = y * (width * size + 1)
        how, line = raw[start], bytearray(raw[start + 1 : start + 1 + width * size])
        for x in range(len(line)):
            left, up = line[x - size] if x >= size else 0, before[x]
            corner = before[x - size] if x >= size else 0
            line[x] = (line[x] + predict(how, left, up, corner)) & 255
        out.append([tuple(line[x : x + 3]) for x in range(0, len(line), size)])
        before = line
    return out


def predict(how, left, up, corner):
    if how < 4:
        return (0, left, up, (left + up) // 2)[how]
    distances = [(abs(up - corner), 0, left), (abs(left - corner), 1, up), (abs(left + up - 2 * corner), 2, corner)]
    return min(distances)[2]


def test_in_a_browser(fw, recording, tmp_path, tool):
    """Chromium, in a namespace that has no way out: it lays the page out, and lines are drawn."""
    tool("chromium")
    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    fw(["report", str(page), "--from", str(recording)])
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    size = ["--window-size=900,1300", "--hide-scrollbars", f"--screenshot={picture}"]
    fw.net.peer.run(*command, *size, page.as_uri(), timeout=90)
    rows = pixels(picture.read_bytes())
    blue = [x for row in rows for x, colour in enumerate(row) if colour == BLUE]
    assert len(blue) > 500 and max(blue) - min(blue) > 400, "a line over most of the plot"
    dump = fw.net.peer.run(*command, "--dump-dom", page.as_uri(), timeout=90).stdout
    assert dump.count("<polyline") >= 3 and "in udp 9999" in dump
