"""Draws the pictures of the dashboards that stand in docs/images.

    python3 tests/real/pictures/pictures.py http://PROMETHEUS DIRECTORY

PROMETHEUS has scraped the demo for 20 minutes or more. DIRECTORY gets the pictures, and a directory with the npm
packages (half a gigabyte) and what is made of them. Needs npm, and chromium as tests/real/page.py does.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import dashboards  # noqa: E402
import page  # noqa: E402

MINUTES, STEP, WIDTH, ROW, HEAD = 20, 15, 1400, 38, 50
# The rows that are drawn; a picture is to stay below 300 kB.
ROWS = {
    "fleet": ["Now", "What to look at", "Over time"],
    "deployment": ["Now", "States over time", "Failures and running job", "What one running job asks for"],
    "exporter": ["Now", "API"],
    "capacity": ["Now", "Namespaces", "Queues", "Session clusters"],
}


def chosen_for(dashboard):
    """A deployment that fails while we look; of all else, everything."""
    failing = dashboards.query(
        "topk(1, max by (workspace, namespace, deployment_id, deployment) ("
        'aliyun_flink_deployment_jobs{state="failed"} - min_over_time(aliyun_flink_deployment_jobs{state="failed"}[30m]))'
        " and on (workspace, namespace, deployment_id) aliyun_flink_deployment_requested_compute_units"
        ' and on (workspace, namespace, deployment_id) aliyun_flink_deployment_health_score'
        ' and on (workspace, namespace, deployment_id) aliyun_flink_deployment_last_failure_info{reason!=""}'
        ' and on (workspace, namespace, deployment_id) aliyun_flink_deployment_job_restarts_total > 0'
        ' and on (workspace, namespace, deployment_id) aliyun_flink_deployment_info{execution_mode="STREAMING"})'
    )[0]["metric"]
    if dashboard.name == "deployment":
        return dashboards.of_deployment(dashboard, failing)
    return dashboards.chosen_by(dashboard, lambda name, values: "All")


def drawn_panels(dashboard):
    """The panels of the rows that are drawn, moved together."""
    panels, drawn = [], False
    for panel in dashboard.json["panels"]:
        if panel["type"] == "row":
            drawn = panel["title"] in ROWS[dashboard.name]
        if drawn:
            panels.append(panel)
    lines = [set(range(p["gridPos"]["y"], p["gridPos"]["y"] + p["gridPos"]["h"])) for p in panels]
    place = {y: index for index, y in enumerate(sorted(set().union(*lines)))}
    for panel in panels:
        panel["gridPos"]["y"] = place[panel["gridPos"]["y"]]
    return panels, len(place)


def line(target, series, times):
    values = {int(at): float(value) for at, value in series.get("values") or [series["value"]]}
    legend = re.sub(r"{{\s*(\w+)\s*}}", lambda match: series["metric"].get(match[1], ""), target["legendFormat"])
    value = {"name": "Value", "type": "number", "config": {"displayNameFromDS": legend.strip()}}
    return {
        "fields": [
            {"name": "Time", "type": "time", "values": [at * 1000 for at in times]},
            {**value, "values": [values.get(at) for at in times]},
        ]
    }


def with_frames(dashboard, panel, chosen, end):
    frames, results = [], []
    for target in panel.get("targets", []):
        expression = dashboards.interpolated(dashboard, target["expr"], chosen, 60)
        if target["instant"]:
            times, result = [end], dashboards.query(expression, end)
        else:
            times = range(end - MINUTES * 60, end + 1, STEP)
            result = dashboards.get("/api/v1/query_range", query=expression, start=times[0], end=end, step=STEP)["result"]
        results.append(result)
        frames += [line(target, series, times) for series in result]
    if panel["type"] == "table":
        frames = dashboards.frames_of(panel, results)["frames"]
    return {**panel, "frames": frames}


def bundle(directory):
    """What draws, with its packages."""
    directory.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "render.tsx"):
        shutil.copy(HERE / file, directory)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--legacy-peer-deps"], cwd=directory, check=True)
    # Beside the package that it stands for, since that name leads to it here.
    shim = directory / "node_modules/scrollbar/index.cjs"
    shim.parent.mkdir(exist_ok=True)
    shutil.copy(HERE / "scrollbar.cjs", shim)
    loaders = [f"--loader:.{kind}=dataurl" for kind in ("svg", "png", "ttf", "woff2")]
    subprocess.run(
        ["node_modules/.bin/esbuild", "render.tsx", "--bundle", "--minify", "--outfile=render.js", *loaders]
        + ['--define:process.env.NODE_ENV="production"', f"--alias:react-custom-scrollbars-2={shim.resolve()}"],
        cwd=directory,
        check=True,
    )


def draw(browser, name, work, picture):
    dashboard = dashboards.Dashboard(name)
    panels, rows = drawn_panels(dashboard)
    chosen, end = chosen_for(dashboard), int(time.time())
    data = {
        "title": dashboard.json["title"],
        "from": (end - MINUTES * 60) * 1000,
        "to": end * 1000,
        "width": WIDTH,
        "height": HEAD + rows * ROW,
        "panels": [with_frames(dashboard, panel, chosen, end) for panel in panels],
    }
    (work / "data.js").write_text("window.DATA = " + json.dumps(data))
    (work / "page.html").write_text(
        '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="render.css"><body style="margin: 0">'
        '<div id="root"></div><script src="data.js"></script><script src="render.js"></script>'
    )
    browser.size(WIDTH, data["height"])
    browser.call("Page.navigate", url=(work / "page.html").resolve().as_uri())
    browser.until("document.readyState == 'complete' && window.drawn")
    page.expect(browser.run("window.drawn") == "drawn", browser.run("window.drawn"))
    browser.shoot(picture)
    print(f"{picture}: {picture.stat().st_size} bytes")


def main():
    dashboards.RANGE = MINUTES * 60
    # Unlike the stage of that script, the demo has run for long enough.
    dashboards.SHORTER.clear()
    pictures = pathlib.Path(sys.argv[2])
    work = pictures / "work"
    bundle(work)
    browser = page.Browser(tempfile.mkdtemp())
    try:
        for name in ROWS:
            draw(browser, name, work, pictures / f"grafana-{name}.png")
    finally:
        browser.process.terminate()
        browser.process.wait(10)


if __name__ == "__main__":
    main()
