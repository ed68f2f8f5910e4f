#!/usr/bin/env bash
# The image and the Compose file. Their files are linted, the Dockerfile's final stage is built with buildah around a
# program that the first stage's recipe built here, and runc runs the image as a confined container.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh

as_root true || fail "an image is built and run: run this as root, or with sudo that asks no password"
need_program openssl openssl
need_buildah
need_runc
[[ -r /etc/ssl/certs/ca-certificates.crt ]] || install_package ca-certificates "the authorities' certificates are needed"
need_python_packages requirements-deploy
bin=$(dirname "$python")

"$bin/hadolint" deploy/container/Dockerfile
"$bin/check-jsonschema" --builtin-schema vendor.compose-spec deploy/container/compose.yml
"$python" tests/real/compose.py
built=$(bash scripts/release static "$(uname -m)-unknown-linux-musl" | tail -n 1)
as_root "$(realpath -s "$python")" tests/real/container.py "$built" "$buildah" "$runc"
