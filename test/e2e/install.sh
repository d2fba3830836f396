#!/usr/bin/env bash
# Installs an image of tidewaiter into a cluster of test/cluster with kubectl apply -k, and waits until it is ready.
# usage: install.sh DIR IMAGE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
D=$1 image=$2
overlay=$(mktemp -d -p "$PWD/.cluster")
trap 'rm -rf "$overlay"' EXIT
cat >"$overlay/kustomization.yaml" <<T
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../deploy/overlays/default]
sortOptions: {order: fifo}
images: [{name: tidewaiter, newName: ${image%@*}, digest: ${image#*@}}]
T
k() { test/cluster/cluster.sh exec "$D" kubectl "$@"; }
k apply -k "$overlay"
k -n tidewaiter rollout status deployment/tidewaiter --timeout=120s
