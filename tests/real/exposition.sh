#!/usr/bin/env bash
# promtool reads everything that the demo serves, and finds nothing to complain of.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_curl
need_prometheus
start_demo
# Twice: the first scrape is counted in the second.
for _ in 1 2; do
    curl -fsS "http://$demo/metrics" >"$scratch/metrics"
done
complaints=$(promtool check metrics <"$scratch/metrics" 2>&1) || fail "$complaints"
[[ -z $complaints ]] || fail "$complaints"
# Every metric that is served is documented.
missing=()
while read -r metric; do
    grep -qxF "### $metric" docs/metrics.md || missing+=("$metric")
done < <(grep -oP '^# TYPE \Kaliyun_flink_\S+' "$scratch/metrics")
((${#missing[@]} == 0)) || fail "docs/metrics.md does not document: ${missing[*]}"
echo "promtool accepts $(grep -c '^# TYPE' "$scratch/metrics") metrics, $(grep -vc '^#' "$scratch/metrics") series"
