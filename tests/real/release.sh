#!/usr/bin/env bash
# The static program of a target: it needs nothing of the machine, and serves, resolves names and speaks TLS all the
# same. release.sh [TARGET]: by default this machine's; another's runs under qemu.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_curl
need_program openssl openssl
need_program readelf binutils
machine=$(uname -m)
target=${1:-$machine-unknown-linux-musl}
built=$(bash scripts/release static "$target")

run=("$built")
if [[ ${target%%-*} != "$machine" ]]; then
    need_qemu
    run=("qemu-${target%%-*}-static" "$built")
fi

readelf -lW "$built" | grep -q INTERP && fail "$built has an interpreter: it is not static"
readelf -dW "$built" | grep NEEDED && fail "$built needs libraries: it is not static"
for path in "$PWD" "$HOME/"; do
    if grep -qaF "$path" "$built"; then fail "$built tells where it was built: $path"; fi
done
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
told=$("${run[@]}" --version)
[[ $told == "aliyun-flink-exporter $version ("* ]] || fail "another version: $told"

# A certificate of localhost's, to serve with and to trust; not an authority's, as openssl's own configuration has it.
printf '[req]\ndistinguished_name = name\n[name]\n' >"$scratch/openssl.cnf"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -config "$scratch/openssl.cnf" \
    -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
    -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>"$scratch/openssl" || fail "$(cat "$scratch/openssl")"
printf 'tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n' >"$scratch/web.yml"

"${run[@]}" demo --web.listen-address 127.0.0.1:0 --web.config.file "$scratch/web.yml" >"$scratch/demo.out" 2>"$scratch/demo" &
started+=($!)
wait_for_address "$scratch/demo" message=listening
ask() { curl -fsS --cacert "$scratch/cert.pem" "https://localhost:${found##*:}$1"; }
within 60 ask /-/ready >/dev/null 2>&1 || fail "the demo is not ready after 60 seconds"
ask /metrics >"$scratch/metrics"
grep -q '^aliyun_flink_target_up{.*} 1$' "$scratch/metrics" || fail "the demo's targets are not up"
grep -q '^process_start_time_seconds ' "$scratch/metrics" || fail "no metrics of the process"

# An HTTPS server by its name: not the API, but its answer is one, and who is not trusted gives none.
openssl s_server -accept 127.0.0.1:0 -cert "$scratch/cert.pem" -key "$scratch/key.pem" -www >"$scratch/server" 2>&1 &
started+=($!)
# shellcheck disable=SC2317 # called by within
accepts() { port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' "$scratch/server") && [[ -n $port ]]; }
within 10 accepts || { cat "$scratch/server" >&2; fail "openssl does not listen"; }
cat >"$scratch/config.yml" <<END
api: {max_retries: 0}
workspaces: [{id: w, endpoint: 'https://localhost:$port', namespaces: [n]}]
END
# code CERTIFICATES: what the request ended with.
code() {
    ALIBABA_CLOUD_ACCESS_KEY_ID=id ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret SSL_CERT_FILE=$1 \
        timeout 60 "${run[@]}" once --config.file "$scratch/config.yml" 2>"$scratch/once" |
        sed -n 's/^aliyun_flink_exporter_api_requests_total{code="\([^"]*\)".*/\1/p' || true
}
[[ $(code "$scratch/cert.pem") == 200 ]] || { cat "$scratch/once" >&2; fail "no answer over TLS"; }
[[ $(code /etc/ssl/certs/ca-certificates.crt) == network ]] || fail "a server was trusted that nobody vouches for"
echo "$target: static, serves, resolves names, speaks TLS both ways"
