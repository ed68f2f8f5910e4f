#!/usr/bin/env bash
# The official SDKs, signatures included, get on with the simulator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_python_packages
exporter "$scratch/simulator" simulate --listen-address 127.0.0.1:0 \
    --access-key-id an-id --access-key-secret a-secret --workspace a-workspace --workspaces 4
wait_for_address "$scratch/simulator" 'the simulated API listens'
"$python" tests/real/sdk.py "http://$found" an-id a-secret a-workspace
