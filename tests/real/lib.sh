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

# Puts `prometheus` and `promtool` on the PATH. The package is only unpacked: installed, it would start a server.
need_prometheus() {
    if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
        return
    fi
    local unpacked
    unpacked=$(realpath -m "$tools")/prometheus
    if [[ ! -x $unpacked/usr/bin/promtool ]]; then
        echo "unpacking the package prometheus below $tools"
        mkdir -p "$unpacked"
        if ! (cd "$scratch" && download prometheus && dpkg-deb -x prometheus_*.deb "$unpacked"); then
            fail "prometheus and promtool are needed, and this script can't get them: install the package prometheus (Debian's name), then run this again"
        fi
    fi
    PATH=$unpacked/usr/bin:$PATH
}

# Puts `qemu-MACHINE-static` on the PATH, which runs another machine's programs. The package is only unpacked:
# installed, it would have the kernel run them too.
need_qemu() {
    local unpacked
    unpacked=$(realpath -m "$tools")/qemu
    if [[ ! -x $unpacked/usr/bin/qemu-aarch64-static ]]; then
        echo "unpacking the package qemu-user-static below $tools"
        mkdir -p "$unpacked"
        if ! (cd "$scratch" && download qemu-user-static && dpkg-deb -x qemu-user-static_*.deb "$unpacked"); then
            fail "qemu is needed, and this script can't get it: unpack the package qemu-user-static (Debian's name)"
        fi
    fi
    PATH=$unpacked/usr/bin:$PATH
}

# need_program PROGRAM PACKAGE: installs the package unless the program is there.
need_program() {
    command -v "$1" >/dev/null || install_package "$2" "$1 is needed"
}

# Sets `python` to one that has the packages of tests/real/requirements.txt.
need_python_packages() {
    local environment=$tools/python
    python=$environment/bin/python
    if ! cmp -s tests/real/requirements.txt "$environment/installed.txt"; then
        python3 -c 'import ensurepip, venv' 2>/dev/null || install_package python3-venv "python3 with venv is needed"
        rm -rf "$environment"
        python3 -m venv "$environment"
        "$environment/bin/pip" install --quiet --disable-pip-version-check -r tests/real/requirements.txt ||
            fail "the Python packages can't be installed from the package index: see above"
        cp tests/real/requirements.txt "$environment/installed.txt"
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
    found=$(grep -F "$2" "$1" | grep -oE 'address=[^ ]+' | head -n 1) && echo "${found#address=}"
}

# wait_for_address LOG MESSAGE: sets `found` to it.
wait_for_address() {
    # shellcheck disable=SC2317 # called by within
    told() { found=$(address "$1" "$2"); }
    within 30 told "$1" "$2" || { cat "$1" >&2; fail "not listening after 30 seconds"; }
}

# start_demo: sets `demo` to its address, once every target has been polled.
start_demo() {
    exporter "$scratch/demo" demo --web.listen-address 127.0.0.1:0
    wait_for_address "$scratch/demo" message=listening
    demo=$found
    within 30 curl -fsS -o /dev/null "http://$demo/-/ready" 2>/dev/null || fail "the demo is not ready after 30 seconds"
}
