#!/usr/bin/env bash
# The pages in a real browser: a click, a search, both colour schemes, a phone's width.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

need_program chromium chromium
need_binary
python3 tests/real/page.py "$binary"
