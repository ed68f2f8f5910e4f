"""Measures what a fleet costs an operator, and prints the table of docs/performance.md.

    cargo build --release
    python3 benches/capacity.py [--binary target/release/aliyun-flink-exporter] [--deployments 1000 10000 100000] [--collectors]

One exporter polls ten namespaces of the simulated API every 60 seconds, and is scraped with gzip every 15 seconds, for three
minutes. Memory at rest is read before a poll starts, CPU is that of the last two minutes.
"""

import argparse
import http.client
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

SIMULATOR, EXPORTER, NAMESPACES, MINUTE = 23889, 23888, 10, 60
CONFIG = """
poll: {{interval: 60s, timeout: 55s}}
api: {{requests_per_second: 1000, account_requests_per_second: 1000, console_requests_per_second: 1000, max_concurrent_requests: 8}}
credentials: {{type: access_key, access_key_id: bench, access_key_secret: bench}}
{collectors}
discovery: [{{region: cn-hangzhou, endpoint: 'http://127.0.0.1:{port}', console_endpoint: 'http://127.0.0.1:{port}'}}]
"""
COLLECTORS = "collectors: {queues: true, session_clusters: true, engine_versions: true, jobs: {mode: failures}}"


def get(path, encoding="identity"):
    connection = http.client.HTTPConnection("127.0.0.1", EXPORTER, timeout=60)
    connection.request("GET", path, headers={"Accept-Encoding": encoding})
    response = connection.getresponse()
    return response.status, response.read()


def wait_until_ready():
    for _ in range(600):
        try:
            if get("/-/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("the exporter does not become ready")


def cpu_seconds(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid, field):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", status).group(1)) / 1000


def requests(text):
    return sum(float(value) for value in re.findall(r"^aliyun_flink_exporter_api_requests_total\{[^}]*\} (\S+)", text, re.M))


def measure(binary, deployments, collectors, directory):
    config = pathlib.Path(directory) / "config.yml"
    config.write_text(CONFIG.format(port=SIMULATOR, collectors=COLLECTORS if collectors else ""))
    processes = [subprocess.Popen(
        [binary, "simulate", "--listen-address", f"127.0.0.1:{SIMULATOR}", "--namespaces", str(NAMESPACES),
         "--deployments", str(deployments // NAMESPACES)], stderr=subprocess.DEVNULL)]
    try:
        time.sleep(2 + deployments / 20_000)
        processes.append(subprocess.Popen(
            [binary, "--config.file", str(config), "--web.listen-address", f"127.0.0.1:{EXPORTER}", "--log.level", "error"]))
        pid = processes[1].pid
        wait_until_ready()
        started, cpu, sent, rest = None, None, None, []
        for quarter in range(12):
            if quarter == 4:
                started = time.monotonic()
                cpu, sent = cpu_seconds(pid), requests(get("/metrics", "identity")[1].decode())
            get("/metrics", "gzip")
            time.sleep(MINUTE / 4)
            rest.append(memory(pid, "VmRSS"))
        cpu, minutes = cpu_seconds(pid) - cpu, (time.monotonic() - started) / 60
        plain = get("/metrics")[1]
        gzip, sent = get("/metrics", "gzip")[1], requests(plain.decode()) - sent
        series = sum(not line.startswith(b"#") for line in plain.splitlines())
        print(f"| {deployments} | {series} | {len(plain) / 1e6:.1f} | {len(gzip) / 1e6:.2f} | {min(rest[4:]):.0f} | "
              f"{memory(pid, 'VmHWM'):.0f} | {cpu / minutes:.2f} | {sent / minutes:.0f} |", flush=True)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="target/release/aliyun-flink-exporter")
    parser.add_argument("--deployments", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--collectors", action="store_true", help="enable the optional collectors")
    arguments = parser.parse_args()
    print("| deployments | series | plain text, MB | gzip, MB | memory at rest, MB | peak, MB | CPU s a minute | requests a minute |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for deployments in arguments.deployments:
        with tempfile.TemporaryDirectory(prefix="capacity-") as directory:
            measure(arguments.binary, deployments, arguments.collectors, directory)


if __name__ == "__main__":
    sys.exit(main())
