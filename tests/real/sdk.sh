#!/usr/bin/env bash
# The official SDK, signatures included, gets on with the simulator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

environment=$tools/sdk
if ! cmp -s tests/real/requirements.txt "$environment/installed.txt"; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_package python3-venv "python3 with venv is needed"
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check -r tests/real/requirements.txt ||
        fail "the SDK can't be installed from the package index: see above"
    cp tests/real/requirements.txt "$environment/installed.txt"
fi

exporter "$scratch/simulator" simulate --listen-address 127.0.0.1:0 \
    --access-key-id an-id --access-key-secret a-secret --workspace a-workspace
wait_for_address "$scratch/simulator" 'the simulated API listens'
"$environment/bin/python" tests/real/sdk.py "http://$found" an-id a-secret a-workspace
