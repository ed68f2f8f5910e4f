#!/usr/bin/env bash
# The Helm chart and the plain manifests: rendered, held against Kubernetes's and the operator's schemas, and what they
# configure tried with the exporter and a real Prometheus.
#
#   kubernetes.sh          checks
#   kubernetes.sh write    renders deploy/kubernetes and the chart's table of values anew
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_helm
need_python_packages requirements-deploy
if [[ ${1-} == write ]]; then
    need_binary
    "$python" tests/real/chart.py "$helm" write "$binary"
    exit
fi
need_curl
need_prometheus
need_node_packages operator
need_binary
"$python" tests/real/chart.py "$helm" check "$binary"
"$python" tests/real/kubernetes.py "$helm" "$kubectl" "$installed" "$binary"

# The demo with the chart's arguments answers the chart's probes; Prometheus scrapes it as the ServiceMonitor says.
"$python" tests/real/chart.py "$helm" demo "$scratch"
mapfile -t arguments <"$scratch/arguments"
exporter "$scratch/exporter" "${arguments[@]}"
wait_for_address "$scratch/exporter" message=listening
while read -r path; do
    within 30 curl -fsS -o /dev/null "http://$found$path" 2>/dev/null || fail "no 200 from $path within 30 seconds"
done <"$scratch/probes"

sed -i "s/EXPORTER/$found/" "$scratch/prometheus.yml"
start_prometheus

# The operator's labels take no place of the exporter's own.
expect_data 'count(aliyun_flink_target_up{namespace!="monitoring"}) == count(aliyun_flink_target_up)'
expect_data 'count(aliyun_flink_workspace_info{endpoint=~"http.+"}) == count(aliyun_flink_workspace_info)'
expect_data 'absent({__name__=~"aliyun_flink_.+", exported_namespace!=""})'
# Every rule is evaluated without an error.
evaluated() {
    curl -fsS "http://$prometheus/api/v1/rules" | "$python" -c '
import json, sys
rules = [rule for group in json.load(sys.stdin)["data"]["groups"] for rule in group["rules"]]
bad = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"]
sys.exit(str(bad) if bad or not rules else 0)'
}
within 30 evaluated 2>"$scratch/bad" || fail "rules are not evaluated within 30 seconds: $(tail -n 1 "$scratch/bad")"
expect_data 'count(aliyun_flink:namespace_deployments:count)'
echo "the demo as the chart runs it: probes, scrape and rules as rendered"
