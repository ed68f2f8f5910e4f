#!/usr/bin/env bash
# A real Prometheus scrapes the demo with the example configuration; every query of README.md and docs/queries.md gives data.
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
start_prometheus

expect_data 'sum_over_time(up[1m]) >= 4 and count_over_time(up[1m]) == sum_over_time(up[1m])'
expect_data 'count(aliyun_flink_target_up == 1) == count(aliyun_flink_target_up)'
expect_data 'sum(aliyun_flink_target_objects{collector="deployments"}) == count(aliyun_flink_deployment_info)'

count=0
while IFS= read -r -d '' expression; do
    expression=${expression%$'\n'}
    promtool query instant "http://$prometheus" "$expression" >/dev/null || fail "not a query: $expression"
    # Whether a threshold is passed is the demo's luck; what it is held against must be there.
    expect_data "$(sed -E '$ s/ *(>|<|==) *[0-9.]+$//' <<<"$expression")"
    count=$((count + 1))
done < <(blocks promql README.md && blocks promql docs/queries.md)
((count > 0)) || fail "README.md has no queries"
echo "Prometheus scraped the demo; all $count documented queries give data"
