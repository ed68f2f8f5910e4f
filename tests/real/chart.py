"""Files that are generated from the Helm chart (plain manifests, table of values), and files that the chart copies.

chart.py HELM check EXPORTER   checks that they are up to date
chart.py HELM write EXPORTER   writes them
chart.py HELM demo FOLDER      writes what the chart renders for the demo: arguments, probes, prometheus.yml, rules.yml
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

CHART = Path("deploy/helm/aliyun-flink-exporter")
MANIFESTS = Path("deploy/kubernetes")
BEGIN, END = "<!-- generated from values.yaml -->", "<!-- end -->"
# The manifests of who has no Helm carry no word of it, nor a checksum that a change by hand would leave behind.
HELMS_OWN = re.compile(r"^ *(helm\.sh/chart|app\.kubernetes\.io/managed-by|checksum/config): .*\n|^# Source: .*\n", re.M)


class Unique(yaml.SafeLoader):
    """A key that is there twice is a mistake, and Kubernetes says so where YAML doesn't."""


def mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    assert len(keys) == len(set(keys)), f"a key is there twice: {keys}{node.start_mark}"
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


Unique.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def template(helm, *arguments, chart=CHART, release="aliyun-flink-exporter", fails=False):
    """What Helm renders, or the error if it is to fail."""
    command = [helm, "template", release, str(chart), "--namespace", "monitoring", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0) == fails, f"{arguments}: {done.stderr}"
    return done.stderr if fails else done.stdout


def documents(text):
    return [document for document in yaml.load_all(text, Unique) if document]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def of(rendered, kind):
    return [document for document in rendered if document["kind"] == kind]


def manifests(helm):
    """The files of deploy/kubernetes, as they are to be."""
    text = template(helm, "--skip-tests", "-f", str(MANIFESTS / "values.yaml"))
    files = {}
    for part in re.split(r"^---\n", text, flags=re.M):
        part = HELMS_OWN.sub("", part)
        if part.strip():
            document = yaml.safe_load(part)
            folder = "operator/" if document["apiVersion"].startswith("monitoring.") else ""
            name = f"{folder}{document['kind'].lower()}.yaml"
            assert name not in files, name
            files[name] = part.strip() + "\n"
    return files


def copies():
    """The chart's files that are copies, so that nothing in it leads out of it."""
    sources = [Path("deploy/prometheus/alerts.yml"), Path("deploy/prometheus/rules.yml")]
    found = {CHART / "files" / source.name: source.read_text() for source in sources}
    dashboards = sorted(Path("deploy/grafana/dashboards").glob("*.json"))
    return found | {CHART / "files/dashboards" / source.name: source.read_text() for source in dashboards}


def rows(values):
    """The described values, as (key, default, description), in order."""
    path, described, found = [], None, []
    for line in values.splitlines():
        if described_here := re.fullmatch(r" *# -- (.*)", line):
            described = described_here.group(1)
        elif (key := re.match(r"( *)(\w+):", line)) and not line.lstrip().startswith("#"):
            depth = len(key.group(1)) // 2
            path[depth:] = [key.group(2)]
            if described:
                found.append((".".join(path), described))
                described = None
    return found


def value_at(values, key):
    for part in key.split("."):
        values = values[part]
    return values


def table():
    text = (CHART / "values.yaml").read_text()
    values = yaml.load(text, Unique)
    described = rows(text)
    undescribed = [key for key in leaves(values) if not any(f"{key}.".startswith(f"{row}.") for row, _ in described)]
    assert not undescribed, f"values.yaml does not describe {undescribed}"
    lines = ["| value | default | description |", "| --- | --- | --- |"]
    for key, description in described:
        default = yaml.safe_dump(value_at(values, key), default_flow_style=True, width=10_000).removesuffix("...\n")
        default = default.strip().replace("''", '""')
        lines.append(f"| `{key}` | `{default}` | {description} |")
    return "\n".join(lines)


def values_schema(exporter):
    """The schema of the values, in which the schema of `config` is the exporter's."""
    file = CHART / "values.schema.json"
    schema = json.loads(file.read_text())
    printed = subprocess.run([exporter, "config-schema"], check=True, capture_output=True, text=True, timeout=60).stdout
    config = json.loads(printed.replace('"#/definitions/', '"#/definitions/config-'))
    del config["$schema"], config["title"]
    own = {name: each for name, each in schema["definitions"].items() if not name.startswith("config-")}
    others = {f"config-{name}": each for name, each in config.pop("definitions").items()}
    schema["definitions"] = own | others
    schema["properties"]["config"] = config
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def leaves(values, path=""):
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def readme():
    text = (CHART / "README.md").read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:begin]}\n{table()}\n{text[end:]}"


def demo(helm, folder):
    """Prometheus scrapes the demo as the operator would have it: with its labels, and as the ServiceMonitor says."""
    rendered = {each["kind"]: each for each in documents(template(helm, "-f", str(CHART / "ci/demo-values.yaml")))}
    container = rendered["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    listens = "--web.listen-address="
    arguments = [f"{listens}127.0.0.1:0" if each.startswith(listens) else each for each in container["args"]]
    probes = [probe["httpGet"]["path"] for name, probe in container.items() if name.endswith("Probe")]
    monitor = rendered["ServiceMonitor"]
    endpoint = monitor["spec"]["endpoints"][0]
    labels = {"namespace": "monitoring", "service": "s", "pod": "p", "container": "exporter", "endpoint": endpoint["port"]}
    scrape = {
        "job_name": "serviceMonitor/monitoring/aliyun-flink-exporter/0",
        "honor_labels": endpoint["honorLabels"],
        "metrics_path": endpoint["path"],
        "scheme": endpoint["scheme"],
        "static_configs": [{"targets": ["EXPORTER"], "labels": labels}],
    }
    prometheus = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [scrape],
    }
    groups = [{**group, "interval": "1s"} for group in rendered["PrometheusRule"]["spec"]["groups"]]
    (folder / "arguments").write_text("".join(f"{each}\n" for each in arguments))
    (folder / "probes").write_text("".join(f"{each}\n" for each in probes))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus))
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))


def main():
    helm, mode, argument = sys.argv[1:]
    if mode == "demo":
        demo(helm, Path(argument))
        return
    schema = values_schema(argument)
    copied = copies()
    if mode == "write":
        # What is rendered depends on these.
        (CHART / "values.schema.json").write_text(schema)
        for path, text in copied.items():
            path.write_text(text)
    wanted = {MANIFESTS / name: text for name, text in manifests(helm).items()}
    wanted[CHART / "README.md"] = readme()
    wanted[CHART / "values.schema.json"] = schema
    wanted |= copied
    there = {path for path in MANIFESTS.rglob("*.yaml") if path.name not in ("values.yaml", "kustomization.yaml")}
    there |= {path for path in (CHART / "files").rglob("*") if path.is_file()}
    if mode == "write":
        for path in there - set(wanted):
            path.unlink()
        for path, text in wanted.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return
    assert mode == "check", mode
    old = [str(path) for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
    old += [str(path) for path in there - set(wanted)]
    links = [str(path) for path in CHART.rglob("*") if path.is_symlink()]
    assert not links, f"links lead out of the chart: {links}"
    assert not old, f"not what the chart renders: {', '.join(sorted(old))}: run tests/real/kubernetes.sh write"


if __name__ == "__main__":
    main()
