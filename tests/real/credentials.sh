#!/usr/bin/env bash
# The chain finds the credentials that the official SDK finds in the same surroundings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_python_packages
need_binary
"$python" tests/real/credentials.py "$binary"
