#!/usr/bin/env bash
# A real Prometheus answers what the dashboards ask, Debian's and Prometheus 3; their types and tables are as Grafana's own code has them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_curl
need_node_packages grafana

export NODE_PATH=$installed/node_modules
node tests/real/dashboards_types.cjs deploy/grafana/dashboards/*.json

# One exporter over a fleet with faults, scraped as two replicas; one whose credentials expire, of another workspace.
start_demo --state.path "$scratch/demo.redb" --fault.throttle 0.1 --fault.server-error 0.05
exporter "$scratch/simulator" simulate --listen-address 127.0.0.1:0 --namespaces 2 --deployments 30
mkdir "$scratch/served"
cat >"$scratch/served/credentials" <<JSON
{"Code": "Success", "AccessKeyId": "STS.id", "AccessKeySecret": "secret", "SecurityToken": "token",
 "Expiration": "$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)"}
JSON
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$scratch/served" >"$scratch/served.log" 2>&1 &
started+=($!)
wait_for_address "$scratch/simulator" 'the simulated API listens'
within 10 grep -q 'port [0-9]' "$scratch/served.log" || fail "the credentials are not served"
credentials=$(grep -oE 'port [0-9]+' "$scratch/served.log" | head -n 1)
cat >"$scratch/second.yml" <<YAML
poll: {interval: 5s, timeout: 4s}
credentials: {type: uri, uri: "http://127.0.0.1:${credentials#port }/credentials"}
workspaces:
  - id: second-workspace
    region: cn-hangzhou
    endpoint: http://$found
    namespaces:
      - name: default-namespace
        select: {execution_mode: STREAMING}
      - payments-prod
YAML
exporter "$scratch/second" run --config.file "$scratch/second.yml" --web.listen-address 127.0.0.1:0
wait_for_address "$scratch/second" message=listening
second=$found

cat >"$scratch/rules.yml" <<YAML
groups:
  - name: stage
    rules:
      - alert: AliyunFlinkStage
        expr: max by (workspace, namespace, deployment_id) (aliyun_flink_deployment_jobs{state="starting"}) > 0
        labels: {severity: warning}
      - alert: AliyunFlinkStageOfTargets
        expr: max by (workspace, namespace) (aliyun_flink_target_up) >= 0
        labels: {severity: info}
YAML
# The aggregates, recorded as often as is scraped.
sed 's/interval: 1m/interval: 1s/' deploy/prometheus/rules.yml >"$scratch/aggregates.yml"
cat >"$scratch/prometheus.yml" <<YAML
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml, aggregates.yml]
scrape_configs:
  - job_name: aliyun-flink
    static_configs:
      - targets: ["$demo", "localhost:${demo##*:}", "$second"]
  - job_name: dead
    static_configs:
      - targets: ["localhost:1"]
YAML
# Bundled, since parts of Grafana's packages can't be required by Debian's version of Node.
"$installed/node_modules/.bin/esbuild" tests/real/dashboards_tables.cjs --bundle --platform=node --log-level=error \
    --outfile="$scratch/tables.cjs"

check() {
    python3 tests/real/dashboards_rules.py "$scratch"
    rm -rf "$scratch/data" "$scratch/prometheus"
    start_prometheus
    python3 tests/real/dashboards.py "http://$prometheus" "$demo" "localhost:${demo##*:}" >"$scratch/frames.json"
    node "$scratch/tables.cjs" "$scratch/frames.json"
    kill "${started[-1]}" && wait "${started[-1]}" || true
    unset 'started[-1]'
}
with_each_prometheus check
