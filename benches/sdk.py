#!/usr/bin/env python3
"""What the official SDK and prometheus_client take for one poll, beside this program: CPU seconds of whole processes.

    cargo build --release
    target/tools/python/bin/python benches/sdk.py [DEPLOYMENTS]

Both list the same pages of the same server; the SDK's side sets a gauge for each job count and resource setting that the API
gives, with the labels that this program has, and writes the text. `scripts/check sdk` has made that Python.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from instructions import Pages

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent / "target/release/aliyun-flink-exporter"
STATES = ("starting", "running", "cancelling", "cancelled", "finished", "failed")
IDENTITY = ["workspace", "namespace", "deployment_id", "deployment"]


def poll_with_the_sdk(port, output):
    """One poll, as a process of its own."""
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions
    from alibabacloud_ververica20220718 import models
    from alibabacloud_ververica20220718.client import Client
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    client = Client(Config(access_key_id="k", access_key_secret="s", endpoint=f"127.0.0.1:{port}", protocol="http"))
    registry = CollectorRegistry()
    jobs = Gauge("aliyun_flink_deployment_jobs", "Jobs.", [*IDENTITY, "state"], registry=registry)
    parallelism = Gauge("aliyun_flink_deployment_parallelism", "Parallelism.", [*IDENTITY, "setting"], registry=registry)
    labels = [*IDENTITY, "setting", "component"]
    cores = Gauge("aliyun_flink_deployment_cpu_cores", "Cores.", labels, registry=registry)
    memory = Gauge("aliyun_flink_deployment_memory_bytes", "Bytes.", labels, registry=registry)
    modified = Gauge("aliyun_flink_deployment_modified_timestamp_seconds", "Seconds.", IDENTITY, registry=registry)
    index, listed, total = 1, 0, 1
    while listed < total:
        request = models.ListDeploymentsRequest(page_index=index, page_size=100)
        headers = models.ListDeploymentsHeaders(workspace="w")
        body = client.list_deployments_with_options("n", request, headers, RuntimeOptions()).body
        index, listed, total = index + 1, listed + len(body.data), body.total_size
        for deployment in body.data:
            identity = ("w", "n", deployment.deployment_id, deployment.name)
            for state in STATES:
                jobs.labels(*identity, state).set(getattr(deployment.job_summary, state) or 0)
            modified.labels(*identity).set(float(deployment.modified_at))
            setting = deployment.streaming_resource_setting.basic_resource_setting
            parallelism.labels(*identity, "basic").set(setting.parallelism)
            for component in ("jobmanager", "taskmanager"):
                spec = getattr(setting, f"{component}_resource_setting_spec")
                cores.labels(*identity, "basic", component).set(spec.cpu)
                size, unit = spec.memory.split()
                memory.labels(*identity, "basic", component).set(float(size) * 2**30 if unit == "GiB" else 0)
    pathlib.Path(output).write_bytes(generate_latest(registry))


def cpu(command, output):
    """The CPU seconds and the peak memory in MB of the process."""
    with open(output, "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} ended with {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    deployments = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    server = Pages(deployments)
    with tempfile.TemporaryDirectory() as directory:
        config = pathlib.Path(directory) / "sdk.yml"
        config.write_text(json.dumps({
            "poll": {"interval": "1h", "timeout": "10m", "stale_after": "2h"},
            "api": {"requests_per_second": 1000000},
            "credentials": {"type": "access_key", "access_key_id": "k", "access_key_secret": "s"},
            "workspaces": [{"id": "w", "endpoint": f"http://127.0.0.1:{server.server_port}", "namespaces": ["n"]}],
        }))
        ours = [PROGRAM, "once", "--log.level", "error", "--config.file", config]
        theirs = [sys.executable, __file__, "--poll", str(server.server_port), f"{directory}/sdk.txt"]
        for name, command in (("this program", ours), ("the SDK", theirs)):
            runs = [cpu(command, f"{directory}/out.txt") for _ in range(3)]
            print(f"{name}: {min(seconds for seconds, _ in runs):.3f} s of CPU, {min(peak for _, peak in runs):.0f} MB")
    server.shutdown()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--poll"]:
        poll_with_the_sdk(*sys.argv[2:])
    else:
        main()
