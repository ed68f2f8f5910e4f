"""Runs shards with an active series budget while their number changes, and reports gaps, duplicates and memory.

    cargo build --release
    python3 benches/shards.py [--minutes 30] [--binary target/release/aliyun-flink-exporter]

A cycle is: three shards; a fourth is added and all are replaced, one after the other; all are replaced by three again. A
replacement starts before its predecessor stops. Every two seconds, all shards are scraped. With equal totals, each target must be
served by exactly one shard; while the total rises, by at least one. The exit status is 1 if it is not.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

WORKSPACES, NAMESPACES, DEPLOYMENTS, MAX_SERIES = 2, 12, 40, 6000
SIMULATOR, FIRST_PORT = 23899, 23900
CONFIG = """
poll: {{interval: 2s, timeout: 1900ms}}
api: {{requests_per_second: 1000, console_requests_per_second: 1000, request_timeout: 1s}}
metrics: {{max_series: {max_series}, deployment_labels: [team]}}
credentials: {{type: access_key, access_key_id: soak, access_key_secret: soak}}
discovery: [{{region: cn-hangzhou, endpoint: 'http://127.0.0.1:{port}', console_endpoint: 'http://127.0.0.1:{port}'}}]
"""
TARGET = re.compile(r'^aliyun_flink_target_up\{collector="deployments".*?workspace="([^"]*)",namespace="([^"]*)"', re.M)
DEPLOYMENT = re.compile(r"^aliyun_flink_deployment_info\{", re.M)


class Shard:
    """One process."""

    ports = iter(range(FIRST_PORT, FIRST_PORT + 70))

    def __init__(self, binary, config, index, total):
        self.index, self.total, self.port = index, total, next(Shard.ports)
        address = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [binary, "--config.file", config, "--web.listen-address", address, "--log.level", "error",
             "--shard.index", str(index), "--shard.total", str(total)])
        for _ in range(300):
            try:
                self.get("/-/ready")
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        raise SystemExit(f"shard {index} of {total} does not become ready")

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return response.read().decode()

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1000

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Soak:
    """The shards, and what was found."""

    def __init__(self, binary, config):
        self.binary, self.config, self.shards = binary, config, []
        self.expected, self.scrapes, self.problems, self.dropped = None, 0, [], 0

    def add(self, index, total):
        self.shards.append(Shard(self.binary, self.config, index, total))

    def replace(self, index, total):
        """Starts a replacement, and then stops the shard that it replaces."""
        old = next((shard for shard in self.shards if shard.index == index), None)
        new = Shard(self.binary, self.config, index, total) if index < total else None
        if old:
            self.shards.remove(old)
            old.stop()
        if new:
            self.shards.append(new)

    def scrape(self, exactly_once, gaps_allowed=False):
        owners, deployments = collections.Counter(), 0
        for shard in self.shards:
            text = shard.get("/metrics")
            owners.update(set(TARGET.findall(text)))
            deployments += len(DEPLOYMENT.findall(text))
            self.dropped += text.count("aliyun_flink_exporter_series_dropped{")
        self.scrapes += 1
        if self.expected is None:
            self.expected = set(owners)
        gaps = self.expected - set(owners)
        twice = [target for target, count in owners.items() if count > 1]
        if gaps and not gaps_allowed:
            self.problem(f"not served: {sorted(gaps)}")
        if exactly_once and twice:
            self.problem(f"served twice: {sorted(twice)}")

    def problem(self, text):
        self.problems.append(text)
        totals = [(shard.index, shard.total) for shard in self.shards]
        print(f"PROBLEM: {text} by {totals}", flush=True)

    def watch(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.scrape(exactly_once=True)
            time.sleep(2)

    def cycle(self, seconds):
        self.watch(seconds / 2)
        self.memory("three")
        self.add(3, 4)
        for index in range(3):
            self.scrape(exactly_once=False)
            self.replace(index, 4)
            self.scrape(exactly_once=False)
        self.watch(seconds / 2)
        self.memory("four")
        for index in range(4):
            self.replace(index, 3)
            self.scrape(exactly_once=False, gaps_allowed=index < 3)

    def memory(self, title):
        sizes = ", ".join(f"{shard.resident():.1f}" for shard in self.shards)
        print(f"{time.strftime('%H:%M:%S')} {title} shards: {sizes} MB; {self.scrapes} scrapes", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--cycle", type=float, default=300, help="seconds between the changes of one cycle")
    parser.add_argument("--binary", default="target/release/aliyun-flink-exporter")
    arguments = parser.parse_args()
    end = time.monotonic() + 60 * arguments.minutes
    with tempfile.TemporaryDirectory(prefix="shards-") as directory:
        config = pathlib.Path(directory) / "config.yml"
        config.write_text(CONFIG.format(port=SIMULATOR, max_series=MAX_SERIES))
        simulator = subprocess.Popen(
            [arguments.binary, "simulate", "--listen-address", f"127.0.0.1:{SIMULATOR}", "--workspaces",
             str(WORKSPACES), "--namespaces", str(NAMESPACES), "--deployments", str(DEPLOYMENTS)],
            stderr=subprocess.DEVNULL)
        soak = Soak(arguments.binary, str(config))
        try:
            time.sleep(1)
            for index in range(3):
                soak.add(index, 3)
            while time.monotonic() < end:
                soak.cycle(arguments.cycle)
        finally:
            for shard in soak.shards:
                shard.stop()
            simulator.terminate()
        print(f"{soak.scrapes} scrapes, {len(soak.expected or ())} targets, {len(soak.problems)} problems, "
              f"{soak.dropped} dropped families seen")
        sys.exit(1 if soak.problems or not soak.dropped else 0)


if __name__ == "__main__":
    main()
