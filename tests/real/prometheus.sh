#!/usr/bin/env bash
# A real Prometheus scrapes the demo with the example configuration; every query of README.md gives data.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_curl
need_prometheus
start_demo

# The example, but for where the demo listens and a shorter wait.
sed -e "s/localhost:10978/$demo/" -e 's/scrape_interval: .*/scrape_interval: 1s/' -e '/scrape_timeout:/d' \
    deploy/prometheus/prometheus.yml >"$scratch/prometheus.yml"
promtool check config deploy/prometheus/prometheus.yml >/dev/null
prometheus --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/data" \
    --web.listen-address=127.0.0.1:0 2>"$scratch/prometheus" &
started+=($!)
wait_for_address "$scratch/prometheus" 'msg="Listening on"'
prometheus=$found

# query EXPRESSION: its result, a line a series.
query() {
    promtool query instant "http://$prometheus" "$1"
}

# shellcheck disable=SC2317 # called by within
gives_data() {
    [[ -n $(query "$1" 2>/dev/null) ]]
}

# expect EXPRESSION
expect() {
    within 30 gives_data "$1" || { query "$1" || true; fail "no data after 30 seconds: $1"; }
}

expect 'sum_over_time(up[1m]) >= 4 and count_over_time(up[1m]) == sum_over_time(up[1m])'
expect 'count(aliyun_flink_target_up == 1) == count(aliyun_flink_target_up)'
expect 'sum(aliyun_flink_target_deployments) == count(aliyun_flink_deployment_info)'

# The text of every ```promql block, each ended by a zero byte.
queries() {
    awk '/^```promql$/ { inside = 1; next } /^```$/ && inside { inside = 0; printf "%c", 0; next } inside' README.md
}

count=0
while IFS= read -r -d '' expression; do
    expression=${expression%$'\n'}
    query "$expression" >/dev/null || fail "not a query: $expression"
    # Whether a threshold is passed is the demo's luck; what it is held against must be there.
    expect "$(sed -E '$ s/ *(>|<|==) *[0-9.]+$//' <<<"$expression")"
    count=$((count + 1))
done < <(queries)
((count > 0)) || fail "README.md has no queries"
echo "Prometheus scraped the demo; all $count queries of README.md give data"
