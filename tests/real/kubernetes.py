"""The Helm chart, rendered with each of its ci values: for Kubernetes, for the operator, for the exporter.

kubernetes.py HELM KUBECTL OPERATOR EXPORTER; OPERATOR is a folder with the operator's types installed.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml
from chart import CHART, MANIFESTS, Unique, documents, of, run, template
from kubernetes_rules import alerts_as_the_values_say, carries_the_rules, changes_the_rules
from kubernetes_values import REFUSED, TEXTS

VERSIONS = ["1.25", "1.28", "1.32", "1.37"]
OPERATORS = ("ServiceMonitor", "PrometheusRule")
# Custom resources of which no schema is at hand: kube-api.sh has an API server check them.
OTHERS = ("HTTPRoute", "VerticalPodAutoscaler", "GrafanaDashboard", "ScrapeConfig", "PodMonitoring")


class Pod:
    """The pod of a rendered Deployment or StatefulSet, and the exporter's container in it."""

    def __init__(self, rendered):
        (self.deployment,) = of(rendered, "Deployment") + of(rendered, "StatefulSet")
        template = self.deployment["spec"]["template"]
        self.labels, self.spec = template["metadata"]["labels"], template["spec"]
        self.container = next(each for each in self.spec["containers"] if each["name"] == "exporter")


def is_linted(helm, values):
    output = run(helm, "lint", "--strict", str(CHART), "-f", str(values))
    notes = [line for line in output.splitlines() if line.startswith("[")]
    assert all("icon is recommended" in note for note in notes), f"{values}: {notes}"


def fits_kubernetes(rendered):
    for document in rendered:
        for version in VERSIONS if document["kind"] not in (*OPERATORS, *OTHERS) else []:
            kubernetes_validate.validate(known_by(version, document), version, strict=True)


def known_by(version, document):
    """Without what is newer than the version, which the value's user must know."""
    if document["kind"] == "PodDisruptionBudget" and version == "1.25":
        spec = {key: each for key, each in document["spec"].items() if key != "unhealthyPodEvictionPolicy"}
        return document | {"spec": spec}
    return document


def fits_operator(operator, objects):
    """By the compiler for the keys and types, by the types' own validators for the rest."""
    calls = []
    for each in map(dict, objects):
        assert each.pop("apiVersion") == "monitoring.coreos.com/v1", each
        calls.append(f"new {each.pop('kind')}({json.dumps(each)}).validate();")
    package = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"
    names = ", ".join(OPERATORS)
    Path(operator, "check.ts").write_text("\n".join([f'import {{ {names} }} from "{package}";', *calls, ""]))
    run(f"{operator}/node_modules/.bin/tsc", "--project", operator)
    run("node", f"{operator}/check.js")


def selects(rendered, pod):
    """What selects finds."""
    service, *headless = of(rendered, "Service")
    selectors = [each["spec"]["selector"] for each in [service, *headless]] + [pod.deployment["spec"]["selector"]["matchLabels"]]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in of(rendered, "PodDisruptionBudget")]
    selectors += [each["spec"]["podSelector"]["matchLabels"] for each in of(rendered, "NetworkPolicy")]
    assert all(selector.items() <= pod.labels.items() for selector in selectors), (selectors, pod.labels)
    labels = service["metadata"]["labels"]
    for monitor in of(rendered, "ServiceMonitor"):
        spec = monitor["spec"]
        assert spec["selector"]["matchLabels"].items() <= labels.items(), monitor
        assert spec["endpoints"][0]["port"] in [port["name"] for port in service["spec"]["ports"]], monitor
        namespaces = spec.get("namespaceSelector", {}).get("matchNames", [monitor["metadata"]["namespace"]])
        assert namespaces == [service["metadata"]["namespace"]], monitor
        assert spec.get("jobLabel", "app.kubernetes.io/name") in labels, monitor
        # A pod that two Services with its port named would be scraped twice.
        assert not any("ports" in each["spec"] for each in headless), headless


def names_what_is_there(rendered, pod):
    """Ports, volumes and the service account."""
    ports = [port["name"] for port in pod.container["ports"]]
    named = [port["targetPort"] for each in of(rendered, "Service") for port in each["spec"].get("ports", [])]
    named += [each["httpGet"]["port"] for each in pod.container.values() if isinstance(each, dict) and "httpGet" in each]
    for policy in of(rendered, "NetworkPolicy"):
        named += [port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]]
    assert set(named) == set(ports), (named, ports)
    mounted = {each["name"] for each in pod.container.get("volumeMounts", [])}
    claims = pod.deployment["spec"].get("volumeClaimTemplates", [])
    assert mounted == {each["name"] for each in pod.spec.get("volumes", [])} | {each["metadata"]["name"] for each in claims}, mounted
    accounts = [account["metadata"]["name"] for account in of(rendered, "ServiceAccount")]
    assert accounts in ([], [pod.spec["serviceAccountName"]]), accounts


def leads_to_the_exporter(rendered, pod):
    """Ingress, route, autoscaler, dashboards and the test name what the chart makes, and the values arrive."""
    (service,) = of(rendered, "Service")
    name, (port,) = service["metadata"]["name"], service["spec"]["ports"]
    assert (port["port"], port["nodePort"], service["spec"]["ipFamilyPolicy"]) == (80, 30978, "PreferDualStack"), service
    (ingress,) = of(rendered, "Ingress")
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"] == {"name": name, "port": {"name": port["name"]}}, path
    assert path["path"] == "/flink" and "--web.external-url=https://flink.example.com/flink/" in pod.container["args"], path
    probes = {each["httpGet"]["path"] for each in pod.container.values() if isinstance(each, dict) and "httpGet" in each}
    assert probes == {"/flink/-/healthy", "/flink/-/ready"}, probes
    (monitor,) = of(rendered, "ServiceMonitor")
    assert monitor["spec"]["endpoints"][0]["path"] == "/flink/metrics", monitor
    (route,) = of(rendered, "HTTPRoute")
    assert route["spec"]["rules"][0]["backendRefs"] == [{"name": name, "port": port["port"]}], route
    (autoscaler,) = of(rendered, "VerticalPodAutoscaler")
    target = autoscaler["spec"]["targetRef"]
    assert (target["kind"], target["name"]) == (pod.deployment["kind"], pod.deployment["metadata"]["name"]), target
    maps = {each["metadata"]["name"]: each["data"] for each in of(rendered, "ConfigMap") if "data" in each}
    dashboards = of(rendered, "GrafanaDashboard")
    assert len(dashboards) == len(list(Path("deploy/grafana/dashboards").glob("*.json"))), dashboards
    for dashboard in dashboards:
        reference = dashboard["spec"]["configMapRef"]
        assert reference["key"] in maps[reference["name"]], reference
    (budget,) = of(rendered, "PodDisruptionBudget")
    assert budget["spec"].keys() == {"minAvailable", "unhealthyPodEvictionPolicy", "selector"}, budget
    assert pod.deployment["metadata"]["annotations"] == {"reloader.stakater.com/auto": "true"}, pod.deployment["metadata"]
    assert pod.spec["imagePullSecrets"] == [{"name": "global"}, {"name": "by-name"}, {"name": "registry"}], pod.spec
    assert pod.container["image"].startswith("registry.example.com/"), pod.container["image"]
    assert "--config.auto-reload" in pod.container["args"] and "preStop" in pod.container["lifecycle"], pod.container
    (test,) = of(rendered, "Pod")
    (command,) = [each["args"] for each in test["spec"]["containers"]]
    variables = name.upper().replace("-", "_")
    address = f"$({variables}_SERVICE_HOST):$({variables}_SERVICE_PORT)"
    assert command == ["healthcheck", f"--web.listen-address={address}", "--web.route-prefix=/flink"], command
    assert not service["spec"]["selector"].items() <= test["metadata"]["labels"].items(), "the Service leads to the test"


def is_scraped_by_name(shards, host):
    """A ScrapeConfig names each pod of a StatefulSet, and the Service otherwise; the job is that of a ServiceMonitor."""
    (scrape,) = of(shards, "ScrapeConfig")
    headless = of(shards, "Service")[1]
    (found,) = scrape["spec"]["dnsSDConfigs"]
    assert found["names"] == ["{name}.{namespace}.svc".format_map(headless["metadata"])], found
    assert found["port"] in [port["containerPort"] for port in Pod(shards).container["ports"]], found
    (scrape,) = of(host, "ScrapeConfig")
    (service,) = of(host, "Service")
    (port,) = service["spec"]["ports"]
    assert scrape["spec"]["staticConfigs"] == [{"targets": ["{name}.{namespace}.svc".format_map(service["metadata"]) + f":{port['port']}"]}]
    assert {"targetLabel": "job", "replacement": service["metadata"]["labels"]["app.kubernetes.io/name"]} in scrape["spec"]["relabelings"]
    assert scrape["spec"]["honorLabels"], scrape
    (monitoring,) = of(host, "PodMonitoring")
    assert monitoring["spec"]["selector"]["matchLabels"].items() <= Pod(host).labels.items(), monitoring
    assert Pod(host).deployment["spec"]["strategy"] == {"type": "Recreate"}, Pod(host).deployment["spec"]["strategy"]


def keeps_its_state(rendered, pod):
    """Each replica has a volume of its own, which no two pods use at the same time, and its state is there."""
    assert pod.deployment["kind"] == "StatefulSet" and "strategy" not in pod.deployment["spec"], pod.deployment["kind"]
    (claim,) = pod.deployment["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"] == {"requests": {"storage": "2Gi"}}, claim
    (mount,) = [each["mountPath"] for each in pod.container["volumeMounts"] if each["name"] == claim["metadata"]["name"]]
    assert f"--state.path={mount}/state.redb" in pod.container["args"], pod.container["args"]
    names = [each["metadata"]["name"] for each in of(rendered, "Service") if each["spec"].get("clusterIP") == "None"]
    assert names == [pod.deployment["spec"]["serviceName"]], names
    assert pod.spec["securityContext"]["fsGroup"] == pod.spec["securityContext"]["runAsUser"], "it can't write the volume"


def shares_the_targets(rendered, pod):
    """Each pod has an index of its own, knows how many there are, and keeps away from the others."""
    assert (pod.deployment["kind"], pod.deployment["spec"]["replicas"]) == ("StatefulSet", 3), pod.deployment["kind"]
    variables = {each["name"].removeprefix("ALIYUN_FLINK_EXPORTER_SHARD__"): each for each in pod.container["env"]}
    index = variables["INDEX"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert (index, variables["TOTAL"]["value"]) == ("metadata.labels['apps.kubernetes.io/pod-index']", "3"), variables
    (term,) = pod.spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert term["podAffinityTerm"]["labelSelector"]["matchLabels"].items() <= pod.labels.items(), term
    (budget,) = of(rendered, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1, budget
    assert pod.deployment["spec"]["volumeClaimTemplates"] and of(rendered, "Service")[1]["spec"]["clusterIP"] == "None"


def is_confined(name, pod):
    """As the image's user, or one that OpenShift assigns, with no right that it doesn't need."""
    user, group = re.search(r"^USER (\d+):(\d+)$", Path("deploy/container/Dockerfile").read_text(), re.M).groups()
    context, own = pod.spec["securityContext"], pod.container["securityContext"]
    users = [context.get(key) for key in ("runAsUser", "runAsGroup", "fsGroup")]
    assert users == [None] * 3 if name == "openshift" else users == [int(user), int(group), int(group)], (name, context)
    assert context["runAsNonRoot"], context
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}, context
    assert own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"], own
    assert own["capabilities"] == {"drop": ["ALL"]}, own
    assert pod.spec["enableServiceLinks"] is False


def is_understood(exporter, rendered, pod, directory):
    """The exporter takes the arguments, and the configuration with the environment."""
    container = pod.container
    run(exporter, *container["args"], "--help")
    if "demo" in container["args"]:
        return
    path = next(each.split("=", 1)[1] for each in container["args"] if each.startswith("--config.file="))
    (name,) = (each["configMap"]["name"] for each in pod.spec["volumes"] if each["name"] == "config")
    maps = {each["metadata"]["name"]: each["data"] for each in of(rendered, "ConfigMap") if "data" in each}
    # A ConfigMap that the chart doesn't make is of somebody else's making.
    text = maps[name][Path(path).name] if name in maps else Path("config/minimal.toml").read_text()
    file = Path(directory, Path(path).name)
    file.write_text(text)
    environment = {each["name"]: each["value"] for each in container.get("env", []) if "value" in each}
    run(exporter, "check-config", "--config.file", str(file), env=environment)


def configurations_fit_their_schema(exporter):
    """What the exporter accepts fits its schema. What has a key that it does not know, or an id as a number, does not."""
    schema = json.loads(run(exporter, "config-schema"))
    validator = jsonschema.Draft7Validator(schema)
    validator.check_schema(schema)
    full = yaml.load(Path("config/full.yml").read_text(), Unique)
    for configuration in (full, yaml.load(Path("config/minimal.yml").read_text(), Unique)):
        validator.validate(configuration)
    # A tag may have any key.
    paths = [path for path in tables(full) if path[-1:] != ["tags"]]
    assert len(paths) > 30, paths
    for path in paths:
        changed = json.loads(json.dumps(full))
        table = changed
        for step in path:
            table = table[step]
        table["unknown"] = 1
        assert not validator.is_valid(changed), f"a key is accepted in {path}"
    full["workspaces"][0]["id"] = 123
    assert not validator.is_valid(full), "a number is accepted as an id"


def tables(value, path=()):
    if isinstance(value, dict):
        yield list(path)
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []:
        yield from tables(each, (*path, key))


def carries_the_dashboards(rendered):
    """Each as it is, in a ConfigMap that holds it."""
    maps = [each for each in of(rendered, "ConfigMap") if each["metadata"]["labels"].get("grafana_dashboard") == "1"]
    there = [json.loads(text) for each in maps for text in each["data"].values()]
    wanted = [json.loads(file.read_text()) for file in sorted(Path("deploy/grafana/dashboards").glob("*.json"))]
    assert there and there == wanted, "the dashboards are not deploy/grafana's"
    assert all(len(json.dumps(each)) < 2**20 for each in maps), "a ConfigMap holds 1 MiB"


def is_packaged_whole(helm, directory):
    """A package holds what the links in files/ lead to, and renders the same."""
    run(helm, "package", str(CHART), "--destination", directory)
    (package,) = Path(directory).glob("*.tgz")
    values = ["-f", str(CHART / "ci/everything-values.yaml")]
    assert template(helm, *values, chart=package) == template(helm, *values), "the package renders otherwise"


def is_kustomized(kubectl, directory):
    """kubectl builds what the files hold, each of them. In another namespace, Prometheus still finds the Service."""
    overlay = Path(directory, "overlay")
    overlay.mkdir()
    resources = [os.path.relpath(folder, overlay) for folder in (MANIFESTS, MANIFESTS / "operator")]
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump({"namespace": "other", "resources": resources}))
    built = documents(run(kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(overlay)))
    assert {each["metadata"]["namespace"] for each in built} == {"other"}, built
    selects(built, Pod(built))
    for folder in (MANIFESTS, MANIFESTS / "operator"):
        files = [file for file in folder.glob("*.yaml") if file.name not in ("kustomization.yaml", "values.yaml")]
        wanted = sorted(json.dumps(each, sort_keys=True) for file in files for each in documents(file.read_text()))
        built = sorted(json.dumps(each, sort_keys=True) for each in documents(run(kubectl, "kustomize", str(folder))))
        assert built == wanted, f"{folder}: kustomization.yaml does not list every file"


def is_as_told(helm, directory):
    """The values that docs/kubernetes.md shows are values of the chart."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", Path("docs/kubernetes.md").read_text(), re.M | re.S)
    assert blocks, "docs/kubernetes.md shows no values"
    for block in blocks:
        file = Path(directory, "told.yml")
        file.write_text(block)
        template(helm, "-f", str(file), *([] if "config:" in block else ["--set", "demo=true"]))


def keeps_text(helm, operator, directory):
    file = Path(directory, "texts.yml")
    file.write_text(TEXTS)
    rendered = documents(template(helm, "-f", str(file), release="1e4"))
    fits_kubernetes(rendered)
    fits_operator(operator, [each for each in rendered if each["kind"] in OPERATORS])
    assert "--web.telemetry-path=/a: b # c" in Pod(rendered).container["args"], Pod(rendered).container["args"]


def is_of_this_version():
    version = re.search(r'^version = "(.*)"', Path("Cargo.toml").read_text(), re.M).group(1)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["appVersion"], chart["version"]) == (version, version), chart
    # Artifact Hub reads these as YAML. The files that they lead to are there.
    lists = {name: yaml.safe_load(text) for name, text in chart["annotations"].items() if "\n" in text}
    assert [each["image"] for each in lists["artifacthub.io/images"]] == [f"aliyun-flink-exporter:{version}"], lists
    urls = [chart["icon"], *(each["url"] for name in ("links", "screenshots") for each in lists[f"artifacthub.io/{name}"])]
    paths = [match.group(1) for url in urls if (match := re.search(r"/(?:blob/|tree/)?main/(.+)$", url))]
    assert len(paths) == 6 and all(Path(path).exists() for path in paths), paths


def main():
    helm, kubectl, operator, exporter = sys.argv[1:]
    exporter = str(Path(exporter).resolve())
    is_of_this_version()
    configurations_fit_their_schema(exporter)
    cases = {values.name.removesuffix("-values.yaml"): values for values in sorted((CHART / "ci").glob("*.yaml"))}
    rendered = {name: documents(template(helm, "-f", str(values))) for name, values in cases.items()}
    with tempfile.TemporaryDirectory() as directory:
        for name, values in cases.items():
            is_linted(helm, values)
            fits_kubernetes(rendered[name])
            pod = Pod(rendered[name])
            selects(rendered[name], pod)
            names_what_is_there(rendered[name], pod)
            is_confined(name, pod)
            is_understood(exporter, rendered[name], pod, directory)
            for rule in of(rendered[name], "PrometheusRule"):
                file = Path(directory, "rules.yml")
                file.write_text(yaml.safe_dump(rule["spec"]))
                run("promtool", "check", "rules", str(file))
        leads_to_the_exporter(rendered["everything"], Pod(rendered["everything"]))
        is_scraped_by_name(rendered["shards"], rendered["host-network"])
        keeps_its_state(rendered["persistence"], Pod(rendered["persistence"]))
        shares_the_targets(rendered["shards"], Pod(rendered["shards"]))
        assert not any("--state.path" in each for each in Pod(rendered["demo"]).container["args"])
        carries_the_rules(rendered["demo"])
        changes_the_rules(rendered["everything"])
        alerts_as_the_values_say(rendered["everything"], directory)
        carries_the_dashboards(rendered["demo"])
        fits_operator(operator, [each for case in rendered.values() for each in case if each["kind"] in OPERATORS])
        keeps_text(helm, operator, directory)
        is_packaged_whole(helm, directory)
        is_as_told(helm, directory)
    for settings, message in REFUSED:
        said = template(helm, *[part for each in settings for part in ("--set", each)], fails=True)
        assert message in said, f"{settings}: {message} is not in\n{said}"
    with tempfile.TemporaryDirectory() as directory:
        is_kustomized(kubectl, directory)
    print(f"{len(cases)} sets of values for Kubernetes {', '.join(VERSIONS)}; {len(REFUSED)} mistakes refused")


if __name__ == "__main__":
    main()
