#!/usr/bin/env bash
# The unit is sound and closed, and a real systemd runs it, installed by the commands of docs/systemd.md: with a key that
# root alone can read, reloads, a watchdog, and no restart where it would not help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh
# shellcheck source=tests/real/systemd-namespace.sh
source tests/real/systemd-namespace.sh

need_curl
need_program systemd-analyze systemd
need_program nsenter util-linux
need_binary
program=$(realpath "$binary")

# The unit is verified where the program is.
sed "s#/usr/local/bin/aliyun-flink-exporter#$program#" "deploy/systemd/$unit" >"$scratch/$unit"
complaints=$(systemd-analyze verify --man=no "$scratch/$unit" 2>&1) || fail "$complaints"
[[ -z $complaints ]] || fail "$complaints"
# 1.1 of 10 with systemd 252: what is left is the network, which it is for, and the system's files, which it may read.
systemd-analyze security --offline=yes --no-pager --threshold=15 "$scratch/$unit" >"$scratch/security" ||
    { grep -v "✓" "$scratch/security" >&2; fail "the unit is too open"; }
tail -n 1 "$scratch/security"

key_id=LTAI-systemd-id key_secret=systemd-secret-0123456789
exporter "$scratch/api" simulate --listen-address 127.0.0.1:0 --namespaces 2 \
    --access-key-id "$key_id" --access-key-secret "$key_secret"
wait_for_address "$scratch/api" "the simulated API listens"
namespaces=$(grep -oE 'namespaces=[^ ]+' "$scratch/api" | head -n 1)
IFS=, read -r first second <<<"${namespaces#namespaces=}"

# config NAMESPACES
config() {
    echo "poll: {interval: 1s}"
    echo "workspaces: [{id: w, endpoint: 'http://$found', namespaces: [$1]}]"
}

# What a release has.
files=$scratch/files
mkdir -p "$files/srv/release"
cp -r config deploy "$program" "$files/srv/release/"
prepare_systemd "$files"
boot_systemd "$files"

# documented N: runs the commands of the Nth block of docs/systemd.md where a release was unpacked.
documented() {
    local all
    mapfile -d '' -t all < <(blocks sh docs/systemd.md)
    (($1 <= ${#all[@]})) || fail "docs/systemd.md has no block $1"
    inside bash -euc "cd /srv/release && ${all[$1 - 1]}"
}

# shellcheck disable=SC2317 # called by within
restarted() { [[ $(property NRestarts) == "$1" && $(property ActiveState) == active ]]; }

documented 1
config "$first" | inside tee /etc/aliyun-flink-exporter/config.yml >/dev/null
inside sed -i 's/^ARGS=.*/ARGS=--web.listen-address 127.0.0.1:0/' /etc/default/aliyun-flink-exporter
documented 2 >/dev/null
documented 3 <<<"$key_id"$'\n'"$key_secret"
documented 4 >"$scratch/status" || { log >&2; fail "the unit does not start"; }
expect "the first poll" status_is "targets: 1 up"
pid=$(property MainPID)
owner=$(inside stat -c %u "/proc/$pid")
((owner >= 61184 && owner <= 65519)) || fail "it runs as user $owner"
log >"$scratch/log"
metrics=$(curl -fsS "http://$(address "$scratch/log" message=listening)/metrics")
for wanted in 'aliyun_flink_target_up{.*} 1' 'process_start_time_seconds [1-9]' 'process_open_fds [1-9]'; do
    grep -q "^$wanted" <<<"$metrics" || fail "no $wanted in the metrics"
done

grep -q '^aliyun_flink_exporter_state_healthy 1' <<<"$metrics" || fail "the state is not saved"
state=/var/lib/private/aliyun-flink-exporter
[[ $(inside stat -c '%u %a' "$state" "$state/state.redb") == "$owner 700"$'\n'"$owner 600" ]] || fail "others can read the state"

documented 5 >"$scratch/doctor" || { cat "$scratch/doctor" >&2; fail "doctor finds faults with the service's credentials"; }
grep -q "$first" "$scratch/doctor" || fail "doctor does not check the service's target"

inside tee /etc/aliyun-flink-exporter/config.yml >/dev/null < <(config "$first, $second")
inside systemctl reload "$unit"
expect "the added target" status_is "targets: 2 up"
inside tee /etc/aliyun-flink-exporter/config.yml >/dev/null <<<"workspaces: 7"
inside systemctl reload "$unit"
expect "the refusal" status_is "refused"
[[ $(property MainPID) == "$pid" ]] || fail "a reload is no restart"

inside tee /etc/aliyun-flink-exporter/config.yml >/dev/null < <(config "$first")
inside kill -STOP "$pid"
expect "a restart by the watchdog" restarted 1
[[ $(property MainPID) != "$pid" ]] || fail "it was not restarted"
# The one that was killed left the state, which the next one, with another user perhaps, reads.
log | grep -q 'message="state restored" deployments=[1-9]' || fail "the state does not survive a restart"

inside systemctl stop "$unit"
[[ $(property Result) == success && $(property ExecMainStatus) == 0 ]] || fail "no clean stop: $(property Result)"
inside tee /etc/aliyun-flink-exporter/config.yml >/dev/null <<<"workspaces: 7"
if inside systemctl start "$unit" 2>/dev/null; then fail "it starts without a configuration"; fi
sleep 2
[[ $(property ActiveState) == failed && $(property NRestarts) == 0 ]] || fail "it restarts in spite of a mistake"

# The way of older versions of systemd to pass the key.
inside rm /etc/aliyun-flink-exporter/access-key-{id,secret}
documented 6 <<<"$key_id"$'\n'"$key_secret"
config "$first" | inside tee /etc/aliyun-flink-exporter/config.yml >/dev/null
inside systemctl daemon-reload
inside systemctl restart "$unit" || { log >&2; fail "it does not start with a file of variables"; }
expect "a poll with the key from the file of variables" status_is "targets: 1 up"
owner=$(inside stat -c %u "/proc/$(property MainPID)")
[[ $(inside stat -c '%u %a' /etc/aliyun-flink-exporter/access-key.env) == "0 600" && $owner != 0 ]] || fail "others can read the key"
inside systemctl stop "$unit"

log >"$scratch/log"
grep -qE 'Operation not permitted|was not notified' "$scratch/log" && fail "the unit forbids what the program does"
echo "a real systemd ran the unit: start, doctor, reload, refusal, watchdog, stop, mistake, file of variables"
