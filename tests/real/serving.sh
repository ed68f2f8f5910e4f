#!/usr/bin/env bash
# Real clients read what is served: the strict OpenMetrics parser, curl, promtool, Prometheus, zstd.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_curl
need_program zstd zstd
need_program openssl openssl
need_prometheus
need_python_packages
need_binary
"$python" tests/real/serving.py "$binary"
