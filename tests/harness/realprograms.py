"""Servers of the wide world under a small load on the loopback: what they say of their contents, and in which of their maps that is."""
import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request

from harness import go, process

HOST = "127.0.0.1"


class Figure:
    """`said`: a number that the program gives for `what`. It is the sum of the lens of all its live maps of `type`, or the len of the
    largest of them."""

    def __init__(self, what, said, kind, largest=False):
        self.what = what
        self.said = said
        self.type = kind
        self.largest = largest

    def found(self, rows):
        lens = [row["len"] for row in rows if row["type"] == self.type and row["live"]]
        return (max(lens, default=0) if self.largest else sum(lens)), len(lens)


def get(port, path, kind=json.loads):
    with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=10) as answer:
        return kind(answer.read().decode())


def until(what, test, seconds=60):
    """What test() says as soon as it says something; it may fail until then."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = test()
            if found:
                return found
            error = "not yet"
        except (OSError, ValueError, KeyError) as failure:
            error = str(failure)
        if time.monotonic() > deadline:
            raise process.Failed(f"{what}: {error}")
        time.sleep(0.2)


class Server:
    """One program that runs in a folder of its own."""

    module = version = None
    arguments = ()

    def __init__(self, go_version):
        self.program = self.build(go_version)
        self.folder = tempfile.mkdtemp(prefix="mapscope-real-")
        self.open = contextlib.ExitStack()
        self.open.callback(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self.prepare()
            with open(os.path.join(self.folder, "log"), "w") as log:
                self.process = subprocess.Popen([self.program, *(word.format(folder=self.folder) for word in self.arguments)], cwd=self.folder,
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self.open.callback(self.stop)
            self.load()
        except BaseException:
            self.open.close()
            raise

    @classmethod
    def build(cls, go_version):
        """By go install, where it is missing; the program's path."""
        full, root = go.toolchain(go_version)
        folder = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "mapscope-real", f"{full}-{cls.version}")
        program = os.path.join(folder, cls.module.rpartition("/")[2] if not re.search(r"/v\d+$", cls.module) else cls.module.split("/")[-2])
        if not os.path.exists(program):
            environment = dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="-buildvcs=false", CGO_ENABLED="0", GOBIN=folder)
            process.must_run([os.path.join(root, "bin", "go"), "install", f"{cls.module}@{cls.version}"], 1800, env=environment)
        return program

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.open.close()

    def prepare(self):
        """Files that it needs."""

    def load(self):
        """Waits until it is up, and gives it something to hold."""

    def figures(self):
        """What it says of itself now."""


class Nats(Server):
    """Clients that stay connected, with subscriptions."""

    module, version = "github.com/nats-io/nats-server/v2", "v2.15.3"
    port, monitor = 24222, 28222
    arguments = ("-a", HOST, "-p", str(port), "-m", str(monitor))
    clients, subscriptions = 300, 12
    package = "github.com/nats-io/nats-server/v2/server"

    def load(self):
        until("nats-server", lambda: get(self.monitor, "/varz"))
        for number in range(self.clients):
            client = self.open.enter_context(socket.create_connection((HOST, self.port), 10))
            text = "".join(f"SUB orders.{number}.{i} {i}\r\n" for i in range(1, self.subscriptions + 1))
            client.sendall(b'CONNECT {"verbose":false,"name":"a client"}\r\n' + text.encode() + b"PING\r\n")
            answer = b""
            while b"PONG" not in answer:
                answer += client.recv(65536)
        until("subscriptions", lambda: get(self.monitor, "/varz")["subscriptions"] >= self.clients * self.subscriptions)

    def figures(self):
        status, subjects = get(self.monitor, "/varz"), get(self.monitor, "/subsz")
        yield Figure("connections (/varz)", status["connections"], f"map[uint64]*{self.package}.client", largest=True)
        yield Figure("connections of the account (/accountz)", get(self.monitor, "/accountz?acc=$G")["account_detail"]["client_connections"],
                     f"map[*{self.package}.client]struct {{}}", largest=True)
        yield Figure("subscriptions (/subsz)", subjects["num_subscriptions"], f"map[*{self.package}.subscription]struct {{}}")


class CoreDns(Server):
    """Names that were asked for are in its cache."""

    module, version = "github.com/coredns/coredns", "v1.15.0"
    port, metrics = 25353, 29153
    arguments = ("-conf", "{folder}/Corefile")
    names = 5000

    def prepare(self):
        with open(os.path.join(self.folder, "Corefile"), "w") as file:
            file.write(f""".:{self.port} {{
    bind {HOST}
    prometheus {HOST}:{self.metrics}
    cache 3600 {{
        success 100000 3600
    }}
    template IN A example.test {{
        answer "{{{{ .Name }}}} 3600 IN A 127.0.0.9"
    }}
}}
""")

    def load(self):
        until("coredns", lambda: get(self.metrics, "/metrics", str))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            for number in range(self.names):
                question = b"".join(struct.pack("B", len(part)) + part for part in (b"host%d" % number, b"example", b"test"))
                client.sendto(struct.pack(">6H", number, 0x100, 1, 0, 0, 0) + question + struct.pack(">B2H", 0, 1, 1), (HOST, self.port))
                client.recv(4096)

    def figures(self):
        text = get(self.metrics, "/metrics", str)
        count = sum(float(number) for number in re.findall(r"^coredns_cache_entries\{.*\} (\S+)$", text, re.MULTILINE))
        yield Figure("entries of the cache (coredns_cache_entries)", int(count), "map[uint64]*github.com/coredns/coredns/plugin/cache.item")


class Exporter(http.server.BaseHTTPRequestHandler):
    """Metrics to scrape."""

    series = 8000

    def do_GET(self):
        text = "".join(f'shop_orders_total{{customer="c{i}",region="r{i % 20}"}} {i}\n' for i in range(self.series)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


class Prometheus(Server):
    """Series of a target that it scraped."""

    module, version = "github.com/prometheus/prometheus/cmd/prometheus", "v0.316.0"
    port, target = 29090, 29091
    arguments = ("--config.file={folder}/prometheus.yml", "--storage.tsdb.path={folder}/data", f"--web.listen-address={HOST}:{port}",
                 "--log.level=error")
    package = "github.com/prometheus/prometheus"

    def prepare(self):
        exporter = http.server.ThreadingHTTPServer((HOST, self.target), Exporter)
        threading.Thread(target=exporter.serve_forever, daemon=True).start()
        self.open.callback(exporter.server_close)
        self.open.callback(exporter.shutdown)
        with open(os.path.join(self.folder, "prometheus.yml"), "w") as file:
            file.write(f'global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: shop\n  static_configs: [{{targets: ["{HOST}:{self.target}"]}}]\n')

    def head(self, limit):
        """It keeps what it says of labels for 30 s, for each limit."""
        return get(self.port, f"/api/v1/status/tsdb?limit={limit}")["data"]

    def load(self):
        until("prometheus", lambda: self.head(1)["headStats"]["numSeries"] > Exporter.series)

    def figures(self):
        head = self.head(1000)
        stats = head["headStats"]
        yield Figure("series of the head (/api/v1/status/tsdb)", stats["numSeries"],
                     f"map[{self.package}/tsdb/chunks.HeadSeriesRef]*{self.package}/tsdb.memSeries")
        yield Figure("the same, by hash of the labels", stats["numSeries"], f"map[uint64]*{self.package}/tsdb.memSeries")
        yield Figure("pairs of label and value", stats["numLabelPairs"] + 1, f"map[string][]{self.package}/storage.SeriesRef")
        yield Figure("names of labels", len(head["labelValueCountByLabelName"]) + 1,
                     f"map[string]map[string][]{self.package}/storage.SeriesRef", largest=True)


PROGRAMS = {"nats-server": Nats, "coredns": CoreDns, "prometheus": Prometheus}
