#!/usr/bin/env bash
# The chart and the manifests against a real Kubernetes API: each preset is installed, upgraded, configured otherwise, rolled back
# and removed. Not among the steps of scripts/check, since the API's server is compiled for minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/real/lib.sh
source tests/real/lib.sh
# shellcheck source=tests/real/control-plane.sh
source tests/real/control-plane.sh

need_helm
need_python_packages requirements-deploy
need_control_plane
start_control_plane
export HELM_CACHE_HOME=$scratch/helm HELM_CONFIG_HOME=$scratch/helm HELM_DATA_HOME=$scratch/helm
"$python" tests/real/kube_api.py "$helm" "$kubectl"
