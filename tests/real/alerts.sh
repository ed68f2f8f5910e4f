#!/usr/bin/env bash
# The rules and alerts by promtool, the routes by amtool, and the way of alerts through real servers: from a fault of the API
# through Prometheus and Alertmanager to a receiver, and back when the fault is gone. With Debian's Prometheus and with
# Prometheus 3. `alerts.sh prepare` only gets the programs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_program python3 python3
need_binary
if [[ ${1-} == prepare ]]; then
    with_each_prometheus true
    exit
fi

# routes RECEIVER LABEL...: alerts with these labels go to the receiver.
routes() {
    amtool config routes test --config.file deploy/alertmanager/alertmanager.yml --verify.receivers="$1" "${@:2}" \
        >"$scratch/route" 2>&1 || fail "${*:2} should go to $1: $(<"$scratch/route")"
}

check_routes() {
    local count=0 name severity receiver
    amtool check-config deploy/alertmanager/alertmanager.yml >"$scratch/routing" 2>&1 || fail "$(<"$scratch/routing")"
    while read -r name severity; do
        case $severity in
            critical) receiver=pager ;;
            warning) receiver=chat ;;
            info) receiver=log ;;
            *) fail "$name has the severity '$severity'" ;;
        esac
        routes "$receiver" "alertname=$name" "severity=$severity" workspace=w namespace=n
        count=$((count + 1))
    done < <(awk '$2 == "alert:" { name = $3 } $1 == "labels:" { gsub(/[{}]/, ""); print name, $3 }' deploy/prometheus/alerts.yml)
    ((count == $(grep -c -- '- alert: ' deploy/prometheus/alerts.yml))) || fail "not every alert has a severity"
    routes chat alertname=Other severity=critical
    echo "amtool routes all $count alerts by their severity"
}

check_rules() {
    promtool check rules --lint=all --lint-fatal deploy/prometheus/{rules,alerts}.yml >"$scratch/rules" 2>&1 || fail "$(<"$scratch/rules")"
    promtool check config deploy/prometheus/prometheus.yml >"$scratch/config" 2>&1 || fail "$(<"$scratch/config")"
    # Some of them evaluate days: one process for each core, behind the checks that depend on times.
    printf '%s\0' deploy/prometheus/tests/*.yml | nice xargs -0 -n 1 -P "$(nproc)" promtool test rules >"$scratch/tests" 2>&1 ||
        fail "$(<"$scratch/tests")"
    echo "promtool accepts the rules and passes their tests"
    check_routes
}

# Starts both stages. They mostly wait, so that all of them run at once.
stages=()
start_stages() {
    local stage
    for stage in alerts alerts_outages; do
        python3 "tests/real/$stage.py" "$binary" "$alertmanager" >"$scratch/stage-${#stages[@]}" 2>&1 &
        stages+=("$!") started+=("$!")
    done
}

with_each_prometheus check_rules
with_each_prometheus start_stages
for index in "${!stages[@]}"; do
    wait "${stages[index]}" || fail "$(<"$scratch/stage-$index")"
    cat "$scratch/stage-$index"
done
