"""The chart's presets and the manifests in a real Kubernetes API, to which KUBECONFIG leads: kube_api.py HELM KUBECTL.

The namespaces enforce the pod security standard "restricted". There are no nodes: a pod that is admitted stays Pending.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from chart import CHART, MANIFESTS, documents

PATIENCE = 60
# What presets name and do not make.
NAMESPACES = ["observability", "prometheus", "grafana", "monitoring", "overlay"]
# The host's network is what "restricted" is there to refuse.
PRIVILEGED = ["host-network"]
# Whose configuration is not in the values.
WITHOUT_CONFIG = ["demo", "persistence", "existing-configmap", "host-network", "openshift"]


class Cluster:
    def __init__(self, helm, kubectl):
        self.programs = {"helm": helm, "kubectl": kubectl}

    def run(self, program, *arguments, text=None):
        command = [self.programs[program], *map(str, arguments)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        # What the API's server only warns about is a mistake here: unknown fields, pods that it would not admit.
        warnings = [line for line in done.stderr.splitlines() if "arning" in line]
        assert not warnings, f"{command}: {warnings}"
        return done.stdout

    def kubectl(self, *arguments, **options):
        return self.run("kubectl", *arguments, **options)

    def helm(self, *arguments):
        return self.run("helm", *arguments)

    def get(self, kind, namespace, *selector):
        return json.loads(self.kubectl("get", kind, "--namespace", namespace, "--output", "json", *selector))["items"]

    def create_namespace(self, name, standard="restricted"):
        metadata = {"name": name, "labels": {"pod-security.kubernetes.io/enforce": standard}}
        self.kubectl("apply", "--filename", "-", text=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))


class Release:
    """A preset of the chart, installed in a namespace of its own."""

    def __init__(self, cluster, values):
        self.cluster, self.values = cluster, values
        self.name = values.name.removesuffix("-values.yaml")
        self.namespace = f"preset-{self.name}"
        given = yaml.safe_load(values.read_text())
        self.pods_in = given.get("namespaceOverride", self.namespace)
        account = given.get("serviceAccount", {})
        cluster.create_namespace(self.namespace, "privileged" if self.name in PRIVILEGED else "restricted")
        if not account.get("create", True):
            cluster.kubectl("create", "serviceaccount", "--namespace", self.namespace, account["name"])

    def helm(self, command, *arguments):
        return self.cluster.helm(command, "flink", *arguments, "--namespace", self.namespace)

    def upgrade(self, *settings):
        flags = [part for each in settings for part in ("--set", each)]
        self.helm("upgrade", CHART, "--install", "--values", self.values, *flags)

    def objects(self):
        return documents(self.cluster.helm("get", "manifest", "flink", "--namespace", self.namespace))

    def workload(self):
        (found,) = [each for each in self.objects() if each["kind"] in ("Deployment", "StatefulSet")]
        kind, name = found["kind"].lower(), found["metadata"]["name"]
        return json.loads(self.cluster.kubectl("get", kind, name, "--namespace", self.pods_in, "--output", "json"))

    def container(self):
        return next(each for each in self.workload()["spec"]["template"]["spec"]["containers"] if each["name"] == "exporter")

    def pods(self):
        selector = self.workload()["spec"]["selector"]["matchLabels"]
        return self.cluster.get("pods", self.pods_in, "--selector", ",".join(f"{key}={value}" for key, value in selector.items()))

    def is_admitted(self):
        """Pods of the workload's present template are there, as many as are wanted."""
        wanted = self.workload()["spec"]["replicas"]
        arguments = self.container()["args"]

        def admitted():
            pods = [each for each in self.pods() if "deletionTimestamp" not in each["metadata"]]
            present = [each for each in pods if any(one.get("args") == arguments for one in each["spec"]["containers"])]
            return present if self.workload()["kind"] == "Deployment" and len(present) >= 1 or len(present) == wanted else None

        return until(f"{self.name}: {wanted} pods", admitted, self.complaints)

    def complaints(self):
        events = self.cluster.get("events", self.pods_in)
        return [each["message"] for each in events if each["type"] == "Warning" and each["reason"] != "FailedScheduling"]

    def is_removed(self):
        made = self.objects()
        self.helm("uninstall")
        for each in made:
            namespace = each["metadata"].get("namespace", self.namespace)
            gone = ["get", each["kind"], each["metadata"]["name"], "--namespace", namespace, "--ignore-not-found"]
            until(f"{self.name}: {each['kind']} gone", lambda gone=gone: not self.cluster.kubectl(*gone), list)
        until(f"{self.name}: no pods", lambda: not self.cluster.get("pods", self.pods_in), list)


def until(what, attempt, explain):
    deadline = time.monotonic() + PATIENCE
    while not (found := attempt()):
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}: {explain()}"
        time.sleep(0.3)
    return found


def knows_every_field(cluster, release):
    """The API's server rejects what it does not know in what Helm sends."""
    rendered = documents(release.helm("template", CHART, "--values", release.values, "--skip-tests"))
    for each in rendered:
        each["metadata"].setdefault("namespace", release.namespace)
    cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename", "-", text=yaml.safe_dump_all(rendered))


def lives(cluster, values):
    """Installed, upgraded, configured otherwise, rolled back, removed."""
    release = Release(cluster, values)
    knows_every_field(cluster, release)
    release.upgrade()
    release.is_admitted()
    first = release.workload()["spec"]["template"]

    release.upgrade("log.level=warn")
    assert "--log.level=warn" in release.container()["args"], release.container()
    # A StatefulSet waits with its next pod until the one before is ready, which none is without nodes.
    if release.workload()["kind"] == "Deployment":
        release.is_admitted()

    if release.name not in WITHOUT_CONFIG:
        # A changed configuration replaces the pods, by an annotation.
        release.upgrade("log.level=warn", "config.poll.interval=77s")
        changed = release.workload()["spec"]["template"]
        assert changed["metadata"]["annotations"] != first["metadata"]["annotations"], changed["metadata"]
        (text,) = [each["data"]["config.yml"] for each in release.objects() if "config.yml" in each.get("data", {})]
        assert yaml.safe_load(text)["poll"]["interval"] == "77s", text

    release.helm("rollback", "1")
    template = release.workload()["spec"]["template"]
    assert template == first, (template, first)
    release.is_admitted()
    release.is_removed()
    print(f"{release.name}: installed, upgraded, rolled back, removed")


def applies(cluster, namespace, *folders):
    """Manifests, with the operator's objects: applied and removed."""
    for folder in folders:
        cluster.kubectl("apply", "--validate=strict", "--kustomize", folder)
    until(f"{namespace}: a pod", lambda: cluster.get("pods", namespace), lambda: cluster.get("events", namespace))
    (monitor,) = cluster.get("servicemonitors", namespace)
    assert monitor["spec"].get("namespaceSelector") is None, monitor
    (service,) = cluster.get("services", namespace)
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items(), (monitor, service)
    for folder in reversed(folders):
        cluster.kubectl("delete", "--kustomize", folder)
    print(f"the manifests in the namespace {namespace}, with the operator's objects: applied and removed")


def overlay(directory):
    """An overlay that changes the namespace."""
    resources = [os.path.relpath(folder, directory) for folder in (MANIFESTS, MANIFESTS / "operator")]
    Path(directory, "kustomization.yaml").write_text(yaml.safe_dump({"namespace": "overlay", "resources": resources}))
    return directory


def main():
    cluster = Cluster(*sys.argv[1:])
    for name in NAMESPACES:
        cluster.create_namespace(name)
    for values in sorted((CHART / "ci").glob("*.yaml")):
        lives(cluster, values)
    applies(cluster, "monitoring", MANIFESTS, MANIFESTS / "operator")
    with tempfile.TemporaryDirectory() as directory:
        applies(cluster, "overlay", overlay(directory))


if __name__ == "__main__":
    main()
