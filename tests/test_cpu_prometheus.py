"""Prometheus as an input: a real one, and one that fails in every way it may."""

import json
import shutil
import socket
import subprocess
import threading
import time
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pyarrow.compute as pc
import pytest

from resetradar.cpu import to_samples
from resetradar.cpu._prometheus import fetch, targets
from resetradar.errors import SettingsError
from resetradar.ingest import ingest_cpu, lake_of
from resetradar.settings import Inputs, Settings, load_settings
from resetradar.sources import Prometheus
from resetradar.tables import CPU_SAMPLES

START_S = 1_795_651_200


def command(name, package):
    """A program of this machine; without it the test fails and says what mends that."""
    found = shutil.which(name)
    assert found, f"{name} is not installed; mend it with: apt-get install {package}"
    return found


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(url, until, timeout_s=40):
    """The body of a reply once it is as wanted."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            with urlopen(url, timeout=5) as reply:  # noqa: S310 - a server of this test
                body = reply.read()
            if until(body):
                return body
        except (URLError, ConnectionError):
            pass
        time.sleep(0.3)
    pytest.fail(f"{url}: not as wanted after {timeout_s} s")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """A Prometheus that has scraped a node_exporter every second, twelve times or more."""
    folder = tmp_path_factory.mktemp("prometheus")
    node, port = free_port(), free_port()
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [
            {"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{node}"]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    commands = [
        [
            command("prometheus-node-exporter", "prometheus-node-exporter"),
            f"--web.listen-address=127.0.0.1:{node}",
            "--collector.disable-defaults",
            "--collector.cpu",
        ],
        [
            command("prometheus", "prometheus"),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
    ]
    with (folder / "log").open("wb") as log:
        processes = [subprocess.Popen(line, stdout=log, stderr=log) for line in commands]
        try:
            url = f"http://127.0.0.1:{port}"
            query = "count_over_time(node_cpu_seconds_total{cpu=%220%22,mode=%22idle%22}[1m])"
            ask(f"{url}/api/v1/query?query={query}", lambda body: _count(body) >= 12)
            yield url, f"127.0.0.1:{node}"
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(20)


def _count(body):
    result = json.loads(body)["data"]["result"]
    return int(float(result[0]["value"][1])) if result else 0


def test_real_prometheus_gives_each_scrape_as_a_sample(prometheus):
    """Every CPU, every second, at the time of its scrape; a page end in between loses nothing."""
    url, label = prometheus
    end_s = time.time()
    settings = Prometheus(url=url, matchers='job="node"', hosts={label: "ip-10-20-1-17"})
    hosts, rejects = targets(settings, end_s - 60, end_s)
    assert (hosts, rejects) == ({"ip-10-20-1-17": [label]}, [])
    whole = fetch(settings, hosts, end_s - 120, end_s)
    paged = fetch(settings.model_copy(update={"page_s": 3.0}), hosts, end_s - 120, end_s)
    assert whole.rejects == paged.rejects == []
    assert (whole.replies, paged.replies) == (1, 40)
    samples, problems = to_samples(whole.counters)
    assert samples.equals(to_samples(paged.counters)[0])
    cpus = len(samples["cpu"].unique())
    scrapes = len(samples["sampled_at"].unique())
    assert cpus == Path("/proc/stat").read_text().count("\ncpu")
    assert scrapes >= 10
    assert samples.num_rows > 0.8 * cpus * scrapes
    assert all("none" in each.reason for each in problems)
    assert pc.max(pc.abs(pc.subtract(samples["interval_s"], 1.0))).as_py() < 0.9


def test_real_prometheus_by_steps_agrees_on_the_whole(prometheus):
    """With a step, stamps follow the step; the time spent by mode stays the same."""
    url, label = prometheus
    end_s = int(time.time()) - 1
    hosts = {"h": [label]}
    exact, _ = to_samples(fetch(Prometheus(url=url), hosts, end_s - 10, end_s).counters)
    stepped, _ = to_samples(fetch(Prometheus(url=url, step_s=2), hosts, end_s - 10, end_s).counters)
    assert set(pc.cast(stepped["interval_s"], "int64").to_pylist()) == {2}
    for samples in (exact, stepped):
        assert samples.num_rows > 0
    spent = [
        sum(
            (row["user"] + row["nice"] + row["system"]) * row["interval_s"]
            for row in samples.to_pylist()
        )
        / sum(row["interval_s"] for row in samples.to_pylist())
        for samples in (exact, stepped)
    ]
    assert spent[0] == pytest.approx(spent[1], abs=40)


def test_real_prometheus_says_what_is_wrong_with_a_query(prometheus):
    url, _ = prometheus
    hosts, [reject] = targets(Prometheus(url=url, matchers="job=="), 0, 10)
    assert hosts == {}
    assert "HTTP 400" in reject.reason
    assert "parse error" in reject.reason


def test_label_that_names_no_host_is_a_reject(prometheus):
    url, label = prometheus
    end_s = time.time()
    settings = Prometheus(url=url, host_pattern=r"(?P<host_id>ip-[0-9-]+):9100")
    hosts, [reject] = targets(settings, end_s - 60, end_s)
    assert hosts == {}
    assert reject.sample == label


# A server that does as it is told.


class Stub(ThreadingHTTPServer):
    """Gives the replies of a list, the last one again and again, and keeps what it was asked."""

    def __init__(self, *replies):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies, self.asked, self.permits = list(replies), [], []

    @property
    def url(self):
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        address = urlsplit(self.path)
        self.server.asked.append((address.path, parse_qs(address.query)))
        self.server.permits.append(self.headers["Authorization"])
        replies = self.server.replies
        status, body, *location = replies.pop(0) if len(replies) > 1 else replies[0]
        self.send_response(status)
        for url in location:
            self.send_header("Location", url)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def stub():
    servers = []

    def start(*replies):
        server = Stub(*replies)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("resetradar.cpu._prometheus._FIRST_PAUSE_S", 0.01)


def matrix(*values, mode="idle"):
    series = {"metric": {"cpu": "0", "mode": mode, "instance": "x"}, "values": list(values)}
    reply = {"status": "success", "data": {"resultType": "matrix", "result": [series]}}
    return 200, json.dumps(reply).encode()


def test_server_that_is_busy_is_asked_again(stub):
    good = matrix([START_S, "5"], [START_S + 10, "15"])
    server = stub((503, b"busy"), (429, b"slow down"), good)
    found = fetch(Prometheus(url=server.url), {"h": ["x"]}, START_S, START_S + 60)
    assert (found.counters.num_rows, found.rejects, len(server.asked)) == (2, [], 3)


def test_server_that_stays_busy_is_a_reject_of_the_host(stub):
    server = stub((503, b'{"status":"error","error":"too many queries"}'))
    found = fetch(Prometheus(url=server.url, attempts=2), {"h": ["x"]}, START_S, START_S + 60)
    [reject] = found.rejects
    assert reject.host_id == "h"
    assert "in 2 attempts, found HTTP 503: too many queries" in reject.reason
    assert len(server.asked) == 2


def test_query_that_is_wrong_is_not_asked_again(stub):
    server = stub((422, b'{"status":"error","error":"no such thing"}'))
    found = fetch(Prometheus(url=server.url), {"h": ["x"]}, START_S, START_S + 60)
    assert ["HTTP 422: no such thing" in r.reason for r in found.rejects] == [True]
    assert len(server.asked) == 1


def test_server_that_is_away_is_given_up_after_three_hosts():
    hosts = {f"h{n}": [f"h{n}:9100"] for n in range(50)}
    server = Prometheus(url=f"http://127.0.0.1:{free_port()}", attempts=2)
    found = fetch(server, hosts, START_S, START_S + 60)
    assert [reject.host_id for reject in found.rejects] == ["h0", "h1", "h2", None]
    assert "47 further hosts not asked for" in found.rejects[-1].reason


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"status":"success"}', b'{"data":{}}', b"[]"])
def test_reply_of_another_kind_is_a_reject(stub, body):
    server = stub((200, body))
    found = fetch(Prometheus(url=server.url), {"h": ["x"]}, START_S, START_S + 60)
    assert found.counters.num_rows == 0
    assert ["Prometheus" in r.source_path or "reply" in r.reason for r in found.rejects] == [True]


def test_pages_are_bounded_and_cover_the_span(stub):
    """Two hours and a half at half an hour a page: five requests that meet at their ends."""
    server = stub(matrix([START_S, "5"]))
    settings = Prometheus(url=server.url, page_s=1800, step_s=15)
    fetch(settings, {"h": ["x"]}, START_S, START_S + 9000)
    spans = [
        (float(asked["start"][0]) - START_S, float(asked["end"][0]) - START_S)
        for path, asked in server.asked
        if path == "/api/v1/query_range"
    ]
    assert spans == [(0, 1800), (1800, 3600), (3600, 5400), (5400, 7200), (7200, 9000)]
    assert {asked["step"][0] for _, asked in server.asked} == {"15"}


def test_label_values_cannot_leave_their_quotes(stub):
    """A label is what a host calls itself."""
    server = stub(matrix([START_S, "5"]))
    hostile = 'x"} or vector(1) or y{a=".*'
    fetch(Prometheus(url=server.url, matchers='job="node"'), {"h": [hostile]}, START_S, START_S + 9)
    [(_, asked)] = server.asked
    selector = asked["query"][0].rpartition("[")[0]
    assert selector.startswith('node_cpu_seconds_total{job="node",instance=~"')
    inside = selector.removeprefix('node_cpu_seconds_total{job="node",instance=~"')
    assert inside.endswith('"}')
    assert '"' not in inside.removesuffix('"}').replace("\\\\", "").replace('\\"', "")


@pytest.mark.parametrize("url", ["ftp://x", "file:///etc/passwd", "prometheus:9090", "http://"])
def test_only_http_is_asked(url):
    with pytest.raises(ValueError, match="url"):
        Prometheus(url=url)


@pytest.mark.parametrize(
    ("mode", "hosts", "requests"), [("all", ["h1", "h2"], 5), ("by_need", [], 1)]
)
def test_day_of_a_fleet_comes_from_prometheus(stub, tmp_path, mode, hosts, requests):
    """Each host by pages of a day; by need, a day without resets asks for the hosts only."""
    series = [
        {"metric": {"cpu": "0", "mode": name}, "values": [[START_S, "0"], [START_S + 30, "15"]]}
        for name in ("idle", "system")
    ]
    reply = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    labels = {"status": "success", "data": ["h1:9100", "h2:9100"]}
    server = stub((200, json.dumps(labels).encode()), (200, json.dumps(reply).encode()))
    inputs = Inputs(cpu_mode=mode, prometheus=Prometheus(url=server.url, page_s=86400))
    settings = Settings(root=tmp_path, shards=1, inputs=inputs)
    day = date(2026, 11, 26)
    ingest_cpu(settings, day, 0)
    rows = lake_of(settings).read(CPU_SAMPLES, day, day).to_pylist()
    assert [row["host_id"] for row in rows] == hosts
    assert {(row["system"], row["interval_s"]) for row in rows} <= {(100, 30.0)}
    assert len(server.asked) == requests


# Servers that ask who is there.

PHRASE = "a long phrase of the test"
# bcrypt of it, as Prometheus wants it.
HASHED = "$2b$04$GqbzgHQyKJT6xhlo4GlM1OQnZPBBHbbQbKa.8ktujF/0ejSZxKtv6"
TOKEN = {"bearer_token_variable": "READERS_TOKEN"}
NOT_SET = {"password_variable": "NOT_SET_HERE"}


@pytest.fixture(scope="module")
def guarded(prometheus, tmp_path_factory):
    """Url, certificate and label of a Prometheus behind TLS and a password; it has scraped."""
    _, node = prometheus
    folder, port = tmp_path_factory.mktemp("guarded"), free_port()
    certificate = folder / "certificate.pem"
    made = [command("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
    made += ["-keyout", str(folder / "key.pem"), "-out", str(certificate), "-days", "2"]
    made += ["-subj", "/CN=prometheus.example", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(made, check=True, capture_output=True)
    web = {
        "tls_server_config": {"cert_file": str(certificate), "key_file": str(folder / "key.pem")},
        "basic_auth_users": {"reader": HASHED},
    }
    (folder / "web.yml").write_text(json.dumps(web))
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [node]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    (folder / "password").write_text(PHRASE + "\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                command("prometheus", "prometheus"),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.config.file={folder}/web.yml",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            server = Prometheus(
                url=f"https://127.0.0.1:{port}",
                username="reader",
                password_file=folder / "password",
                ca_file=certificate,
                attempts=1,
            )
            end = time.monotonic() + 40
            while time.monotonic() < end and not targets(server, 0, time.time())[0]:
                time.sleep(0.3)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def test_real_prometheus_lets_in_who_knows_the_password(guarded):
    now = time.time()
    hosts, rejects = targets(guarded, now - 60, now)
    assert (list(hosts), rejects) == (["127.0.0.1"], [])
    found = fetch(guarded, hosts, now - 60, now + 1)
    assert (found.rejects, found.counters.num_rows > 0) == ([], True)


def test_real_prometheus_refuses_others_and_the_reject_tells_no_secret(guarded, monkeypatch):
    monkeypatch.setenv("READERS_PASSWORD", "guessed wrong")
    wrong = guarded.model_copy(
        update={"password_file": None, "password_variable": "READERS_PASSWORD"}
    )
    nobody = guarded.model_copy(update={"username": None, "password_file": None})
    for server in (wrong, nobody):
        hosts, [reject] = targets(server, 0, time.time())
        assert hosts == {}
        assert "HTTP 401" in reject.reason
        assert "guessed" not in str(reject)


def test_real_prometheus_with_an_unknown_certificate_is_not_asked(guarded):
    """Its password would go to whoever answers."""
    hosts, [reject] = targets(guarded.model_copy(update={"ca_file": None}), 0, time.time())
    assert hosts == {}
    assert "certificate verify failed" in reject.reason


def test_token_is_read_anew_so_that_a_new_one_counts(stub, tmp_path):
    file = tmp_path / "token"
    server = stub(matrix([START_S, "5"]))
    source = Prometheus.model_validate({"url": server.url, "bearer_token_file": file.name})
    settings = Settings(root=tmp_path, inputs=Inputs(prometheus=source))
    for token in ("first", "second"):
        file.write_text(token + "\n")
        fetch(settings.prometheus, {"h": ["x"]}, START_S, START_S + 9)
    assert server.permits == ["Bearer first", "Bearer second"]


def test_token_comes_from_the_named_variable(stub, monkeypatch):
    monkeypatch.setenv("READERS_TOKEN", "abc.def")
    server = stub(matrix([START_S, "5"]))
    settings = Prometheus(url=server.url, **TOKEN)
    fetch(settings, {"h": ["x"]}, START_S, START_S + 9)
    assert server.permits == ["Bearer abc.def"]
    assert "abc.def" not in f"{settings!r}{settings.model_dump_json()}"


def test_token_does_not_follow_a_redirect(stub, monkeypatch):
    """Another server may stand there."""
    monkeypatch.setenv("READERS_TOKEN", "abc.def")
    other = stub(matrix([START_S, "5"]))
    server = stub((302, b"", f"{other.url}/api"))
    settings = Prometheus(url=server.url, **TOKEN)
    fetch(settings, {"h": ["x"]}, START_S, START_S + 9)
    assert (server.permits, other.permits) == (["Bearer abc.def"], [None])


def test_server_that_repeats_the_header_puts_no_secret_into_the_reject(stub, monkeypatch):
    monkeypatch.setenv("READERS_TOKEN", "abc.def")
    server = stub((400, b"bad header: Bearer abc.def"))
    settings = Prometheus(url=server.url, **TOKEN)
    [reject] = fetch(settings, {"h": ["x"]}, START_S, START_S + 9).rejects
    assert reject.reason.endswith("HTTP 400: bad header: Bearer …")


@pytest.mark.parametrize(
    ("content", "found"), [(None, "No such file"), (b" \n", "none or more"),
                           (b"abc\r\nX-Other: 1", "none or more"), (b"\xff\xfe", "other bytes")]
)  # fmt: skip
def test_secret_that_cannot_be_read_is_an_error_that_names_the_file(tmp_path, content, found):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    server = Prometheus(url="http://127.0.0.1:9", bearer_token_file=file)
    with pytest.raises(SettingsError, match=f"bearer_token_file: {file}: expected .* {found}") as e:
        targets(server, 0, 1)
    assert "abc" not in str(e.value)


def test_variable_that_is_not_set_is_an_error_that_names_it():
    server = Prometheus(url="http://127.0.0.1:9", username="r", **NOT_SET)
    with pytest.raises(SettingsError, match="password_variable: NOT_SET_HERE: expected one line"):
        targets(server, 0, 1)


def test_certificate_file_without_certificates_is_an_error_that_names_it(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    server = Prometheus(url="https://127.0.0.1:9", ca_file=tmp_path / "ca.pem")
    with pytest.raises(SettingsError, match=r"ca_file: .*ca.pem: expected certificates in PEM"):
        targets(server, 0, 1)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('password = "swordfish"', "password: Extra inputs"),
        ('username = "r"\npassword_variable = "sword-fish"', "password_variable: String should"),
        ('bearer_token_variable = "sword.fish"', "bearer_token_variable: String should"),
        ('username = "r"', "expected username with password_file or password_variable"),
        ('password_file = "x"', "expected username with password_file or password_variable"),
        ('bearer_token_file = "x"\nbearer_token_variable = "Y"', "in a file or in a variable"),
        ('bearer_token_file = "x"\nusername = "r"\npassword_file = "y"', "not both"),
        ('ca_file = "ca.pem"', "expected https in url, since there is a ca_file"),
        ('host_label = "swordfish@"', "host_label: String should"),
    ],
)
def test_configuration_that_is_wrong_shows_no_secret(tmp_path, lines, message):
    """Also where the secret itself stands in place of its name."""
    path = tmp_path / "resetradar.toml"
    path.write_text(f'[inputs.prometheus]\nurl = "http://prometheus.example:9090"\n{lines}\n')
    with pytest.raises(SettingsError, match=message) as error:
        load_settings(path)
    is_harmless = "host_label" in lines
    assert ("fish" in str(error.value)) == is_harmless


def test_url_with_a_password_is_refused_and_not_shown(tmp_path):
    path = tmp_path / "resetradar.toml"
    path.write_text('[inputs.prometheus]\nurl = "https://reader:swordfish@prometheus.example"\n')
    with pytest.raises(SettingsError, match="url: String should match") as error:
        load_settings(path)
    assert "swordfish" not in str(error.value)
