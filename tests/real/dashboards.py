"""Asks a real Prometheus everything that the dashboards ask, as Grafana does, and checks what comes.

    python3 tests/real/dashboards.py http://PROMETHEUS DEMO... > FRAMES.json

Prometheus scrapes one demo under the addresses DEMO, as if they were replicas, and another exporter with a second
workspace. Standard output is what each table panel got, for Grafana's own transformations to work on. Exits with 1
and the panels that got nothing, or not what they should.
"""

import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

DIRECTORY = pathlib.Path(__file__).parents[2] / "deploy/grafana/dashboards"
PROMETHEUS, DEMOS = sys.argv[1], sys.argv[2:]
PATIENCE = 150
# Of the stage: Prometheus's scrape interval, and how far back a panel looks.
SCRAPE, RANGE = 1, 60
# A target of another job, which nobody listens at.
DEAD = "localhost:1"
# What must last longer than the stage lasts here.
SHORTER = {"[20m]": "[20s]", "[30m]": "[30s]", "offset 20m": "offset 20s"}
# The stage has more targets than a panel shows: those with every label must be among them.
SHORTER |= {"topk(20, max_over_time": "topk(1000, max_over_time"}

# What gets nothing in a scenario, and why. It must get nothing, too: what does not is no exception.
EMPTY = {
    ("exporter", "one value", "Credentials expire in"): "the demo's key is for ever",
    ("deployment", "basic", "Most slots of a batch job"): "streaming",
    ("deployment", "basic", "Slot sharing groups"): "no plan in basic mode",
    ("deployment", "basic", "Cores by slot sharing group"): "no plan in basic mode",
    ("deployment", "expert", "Memory"): "a plan does not say all its memory",
    ("deployment", "expert", "Compute units"): "a plan does not say all its memory",
    ("deployment", "expert", "Most slots of a batch job"): "streaming",
    ("deployment", "batch", "Health score"): "streaming alone has one",
    ("deployment", "batch", "Health score over time"): "streaming alone has one",
    ("deployment", "batch", "Slot sharing groups"): "no plan in batch",
    ("deployment", "batch", "Cores by slot sharing group"): "no plan in batch",
}
# Targets that may get nothing for a narrow choice or for one deployment: no failure may have been observed there, and a
# plan in expert mode does not say all its memory.
SOMETIMES = {("fleet", "Needs attention", "B")}
SOMETIMES |= {("deployment", "Last failure", "A"), ("deployment", "Failed", "A"), ("deployment", "Used memory", "B")}
# What is shown of live jobs. The deployments whose jobs fail or end may have none for a while; the other one has.
LIVE = {"Health score", "Health score over time", "Job started", "Used cores", "Used memory"}
# The simulated deployments are not modified while one looks.
NEVER = {("deployment", "Modified")}


def get(path, **parameters):
    data = urllib.parse.urlencode(parameters, doseq=True).encode()
    try:
        with urllib.request.urlopen(PROMETHEUS + path, data, timeout=30) as reply:
            return json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{parameters}: {json.load(error)['error']}") from None


def query(expression, at=None):
    return get("/api/v1/query", query=expression, time=at or time.time())["result"]


def query_range(expression, step):
    now = time.time()
    return get("/api/v1/query_range", query=expression, start=now - RANGE, end=now, step=step)["result"]


def label_values(selector, label):
    path = f"/api/v1/label/{label}/values?" + urllib.parse.urlencode({"match[]": selector, "start": time.time() - RANGE})
    with urllib.request.urlopen(PROMETHEUS + path, timeout=30) as reply:
        return json.load(reply)["data"]


class Dashboard:
    def __init__(self, name):
        self.name = name
        self.json = json.loads((DIRECTORY / f"{name}.json").read_text())
        self.variables = {variable["name"]: variable for variable in self.json["templating"]["list"]}
        self.panels = [panel for panel in self.json["panels"] if panel["type"] != "row"]
        self.queried = [name for name, variable in self.variables.items() if variable["type"] == "query"]


def escaped(value):
    """As Grafana escapes a value for a regular expression within a string of PromQL."""
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value.replace("\\", "\\\\\\\\"))


def formatted(variable, chosen):
    if not variable.get("multi") and not variable.get("includeAll"):
        return chosen.replace("\\", "\\\\").replace('"', '\\"')
    if chosen == "All":
        return variable["allValue"]
    return escaped(chosen[0]) if len(chosen) == 1 else "(" + "|".join(map(escaped, chosen)) + ")"


def interpolated(dashboard, text, chosen, step=1):
    rate_interval = max(step + SCRAPE, 4 * SCRAPE)
    own = {"__interval": f"{step}s", "__rate_interval": f"{rate_interval}s", "__range": f"{RANGE}s", "__range_s": str(RANGE)}

    def value(match):
        name = match[1] or match[2]
        if name in own:
            return own[name]
        variable = dashboard.variables.get(name)
        # Such as $1 of label_replace.
        return formatted(variable, chosen[name]) if variable else match[0]

    for long, short in SHORTER.items():
        text = text.replace(long, short)
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, text)


def offered(dashboard, name, chosen):
    """The values that a variable has, after those before it are chosen."""
    selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", dashboard.variables[name]["query"]).groups()
    return label_values(interpolated(dashboard, selector, chosen), label)


def chosen_by(dashboard, choose):
    chosen = {"label": dashboard.variables.get("label", {}).get("query")}
    for name in dashboard.queried:
        values = offered(dashboard, name, chosen)
        if not values:
            raise AssertionError(f"{dashboard.name}: the variable {name} has no values")
        chosen[name] = choose(name, values)
        if chosen[name] == "All" and "allValue" not in dashboard.variables[name]:
            chosen[name] = values
    return chosen


def of_deployment(dashboard, labels):
    """Chosen one after the other, as a person does."""

    def choose(name, values):
        if name == "job":
            return "All"
        if labels[name] not in values:
            raise AssertionError(f"{name} does not offer {labels[name]}: {values}")
        return labels[name]

    return chosen_by(dashboard, choose)


def kinds():
    """A deployment for each way to set resources; of the first a job failed a moment ago."""

    def each(metric, *matchers):
        matchers = ['workspace="demo-workspace"', f'instance="{DEMOS[0]}"', *matchers]
        return f"aliyun_flink_deployment_{metric}{{{', '.join(matchers)}}}"

    def every(first, *others):
        return " and on (deployment_id) ".join([first, each("taskmanager_slots"), each("requested_cpu_cores"), *others])

    failed = each("jobs", 'state="failed"')
    wanted = {
        "basic": every(
            each("info", 'execution_mode="STREAMING"', 'resource_mode="BASIC"'),
            each("requested_compute_units"),
            f"({failed} - {failed} offset 15s > 0)",
        ),
        "expert": every(
            each("info", 'execution_mode="STREAMING"', 'resource_mode="EXPERT"'),
            each("slot_group_memory_bytes", 'pool="managed"'),
            each("used_cpu_cores"),
            each("health_score"),
        ),
        "batch": every(each("info", 'execution_mode="BATCH"'), each("requested_compute_units"), each("max_slots")),
    }
    found = {}
    for kind, expression in wanted.items():
        result = eventually(lambda: query(expression) or failing(f"no {kind} deployment yet"))
        found[kind] = result[0]["metric"]
    return found


def failing(message):
    raise AssertionError(message)


def eventually(attempt):
    deadline = STARTED + PATIENCE
    while True:
        try:
            return attempt()
        except AssertionError:
            if time.time() > deadline:
                raise
            time.sleep(2)


def results_of(dashboard, panel, chosen):
    step = int(panel.get("interval", "15s").rstrip("ms")) * (60 if panel.get("interval", "").endswith("m") else 1)
    results = []
    for target in panel["targets"]:
        expression = interpolated(dashboard, target["expr"], chosen, step)
        results.append(query(expression) if target["instant"] else query_range(expression, step))
    return results


def has_value(series):
    values = [series["value"]] if "value" in series else series["values"]
    return any(value != "NaN" for _, value in values)


def check_legends(panel, results):
    """Every label of a legend is there, and no two lines have the same name."""
    names = []
    for target, result in zip(panel["targets"], results):
        legend = target["legendFormat"]
        for label in re.findall(r"{{\s*(\w+)\s*}}", legend):
            if result and not any(label in series["metric"] for series in result):
                raise AssertionError(f"no series has the label {label} of the legend")
        if panel["type"] in ("timeseries", "bargauge", "state-timeline"):
            for series in result:
                names.append(re.sub(r"{{\s*(\w+)\s*}}", lambda match: series["metric"].get(match[1], ""), legend))
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise AssertionError(f"several series are called {sorted(twice)}")
    if panel["type"] == "stat" and any(len(result) > 1 for result in results):
        raise AssertionError("a single value was expected")


def check_panel(dashboard, panel, scenario, chosen):
    results = results_of(dashboard, panel, chosen)
    narrow = scenario in ("one value", "two values")
    filled = [any(map(has_value, result)) for result in results]
    if (dashboard.name, scenario, panel["title"]) in EMPTY:
        if any(filled):
            raise AssertionError("has data, and stands among those that have none")
        return results
    single = dashboard.name == "deployment"
    ends = single and scenario != "expert" and panel["title"] in LIVE

    def may_lack(target):
        return ends or (narrow or single) and (dashboard.name, panel["title"], target["refId"]) in SOMETIMES

    lacking = [i for i, target in enumerate(panel["targets"]) if not filled[i] and not may_lack(target)]
    if lacking:
        raise AssertionError(f"no data for targets {lacking}")
    # A narrower choice need not have every label.
    if not narrow:
        check_legends(panel, results)
    return results


def check(dashboard, scenario, chosen):
    """All panels; those that fail are tried again until time is over."""
    left, got = dashboard.panels, {}
    while left:
        still = []
        for panel in left:
            try:
                got[panel["id"]] = check_panel(dashboard, panel, scenario, chosen())
            except AssertionError as error:
                still.append((panel, error))
        if still and time.time() > STARTED + PATIENCE:
            lines = [f"{dashboard.name}, {scenario}, {panel['title']}: {error}" for panel, error in still]
            sys.exit("\n".join(lines))
        left = [panel for panel, _ in still]
        if left:
            time.sleep(2)
    print(f"{time.time() - STARTED:3.0f} s: {dashboard.name}, {scenario}: {len(dashboard.panels)} panels have what they should", file=sys.stderr)
    return got


def check_annotations(dashboard, chosen):
    """Grafana asks for no more points than the window has pixels, so its step can be longer than the annotation's: no event may be missed."""
    for annotation in dashboard.json["annotations"]["list"]:
        if annotation.get("builtIn"):
            continue
        # The stage is younger than a minute.
        for step in (10 * SCRAPE, 30 * SCRAPE):
            expression = interpolated(dashboard, annotation["expr"], chosen, step)
            if (dashboard.name, annotation["name"]) in NEVER:
                # What is compared must be there.
                expression = expression.removesuffix(" > 0")
            eventually(lambda: query_range(expression, step) or failing(f"{annotation['name']}, step {step}: no data"))


def check_exporters(exporter, chosen):
    """No panel shows another target of Prometheus, such as one that is down."""
    if not query('up{job="dead"} == 0'):
        raise AssertionError("the stage has no target that is down")
    for panel in exporter.panels:
        series = [each["metric"] for result in results_of(exporter, panel, chosen) for each in result]
        others = [each for each in series if each.get("job", "aliyun-flink") != "aliyun-flink" or each.get("instance") == DEAD]
        if others:
            raise AssertionError(f"{panel['title']}: {others}")
    [failing_scrapes] = [panel for panel in exporter.panels if panel["title"] == "Scrapes failing"]
    [[series]] = results_of(exporter, failing_scrapes, chosen)
    if float(series["value"][1]) != 0:
        raise AssertionError(f"Scrapes failing: {series}")


def check_most(capacity, chosen):
    """What is shown is the same at each step, and among those that have most in the range."""
    [panel] = [panel for panel in capacity.panels if panel["title"] == "Used by namespace"]
    [target] = panel["targets"]
    few = interpolated(capacity, target["expr"].replace("topk(20,", "topk(1,"), chosen, 5)
    shown = query_range(few, 5)
    everything = query_range(few[: few.index("\nand topk")], 5)
    most = max(everything, key=lambda series: max(float(value) for _, value in series["values"]))
    if len(everything) < 2 or [series["metric"] for series in shown] != [most["metric"]]:
        raise AssertionError(f"of {everything}, {shown} is shown")


def check_problems(fleet, chosen):
    """Each problem that the demo has is listed."""
    panel = next(panel for panel in fleet.panels if panel["title"] == "Needs attention")
    told, wanted = set(), {"failed", "down", "stuck starting", "stuck cancelling"}

    def look():
        told.update(series["metric"]["problem"] for series in results_of(fleet, panel, chosen)[0])
        return wanted <= told or failing(f"Needs attention tells {told}, not {wanted - told}")

    eventually(look)


def check_replicas(fleet, chosen):
    """Two replicas give what one gives."""
    chosen = {**chosen, "workspace": ["demo-workspace"]}
    together = 'job=~"$job"'
    # What is recorded has no instance any more; promtool has two replicas of that.
    stats = [panel for panel in fleet.panels if panel["type"] == "stat" and "aliyun_flink:" not in panel["targets"][0]["expr"]]
    for panel in stats:
        both = interpolated(fleet, panel["targets"][0]["expr"], chosen)
        alone = interpolated(fleet, panel["targets"][0]["expr"].replace(together, f'{together}, instance="{DEMOS[0]}"'), chosen)

        def look():
            now = time.time()
            values = [query(expression, now)[0]["value"][1] for expression in (both, alone)]
            # The data of two scrapes may be a moment apart in age, never in number.
            same = abs(float(values[0]) - float(values[1])) < (1.5 if panel["fieldConfig"]["defaults"]["unit"] == "s" else 1e-6)
            return same or failing(f"{panel['title']}: {values[0]} of two replicas, {values[1]} of one")

        eventually(look)
    instances = query('count by (instance) (aliyun_flink_deployment_info{workspace="demo-workspace"})')
    if {series["metric"]["instance"] for series in instances} != set(DEMOS):
        raise AssertionError(f"not scraped as {DEMOS}: {instances}")


def check_labels(fleet, chosen):
    """By label or not, it comes to the same sum: where a label is exported, and where none is."""
    panels = {panel["title"]: panel["targets"][0]["expr"] for panel in fleet.panels}
    for workspace, values in (("demo-workspace", 2), ("second-workspace", 1)):
        chosen = {**chosen, "workspace": [workspace]}
        for what in ("Compute units", "Cores"):
            now = time.time()
            [whole] = query(interpolated(fleet, panels[what], chosen), now)
            parts = query(interpolated(fleet, panels[f"{what} by label $label"], chosen), now)
            if abs(float(whole["value"][1]) - sum(float(part["value"][1]) for part in parts)) > 1e-6:
                raise AssertionError(f"{what} of {workspace}: {whole} in all, by label {parts}")
            without = [part for part in parts if part["metric"]["value"] == "without label"]
            if len(parts) < values or not without:
                raise AssertionError(f"{what} of {workspace} by label: {parts}")


def frames_of(panel, results):
    """What Grafana's Prometheus data source makes of the results of a table."""
    several = len(results) > 1
    frames = []
    for target, result in zip(panel["targets"], results):
        labels = sorted({label for series in result for label in series["metric"]})
        fields = [{"name": "Time", "type": "time", "values": [series["value"][0] * 1000 for series in result]}]
        fields += [
            {"name": label, "type": "string", "values": [series["metric"].get(label, "") for series in result]}
            for label in labels
        ]
        value = f"Value #{target['refId']}" if several else "Value"
        fields.append({"name": value, "type": "number", "values": [float(series["value"][1]) for series in result]})
        frames.append({"refId": target["refId"], "fields": fields})
    return {"panel": panel, "frames": frames}


def main():
    fleet, deployment, exporter, capacity = map(Dashboard, ("fleet", "deployment", "exporter", "capacity"))
    eventually(lambda: query(f"count_over_time(up[1m]) > 25") or failing("Prometheus has too little yet"))
    scenarios = {
        "All": lambda name, values: "All",
        "one value": lambda name, values: [{"instance": DEMOS[0], "workspace": "demo-workspace"}.get(name, values[0])],
        "two values": lambda name, values: values[:2],
    }
    tables = []
    for dashboard in (fleet, exporter, capacity):
        for scenario, choose in scenarios.items():
            got = check(dashboard, scenario, lambda: chosen_by(dashboard, choose))
            if scenario == "All":
                tables += [(panel, got[panel["id"]]) for panel in dashboard.panels if panel["type"] == "table"]
    for kind, labels in kinds().items():
        got = check(deployment, kind, lambda: of_deployment(deployment, labels))
        # The one that has every label and setting, and so every column.
        if kind == "expert":
            tables += [(panel, got[panel["id"]]) for panel in deployment.panels if panel["type"] == "table"]
        if kind == "basic":
            check_annotations(deployment, of_deployment(deployment, labels))
    everything = chosen_by(fleet, lambda name, values: "All")
    check_problems(fleet, everything)
    check_replicas(fleet, everything)
    check_labels(fleet, everything)
    check_exporters(exporter, chosen_by(exporter, lambda name, values: "All"))
    check_most(capacity, chosen_by(capacity, lambda name, values: "All"))
    json.dump([frames_of(*table) for table in tables], sys.stdout)


STARTED = time.time()
if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(str(error))
