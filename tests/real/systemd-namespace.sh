# shellcheck shell=bash
# A systemd of a test's own, in namespaces and a cgroup of its own. To be sourced after lib.sh.

unit=aliyun-flink-exporter.service

# Whatever that systemd started ends with it.
remove_group() {
    local status=$?
    [[ -n $group ]] || return "$status"
    set +e
    for process in $(cat "$group/cgroup.procs" "$group/init.scope/cgroup.procs" 2>/dev/null); do
        as_root kill -KILL "$process"
    done
    within 5 empty || echo "processes are left in $group" >&2
    as_root find "$group" -depth -type d -exec rmdir {} \;
    group=
    return "$status"
}
# shellcheck disable=SC2317 # called by within
empty() { grep -q 'populated 0' "$group/cgroup.events"; }

# stop_all: on exit.
stop_all() {
    remove_group
    stop_started
}

# boot_systemd FILES [ROOT]: starts systemd with the files of FILES laid over those of ROOT, which stay as they are.
boot_systemd() {
    local cannot="a systemd of this test's own needs root, namespaces and version 2 of cgroups"
    # The systemd sees the cgroups below its own, and no process but its children.
    group=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/exporter-test-$$
    as_root mkdir "$group" || fail "$cannot"
    trap stop_all EXIT
    # shellcheck disable=SC2016 # the inner shell's
    as_root bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "$group" \
        unshare --fork --pid --mount --uts --ipc --cgroup --kill-child \
        bash tests/real/systemd-boot.sh "$1" "${2:-/}" 2>"$scratch/boot" &
    started+=($!)
    within 30 booted || { cat "$scratch/boot" >&2; fail "$cannot: none booted"; }
}
# shellcheck disable=SC2317 # called by within
booted() {
    init=$(head -n 1 "$group/init.scope/cgroup.procs" 2>/dev/null) && inside systemctl is-active --quiet exporter-test.target 2>/dev/null
}

# prepare_systemd FILES: has what a test needs among the files: the log, a short watchdog, nothing else started.
prepare_systemd() {
    local drop_ins=$1/etc/systemd/system/$unit.d
    mkdir -p "$drop_ins"
    cat >"$drop_ins/test.conf" <<UNIT
[Unit]
DefaultDependencies=no
[Service]
StandardError=append:/etc/log
WatchdogSec=3
RestartSec=1
UNIT
    printf '[Unit]\nDefaultDependencies=no\n' >"$1/etc/systemd/system/exporter-test.target"
}

# inside COMMAND...: in the namespaces of that systemd.
inside() {
    as_root timeout 60 nsenter --target "$init" --all "$@"
}

# property NAME: of the service.
property() {
    inside systemctl show --property="$1" --value "$unit"
}

# shellcheck disable=SC2317 # called by within
status_is() { [[ $(property StatusText) == *"$1"* ]]; }
log() { inside cat /etc/log; }
# expect WHAT COMMAND...
expect() {
    local what=$1
    shift
    within 30 "$@" || { log >&2; inside systemctl status --no-pager "$unit" >&2 || true; fail "not within 30 seconds: $what"; }
}
