"""An alert's whole way, with the shipped files, real Prometheus and Alertmanager, and two replicas of the exporter.

    python3 tests/real/alerts.py target/debug/aliyun-flink-exporter prometheus-alertmanager

Needs prometheus and promtool on the path. A minute of the rules passes in two seconds: their copies differ from the
shipped ones in nothing else. Exits with 1 and a message when something differs.
"""

import contextlib
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

MINUTE = 2  # seconds
BEGUN = time.monotonic()
LIMIT = 600  # seconds for everything
# Failures come soon and often in a fleet of this size.
FLEET = ["--namespaces", "1", "--deployments", "120"]


def say(message):
    print(f"{time.monotonic() - BEGUN:5.1f} s  {message}", flush=True)


def until(what, seconds, check):
    """What `check` gives, once that is something; ends the program when it does not come in time."""
    end = min(time.monotonic() + seconds, BEGUN + LIMIT)
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if found := check():
                return found
        time.sleep(0.2)
    sys.exit(f"differs: {what}: not within {seconds} s, or {LIMIT} s for everything")


def get(url):
    with urllib.request.urlopen(url, timeout=5) as response:
        return response.read().decode()


class Programs:
    """The programs that were started here, and where they listen."""

    def __init__(self, directory):
        self.directory, self.processes = directory, {}

    def start(self, name, *command):
        log = open(self.directory / f"{name}.log", "w")
        self.processes[name] = (subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log), log)
        return until(f"{name} listens", 20, lambda: self.address(name))

    def address(self, name):
        process, log = self.processes[name]
        text = pathlib.Path(log.name).read_text()
        if process.poll() is not None:
            sys.exit(f"differs: {name} ended with {process.returncode}: {text}")
        found = re.search(r'(?:listens"|message=listening|msg="Listening on").*? address=(\S+)', text)
        return found and found[1]

    def stop(self, name):
        process, log = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()

    def stop_all(self):
        for name in list(self.processes):
            self.stop(name)


class Receiver:
    """Takes Alertmanager's notifications."""

    def __init__(self):
        # Each alert, and each message with its group and how many of its alerts are firing.
        self.messages, self.posts = [], []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                firing = sum(alert["status"] == "firing" for alert in body["alerts"])
                receiver.posts.append((self.path.lstrip("/"), body["groupLabels"], firing))
                for alert in body["alerts"]:
                    receiver.messages.append((self.path.lstrip("/"), alert["status"], alert))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = "127.0.0.1:%d" % self.server.server_address[1]

    def find(self, receiver, status, **labels):
        return [
            alert
            for at, state, alert in list(self.messages)
            if (at, state) == (receiver, status) and labels.items() <= alert["labels"].items()
        ]


def faster(text):
    """The same with `MINUTE` seconds in the place of a minute, in durations and in numbers of seconds."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}

    def duration(found):
        return "%gs" % (int(found[1]) * units[found[2]] * MINUTE / 60)

    def seconds(found):
        return "%g" % (int(found[0]) * MINUTE / 60)

    text = re.sub(r"\b(\d+)([smhd])\b", duration, text)
    return re.sub(r"(?<=[<>,-] )(?:420|600|900|259200|604800)\b", seconds, text)


def replaced(text, *pairs):
    for pattern, replacement in pairs:
        text, count = re.subn(pattern, replacement, text)
        if not count:
            sys.exit(f"differs: a shipped file has no {pattern}")
    return text


def copy_files(directory, exporters, alertmanager):
    shipped = pathlib.Path("deploy/prometheus")
    for name in ("rules.yml", "alerts.yml"):
        text = (shipped / name).read_text()
        (directory / name).write_text(faster(text))
    config = replaced(
        (shipped / "prometheus.yml").read_text(),
        ("scrape_interval: .*", f"scrape_interval: 1s\n  evaluation_interval: {MINUTE / 2:g}s"),
        ("scrape_timeout: .*\n", "scrape_timeout: 1s\n"),
        ('"localhost:10978"', ", ".join(f'"{exporter}"' for exporter in exporters)),
        ("localhost:9093", alertmanager),
    )
    (directory / "prometheus.yml").write_text(config)
    subprocess.run(["promtool", "check", "config", directory / "prometheus.yml"], check=True, capture_output=True)


def alertmanager_config(directory, receiver, *changes):
    text = pathlib.Path("deploy/alertmanager/alertmanager.yml").read_text()
    text = replaced(faster(text), ("alerts.example.com", receiver), *changes)
    (directory / "alertmanager.yml").write_text(text)


def exporter_config(directory, simulators):
    workspaces = ", ".join(
        f"{{id: {name}, endpoint: 'http://{address}', namespaces: [default-namespace]}}"
        for name, address in simulators.items()
    )
    path = directory / "exporter.yml"
    path.write_text(
        f"poll: {{interval: {MINUTE}s, timeout: {MINUTE}s, stale_after: {8 * MINUTE}s}}\n"
        "credentials: {type: access_key, access_key_id: good-id, access_key_secret: good-secret}\n"
        "api: {requests_per_second: 100}\n"
        f"metrics: {{first_value_hold: {2 * MINUTE}s}}\n"
        f"workspaces: [{workspaces}]\n"
    )
    return path


class Stage:
    """Everything at work."""

    def __init__(self, programs, receiver, binary, alertmanager):
        directory = programs.directory
        self.programs, self.receiver, self.binary = programs, receiver, binary
        self.simulators = {}
        self.simulate("broken-api")
        self.simulate("wrong-key")
        config = exporter_config(directory, self.simulators)
        run = [binary, "run", "--config.file", config, "--web.listen-address", "127.0.0.1:0"]
        exporters = [programs.start(f"exporter-{replica}", *run) for replica in "ab"]
        alertmanager_config(directory, receiver.address)
        command = [f"--config.file={directory}/alertmanager.yml", f"--storage.path={directory}/alertmanager"]
        here = ["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]
        self.alertmanager = programs.start("alertmanager", alertmanager, *command, *here)
        copy_files(directory, exporters, self.alertmanager)
        command = [f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/prometheus"]
        lookback = [f"--query.lookback-delta={5 * MINUTE}s", "--rules.alert.resend-delay=1s"]
        here = "--web.listen-address=127.0.0.1:0"
        self.prometheus = programs.start("prometheus", "prometheus", *command, *lookback, here)

    def simulate(self, name, *faults, secret="good-secret"):
        """Starts the workspace's API, in the place of the one before."""
        if name in self.programs.processes:
            self.programs.stop(name)
        listen = ["--listen-address", self.simulators.get(name, "127.0.0.1:0")]
        key = ["--access-key-id", "good-id", "--access-key-secret", secret]
        self.simulators[name] = self.programs.start(name, self.binary, "simulate", *listen, *FLEET, *key, *faults)

    def query(self, expression):
        url = f"http://{self.prometheus}/api/v1/query?query={urllib.parse.quote(expression)}"
        return json.loads(get(url))["data"]["result"]

    def delivered(self, receiver, status, seconds, **labels):
        """Waits for a notification."""
        what = f"{receiver} gets {status} {labels}"
        found = until(what, seconds, lambda: self.receiver.find(receiver, status, **labels))
        say(f"delivered to {receiver}: {status} {labels['alertname']}, {found[0]['annotations']['summary']}")
        return found

    def inhibited(self, by, **labels):
        """Waits until Alertmanager mutes an alert with `labels` for one with the labels `by`."""

        def check():
            alerts = json.loads(get(f"http://{self.alertmanager}/api/v2/alerts"))
            sources = {alert["fingerprint"] for alert in alerts if by.items() <= alert["labels"].items()}
            return any(
                sources & set(alert["status"]["inhibitedBy"])
                for alert in alerts
                if labels.items() <= alert["labels"].items()
            )

        until(f"{labels} is inhibited by {by}", 20 * MINUTE, check)
        say(f"inhibited: {labels['alertname']} of {labels['workspace']}, by {by['alertname']}")


def expect_soundness(stage):
    """No rule failed, and both replicas were there without an alert that tells them apart."""
    groups = json.loads(get(f"http://{stage.prometheus}/api/v1/rules"))["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    unwell = [rule for rule in rules if rule["health"] != "ok"]
    if unwell or not rules:
        sys.exit(f"differs: rules fail: {unwell}")
    if not stage.query("count(up == 1) == 2 and count(aliyun_flink_exporter_build_info) == 2"):
        sys.exit("differs: not both replicas are scraped")
    labels = {label for _, _, alert in stage.receiver.messages for label in alert["labels"]}
    if labels & {"instance", "job", "pod", "deployment"}:
        sys.exit(f"differs: alerts have the labels {labels}")


def expect_queries(stage):
    """Prometheus takes the runbooks' queries, with two replicas too."""
    for page in sorted(pathlib.Path("docs/runbooks").glob("*.md")):
        for expression in re.findall(r"```promql\n(.+?)```", page.read_text(), re.DOTALL):
            try:
                stage.query(expression)
            except urllib.error.HTTPError as error:
                sys.exit(f"differs: {page}: {error.read().decode()}: {expression}")


def failed_jobs_of(stage, workspace):
    firing = stage.delivered("chat", "firing", 60, alertname="AliyunFlinkFailedJobsRising", workspace=workspace)
    for alert in firing:
        name = re.fullmatch(r"Jobs of (.+) fail", alert["annotations"]["summary"], re.DOTALL)
        if not name or name[1] == alert["labels"]["deployment_id"]:
            sys.exit(f"differs: the text lacks the deployment's name: {alert}")


def play(stage):
    down = {"alertname": "AliyunFlinkWorkspaceDown", "workspace": "broken-api"}
    refused = {"alertname": "AliyunFlinkWorkspaceDown", "workspace": "wrong-key"}
    failed_jobs_of(stage, "broken-api")
    if stage.receiver.find("pager", "firing", alertname=down["alertname"]):
        sys.exit("differs: a workspace is reported as down before the fault")

    say("the faults are switched on")
    stage.simulate("broken-api", "--fault.server-error", "1")
    stage.simulate("wrong-key", secret="another-secret")
    (message,) = stage.delivered("pager", "firing", 30 * MINUTE, **refused)
    if "auth" not in message["annotations"]["description"].split():
        sys.exit(f"differs: the text does not say how polls end: {message}")
    stage.delivered("pager", "firing", 30 * MINUTE, **down)
    stage.inhibited(down, alertname="AliyunFlinkFailedJobsRising", workspace="broken-api")
    stage.inhibited(down, alertname="AliyunFlinkNamespaceDown", workspace="broken-api")
    stage.inhibited(refused, alertname="AliyunFlinkAccessFailing", workspace="wrong-key")

    say("the faults are switched off")
    stage.simulate("broken-api")
    stage.simulate("wrong-key")
    stage.delivered("pager", "resolved", 40 * MINUTE, **down)
    stage.delivered("pager", "resolved", 40 * MINUTE, **refused)
    for name in ("NamespaceDown", "AccessFailing", "DataStale"):
        if stage.receiver.find("pager", "firing", alertname=f"AliyunFlink{name}"):
            sys.exit(f"differs: the inhibited alert {name} was delivered")
    expect_soundness(stage)
    expect_queries(stage)


def main():
    binary, alertmanager = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        programs = Programs(pathlib.Path(directory))
        try:
            play(Stage(programs, Receiver(), binary, alertmanager))
        finally:
            programs.stop_all()
    say("firing, inhibited and resolved as they should be")


if __name__ == "__main__":
    main()
