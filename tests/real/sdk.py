"""Asks the simulator what the official SDKs ask the real service.

    pip install alibabacloud_ververica20220718 alibabacloud_foasconsole20211028 alibabacloud_tea_openapi
    python3 tests/real/sdk.py http://127.0.0.1:10979 KEY_ID SECRET WORKSPACE

The simulator must have been started with that access key. Exits with 1 and a message when something differs.
"""

import sys
from urllib.parse import urlsplit

from alibabacloud_foasconsole20211028 import models as console_models
from alibabacloud_foasconsole20211028.client import Client as ConsoleClient
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from alibabacloud_ververica20220718 import models
from alibabacloud_ververica20220718.client import Client

NAMESPACE = "default-namespace"
PAGE_SIZE = 7
# Deployments come and go while pages are turned; one attempt in a few must see a fleet that stands still.
ATTEMPTS = 5


class Difference(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Difference(message)


def config(url, key_id, secret):
    address = urlsplit(url)
    return Config(
        access_key_id=key_id,
        access_key_secret=secret,
        endpoint=address.netloc,
        protocol=address.scheme,
    )


def client(url, key_id, secret):
    return Client(config(url, key_id, secret))


class Simulator:
    def __init__(self, url, key_id, secret, workspace):
        self.client = client(url, key_id, secret)
        self.workspace = workspace

    def page(self, index, **filters):
        headers = models.ListDeploymentsHeaders(workspace=self.workspace)
        request = models.ListDeploymentsRequest(page_index=index, page_size=PAGE_SIZE, **filters)
        body = self.client.list_deployments_with_options(NAMESPACE, request, headers, RuntimeOptions()).body
        expect(body.success is True and body.http_code == 200, f"page {index} failed: {body.error_message}")
        expect(len(body.request_id) == 36, f"not a request id: {body.request_id!r}")
        return body

    def listing(self, **filters):
        for _ in range(ATTEMPTS):
            first = last = self.page(1, **filters)
            deployments = list(first.data)
            for index in range(2, -(-first.total_size // PAGE_SIZE) + 1):
                last = self.page(index, **filters)
                deployments += last.data
            ids = {deployment.deployment_id for deployment in deployments}
            if first.total_size == last.total_size == len(ids):
                expect(len(deployments) == len(ids), "a deployment came twice")
                return {deployment.deployment_id: deployment for deployment in deployments}
        raise Difference(f"totalSize and the pages disagreed {ATTEMPTS} times: {last.total_size}, {len(ids)}")

    def by_label(self, key, values, **options):
        headers = models.GetDeploymentsByLabelHeaders(workspace=self.workspace)
        request = models.GetDeploymentsByLabelRequest(label_key=key, label_value=values, **options)
        body = self.client.get_deployments_by_label_with_options(NAMESPACE, request, headers, RuntimeOptions()).body
        expect(body.success is True, f"GetDeploymentsByLabel failed: {body.error_message}")
        return body.data


def check_listing(simulator):
    everything = simulator.listing()
    expect(len(everything) > 0, "the namespace is empty")
    batch = simulator.listing(execution_mode="BATCH")
    streaming = simulator.listing(execution_mode="STREAMING")
    expect(batch and streaming, "a mode has no deployments")
    expect(not batch.keys() & streaming.keys(), "a deployment has both modes")
    named = simulator.listing(name="to-", sort_name="gmt_create")
    expect(all("to-" in deployment.name for deployment in named.values()), "the name filter lets others through")
    labelled = simulator.listing(label_key="env", label_value_array="prod;dev")
    expect(
        labelled and all(deployment.labels["env"] in ("prod", "dev") for deployment in labelled.values()),
        "the label filter lets others through",
    )
    expect(not simulator.listing(label_key="环境 key", label_value_array="value 1;a+b*~"), "no such label is there")
    print(f"ListDeployments: {len(everything)} deployments, {len(batch)} batch, {len(labelled)} labelled")
    return labelled


def check_by_label(simulator, listed):
    found = {deployment.deployment_id for deployment in simulator.by_label("env", "prod,dev")}
    missing = listed.keys() - found
    # A deployment may have gone between the two calls.
    expect(len(missing) <= 5, f"GetDeploymentsByLabel misses {len(missing)}")
    bare = simulator.by_label("env", "prod", ignore_job_summary=True, ignore_resource_setting=True)
    expect(bare, "no deployment is labelled env=prod")
    for deployment in bare:
        expect(deployment.job_summary is None, "jobSummary is there though it was to be ignored")
        expect(deployment.streaming_resource_setting is None, "resources are there though they were to be ignored")
    print(f"GetDeploymentsByLabel: {len(found)} deployments")


def check_refusals(url, key_id, secret, workspace):
    for name, refused, code in [
        ("secret", Simulator(url, key_id, secret + "x", workspace), "SignatureDoesNotMatch"),
        ("key", Simulator(url, key_id + "x", secret, workspace), "InvalidAccessKeyId.NotFound"),
    ]:
        try:
            refused.page(1)
        except Difference:
            raise
        except Exception as error:
            seen = getattr(error, "code", None)
            expect(seen == code, f"a wrong {name} gave {seen}: {error}")
        else:
            raise Difference(f"a wrong {name} was let in")
    headers = models.ListDeploymentsHeaders(workspace=workspace)
    request = models.ListDeploymentsRequest()
    asked = client(url, key_id, secret)
    body = asked.list_deployments_with_options("my ns/+*~%命", request, headers, RuntimeOptions()).body
    expect(body.success is False and body.error_code == "990301", f"an unknown namespace gave {body.to_map()}")
    print("refusals: a wrong secret, a wrong key, an unknown namespace")


class Objects:
    """The operations for a namespace's or a workspace's other objects."""

    def __init__(self, simulator):
        self.client, self.workspace = simulator.client, simulator.workspace

    def ask(self, name, *arguments):
        operation = getattr(self.client, f"{name}_with_options")
        headers = getattr(models, "".join(part.title() for part in name.split("_")) + "Headers")
        body = operation(*arguments, headers(workspace=self.workspace), RuntimeOptions()).body
        expect(body.success is True, f"{name} failed: {body.to_map()}")
        return body

    def jobs(self, deployment_id):
        for _ in range(ATTEMPTS):
            jobs, total = [], 1
            for index in range(1, 1000):
                request = models.ListJobsRequest(deployment_id=deployment_id, page_index=index, page_size=PAGE_SIZE)
                body = self.ask("list_jobs", NAMESPACE, request)
                jobs, total = jobs + body.data, body.total_size
                if index * PAGE_SIZE >= total:
                    break
            # A job may start or end while pages are turned.
            if len({job.job_id for job in jobs}) == len(jobs) == total:
                return jobs
        raise Difference(f"totalSize and the pages of jobs disagreed {ATTEMPTS} times")


def check_jobs(simulator, objects):
    states, reasons, restarts, memory, deleted = set(), set(), 0, 0, 0
    for deployment in simulator.listing().values():
        jobs = objects.jobs(deployment.deployment_id)
        live = sum(job.status.current_job_status in ("STARTING", "RUNNING", "CANCELLING") for job in jobs)
        expect(live <= 1, f"{deployment.name} has {live} live jobs")
        for job in jobs:
            status, failure = job.status, job.status.failure
            states.add(status.current_job_status)
            expect(job.start_time > 1e9 and job.metric.total_memory_byte >= 0, f"incomplete: {job.to_map()}")
            memory += job.metric.total_memory_byte
            if failure is not None:
                expect(status.current_job_status == "FAILED" and failure.failed_at >= job.start_time, f"{job.to_map()}")
                reasons.add(failure.reason)
            if status.running is not None:
                restarts += status.running.observed_flink_job_restarts
        summary = deployment.job_summary
        if summary is not None:
            ended = sum(job.status.current_job_status in ("FAILED", "CANCELLED", "FINISHED") for job in jobs)
            counted = summary.failed + summary.cancelled + summary.finished
            # Jobs ended between the two calls, or the failed ones were deleted.
            deleted += not counted <= ended <= counted + 2
    expect(deleted <= 1, f"the jobs of {deleted} deployments do not add up to jobSummary")
    expect(states >= {"RUNNING", "FAILED", "CANCELLED", "FINISHED"}, f"jobs are {states} only")
    expect(memory > 0, "no job takes memory")
    expect("KubernetesDeploymentNotProgressing" in reasons and restarts > 0, f"reasons {reasons}, {restarts} restarts")
    request = models.ListJobsRequest(deployment_id="none")
    headers = models.ListJobsHeaders(workspace=simulator.workspace)
    body = simulator.client.list_jobs_with_options(NAMESPACE, request, headers, RuntimeOptions()).body
    expect(body.success is False and body.error_code == "990301", f"an unknown deployment gave {body.to_map()}")
    print(f"ListJobs: jobs that are {', '.join(sorted(states))}, {len(reasons)} reasons of failures")


def check_objects(objects):
    request = models.ListDeploymentTargetsRequest(page_index=1, page_size=1)
    body = objects.ask("list_deployment_targets", NAMESPACE, request)
    expect(len(body.data) == 1 and body.total_size == 2, f"the first page of queues is {body.to_map()}")
    limit = body.data[0].quota.limit
    expect(limit.cpu > 0 and limit.memory.endswith("Mi"), f"the limit is {limit.to_map()}")
    clusters = objects.ask("list_session_clusters", NAMESPACE).data
    states = [cluster.status.current_session_cluster_status for cluster in clusters]
    expect(sorted(states) == ["FAILED", "RUNNING", "RUNNING", "STOPPED"], f"the session clusters are {states}")
    users = [cluster.status.running.reference_deployment_ids for cluster in clusters if cluster.status.running]
    expect(sorted(map(bool, users)) == [False, True], f"deployments of the session clusters: {users}")
    data = objects.ask("list_engine_version_metadata").data
    known = {version.engine_version: version.status for version in data.engine_version_metadata}
    expect(set(known.values()) == {"BETA", "STABLE", "DEPRECATED", "EXPIRED"}, f"the engine versions are {known}")
    expect(data.default_engine_version not in known, "the default version is in the list")
    print(f"ListDeploymentTargets, ListSessionClusters ({len(clusters)}), ListEngineVersionMetadata ({len(known)})")


class Console:
    """The console's API, as its SDK pages through it."""

    def __init__(self, url, key_id, secret):
        self.client = ConsoleClient(config(url, key_id, secret))

    def pages(self, operation, request, key):
        request.region, request.page_index, request.page_size = "cn-hangzhou", 1, 2
        objects = []
        while True:
            body = operation(request, RuntimeOptions()).body
            expect(body.success is True, f"{key}: page {request.page_index} failed: {body.to_map()}")
            objects += getattr(body, key)
            if request.page_index >= body.total_page:
                expect(len(objects) == body.total_count, f"{key}: TotalCount is {body.total_count}, not {len(objects)}")
                return objects
            request.page_index += 1

    def workspaces(self, **filters):
        request = console_models.DescribeInstancesRequest(**filters)
        return self.pages(self.client.describe_instances_with_options, request, "instances")

    def namespaces(self, instance_id):
        request = console_models.DescribeNamespacesRequest(instance_id=instance_id)
        return self.pages(self.client.describe_namespaces_with_options, request, "namespaces")


def check_console(simulator, url, key_id, secret, workspace):
    console = Console(url, key_id, secret)
    workspaces = console.workspaces()
    expect(len({found.ask_cluster_id for found in workspaces}) == len(workspaces) > 2, "a workspace came twice")
    states = {found.cluster_status for found in workspaces}
    expect(states == {"RUNNING", "DISABLE", "CREATING"}, f"the workspaces are {states}")
    polled = next(found for found in workspaces if found.resource_id == workspace)
    expect(polled.charge_type == "PRE" and polled.resource_expired_time > 1e12, f"not a subscription: {polled.to_map()}")
    tag = console_models.DescribeInstancesRequestTags("env", "prod")
    tagged = console.workspaces(tags=[tag], elastic=True)
    expect(workspace in {found.resource_id for found in tagged}, "the filter by tag and billing finds nothing")
    namespaces = console.namespaces(polled.instance_id)
    expect(NAMESPACE in {found.namespace for found in namespaces}, f"{NAMESPACE} is missing")
    used = sum(found.resource_used.cu for found in namespaces)
    expect(0 < used <= sum(found.resource_spec.cpu for found in namespaces), f"{used} compute units are used")
    unknown = console_models.DescribeNamespacesRequest(region="cn-hangzhou", instance_id="f-cn-none")
    body = console.client.describe_namespaces_with_options(unknown, RuntimeOptions()).body
    expect(body.success is False, f"an unknown workspace gave {body.to_map()}")
    request = models.ListEditableNamespaceRequest(region_id="cn-hangzhou", workspace_id=workspace, page_size="100")
    body = simulator.client.list_editable_namespace_with_options(request, {}, RuntimeOptions()).body
    editable = {found.namespace for found in body.data.editable_namespaces}
    expect(editable == {found.namespace for found in namespaces}, f"ListEditableNamespace lists {editable}")
    print(f"console: {len(workspaces)} workspaces, {len(namespaces)} namespaces in {polled.instance_name}")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    try:
        simulator = Simulator(*sys.argv[1:])
        check_by_label(simulator, check_listing(simulator))
        check_refusals(*sys.argv[1:])
        objects = Objects(simulator)
        check_jobs(simulator, objects)
        check_objects(objects)
        check_console(simulator, *sys.argv[1:])
    except Difference as difference:
        sys.exit(f"the simulator is not like the service: {difference}")
    except Exception as error:
        sys.exit(f"the SDK gave up: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
