"""Measures whole processes: the exporter beside nginx, which serves the same bytes as static files.

    cargo build --release
    python3 benches/processes.py [target/release/aliyun-flink-exporter]

Needs nginx (with gzip_static) and wrk. Everything listens on 127.0.0.1. Prints the figures of benches/README.md;
exits with 1 where one of them is missed.
"""

import gzip
import http.client
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BINARY = sys.argv[1] if len(sys.argv) > 1 else "target/release/aliyun-flink-exporter"
NAMESPACES, DEPLOYMENTS = int(os.environ.get("NAMESPACES", "10")), int(os.environ.get("DEPLOYMENTS", "1000"))
SIMULATOR, EXPORTER, NGINX = 23979, 23978, 23977
SECONDS, ROUNDS, INTERVAL = int(os.environ.get("SECONDS", "5")), 3, 10
NGINX_CONFIG = """
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/nginx.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000;
  client_body_temp_path {directory}/t; proxy_temp_path {directory}/t; fastcgi_temp_path {directory}/t;
  uwsgi_temp_path {directory}/t; scgi_temp_path {directory}/t;
  server {{ listen 127.0.0.1:{port}; root {directory}/www; gzip_static on; default_type text/plain; }}
}}
"""


class Scraper:
    """One connection that is kept."""

    def __init__(self, port=EXPORTER):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path="/metrics", encoding="identity"):
        self.connection.request("GET", path, headers={"Accept-Encoding": encoding})
        response = self.connection.getresponse()
        return response, response.read()


def wait_for(port, path, status=None):
    for _ in range(600):
        try:
            answered = Scraper(port).get(path)[0].status
            if status is None or answered == status:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"port {port} does not answer {path}")


def wrk(port, encoding):
    """Requests per second of 8 connections."""
    url = f"http://127.0.0.1:{port}/metrics"
    command = ["wrk", "-t1", "-c8", f"-d{SECONDS}s", "-H", f"Accept-Encoding: {encoding}", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    errors = [line for line in out.splitlines() if "Socket errors" in line or "Non-2xx" in line]
    if errors:
        print("wrk:", errors)
    return float(next(line for line in out.splitlines() if "Requests/sec" in line).split()[1])


def resident(pid, field="VmRSS"):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(field)).split()[1]) * 1024


def blocking_cpu(pid):
    """CPU seconds of the process so far."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def scrapes(seconds):
    """The durations of scrapes, one after the other, each with whether the API was being polled."""
    scraper, polling, timed, end = Scraper(), Scraper(), [], time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        scraper.get(encoding="gzip")
        timed.append((begun, time.monotonic() - begun))
        time.sleep(0.003)
    polling.connection.close()
    return timed


def polls():
    """When the polls of all targets went on, as (start, end) of the wall clock, and where none was."""
    import json

    status = json.loads(Scraper().get("/api/v1/status")[1])
    history = [poll for target in status["targets"] for poll in target["history"]]
    return [(poll["ended"] - poll["duration"] - 0.05, poll["ended"] + 0.25) for poll in history]


def namespaces(log):
    for _ in range(100):
        if "namespaces=" in log.read_text():
            return log.read_text().split("namespaces=")[1].split()[0].strip('"').split(",")
        time.sleep(0.1)
    raise SystemExit("the simulator does not tell its namespaces")


def measure(pid, start, directory):
    missed = []

    def tell(title, value, limit, good):
        print(f"{title:52} {value:>12} {limit:>24} {'ok' if good else 'MISSED'}", flush=True)
        if not good:
            missed.append(title)

    plain, packed = Scraper().get()[1], Scraper().get(encoding="gzip")[1]
    series = sum(not line.startswith(b"#") for line in plain.splitlines())
    print(f"{series} series; plain {len(plain)} bytes, gzip {len(packed)}")
    (directory / "www").mkdir()
    (directory / "www" / "metrics").write_bytes(gzip.decompress(packed))
    (directory / "www" / "metrics.gz").write_bytes(packed)
    config = directory / "nginx.conf"
    config.write_text(NGINX_CONFIG.format(directory=directory, port=NGINX))
    start("nginx", "-c", str(config), "-p", str(directory))
    wait_for(NGINX, "/metrics", 200)
    encodings = [("gzip", 1.4), ("identity", 0.15)] if SECONDS else []
    for encoding, least in encodings:
        pairs = [(wrk(EXPORTER, encoding), wrk(NGINX, encoding)) for _ in range(ROUNDS)]
        ours, theirs = (statistics.median(column) for column in zip(*pairs))
        print(f"requests/s, {encoding}: exporter {ours:.0f}, nginx {theirs:.0f}; rounds {pairs}")
        tell(f"{encoding} body, of nginx's rate", f"{ours / theirs:.2f}", f">= {least}", ours / theirs >= least)

    before, offset = blocking_cpu(pid), time.time() - time.monotonic()
    timed, spans = scrapes(3 * INTERVAL), polls()
    during, idle = [], []
    for begun, took in timed:
        wall = begun + offset
        (during if any(low <= wall <= high for low, high in spans) else idle).append(took)
    used = (blocking_cpu(pid) - before) / (3 * INTERVAL)
    slow, fast = statistics.median(during), statistics.median(idle)
    print(f"scrapes: idle {len(idle)}, median {fast * 1e3:.2f} ms; while polling {len(during)}, median "
          f"{slow * 1e3:.2f} ms, worst {max(during) * 1e3:.1f} ms; CPU {used:.2f} cores with all of it")
    tell("median scrape while a poll is rendered, of idle", f"{slow / fast:.2f}", "<= 2", slow / fast <= 2)

    time.sleep(2 * INTERVAL)
    limit, rest = 0.35 * len(plain) + 20e6, resident(pid)
    print(f"memory at the highest {resident(pid, 'VmHWM') / 1e6:.0f} MB")
    tell("memory at rest, MB", f"{rest / 1e6:.0f}", f"<= {limit / 1e6:.0f}", rest <= limit)
    return missed


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="serving-"))
    # nginx's worker may be another user.
    directory.chmod(0o755)
    processes, log = [], directory / "log"

    def start(*command):
        processes.append(subprocess.Popen(command, stderr=log.open("ab")))
        return processes[-1].pid

    try:
        start(BINARY, "simulate", "--listen-address", f"127.0.0.1:{SIMULATOR}", "--namespaces", str(NAMESPACES),
              "--deployments", str(DEPLOYMENTS))
        names = namespaces(log)
        config = directory / "config.yml"
        config.write_text(
            f"poll: {{interval: {INTERVAL}s, timeout: {INTERVAL - 1}s}}\n"
            "api: {requests_per_second: 1000}\n"
            "credentials: {type: access_key, access_key_id: k, access_key_secret: s}\n"
            f"workspaces: [{{id: w, endpoint: 'http://127.0.0.1:{SIMULATOR}', namespaces: [{', '.join(names)}]}}]\n"
        )
        address = f"127.0.0.1:{EXPORTER}"
        pid = start(BINARY, "--config.file", str(config), "--web.listen-address", address, "--log.level", "warn")
        wait_for(EXPORTER, "/-/ready", 200)
        sys.exit(1 if measure(pid, start, directory) else 0)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(10)
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
