"""Asks a demo what real clients ask: the strict OpenMetrics parser, curl, promtool, Prometheus, zstd.

    pip install prometheus_client
    python3 tests/real/serving.py target/debug/aliyun-flink-exporter

Needs curl, zstd, promtool and prometheus on the path. Exits with 1 and a message when something differs.
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as parse_text

PORT, PROMETHEUS = 24978, 24990
URL = f"http://127.0.0.1:{PORT}"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def expect(condition, message):
    if not condition:
        sys.exit(f"differs: {message}")


def get(url, **headers):
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request, timeout=10) as response:
        body = response.read()
        expect(int(response.headers["content-length"]) == len(body), "content-length")
        return response.headers, body


def until(what, seconds, check):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := check():
                return found
        except (OSError, subprocess.CalledProcessError):
            pass
        time.sleep(0.3)
    sys.exit(f"differs: {what}")


def samples(families):
    """What does not move between two scrapes."""
    return sorted(
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in families
        for sample in family.samples
        if sample.name.startswith("aliyun_flink_deployment_") and "_jobs" not in sample.name
    )


def formats():
    headers, text = get(f"{URL}/metrics")
    expect(headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8", headers["content-type"])
    headers, openmetrics = get(f"{URL}/metrics", Accept=OPENMETRICS)
    expect("openmetrics-text; version=1.0.0" in headers["content-type"], headers["content-type"])
    strict = list(text_string_to_metric_families(openmetrics.decode()))
    expect(len(samples(strict)) > 1000, "few samples in OpenMetrics")
    promtool = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    expect(promtool.returncode == 0, promtool.stderr.decode())
    parsed = samples(parse_text(text.decode()))
    expect(len(parsed) > 1000, "few samples in the text format")


def encodings():
    headers, packed = get(f"{URL}/metrics", Accept_Encoding="gzip")
    expect(headers["content-encoding"] == "gzip", "no gzip")
    expect(b"process_cpu_seconds_total" in gzip.decompress(packed), "gzip lacks its end")
    curl = subprocess.run(["curl", "-sS", "--compressed", f"{URL}/metrics"], capture_output=True, check=True).stdout
    expect(b"aliyun_flink_deployment_info" in curl and b"process_cpu_seconds_total" in curl, "curl --compressed")
    headers, packed = get(f"{URL}/metrics", Accept_Encoding="zstd")
    expect(headers["content-encoding"] == "zstd", "no zstd")
    plain = subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True).stdout
    expect(b"process_cpu_seconds_total" in plain, "zstd lacks its end")


def prometheus(directory):
    (directory / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: f, static_configs: [{{targets: ['127.0.0.1:{PORT}']}}]}}]\n"
    )
    command = ["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data"]
    process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{PROMETHEUS}"], stderr=subprocess.DEVNULL)

    def value(query):
        url = f"http://127.0.0.1:{PROMETHEUS}/api/v1/query?query={urllib.parse.quote(query)}"
        result = json.loads(get_any(url))["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    try:
        until("Prometheus does not scrape", 30, lambda: value("up") == 1)
        expect(value("count(aliyun_flink_deployment_info)") > 100, "Prometheus lacks series")
    finally:
        process.terminate()
        process.wait(10)


def http2(directory, binary):
    """A whole request over TLS and HTTP/2, by curl."""
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-keyout", f"{directory}/key.pem", "-out", f"{directory}/cert.pem"]
    subprocess.run([*certificate, *files], check=True, capture_output=True)
    (directory / "web.yml").write_text("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
    port = PORT + 1
    command = [binary, "demo", "--web.listen-address", f"127.0.0.1:{port}", "--log.level", "warn"]
    demo = subprocess.Popen([*command, "--web.config.file", f"{directory}/web.yml"], stdout=subprocess.DEVNULL)
    ask = ["curl", "-sSk", "--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code} %{size_download}"]
    try:
        def whole():
            told = curl_once([*ask, f"https://127.0.0.1:{port}/metrics"])
            # The first polls take their time.
            return told if told and int(told[2]) > 100_000 else None

        told = until("nothing over HTTP/2", 30, whole)
        expect(told[:2] == ["2", "200"], f"HTTP/2: {told}")
    finally:
        demo.terminate()
        demo.wait(10)


def curl_once(command):
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()


def get_any(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def main():
    directory = pathlib.Path(tempfile.mkdtemp())
    command = [sys.argv[1], "demo", "--web.listen-address", f"127.0.0.1:{PORT}", "--log.level", "warn"]
    demo = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until("the demo is not ready", 30, lambda: get(f"{URL}/-/ready"))
        formats()
        encodings()
        prometheus(directory)
        http2(directory, sys.argv[1])
        print("all clients are content")
    finally:
        demo.terminate()
        demo.wait(10)


if __name__ == "__main__":
    main()
