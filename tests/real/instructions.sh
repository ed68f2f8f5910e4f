#!/usr/bin/env bash
# The instructions of a poll, held against benches/instructions.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_program valgrind valgrind
cargo build --release --quiet --locked
python3 benches/instructions.py "${CARGO_TARGET_DIR:-target}/release/aliyun-flink-exporter" "$@"
