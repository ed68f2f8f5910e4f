#!/usr/bin/env bash
# The packages, in a clean Debian root with a systemd of its own: installed, run, upgraded, removed. And podman's generator
# makes a sound unit of the Quadlet file. Not among the steps of
# scripts/check, since the tools that make packages are compiled for minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh
# shellcheck source=tests/real/systemd-namespace.sh
source tests/real/systemd-namespace.sh

need_curl
need_program nsenter util-linux
need_program systemd-analyze systemd
target=$(uname -m)-unknown-linux-musl
built=$(realpath "$(bash scripts/release static "$target")")

# need_root: sets `root` to a Debian with systemd and rpm. Tests run in layers over it.
need_root() {
    root=$(realpath -m "$tools")/debian-root
    [[ -e $root/installed ]] && return
    local mirror=http://deb.debian.org/debian
    unpack debootstrap debootstrap
    echo "making a root with debootstrap below $tools"
    as_root rm -rf "$root"
    as_root env DEBOOTSTRAP_DIR="$unpacked/usr/share/debootstrap" "$unpacked/usr/sbin/debootstrap" --variant=minbase \
        --include=systemd,ca-certificates,rpm bookworm "$root" "$mirror" >"$scratch/debootstrap" ||
        { tail -n 5 "$scratch/debootstrap" >&2; fail "debootstrap can't make a root"; }
    as_root touch "$root/installed"
}

# next_version: makes packages of a later version, whose configuration files differ, in $scratch/next.
next_version() {
    mkdir -p "$scratch/next/tree" "$scratch/next/target/$target/release"
    git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$scratch/next/tree"
    ln "$built" "$scratch/next/target/$target/release/" 2>/dev/null || cp "$built" "$scratch/next/target/$target/release/"
    ln -s "$(realpath "$tools")" "$scratch/next/target/tools"
    cd "$scratch/next/tree"
    sed -i '0,/^version = ".*"/s//version = "9.9.9"/' Cargo.toml
    cargo metadata --quiet --offline --format-version 1 >/dev/null
    echo "# new" | tee -a config/minimal.yml >>deploy/systemd/environment
    SOURCE_DATE_EPOCH=$(date +%s) CARGO_TARGET_DIR=$scratch/next/target bash scripts/release packages "$target"
}

# The commands of the two kinds of packages: $kind is deb or rpm.
install_package_file() {
    case $kind in
        deb) inside dpkg --install --force-confdef --force-confold "/srv/$1.deb" ;;
        rpm) inside rpm --upgrade --nodeps --replacepkgs "/srv/$1.rpm" ;;
    esac
}
remove_package() {
    case $kind in
        deb) inside dpkg --remove aliyun-flink-exporter ;;
        rpm) inside rpm --erase --nodeps aliyun-flink-exporter ;;
    esac
}
version() {
    case $kind in
        deb) inside dpkg-query --showformat '${Version}' --show aliyun-flink-exporter ;;
        rpm) inside rpm --query --queryformat '%{VERSION}-%{RELEASE}' aliyun-flink-exporter ;;
    esac
}

start_simulator() {
    "$built" simulate --listen-address 127.0.0.1:0 >"$scratch/api.out" 2>"$scratch/api" &
    started+=($!)
    wait_for_address "$scratch/api" "the simulated API listens"
    namespace=$(grep -oE 'namespaces=[^ ,]+' "$scratch/api" | head -n 1)
    configuration="poll: {interval: 1s}
workspaces: [{id: w, endpoint: 'http://$found', namespaces: [${namespace#namespaces=}]}]"
}

# configure TEXT: puts it into the configuration file.
configure() {
    inside tee /etc/aliyun-flink-exporter/config.yml >/dev/null <<<"$1"
}

# is_installed: what a new installation is, and is not.
is_installed() {
    inside aliyun-flink-exporter --version
    inside aliyun-flink-exporter check-config --config.file /etc/aliyun-flink-exporter/config.yml >/dev/null
    [[ $(version) == "$first_version" ]] || fail "another version: $(version)"
    [[ $(property ActiveState) == inactive ]] || fail "it is started before it is configured"
    [[ $(inside systemctl is-enabled "$unit") == disabled ]] || fail "it is enabled before it is configured"
}

# serves: the service as its user has it: enabled, with variables of its own.
serves() {
    configure "$configuration"
    inside sed -i 's/^ARGS=.*/ARGS=--web.listen-address 127.0.0.1:0/' "$variables"
    inside tee -a "$variables" >/dev/null <<<$'ALIBABA_CLOUD_ACCESS_KEY_ID=id\nALIBABA_CLOUD_ACCESS_KEY_SECRET=secret'
    inside systemctl enable --quiet --now "$unit" || { log >&2; fail "the service does not start"; }
    expect "the first poll" status_is "targets: 1 up"
    log >"$scratch/log"
    metrics=$(curl -fsS "http://$(address "$scratch/log" message=listening)/metrics")
    grep -q '^aliyun_flink_target_up{.*} 1$' <<<"$metrics" || fail "the service has no target"
}

# is_upgraded: the process is another, what was edited is what it was, and the packaged file is beside it.
is_upgraded() {
    local pid=$1 new
    [[ $(version) == 9.9.9-1 ]] || fail "not upgraded: $(version)"
    [[ $(property MainPID) != "$pid" && $(property ActiveState) == active ]] || fail "not restarted"
    expect "a poll after the upgrade" status_is "targets: 1 up"
    [[ $(inside cat /etc/aliyun-flink-exporter/config.yml) == "$configuration" ]] || fail "the configuration is not kept"
    inside grep -q '^ARGS=--web' "$variables" || fail "the variables are not kept"
    case $kind in deb) new=dpkg-dist ;; rpm) new=rpmnew ;; esac
    inside grep -q '^# new$' "/etc/aliyun-flink-exporter/config.yml.$new" || fail "the new configuration is not beside the edited one"
}

upgrades() {
    local pid
    pid=$(property MainPID)
    install_package_file next >"$scratch/upgrade" 2>&1
    is_upgraded "$pid"
    # What the new program would refuse must not end the old one.
    pid=$(property MainPID)
    configure "workspaces: 7"
    install_package_file next >"$scratch/upgrade" 2>&1
    [[ $(property MainPID) == "$pid" ]] || fail "restarted with a configuration that it refuses"
    grep -q "The old version keeps running" "$scratch/upgrade" || fail "no warning: $(<"$scratch/upgrade")"
    configure "$configuration"
    install_package_file next >"$scratch/upgrade" 2>&1
    is_upgraded "$pid"
}

# is_removed: the service has ended, and its files are gone, but for those that are the administrator's.
is_removed() {
    [[ $(property ActiveState) == inactive && $(property MainPID) == 0 ]] || fail "it runs on"
    if inside test -e /usr/bin/aliyun-flink-exporter; then fail "the program is left"; fi
    case $kind in
        deb) inside test -e /etc/aliyun-flink-exporter/config.yml || fail "the configuration is removed" ;;
        rpm) inside test -e /etc/aliyun-flink-exporter/config.yml.rpmsave || fail "the configuration is removed" ;;
    esac
    inside test -e /var/lib/private/aliyun-flink-exporter/state.redb || fail "the state is removed"
}

# is_purged: nothing of it is left, but for what this test has put there.
is_purged() {
    # What was enabled before it was removed is enabled when it is installed again.
    install_package_file next >"$scratch/again" 2>&1
    [[ $(inside systemctl is-enabled "$unit") == enabled ]] || fail "not enabled after a new installation"
    inside dpkg --purge aliyun-flink-exporter >"$scratch/purge" 2>&1
    leaves
}

# leaves [PATH...]: the files whose name has the program's are those, beside this test's own, and no more.
leaves() {
    local left
    set -- "/etc/systemd/system/$unit.d" "$@"
    left=$(inside find / -xdev -path /srv -prune -o -name '*aliyun-flink-exporter*' -print | sort)
    [[ $left == "$(printf '%s\n' "$@" | sort)" ]] || fail "left: $left"
}

# check KIND VARIABLES: all of it with packages of the kind; VARIABLES is where the kind has the environment file.
check() {
    kind=$1 variables=$2
    rm -rf "$scratch/files" "$scratch/files.layers"
    mkdir -p "$scratch/files/srv" "$scratch/files/etc/systemd/system-preset"
    cp "$scratch/first.$kind" "$scratch/next.$kind" "$scratch/files/srv/"
    # As Fedora and its kin have it.
    echo 'disable *' >"$scratch/files/etc/systemd/system-preset/00-test.preset"
    prepare_systemd "$scratch/files"
    boot_systemd "$scratch/files" "$root"
    install_package_file first >"$scratch/install" 2>&1 || fail "not installed: $(<"$scratch/install")"
    is_installed
    serves
    upgrades
    remove_package >"$scratch/remove" 2>&1 || fail "not removed: $(<"$scratch/remove")"
    is_removed
    case $kind in
        deb) is_purged ;;
        rpm) leaves /etc/aliyun-flink-exporter "$variables".rpm{new,save} /var/lib/{,private/}aliyun-flink-exporter ;;
    esac
    remove_group
    set -e
    echo "$kind: installed, run, upgraded, kept from a restart that would fail, removed"
}

# generates_a_unit: podman's generator knows the keys of the Quadlet file, and systemd those of what it makes.
generates_a_unit() {
    need_quadlet
    local generated=$scratch/quadlet
    mkdir "$generated"
    QUADLET_UNIT_DIRS=$PWD/deploy/container "$quadlet" -no-kmsg-log "$generated" "$generated" "$generated" 2>"$scratch/quadlet.log" ||
        fail "$(<"$scratch/quadlet.log")"
    # podman itself need not be there.
    sed -i 's#/usr/bin/podman#/bin/true#' "$generated/$unit"
    local complaints
    complaints=$(systemd-analyze verify --man=no "$generated/$unit" 2>&1) || fail "$complaints"
    [[ -z $complaints ]] || fail "$complaints"
    echo "podman's generator makes a unit of $unit's Quadlet file"
}

generates_a_unit
need_root
first_version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)-1
bash scripts/release packages "$target" >"$scratch/packages"
(next_version) >"$scratch/next.packages"
for kind in deb rpm; do
    cp "$(grep "\.$kind\$" "$scratch/packages")" "$scratch/first.$kind"
    cp "$(grep "\.$kind\$" "$scratch/next.packages")" "$scratch/next.$kind"
done
start_simulator
check deb /etc/default/aliyun-flink-exporter
check rpm /etc/sysconfig/aliyun-flink-exporter
