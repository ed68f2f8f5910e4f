#!/usr/bin/env bash
# The commands of docs/getting-started.md, as they stand there but for the ports and the waits: what stays is started,
# everything else has to succeed and to print something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_curl
need_prometheus
need_binary

# Prometheus's configuration with a shorter wait; the rest beside it as it is.
cp -r deploy/prometheus "$scratch/"
demo='' prometheus=''

# as_here COMMANDS: the commands with this test's addresses and files.
as_here() {
    sed -e "s#localhost:10978#$demo#g" -e "s#--web.listen-address=localhost:9090#--web.listen-address=127.0.0.1:0#" \
        -e "s#localhost:9090#$prometheus#g" -e "s#target/prometheus#$scratch/data#" \
        -e "s#deploy/prometheus/#$scratch/prometheus/#" -e 's#\(cargo run\) -- demo#\1 --quiet --locked -- demo --web.listen-address 127.0.0.1:0#' <<<"$1"
}

# stays COMMANDS: starts what goes on until it is stopped, and learns where it listens.
stays() {
    local commands log=$scratch/log-${#started[@]}
    commands=$(as_here "$1")
    # The shell becomes the program, so that the process started here is the one to stop.
    bash -euc "exec $commands" >"$log.out" 2>"$log" &
    started+=($!)
    case $1 in
        *"cargo run"*)
            wait_for_address "$log" message=listening
            demo=$found
            sed -i -e "s/localhost:10978/$demo/" -e 's/scrape_interval: .*/scrape_interval: 1s/' \
                -e '/scrape_timeout:/d' "$scratch/prometheus/prometheus.yml"
            ;;
        prometheus*)
            wait_for_address "$log" 'msg="Listening on"'
            prometheus=$found
            ;;
        *) fail "what stays, and is no server that this test knows: $1" ;;
    esac
}

# shellcheck disable=SC2317 # called by within
prints() { printed=$(bash -euo pipefail -c "$1" 2>&1) && [[ -n $printed ]]; }

count=0
while IFS= read -r -d '' commands; do
    count=$((count + 1))
    if [[ $commands == "# keeps running"* ]]; then
        stays "$(tail -n +2 <<<"$commands")"
    else
        within 30 prints "$(as_here "$commands")" || fail "not within 30 seconds, or nothing printed: $commands
${printed-}"
    fi
done < <(blocks sh docs/getting-started.md)
((count >= 5)) && [[ -n $demo && -n $prometheus ]] || fail "docs/getting-started.md has lost its commands"
echo "all $count commands of docs/getting-started.md work"
