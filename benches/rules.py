"""Measures what the rules of deploy/prometheus cost a Prometheus that has scraped a fleet, before and after a change.

    git worktree add /tmp/before HEAD~1
    python3 benches/rules.py DATA /tmp/before/deploy/prometheus deploy/prometheus --prometheus PATH [--rounds 3]

DATA is the data directory of a Prometheus, running or not, with at least an hour of a fleet such as `demo --namespaces 10
--deployments 1000`. Prometheus 3 evaluates the rules on a copy of it: those of each folder in turn, with and without
annotations, as if it were the time of the last samples. For each rule, it prints the number of results, the samples that the
expression loads, and the median time of an evaluation. It also prints the CPU of one evaluation of all rules, and in which results
the folders differ.
"""

import argparse
import collections
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

FILES = ("rules.yml", "alerts.yml")
CPU = "CPU of all"
# Seconds for anything that is waited for.
TIMEOUT = 600


def rules_of(folder):
    """A name for each rule, and the rule. Alerts with the same name differ in severity."""
    groups = [group for file in FILES for group in yaml.safe_load((folder / file).read_text())["groups"]]
    rules = [rule for group in groups for rule in group["rules"]]
    names = collections.Counter(rule.get("alert") for rule in rules)
    return {
        rule.get("record") or rule["alert"] + (f" ({rule['labels']['severity']})" if names[rule["alert"]] > 1 else ""): rule
        for rule in rules
    }


class Prometheus:
    """On a copy of the data. Rules are evaluated as of a fixed duration ago."""

    def __init__(self, binary, data, directory):
        self.directory = directory
        self.rules = directory / "rules.yml"
        copied = directory / "data"
        shutil.copytree(data, copied, ignore=shutil.ignore_patterns("lock", "queries.active"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        (directory / "prometheus.yml").write_text(yaml.safe_dump({"rule_files": [str(self.rules)]}))
        # Blocks as long as these are not compacted during a measurement.
        arguments = ["--config.file", directory / "prometheus.yml", "--storage.tsdb.path", copied, "--web.enable-lifecycle"]
        arguments += ["--web.listen-address", self.address, "--storage.tsdb.min-block-duration", "48h", "--storage.tsdb.retention.time", "10y"]
        self.process = subprocess.Popen([binary, *arguments, "--storage.tsdb.max-block-duration", "48h"], stderr=subprocess.DEVNULL)
        self.wait_until_ready()
        # Not the very last scrape, which may be incomplete.
        status = self.get("/api/v1/status/tsdb")
        self.end = status["headStats"]["maxTime"] / 1000 - 60

    def configure(self, rules, offset):
        """Evaluates these rules, one after another, so that none is measured beside another."""
        group = {"name": "all", "interval": "2s", "query_offset": f"{int(offset)}s", "rules": list(rules.values())}
        self.rules.write_text(yaml.safe_dump({"groups": [group]}))

    def get(self, path, **parameters):
        data = urllib.parse.urlencode(parameters).encode() if parameters else None
        with urllib.request.urlopen(f"http://{self.address}{path}", data, timeout=TIMEOUT) as reply:
            return json.load(reply)["data"]

    def wait_until_ready(self):
        deadline = time.time() + TIMEOUT
        while time.time() < deadline:
            try:
                with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5):
                    return
            except OSError:
                time.sleep(0.5)
        raise SystemExit("Prometheus does not become ready")

    def query(self, expression):
        return self.get("/api/v1/query", query=expression, time=self.end, stats="all")

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def evaluations(self, rules, count):
        """The time of each rule in each evaluation, by name, and the CPU seconds of one evaluation of all rules."""
        self.configure(rules, time.time() - self.end)
        urllib.request.urlopen(urllib.request.Request(f"http://{self.address}/-/reload", method="POST"), timeout=TIMEOUT)
        seen, cpu = {}, []
        deadline = time.time() + TIMEOUT
        while len(seen) <= count:
            if time.time() > deadline:
                raise SystemExit("the rules are not evaluated in time")
            time.sleep(0.2)
            [group] = self.get("/api/v1/rules?exclude_alerts=true")["groups"]
            # Every change of the rules goes back in time, so that their own samples are out of order.
            failed = [rule["lastError"] for rule in group["rules"] if "sample" not in rule.get("lastError", "sample")]
            if failed:
                raise SystemExit(failed[0])
            # The group has this time when all of its rules have been evaluated.
            if all(rule["health"] != "unknown" for rule in group["rules"]) and group["lastEvaluation"] not in seen:
                seen[group["lastEvaluation"]] = [rule["evaluationTime"] for rule in group["rules"]]
                cpu.append(self.cpu_seconds())
        # The first one after a change finds no caches.
        return [dict(zip(rules, times)) for times in list(seen.values())[1:]], (cpu[-1] - cpu[0]) / count

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def without_annotations(rules):
    return {name: {key: value for key, value in rule.items() if key != "annotations"} for name, rule in rules.items()}


def measured(prometheus, variants, rounds):
    """For each variant, with and without annotations: the median time of each rule, and that of the CPU for all of them."""
    times = [[collections.defaultdict(list) for _ in range(2)] for _ in variants]
    for _ in range(rounds):
        for index, rules in enumerate(variants):
            for bare in (True, False):
                evaluations, cpu = prometheus.evaluations(without_annotations(rules) if bare else rules, 3)
                times[index][bare][CPU].append(cpu)
                for evaluation in evaluations:
                    for name, taken in evaluation.items():
                        times[index][bare][name].append(taken)
    return [[{name: statistics.median(all) for name, all in kind.items()} for kind in variant] for variant in times]


def labels_of(result):
    return {tuple(sorted((name, value) for name, value in series["metric"].items() if name != "__name__")) for series in result}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    parser.add_argument("--prometheus", default="prometheus")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    variants = [rules_of(folder) for folder in options.folders]
    with tempfile.TemporaryDirectory() as directory:
        prometheus = Prometheus(options.prometheus, options.data, pathlib.Path(directory))
        try:
            print_table(prometheus, options.folders, variants, options.rounds)
        finally:
            prometheus.stop()


def print_table(prometheus, folders, variants, rounds):
    medians = measured(prometheus, variants, rounds)
    columns = [f"{what}, {folder}" for folder in folders for what in ("results", "samples", "ms without annotations", "ms")]
    print("| rule |", " | ".join(columns), "|")
    print("| --- |", " | ".join("---:" for _ in columns), "|")
    totals, differences = [0.0] * len(columns), []
    for name in dict.fromkeys(name for rules in variants for name in rules):
        cells, results = [], []
        for rules, (full, bare) in zip(variants, medians):
            if name not in rules:
                cells += [0] * 4
                continue
            got = prometheus.query(rules[name]["expr"])
            results.append(labels_of(got["result"]))
            cells += [len(got["result"]), got["stats"]["samples"]["totalQueryableSamples"], bare[name] * 1000, full[name] * 1000]
        totals = [total + cell for total, cell in zip(totals, cells)]
        if max(cells[2::4]) >= 2:
            print(f"| {name} |", " | ".join(f"{cell:.0f}" for cell in cells), "|")
        for folder, other in zip(folders[1:], results[1:]):
            if other != results[0]:
                differences.append(f"{name}: {folder} lacks {sorted(results[0] - other)[:3]}, adds {sorted(other - results[0])[:3]}")
    print("| all |", " | ".join(f"{total:.0f}" for total in totals), "|")
    cpu = [cell for full, bare in medians for cell in ("", "", f"{bare[CPU] * 1000:.0f}", f"{full[CPU] * 1000:.0f}")]
    print(f"| {CPU} |", " | ".join(cpu), "|")
    print("\n".join(differences) or "All results have the same labels.")


if __name__ == "__main__":
    main()
