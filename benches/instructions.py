#!/usr/bin/env python3
"""How many instructions a poll takes, counted by valgrind: the same on a busy machine as on an idle one.

    scripts/check instructions                    builds the program and compares with benches/instructions.json;
                                                  fails beyond 5 %
    bash tests/real/instructions.sh --write       writes it anew

The program lists fleets of two sizes and prints them, so that what a start takes is told from what a deployment takes: its
share of the replies received, decoded, rendered and written. What the kernel does for it is not counted.
"""

import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
BASELINE = HERE / "instructions.json"
SAMPLE = HERE.parent / "tests/data/list_deployments.json"
PAGE = 100
FEW, MANY = 100, 2100
TRIES = 5
LIMIT = 0.05


def deployment(sample, index):
    """The API reference's deployment with a name and an id of its own; every second one in basic mode."""
    copy = json.loads(json.dumps(sample))
    copy["deploymentId"] = f"{index:08x}-0000-4000-8000-{index * 0x9E3779B97F4A7C15 % 2**48:012x}"
    copy["name"] = f"team-{index % 40}-deployment-{index:06}"
    if index % 2 == 0:
        copy["streamingResourceSetting"]["resourceSettingMode"] = "BASIC"
    return copy


def pages(deployments):
    sample = json.loads(SAMPLE.read_text())["data"][0]
    for first in range(0, deployments, PAGE):
        data = [deployment(sample, index) for index in range(first, min(first + PAGE, deployments))]
        reply = {"requestId": "R", "success": True, "httpCode": 200, "pageIndex": first // PAGE + 1,
                 "pageSize": PAGE, "totalSize": deployments, "data": data}
        yield json.dumps(reply, separators=(",", ":"), ensure_ascii=False).encode()


class Pages(http.server.ThreadingHTTPServer):
    """A server of a fleet's pages, on a port of its own."""

    daemon_threads = True

    def __init__(self, deployments):
        self.pages = list(pages(deployments))
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        body = self.server.pages[int(query["pageIndex"][0]) - 1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def instructions(program, deployments):
    """The instructions of one poll of a fleet, from the program's start to its end."""
    server = Pages(deployments)
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        config = directory / "instructions.yml"
        # JSON is YAML. One request at a time, so that threads have nothing to race for.
        config.write_text(json.dumps({
            "poll": {"interval": "1h", "timeout": "10m", "stale_after": "2h"},
            "api": {"requests_per_second": 1000000, "max_concurrent_requests": 1, "request_timeout": "5m"},
            "credentials": {"type": "access_key", "access_key_id": "k", "access_key_secret": "s"},
            "workspaces": [{"id": "w", "endpoint": f"http://127.0.0.1:{server.server_port}", "namespaces": ["n"]}],
        }))
        with open(directory / "metrics.txt", "wb") as metrics:
            ran = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/callgrind", program, "once",
                 "--log.level", "error", "--config.file", config],
                stdin=subprocess.DEVNULL, stdout=metrics, stderr=subprocess.PIPE, text=True, timeout=300, check=False,
            )
        server.shutdown()
        if ran.returncode != 0:
            sys.exit(f"{program} once ended with {ran.returncode} under valgrind:\n{ran.stderr}")
        series = (directory / "metrics.txt").read_text().count("aliyun_flink_deployment_info{")
        if series != deployments:
            sys.exit(f"{program} once printed {series} deployments of {deployments}")
    return int(re.search(r"refs:\s+([\d,]+)", ran.stderr).group(1).replace(",", ""))


def measured(program):
    # How its threads meet is chance, and only adds.
    few, many = (min(instructions(program, size) for _ in range(TRIES)) for size in (FEW, MANY))
    a_deployment = (many - few) / (MANY - FEW)
    compiler = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "compiler": compiler,
        "a deployment": round(a_deployment),
        "a start": round(few - FEW * a_deployment),
    }


def main():
    program = sys.argv[1]
    found = measured(program)
    if sys.argv[2:] == ["--write"]:
        BASELINE.write_text(json.dumps(found, indent=2) + "\n")
        print(f"written: {found}")
        return
    baseline = json.loads(BASELINE.read_text())
    worse = []
    for what in ("a deployment", "a start"):
        ratio = found[what] / baseline[what]
        print(f"{what}: {found[what]:,} instructions, {ratio - 1:+.1%} of the baseline's {baseline[what]:,}")
        if ratio > 1 + LIMIT:
            worse.append(what)
    renew = "if that is meant, bash tests/real/instructions.sh --write"
    if found["compiler"] != baseline["compiler"]:
        print(f"not judged: the baseline is {baseline['compiler']}'s, the program {found['compiler']}'s; {renew}")
    elif worse:
        sys.exit(f"more than {LIMIT:.0%} above benches/instructions.json: {', '.join(worse)}; {renew}")


if __name__ == "__main__":
    main()
