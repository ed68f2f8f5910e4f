# shellcheck shell=bash
# A Kubernetes control plane without nodes, on loopback: etcd, kube-apiserver and kube-controller-manager. Objects are validated,
# admitted and turned into pods, which stay Pending. To be sourced after lib.sh.

kubernetes=1.34.4

# The modules with custom resources, and where in them these are.
custom_resources=(
    "github.com/prometheus-operator/prometheus-operator@v0.85.0 example/prometheus-operator-crd/monitoring.coreos.com_*.yaml"
    "sigs.k8s.io/gateway-api@v1.3.0 config/crd/standard/gateway.networking.k8s.io_*.yaml"
    "k8s.io/autoscaler/vertical-pod-autoscaler@v1.4.1 deploy/vpa-v1-crd-gen.yaml"
    "github.com/grafana/grafana-operator/v5@v5.18.0 config/crd/bases/grafana.integreatly.org_grafanadashboards.yaml"
    "github.com/GoogleCloudPlatform/prometheus-engine@v0.17.2 charts/operator/crds/monitoring.googleapis.com_podmonitorings.yaml"
)

# need_control_plane: has the programs in $control_plane, built from Kubernetes's Go module, and etcd on the PATH.
need_control_plane() {
    control_plane=$(realpath -m "$tools")/kubernetes-$kubernetes
    command -v go >/dev/null || fail "go is needed, 1.24 or later, and this script does not install it"
    if ! command -v etcd >/dev/null; then
        unpack etcd-server etcd
        PATH=$unpacked/usr/bin:$PATH
    fi
    [[ -x $control_plane/kube-controller-manager ]] || build_control_plane
}

build_control_plane() {
    local name new module libraries=v0.${kubernetes#1.} minor=${kubernetes#1.} source=$scratch/control-plane
    for name in kube-apiserver kube-controller-manager; do
        mkdir -p "$source/$name"
        new=NewAPIServerCommand
        [[ $name == kube-apiserver ]] || new=NewControllerManagerCommand
        cat >"$source/$name/main.go" <<MAIN
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/$name/app"
)

func main() { os.Exit(cli.Run(app.$new())) }
MAIN
    done
    # Kubernetes requires its own libraries as v0.0.0 and replaces them, which counts in its own module alone.
    module=$(go mod download -json "k8s.io/kubernetes@v$kubernetes" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
    [[ -n $module ]] || fail "Go's module proxy does not have Kubernetes $kubernetes"
    {
        printf 'module control-plane\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$kubernetes"
        sed -n "s/^\s*\(k8s\.io\/\S*\) v0\.0\.0$/\t\1 => \1 $libraries/p" "$module"
        printf ')\n'
    } >"$source/go.mod"
    (cd "$source" && go mod tidy >tidy.log 2>&1) || { tail -n 5 "$source/tidy.log" >&2; fail "Kubernetes's modules can't be had"; }
    mkdir -p "$control_plane"
    # The one that tells that all is there comes last.
    for name in kube-apiserver kube-controller-manager; do
        echo "building $name $kubernetes below $tools"
        (cd "$source" && go build -o "$control_plane/$name" -ldflags "-X k8s.io/component-base/version.gitVersion=v$kubernetes
            -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}" "./$name")
    done
}

# run_component NAME COMMAND...
run_component() {
    "${@:2}" >"$scratch/$1.log" 2>&1 &
    started+=($!)
}

# start_control_plane: sets KUBECONFIG.
start_control_plane() {
    need_program openssl openssl
    local port etcd_port keys=$scratch/service-account.key
    port=$(free_port) etcd_port=$(free_port)
    openssl genrsa -out "$keys" 2048 2>/dev/null
    echo 'admin-token,admin,admin,"system:masters"' >"$scratch/tokens.csv"
    run_component etcd etcd --data-dir "$scratch/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" \
        --advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls http://127.0.0.1:0 \
        --initial-advertise-peer-urls http://127.0.0.1:0 --initial-cluster default=http://127.0.0.1:0
    run_component kube-apiserver "$control_plane/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" \
        --bind-address 127.0.0.1 --secure-port "$port" --cert-dir "$scratch/certificates" --authorization-mode Node,RBAC \
        --service-cluster-ip-range 10.96.0.0/16,fd00:10:96::/112 --token-auth-file "$scratch/tokens.csv" \
        --service-account-issuer https://kubernetes.default.svc --service-account-signing-key-file "$keys" \
        --service-account-key-file "$keys"
    export KUBECONFIG=$scratch/kubeconfig
    cat >"$KUBECONFIG" <<CONFIG
apiVersion: v1
kind: Config
current-context: local
clusters: [{name: local, cluster: {server: "https://127.0.0.1:$port", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: admin-token}}]
contexts: [{name: local, context: {cluster: local, user: admin}}]
CONFIG
    within 120 "$kubectl" get --raw /readyz >/dev/null 2>&1 ||
        { tail -n 5 "$scratch/kube-apiserver.log" >&2; fail "kube-apiserver is not ready"; }
    run_component kube-controller-manager "$control_plane/kube-controller-manager" --kubeconfig "$KUBECONFIG" \
        --bind-address 127.0.0.1 --secure-port 0 --service-account-private-key-file "$keys" --leader-elect=false
    within 60 "$kubectl" get serviceaccount --namespace default default >/dev/null 2>&1 || fail "kube-controller-manager does nothing"
    install_custom_resources
}

install_custom_resources() {
    local module files folder
    for each in "${custom_resources[@]}"; do
        read -r module files <<<"$each"
        folder=$(go mod download -json "$module" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
        [[ -n $folder ]] || fail "Go's module proxy does not have $module"
        # shellcheck disable=SC2086 # a pattern
        for file in "$folder"/$files; do
            "$kubectl" apply --server-side --filename "$file" >/dev/null
        done
    done
    "$kubectl" wait --for condition=established --timeout 60s --all crd >/dev/null
}
