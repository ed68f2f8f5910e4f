"""The compose file and what the image is built from.

What the compose file mounts is there, its ports are this machine's alone, its Prometheus is the example's; the build's
context holds what the build reads.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

CONTAINER = Path("deploy/container")


def builds_from_its_context():
    """Cargo and the recipe find what they name, without what .dockerignore leaves out."""
    lines = Path(".dockerignore").read_text().split("\n")
    ignored = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+", name) for name in ignored), f"this test knows plain names only: {ignored}"
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    with tempfile.TemporaryDirectory() as context:
        for name in filter(None, listed.stdout.split("\0")):
            if name.split("/")[0] not in ignored and Path(name).is_file():
                copy = Path(context, name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(name, copy)
        for command in (
            ["cargo", "metadata", "--offline", "--locked", "--no-deps", "--format-version=1"],
            ["bash", "scripts/release", "--help"],
        ):
            subprocess.run(command, cwd=context, check=True, stdout=subprocess.DEVNULL, timeout=60)


def main():
    builds_from_its_context()
    compose = yaml.safe_load((CONTAINER / "compose.yml").read_text())
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                assert (CONTAINER / source).exists(), f"{name} mounts {source}, which is not there"
                assert mode == ["ro"], f"{name} mounts {source} writable"
            else:
                assert source in compose["volumes"], f"{name} mounts {source}, which is no volume"
        for port in service["ports"]:
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network: {port}"
        assert ":latest" not in service["image"], f"{name} is whatever is newest"
    # Grafana opens with a dashboard that is there.
    grafana = compose["services"]["grafana"]
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    sources = {target: source for source, target, *_ in (volume.split(":") for volume in grafana["volumes"])}
    assert (CONTAINER / sources[str(home.parent)] / home.name).is_file(), f"{home} is not mounted"
    build = compose["services"]["exporter"]["build"]
    context = (CONTAINER / build["context"]).resolve()
    assert context == Path.cwd(), context
    assert (context / build["dockerfile"]).is_file(), build

    # Prometheus scrapes, evaluates and alerts as in the example, but for where the others are.
    example = yaml.safe_load(Path("deploy/prometheus/prometheus.yml").read_text())
    here = (CONTAINER / "prometheus.yml").read_text()
    for service, port in re.findall(r"\b([a-z]+):(\d+)\b", here):
        assert service in compose["services"], f"prometheus.yml names {service}, which is no service"
        published = [each.rsplit(":", 1)[-1] for each in compose["services"][service]["ports"]]
        assert port in published, f"{service} doesn't serve {port}"
        here = here.replace(f"{service}:{port}", f"localhost:{port}")
    assert yaml.safe_load(here) == example, "deploy/container/prometheus.yml is not the example's"
    mounted = {volume.split(":")[1] for volume in compose["services"]["prometheus"]["volumes"]}
    for rules in example.get("rule_files", []):
        assert f"/etc/prometheus/{rules}" in mounted, f"{rules} is not mounted into Prometheus"

    source = next(Path("deploy/grafana/provisioning/datasources").glob("*.yml")).read_text()
    (url,) = re.findall(r"url: http://([a-z]+):(\d+)", source)
    assert url[0] in compose["services"], f"Grafana's data source is at {url[0]}, which is no service"
    print("the compose file mounts what is there, and its Prometheus is the example's")


if __name__ == "__main__":
    main()
