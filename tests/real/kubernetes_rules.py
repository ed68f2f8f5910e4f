"""What the chart makes of the rules of deploy/prometheus: with its defaults, and with values."""

from pathlib import Path

import yaml
from chart import Unique, of, run


def source(name):
    return yaml.load(Path(f"deploy/prometheus/{name}.yml").read_text(), Unique)["groups"]


def carries_the_rules(rendered):
    """With the chart's defaults the rules are those of deploy/prometheus."""
    (rule,) = of(rendered, "PrometheusRule")
    assert rule["spec"]["groups"] == source("rules") + source("alerts"), "the rules are not deploy/prometheus's"


def changes_the_rules(rendered):
    """The values do what they say."""
    (rule,) = of(rendered, "PrometheusRule")
    groups = rule["spec"]["groups"]
    assert groups[-1]["name"] == "own", groups[-1]
    rules = [each for group in groups for each in group["rules"] if "alert" in each]
    alerts = {each["alert"]: each for each in rules}
    known = {each["alert"] for group in source("alerts") for each in group["rules"]}
    assert set(alerts) == known - {"AliyunFlinkChangesPending"}, set(alerts) ^ known
    for name, each in alerts.items():
        assert each["annotations"]["runbook_url"] == f"https://wiki.example.com/flink/{name}.md", each
    assert "< 86400" in alerts["AliyunFlinkTlsCertificateExpiring"]["annotations"]["description"]
    loop = alerts["AliyunFlinkRestartLoop"]
    assert (loop["for"], loop["keep_firing_for"]) == ("10m", "1h"), loop
    assert loop["labels"].items() >= {"severity": "warning", "channel": "streaming"}.items(), loop
    labelled = [each for each in rules if "team" in each["labels"]]
    assert {each["alert"] for each in labelled} == {each["alert"] for each in rules if is_about_a_deployment(each)}, labelled


def is_about_a_deployment(rule):
    return "$labels.deployment_id" in rule["annotations"]["description"]


def alerts_as_the_values_say(rendered, directory):
    """promtool evaluates the rendered rules over deployments with labels and namespaces with thresholds."""
    (rule,) = of(rendered, "PrometheusRule")
    Path(directory, "rendered.yml").write_text(yaml.safe_dump(rule["spec"]))
    identity = 'workspace="w", namespace="n", deployment_id="{0}", deployment="{0}"'
    series = []
    # Of these, `three` fails three times, and `two` twice, which is not more than the threshold.
    for name, failed, labels in [
        ("three", 3, {"team": "payments", "stage": "prod"}),
        ("unlabelled", 3, None),
        ("two", 2, {"team": "payments", "stage": "prod"}),
        ("dev", 3, {"team": "payments", "stage": "dev"}),
        ("test", 3, {"team": "data", "stage": "test"}),
    ]:
        of_this = identity.format(name)
        series.append((f'aliyun_flink_deployment_jobs_ended_total{{{of_this}, state="failed"}}', f"0x10 {failed}x60"))
        if labels:
            # The second replica has the labels too: no join may fail for it.
            texts = ", ".join(f'label_{key}="{value}"' for key, value in labels.items())
            for instance in "ab":
                series.append((f'aliyun_flink_deployment_labels{{instance="{instance}", {of_this}, {texts}}}', "1x30 stale _x40"))
    for workspace, namespace, units in [("w", "n", 300), ("a14bd5d90a0123", "default-namespace", 300), ("a14bd5d90a0123", "big", 600)]:
        where = f'workspace="{workspace}", namespace="{namespace}"'
        deployment = f'{where}, deployment_id="units", deployment="units"'
        series.append((f'aliyun_flink_target_poll_interval_seconds{{collector="deployments", {where}}}', "60x70"))
        series.append((f"aliyun_flink_deployment_requested_compute_units{{{deployment}}}", f"{units}x70"))
        series.append((f'aliyun_flink_deployment_jobs{{{deployment}, state="running"}}', "1x70"))
    firing = 'count by ({}) (ALERTS{{alertname="{}", alertstate="firing"}})'
    failed = firing.format("deployment_id, team", "AliyunFlinkFailedJobsRising")
    expected = ['{deployment_id="three", team="payments"}', '{deployment_id="unlabelled", team="none"}']
    units = firing.format("namespace", "AliyunFlinkComputeUnitsHigh")
    test = {
        "rule_files": ["rendered.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series],
                "promql_expr_test": [
                    {"expr": failed, "eval_time": time, "exp_samples": [{"labels": labels, "value": 1} for labels in expected]}
                    for time in ("11m", "45m")
                ]
                + [{"expr": units, "eval_time": "30m", "exp_samples": [{"labels": f'{{namespace="{name}"}}', "value": 1} for name in ("n", "big")]}],
            }
        ],
    }
    Path(directory, "rendered.test.yml").write_text(yaml.safe_dump(test))
    run("promtool", "test", "rules", str(Path(directory, "rendered.test.yml")))
