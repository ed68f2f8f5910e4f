#!/usr/bin/env bash
# A real Prometheus scrapes the demo with the example configuration; every query of README.md and docs/queries.md gives data.
# A real VictoriaMetrics, with the same configuration, has the same series.
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

unpack victoria-metrics victoria-metrics
victoria=127.0.0.1:$(free_port)
# It has no rules and no alerting. By default its answers leave out the last 30 seconds.
sed -n '/^scrape_configs:/,$p' "$scratch/prometheus.yml" >"$scratch/victoria.yml"
sed -n '/^global:/,/^[^ g]/p' "$scratch/prometheus.yml" | sed '$d' >>"$scratch/victoria.yml"
"$unpacked/usr/bin/victoria-metrics" -httpListenAddr="$victoria" -storageDataPath="$scratch/victoria" \
    -promscrape.config="$scratch/victoria.yml" -search.latencyOffset=1s -search.disableCache 2>"$scratch/victoria.log" &
started+=($!)
# of SERVER: the number of series of each metric of the exporter.
of() {
    curl -fsS "http://$1/api/v1/query" --data-urlencode 'query=sort(count by (__name__, job) ({__name__=~"aliyun_flink_.+"}))' 2>/dev/null |
        python3 -c 'import json, sys
for series in sorted((each["metric"]["__name__"], each["metric"]["job"], each["value"][1]) for each in json.load(sys.stdin)["data"]["result"]):
    print(*series)'
}
# shellcheck disable=SC2317 # called by within
same_series() { of "$victoria" >"$scratch/victoria.series" && of "$prometheus" >"$scratch/prometheus.series" &&
    [[ -s $scratch/victoria.series ]] && cmp -s "$scratch/victoria.series" "$scratch/prometheus.series"; }
within 60 same_series 2>/dev/null || { diff "$scratch/victoria.series" "$scratch/prometheus.series" >&2; fail "VictoriaMetrics has other series"; }
echo "VictoriaMetrics has the same series of $(wc -l <"$scratch/victoria.series") metrics as Prometheus"

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
