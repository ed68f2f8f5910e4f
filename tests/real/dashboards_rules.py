"""Gives `promtool test rules` stories of deployments, and what the fleet's dashboard is to make of each.

    python3 tests/real/dashboards_rules.py DIRECTORY

Writes the test into DIRECTORY: a sample every minute, looked at after 75 minutes. promtool reads YAML, of which JSON is a
part. Exits with promtool's code and its differences.
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
FLEET = ROOT / "deploy/grafana/dashboards/fleet.json"
END, NOW = 80, 75


class Story:
    """A deployment: what each instance serves of it, and what is to be made of that."""

    def __init__(self, name, problems=None, mode="STREAMING", status="RUNNING", failed="0x80", since=None, **states):
        self.name, self.problems, self.mode = name, problems or {}, mode
        self.status, self.failed, self.since, self.states = status, failed, since, states

    def labels(self, instance, **more):
        labels = {"job": "j", "instance": instance, "workspace": "w", "namespace": "n"}
        labels |= {"deployment_id": f"id-{self.name}", "deployment": self.name, **more}
        return ", ".join(f'{name}="{value}"' for name, value in labels.items())

    def series(self):
        """A status or a list of a pair for each change of it; samples of one instance, or a list of those of a, b, …"""
        changes = [(self.status, 0)] if isinstance(self.status, str) else self.status
        for (status, begin), (_, end) in zip(changes, [*changes[1:], (None, END + 1)]):
            if status:
                before = f"_x{begin} " if begin else ""
                values = f"{before}1x{end - begin - 1} stale"
                yield f"aliyun_flink_deployment_status{{{self.labels('a', status=status)}}}", values
        for instance, values in zip("abc", [self.failed] if isinstance(self.failed, str) else self.failed):
            yield f"aliyun_flink_deployment_jobs_ended_total{{{self.labels(instance, state='failed')}}}", values
            yield f"aliyun_flink_deployment_info{{{self.labels(instance, execution_mode=self.mode)}}}", "1x80"
        if self.since is not None:
            yield f"aliyun_flink_deployment_status_since_timestamp_seconds{{{self.labels('a', status='FAILED')}}}", self.since
        for state, samples in self.states.items():
            for instance, values in zip("abc", [samples] if isinstance(samples, str) else samples):
                yield f"aliyun_flink_deployment_jobs{{{self.labels(instance, state=state)}}}", values


STORIES = [
    Story("runs"),
    Story("down-for-long", {"down": 1}, status="FAILED", failed="4x80"),
    Story("down-since-it-was-seen-to-fail", {"down": 1}, status=[("RUNNING", 0), ("FAILED", 5)], failed="0x4 1x80", since="_x5 300x75"),
    Story("fails-now", {"down": 1, "failed": 1}, status=[("RUNNING", 0), ("FAILED", 70)], failed="0x69 1x10"),
    Story("fails-seen-by-two-replicas", {"failed": 2}, failed=["3x40 5x39", "3x45 5x34"]),
    Story("fails-while-polls-are-missed", {"failed": 3}, failed="1x30 stale _x12 4x40"),
    Story("failed-long-ago", failed="2x10 9x70"),
    Story("restarted-without-its-state", failed="6x40 stale _x2 0x40"),
    Story("fails-after-a-restart-without-its-state", {"failed": 1}, failed="6x40 stale _x2 0x3 1x40"),
    Story("recovered", {"failed": 1}, status=[("FAILED", 0), ("RUNNING", 50)], failed="0x30 1x50"),
    Story("is-started-again", status=[("FAILED", 0), ("TRANSITIONING", 74)]),
    Story("cancelled", status=[("RUNNING", 0), ("CANCELLED", 60)]),
    Story("failing-batch", {"failed": 1}, mode="BATCH", status=[("RUNNING", 0), ("FAILED", 60)], failed="0x59 1x20"),
    Story("its-data-are-withdrawn", status=[("FAILED", 0), (None, 60)]),
    Story("can-not-start", {"stuck starting": 1}, status="TRANSITIONING", starting="0x40 1x40"),
    Story("starts", status="TRANSITIONING", starting="0x70 1x10"),
    Story("starts-for-the-first-time", status="TRANSITIONING", starting="_x60 1x20"),
    Story("can-not-end", {"stuck cancelling": 1}, status="TRANSITIONING", cancelling=["0x40 1x40", "0x42 1x40"]),
    Story("ends", status="TRANSITIONING", cancelling="0x70 1x10"),
]


def expression(title, target=0):
    panels = json.loads(FLEET.read_text())["panels"]
    text = next(panel for panel in panels if panel["title"] == title)["targets"][target]["expr"]
    for variable in ("job", "workspace", "namespace"):
        text = text.replace(f'"${variable}"', '".+"')
    return text


def sample(story, problem, value):
    labels = {"workspace": "w", "namespace": "n", "deployment_id": f"id-{story.name}", "deployment": story.name}
    text = ", ".join(f'{name}="{value}"' for name, value in {**labels, "problem": problem}.items())
    return {"labels": f"{{{text}}}", "value": value}


def main():
    problems = [(story, *problem) for story in STORIES for problem in story.problems.items()]
    failed = sum(value for _, problem, value in problems if problem == "failed")
    down = sum(value for _, problem, value in problems if problem == "down")
    since = [sample(story, "down", NOW * 60 - 300) for story in STORIES if story.since]
    cases = [
        {"expr": expression("Needs attention"), "exp_samples": [sample(*problem) for problem in problems]},
        {"expr": expression("Needs attention", 1), "exp_samples": since},
        {"expr": expression("Failed in the last hour"), "exp_samples": [{"labels": "{}", "value": failed}]},
        {"expr": expression("Streams failed"), "exp_samples": [{"labels": "{}", "value": down}]},
    ]
    test = {
        "rule_files": [str(ROOT / "deploy/prometheus/rules.yml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": series, "values": values} for story in STORIES for series, values in story.series()
                ],
                "promql_expr_test": [{"eval_time": f"{NOW}m", **case} for case in cases],
            }
        ],
    }
    file = pathlib.Path(sys.argv[1], "dashboards.test.yml")
    file.write_text(json.dumps(test, indent=1))
    ran = subprocess.run(["promtool", "test", "rules", file])
    if ran.returncode == 0:
        print(f"the dashboard shows {len(STORIES)} deployments as it should")
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
