"""How many pages an outage makes, with the shipped files, a real Prometheus and Alertmanager, and a receiver that counts.

    python3 tests/real/alerts_outages.py target/debug/aliyun-flink-exporter prometheus-alertmanager

One expired key across 50 namespaces is one page; 1 000 failed streams in 20 namespaces are one page for each namespace; a
stream that stays down while the exporter and Prometheus restart is one page that does not resolve. Time is as in alerts.py.
"""

import http.server
import json
import pathlib
import sys
import tempfile
import threading
import time
import urllib.parse

from alerts import MINUTE, Programs, Receiver, alertmanager_config, faster, get, replaced, say, until

LOST = [f"lost-{number:02}" for number in range(50)]
BUSY = [f"busy-{number:02}" for number in range(20)]
WORKSPACES = {"lost": LOST, "busy": BUSY, "one": ["stream"], "denied": ["open", "closed"]}
STREAMS = 50  # in each namespace of the workspace `busy`
TARGETS = sum(map(len, WORKSPACES.values()))
DEPLOYMENTS = TARGETS + len(BUSY) * (STREAMS - 1)


class Server(http.server.ThreadingHTTPServer):
    """Without a traceback for each connection that an exporter leaves when it is stopped."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Api:
    """The operation ListDeployments, with streams that fail and keys that expire on demand."""

    def __init__(self):
        self.refused, self.denied, self.failed = set(), set(), set()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, body = api.reply(self.path, self.headers["workspace"])
                body = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.endpoint = "http://127.0.0.1:%d" % self.server.server_address[1]

    def reply(self, path, workspace):
        parsed = urllib.parse.urlparse(path)
        namespace = parsed.path.split("/")[4]
        parameters = dict(urllib.parse.parse_qsl(parsed.query))
        if workspace in self.refused:
            return 404, {"Code": "InvalidAccessKeyId.NotFound", "Message": "expired", "RequestId": "r"}
        if namespace in self.denied:
            return 403, {"Code": "NoPermission", "Message": "denied", "RequestId": "r"}
        status = "FAILED" if namespace in self.failed else "RUNNING"
        streams = range(STREAMS if workspace == "busy" else 1)
        listed = [self.stream(f"{namespace}-{number:02}", status) for number in streams]
        if parameters.get("status", status) != status:
            listed = []
        index, size = int(parameters["pageIndex"]), int(parameters["pageSize"])
        page = listed[(index - 1) * size : index * size]
        return 200, {"success": True, "requestId": "r", "httpCode": 200, "pageIndex": index, "pageSize": size, "totalSize": len(listed), "data": page}

    @staticmethod
    def stream(name, status):
        counts = {state: 0 for state in ("starting", "running", "cancelling", "cancelled", "finished")}
        jobs = {**counts, "running": int(status == "RUNNING"), "failed": 1 + int(status == "FAILED")}
        return {"deploymentId": f"id-{name}", "name": name, "executionMode": "STREAMING", "jobSummary": jobs}


class Stage:
    """One exporter over all workspaces, Prometheus and Alertmanager; each can be started again at the same address."""

    def __init__(self, programs, binary, alertmanager):
        self.programs, self.directory = programs, programs.directory
        self.binary, self.api, self.receiver = binary, Api(), Receiver()
        self.addresses = {"exporter": "127.0.0.1:0", "prometheus": "127.0.0.1:0"}
        self.exporter_config()
        self.start_exporter()
        # What many alerts take on their way does not pass faster.
        alertmanager_config(self.directory, self.receiver.address, ("group_wait: .*", "group_wait: 6s"))
        command = [f"--config.file={self.directory}/alertmanager.yml", f"--storage.path={self.directory}/alertmanager"]
        here = ["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]
        self.addresses["alertmanager"] = programs.start("alertmanager", alertmanager, *command, *here)
        self.prometheus_config()
        self.start_prometheus()

    def exporter_config(self):
        workspaces = ", ".join(
            f"{{id: {name}, endpoint: '{self.api.endpoint}', namespaces: [{', '.join(namespaces)}]}}"
            for name, namespaces in WORKSPACES.items()
        )
        (self.directory / "exporter.yml").write_text(
            f"poll: {{interval: {MINUTE}s, timeout: {MINUTE}s, stale_after: {8 * MINUTE}s}}\n"
            "credentials: {type: access_key, access_key_id: id, access_key_secret: secret}\n"
            "api: {requests_per_second: 500, max_retries: 0}\n"
            f"metrics: {{first_value_hold: {2 * MINUTE}s}}\n"
            f"workspaces: [{workspaces}]\n"
        )

    def start_exporter(self):
        command = [self.binary, "run", "--config.file", self.directory / "exporter.yml"]
        self.addresses["exporter"] = self.programs.start("exporter", *command, "--web.listen-address", self.addresses["exporter"])

    def prometheus_config(self):
        shipped = pathlib.Path("deploy/prometheus")
        for name in ("rules.yml", "alerts.yml"):
            (self.directory / name).write_text(faster((shipped / name).read_text()))
        config = replaced(
            (shipped / "prometheus.yml").read_text(),
            ("scrape_interval: .*", f"scrape_interval: 1s\n  evaluation_interval: {MINUTE}s"),
            ("scrape_timeout: .*\n", "scrape_timeout: 1s\n"),
            ("localhost:10978", self.addresses["exporter"]),
            ("localhost:9093", self.addresses["alertmanager"]),
        )
        (self.directory / "prometheus.yml").write_text(config)

    def start_prometheus(self):
        command = ["prometheus", f"--config.file={self.directory}/prometheus.yml", f"--storage.tsdb.path={self.directory}/data"]
        # Of an alert's time to live in Alertmanager, which is four times the delay, a restart takes a small part.
        times = [f"--query.lookback-delta={5 * MINUTE}s", "--rules.alert.resend-delay=20s", f"--rules.alert.for-grace-period={10 * MINUTE}s"]
        self.addresses["prometheus"] = self.programs.start(
            "prometheus", *command, *times, f"--web.listen-address={self.addresses['prometheus']}"
        )

    def restart(self, name):
        self.programs.stop(name)
        {"exporter": self.start_exporter, "prometheus": self.start_prometheus}[name]()

    def value(self, expression):
        url = f"http://{self.addresses['prometheus']}/api/v1/query?query={urllib.parse.quote(expression)}"
        result = json.loads(get(url))["data"]["result"]
        return float(result[0]["value"][1]) if result else 0

    def reaches(self, what, expression, value, minutes):
        until(f"{what}: {expression} is {value}", minutes * MINUTE, lambda: self.value(expression) == value)
        say(what)

    def firing(self, alert, number, minutes=60, **labels):
        matchers = "".join(f', {name}="{value}"' for name, value in labels.items())
        expression = f'count(ALERTS{{alertname="AliyunFlink{alert}", alertstate="firing"{matchers}}})'
        self.reaches(f"{number} times {alert} {labels or ''}".rstrip(), expression, number, minutes)

    def pages(self, **group):
        """The messages of a group to the pager: how many alerts were firing in each."""
        return [firing for receiver, labels, firing in list(self.receiver.posts) if receiver == "pager" and group.items() <= labels.items()]

    def expect_pages(self, wanted, **group):
        found = self.pages(**group)
        if found != wanted:
            sys.exit(f"differs: the pages of {group} have {found} firing alerts, not {wanted}")


def one_key_expires(stage):
    """Every alert about the workspace fires, and one page is delivered, when it goes down and when it recovers."""
    stage.api.refused = {"lost"}
    stage.firing("WorkspaceDown", 1, workspace="lost")
    for alert in ("NamespaceDown", "AccessFailing", "DataStale", "TargetDown"):
        stage.firing(alert, len(LOST), workspace="lost")
    time.sleep(6 * MINUTE)
    stage.expect_pages([1], alertname="AliyunFlinkWorkspaceDown")
    stage.api.refused = set()
    stage.firing("WorkspaceDown", 0)
    until("the page resolves", 10 * MINUTE, lambda: stage.pages(alertname="AliyunFlinkWorkspaceDown") == [1, 0])
    time.sleep(6 * MINUTE)
    stage.expect_pages([1, 0], alertname="AliyunFlinkWorkspaceDown")
    stage.expect_pages([], workspace="lost")
    say(f"one expired key across {len(LOST)} namespaces: one page")


def one_namespace_is_denied(stage):
    stage.api.denied = {"closed"}
    stage.firing("AccessFailing", 1, workspace="denied")
    stage.firing("NamespaceDown", 1, workspace="denied")
    until("the page is delivered", 10 * MINUTE, lambda: stage.pages(workspace="denied", namespace="closed"))
    time.sleep(6 * MINUTE)
    stage.expect_pages([1], workspace="denied")
    stage.api.denied = set()
    stage.firing("AccessFailing", 0)
    say("one namespace without permission: one page")


def streams_fail(stage):
    stage.api.failed = set(BUSY)
    stage.firing("StreamingNotRunning", len(BUSY) * STREAMS)
    time.sleep(6 * MINUTE)
    for namespace in BUSY:
        stage.expect_pages([STREAMS], workspace="busy", namespace=namespace)
    stage.api.failed = set()
    stage.firing("StreamingNotRunning", 0)
    until("the pages resolve", 10 * MINUTE, lambda: all(stage.pages(namespace=namespace)[-1] == 0 for namespace in BUSY))
    say(f"{len(BUSY) * STREAMS} failed streams in {len(BUSY)} namespaces: {len(BUSY)} pages")


def one_stream_stays_down(stage):
    stage.api.failed = {"stream"}
    stage.firing("StreamingNotRunning", 1, workspace="one")
    until("the page is delivered", 10 * MINUTE, lambda: stage.pages(namespace="stream"))
    for name in ("exporter", "prometheus", "exporter", "prometheus"):
        stage.restart(name)
        say(f"restarted: {name}")
        stage.reaches("scraped again", 'count(aliyun_flink_deployment_status{status="FAILED"})', 1, 10)
        time.sleep(6 * MINUTE)
        stage.firing("StreamingNotRunning", 1, workspace="one")
        stage.expect_pages([1], workspace="one")
    stage.api.failed = set()
    until("the page resolves", 20 * MINUTE, lambda: stage.pages(namespace="stream") == [1, 0])
    say("a stream that stays down across restarts: one page, which resolves when the stream runs")


def main():
    binary, alertmanager = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        programs = Programs(pathlib.Path(directory))
        try:
            stage = Stage(programs, binary, alertmanager)
            stage.reaches("every target is polled", "count(aliyun_flink_target_up == 1)", TARGETS, 60)
            stage.reaches("every stream runs", 'count(aliyun_flink_deployment_status{status="RUNNING"})', DEPLOYMENTS, 20)
            one_key_expires(stage)
            one_namespace_is_denied(stage)
            streams_fail(stage)
            one_stream_stays_down(stage)
        finally:
            programs.stop_all()


if __name__ == "__main__":
    main()
