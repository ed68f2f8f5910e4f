"""Measures whole processes: the exporter beside nginx, which serves the same bytes as static files.

    cargo build --release
    python3 benches/processes.py [target/release/aliyun-flink-exporter]

Needs nginx (with gzip_static) and wrk. Everything listens on 127.0.0.1. Prints a table; exits with 1 where a figure
of docs/performance.md is missed.
"""

import gzip
import http.client
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BINARY = sys.argv[1] if len(sys.argv) > 1 else "target/release/aliyun-flink-exporter"
NAMESPACES, DEPLOYMENTS = 10, 1000
SIMULATOR, EXPORTER, NGINX = 21979, 21978, 21977
SECONDS, ROUNDS = 6, 3
INTERVAL = 10


def request(port, path, encoding="identity"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Accept-Encoding": encoding})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def wait_for(port, path):
    for _ in range(600):
        try:
            if request(port, path)[0].status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"port {port} does not answer {path}")


def wrk(port, path, encoding):
    """Requests per second of 8 connections."""
    command = ["wrk", "-t1", "-c8", f"-d{SECONDS}s", "-H", f"Accept-Encoding: {encoding}", f"http://127.0.0.1:{port}{path}"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(next(line for line in out.splitlines() if "Requests/sec" in line).split()[1])


def median_scrape(seconds):
    """Scrapes the gzip body one after the other; (start, duration) of each."""
    connection = http.client.HTTPConnection("127.0.0.1", EXPORTER, timeout=30)
    scrapes, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        connection.getresponse().read()
        scrapes.append((begun, time.monotonic() - begun))
        time.sleep(0.002)
    return scrapes


def resident(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def cpu(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="serving-"))
    processes = []

    def start(*command, **more):
        processes.append(subprocess.Popen(command, stderr=(directory / "log").open("ab"), **more))
        return processes[-1].pid

    try:
        start(BINARY, "simulate", "--listen-address", f"127.0.0.1:{SIMULATOR}", "--namespaces", str(NAMESPACES),
              "--deployments", str(DEPLOYMENTS), "--log.level", "warn")
        wait_for_port(SIMULATOR)
        config = directory / "config.yml"
        names = os.environ.get("NAMES") or namespaces(start, directory)
        config.write_text(
            f"poll: {{interval: {INTERVAL}s, timeout: {INTERVAL - 1}s}}\n"
            "api: {requests_per_second: 1000}\n"
            "credentials: {type: access_key, access_key_id: k, access_key_secret: s}\n"
            f"workspaces: [{{id: w, endpoint: 'http://127.0.0.1:{SIMULATOR}', namespaces: [{names}]}}]\n"
        )
        pid = start(BINARY, "--config.file", str(config), "--web.listen-address", f"127.0.0.1:{EXPORTER}", "--log.level", "warn")
        wait_for(EXPORTER, "/-/ready")
        measure(pid, start, directory)
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(10)
        shutil.rmtree(directory)


def wait_for_port(port):
    for _ in range(100):
        try:
            request(port, "/")
            return
        except OSError:
            time.sleep(0.1)


def namespaces(_start, directory):
    log = (directory / "log").read_text()
    if "namespaces=" in log:
        return log.split("namespaces=")[1].split()[0].strip('"')
    # At level warn the simulator does not tell them.
    out = subprocess.run([BINARY, "simulate", "--listen-address", "127.0.0.1:0", "--namespaces", str(NAMESPACES), "--deployments", "0"],
                         stderr=subprocess.PIPE, text=True, timeout=None if False else 2, check=False) if False else None
    return out or ",".join(list_namespaces())


def list_namespaces():
    process = subprocess.Popen([BINARY, "simulate", "--listen-address", "127.0.0.1:0", "--namespaces", str(NAMESPACES), "--deployments", "0"],
                               stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if "namespaces=" in line:
                return line.split("namespaces=")[1].split()[0].strip('"').split(",")
    finally:
        process.terminate()
        process.wait(10)
    raise SystemExit("the simulator does not tell its namespaces")
