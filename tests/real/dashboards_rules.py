"""Tells `promtool test rules` stories of deployments, and what the fleet's dashboard is to make of each.

    python3 tests/real/dashboards_rules.py DIRECTORY

Writes the test into DIRECTORY; a minute a sample, looked at in the 30th, with a window of 10. promtool reads YAML, of
which JSON is a part. Exits with promtool's code and its differences.
"""

import json
import pathlib
import subprocess
import sys

FLEET = pathlib.Path(__file__).parents[2] / "deploy/grafana/dashboards/fleet.json"
LONG_AGO = "-100000x30"


class Story:
    """A deployment: what each instance tells of it, and what is to be made of that."""

    def __init__(self, name, problems=None, created=LONG_AGO, mode="STREAMING", label="", **states):
        self.name, self.problems, self.created, self.mode, self.states = name, problems or {}, created, mode, states

    def labels(self, instance, **more):
        labels = {"job": "j", "instance": instance, "workspace": "w", "namespace": "n"}
        labels |= {"deployment_id": f"id-{self.name}", "deployment": self.name, **more}
        return ", ".join(f'{name}="{value}"' for name, value in labels.items())

    def series(self):
        """A state's samples are those of instance a, or a list of those of a, b, …"""
        for state, samples in self.states.items():
            for instance, values in zip("abc", [samples] if isinstance(samples, str) else samples):
                yield f"aliyun_flink_deployment_jobs{{{self.labels(instance, state=state)}}}", values
        yield f"aliyun_flink_deployment_created_timestamp_seconds{{{self.labels('a')}}}", self.created
        yield f"aliyun_flink_deployment_info{{{self.labels('a', execution_mode=self.mode)}}}", "1x30"


STORIES = [
    Story("fails", {"failed": 2}, failed="3x26 5x3"),
    Story("fails-seen-by-two-replicas", {"failed": 2}, failed=["3x26 5x3", "3x27 5x2"]),
    Story("fails-while-polls-are-missed", {"failed": 3}, failed="1x21 _x5 4x2"),
    Story("fails-while-the-exporter-restarts", {"failed": 1}, failed=["6x20 stale", "_x23 7x6"]),
    Story("young-and-failing", {"failed": 2}, created="1500x30", failed="_x25 2x4"),
    Story("failed-long-ago", failed="2x10 9x19"),
    Story("found-with-old-failures", failed="_x25 7x4"),
    Story("scraped-by-another-instance", failed=["6x20 stale", "_x23 6x6"]),
    Story("its-history-was-cut", failed="8x24 0x5"),
    Story("deleted", failed="1x21 4x2 stale", running="1x21 0x2 stale"),
    Story("stops", {"stopped": 1}, running="1x26 0x3"),
    Story("stopped-long-ago", running="1x10 0x19"),
    Story("batch-that-ends", mode="BATCH", running="1x26 0x3"),
    Story("runs", running="1x30"),
    Story("in-a-loop", {"restarting": 3}, running="1x21 0 1 0 1 0 1 1 1"),
    Story("restarted-once", running="1x25 0 1 1 1"),
    Story("batch-in-a-loop", mode="BATCH", running="1x21 0 1 0 1 0 1 1 1"),
    Story("can-not-start", {"stuck starting": 1}, starting="0x10 1x19"),
    Story("starts", starting="0x26 1x3"),
    Story("starts-for-the-first-time", starting="_x26 1x3"),
    Story("can-not-end", {"stuck cancelling": 1}, cancelling=["0x10 1x19", "0x10 1x19"]),
    Story("ends", cancelling="0x26 1x3"),
]


def expression(title):
    panels = json.loads(FLEET.read_text())["panels"]
    text = next(panel for panel in panels if panel["title"] == title)["targets"][0]["expr"]
    for variable in ("job", "workspace", "namespace"):
        text = text.replace(f'"${variable}"', '".+"')
    return text.replace("${window}", "600").replace("$window", "600")


def sample(story, problem, value):
    labels = {"workspace": "w", "namespace": "n", "deployment_id": f"id-{story.name}", "deployment": story.name}
    text = ", ".join(f'{name}="{value}"' for name, value in {**labels, "problem": problem}.items())
    return {"labels": f"{{{text}}}", "value": value}


def main():
    problems = [(story, *problem) for story in STORIES for problem in story.problems.items()]
    failed = sum(value for _, problem, value in problems if problem == "failed")
    cases = [
        {"expr": expression("Needs attention"), "exp_samples": [sample(*problem) for problem in problems]},
        {"expr": expression("Failed within window"), "exp_samples": [{"labels": "{}", "value": failed}]},
    ]
    test = {
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": series, "values": values} for story in STORIES for series, values in story.series()
                ],
                "promql_expr_test": [{"eval_time": "30m", **case} for case in cases],
            }
        ],
    }
    file = pathlib.Path(sys.argv[1], "dashboards.test.yml")
    file.write_text(json.dumps(test, indent=1))
    ran = subprocess.run(["promtool", "test", "rules", file])
    if ran.returncode == 0:
        print(f"{len(STORIES)} deployments are told of as they should be")
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
