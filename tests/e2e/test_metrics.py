# SPDX-License-Identifier: GPL-2.0-only
"""metrics: on stdout, at the HTTP endpoint, and as a real Prometheus sees them."""

import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

import pytest

import lab
import traffic

V4 = lab.V4
DASHBOARD = Path(__file__).resolve().parents[2] / "packaging" / "grafana" / "xdpfw.json"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def loaded_fw(fw):
    fw.policy("default deny in", "allow in 53/udp", "deny in 23")
    fw.load("tc")
    return fw


def send(fw, port, count, size=100):
    sender = traffic.udp(fw.net.peer, V4)
    for _ in range(count):
        traffic.send(sender, bytes(size), (V4.host, port))
    fw.net.settle()


class Endpoint:
    def __init__(self, fw, words=""):
        self.process = subprocess.Popen(
            fw.command(f"metrics --listen 127.0.0.1:0 {words}"),
            env=fw.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        self.port = int(re.fullmatch(r"metrics at http://127\.0\.0\.1:(\d+)/metrics\n", line)[1])

    def request(self, method="GET", path="/metrics", **headers):
        """(status, Content-Type, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read().decode()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def endpoint(loaded_fw):
    made = Endpoint(loaded_fw)
    yield made
    made.close()


def values(text):
    """{name{labels}: number}"""
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[:1] != "#"}


def at(found, name, port, direction="in", proto="udp"):
    return found.get(f'xdpfw_port_{name}_total{{dir="{direction}",proto="{proto}",port="{port}"}}')


def test_counters(loaded_fw):
    fw = loaded_fw
    listener = traffic.udp(fw.net.host, V4, 53)
    send(fw, 53, 40)
    send(fw, 23, 7)
    text = fw("metrics").out
    found = values(text)
    assert at(found, "receive_packets", 53) == 40 and at(found, "receive_bytes", 53) == 40 * 142
    assert at(found, "drop_packets", 23) == 7 and at(found, "drop_bytes", 23) == 7 * 142
    assert at(found, "transmit_packets", 53) == 0
    assert found['xdpfw_judged_packets_total{dir="in",verdict="drop",reason="rule"}'] == 7
    rules = {rule["text"]: rule["id"] for rule in fw.json("status")["rules"]}
    labels = f'id="{rules["deny in 23"]}",rule="deny in 23"'
    assert found[f"xdpfw_rule_packets_total{{{labels}}}"] == 7
    assert found["xdpfw_loaded"] == 1 and found["xdpfw_rules_file_in_sync"] == 1
    assert any(re.match(r'xdpfw_interface_up\{interface="host0",in="tc",out="(tcx|clsact)"\}', key) for key in found)
    assert text.endswith("# EOF\n")
    # A reset is for benchmarks; a counter that falls would look like a restart.
    fw("stats --reset")
    assert at(values(fw("metrics").out), "receive_packets", 53) == 40
    assert listener


def test_chosen_ports(loaded_fw):
    send(loaded_fw, 23, 7)
    found = values(loaded_fw("metrics --ports 22,443/udp").out)
    assert at(found, "drop_packets", 22) == at(found, "drop_packets", 443) == 0
    assert at(found, "drop_packets", 23) is None and at(found, "drop_packets", "other") == 7


def test_a_scan_is_bounded(loaded_fw):
    sender = traffic.udp(loaded_fw.net.peer, V4)
    for port in range(1, 3001):
        traffic.send(sender, b"x", (V4.host, port))
    loaded_fw.net.settle()
    lines = loaded_fw("metrics --max-ports 100").out.splitlines()
    series = [line for line in lines if line.startswith("xdpfw_port_drop_packets_total{")]
    assert len(series) <= 101
    # Port 53 passes; nobody listens there, which is no matter.
    assert sum(float(line.rsplit(" ", 1)[1]) for line in series) == 2999


def test_promtool(loaded_fw, tool):
    tool("promtool")
    send(loaded_fw, 53, 4)
    send(loaded_fw, 23, 7)
    text = loaded_fw("metrics --format prometheus").out
    done = lab.run("promtool", "check", "metrics", input=text, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    broken = lab.run("promtool", "check", "metrics", input=text.replace("_total", ""), check=False)
    assert broken.returncode != 0, "the check does check"


def test_labels_are_escaped(loaded_fw):
    loaded_fw(["allow", "in", "81", "comment", 'say "hi" \\ bye'])
    text = loaded_fw("metrics --format prometheus").out
    assert lab.run("promtool", "check", "metrics", input=text).stdout == ""
    assert re.search(r'rule="allow in 81 .*\\"hi\\"', text)


def test_endpoint(endpoint, loaded_fw):
    send(loaded_fw, 23, 7)
    status, kind, text = endpoint.request()
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert at(values(text), "drop_packets", 23) == 7
    status, kind, text = endpoint.request(Accept=f"{OPENMETRICS},text/plain;q=0.5")
    assert (status, kind) == (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert text.endswith("# EOF\n") and at(values(text), "drop_packets", 23) == 7
    assert endpoint.request("HEAD")[::2] == (200, "")
    assert endpoint.request(path="/")[0] == 404
    assert endpoint.request("POST")[0] == 405
    assert endpoint.request("DELETE")[0] == 405


def test_endpoint_lives_through_unload_and_load(endpoint, loaded_fw):
    send(loaded_fw, 23, 7)
    loaded_fw("unload --all")
    found = values(endpoint.request()[2])
    assert found["xdpfw_loaded"] == 0 and at(found, "drop_packets", 23) is None
    loaded_fw.load("tc")
    send(loaded_fw, 23, 2)
    found = values(endpoint.request()[2])
    assert found["xdpfw_loaded"] == 1 and at(found, "drop_packets", 23) == 2


def test_silent_clients_do_no_harm(endpoint):
    """More connections than it takes, none of them saying anything: it answers again once they are gone."""
    idle = [socket.create_connection(("127.0.0.1", endpoint.port)) for _ in range(40)]
    for one in idle:
        one.close()
    assert endpoint.request()[0] == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_clean(endpoint, number):
    assert endpoint.request()[0] == 200
    endpoint.process.send_signal(number)
    assert endpoint.process.wait(timeout=10) == 0
    assert endpoint.process.stderr.read() == ""


def test_refusals(fw):
    fw.refuses("metrics --listen", 2)
    fw.refuses("metrics --listen 127.0.0.1", 2)
    fw.refuses("metrics --listen localhost:9470", 2)
    fw.refuses("metrics --listen 1.2.3:9470", 2)
    fw.refuses("metrics --listen 127.0.0.1:99999", 2)
    fw.refuses("metrics --ports any", 2)
    fw.refuses("metrics --max-ports many", 2)
    fw.refuses("metrics --format xml", 2)
    fw.refuses("metrics --json", 2)
    fw.refuses("metrics now", 2)
    fw.refuses("metrics --listen 192.0.2.99:9470", 1)
    assert "xdpfw_loaded 0\n" in fw("metrics", code=3).out


def test_port_is_taken(endpoint, loaded_fw):
    loaded_fw.refuses(f"metrics --listen 127.0.0.1:{endpoint.port}", 1)


class Prometheus:
    """The real one, scraping every second."""

    def __init__(self, directory, target):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port = probe.getsockname()[1]
        config = directory / "prometheus.yml"
        job = f"  - job_name: xdpfw\n    static_configs: [{{targets: ['127.0.0.1:{target}']}}]\n"
        config.write_text(f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{job}")
        self._log = (directory / "log").open("wb")
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=self._log,
            stderr=self._log,
        )

    def _get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = json.loads(connection.getresponse().read())
        assert answer["status"] == "success", answer
        return answer["data"]

    def ask(self, query):
        """[(labels, number)]"""
        try:
            found = self._get(f"/api/v1/query?{urllib.parse.urlencode({'query': query})}")["result"]
        except (OSError, ValueError):
            return []  # it has just been started, and says so in plain text
        return [(one["metric"], float(one["value"][1])) for one in found]

    def metadata(self, metric):
        return self._get(f"/api/v1/targets/metadata?{urllib.parse.urlencode({'metric': metric})}")

    def close(self):
        self._process.terminate()
        self._process.wait()
        self._log.close()


@pytest.fixture
def prometheus(endpoint, tmp_path, tool):
    tool("prometheus")
    made = Prometheus(tmp_path, endpoint.port)
    yield made
    made.close()


def test_prometheus_has_the_right_numbers(prometheus, loaded_fw):
    listener = traffic.udp(loaded_fw.net.host, V4, 53)
    send(loaded_fw, 53, 40)
    send(loaded_fw, 23, 7)
    dropped = 'xdpfw_port_drop_packets_total{dir="in",proto="udp",port="23"}'
    assert traffic.eventually(lambda: [one[1] for one in prometheus.ask(dropped)] == [7], 30)
    assert [one[1] for one in prometheus.ask("sum(xdpfw_port_receive_bytes_total)")] == [40 * 142]
    assert [one[1] for one in prometheus.ask("up")] == [1]
    (one,) = prometheus.metadata("xdpfw_port_drop_bytes")
    assert (one["type"], one["unit"]) == ("counter", "bytes") and one["help"].startswith("Bytes dropped or rejected")
    stream = traffic.Stream(traffic.udp(loaded_fw.net.peer, V4), [(V4.host, 23)], per_second=50)
    stream.start()
    time.sleep(7)
    rate = prometheus.ask(f"rate({dropped}[5s])")
    stream.stop()
    assert [one[1] for one in rate] == [pytest.approx(50, rel=0.25)]
    assert listener


def test_every_query_of_the_dashboard_finds_something(prometheus, loaded_fw):
    """What Grafana would fill in is filled in here."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    listener = traffic.udp(loaded_fw.net.host, V4, 53)
    stream = traffic.Stream(traffic.udp(loaded_fw.net.peer, V4), [(V4.host, 23), (V4.host, 53)], per_second=20)
    stream.start()
    try:
        assert traffic.eventually(lambda: prometheus.ask("rate(xdpfw_judged_packets_total[5s])"), 30)
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$instance", ".*").replace("$__rate_interval", "5s").replace("$top", "10")
                assert "$" not in query
                assert prometheus.ask(query), f"{panel['title']}: {query}"
    finally:
        stream.stop()
    assert listener
