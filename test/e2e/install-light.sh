#!/usr/bin/env bash
# Installs tidewaiter into a light cluster that test/cluster/light.sh has made on 10.244.0.1, inside test/e2e/apart.sh: the manifests with kubectl
# apply -k, and in place of the pods that nothing runs there a process, with the account, the rights and the address of one.
# usage: install-light.sh DIR      it ends with the cluster (light.sh down)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
D=$(cd "$1" && pwd -P)
ENTER=()
# shellcheck source=../cluster/paths.sh
source test/cluster/paths.sh
# shellcheck source=../cluster/processes.sh
source test/cluster/processes.sh
export KUBECONFIG=$D/admin.kubeconfig PATH=$PWD/node_modules/.bin:$PATH

kubectl apply --server-side -k deploy/overlays/default >"$D/logs/install.log" 2>&1 || { tail -n 20 "$D/logs/install.log" >&2; exit 1; }
# What the controller of Services would write, were there pods: API servers up to 1.31 look at Endpoints, newer ones at EndpointSlices.
kubectl apply -f - >>"$D/logs/install.log" <<'END'
apiVersion: v1
kind: Endpoints
metadata: {name: tidewaiter, namespace: tidewaiter}
subsets: [{addresses: [{ip: 10.244.0.1}], ports: [{name: https, port: 9443}]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: tidewaiter, namespace: tidewaiter, labels: {kubernetes.io/service-name: tidewaiter}}
addressType: IPv4
endpoints: [{addresses: [10.244.0.1], conditions: {ready: true}}]
ports: [{name: https, port: 9443}]
END
start hook node test/e2e/hook-process.ts
# What the kubelet gives a pod: the account's token, the authority of the API server, and where that is.
account=$D/state/account
mkdir -p "$account"
sed -n 's/.*user: {token: \(.*\)}}\]$/\1/p' "$D/tidewaiter.kubeconfig" | tr -d '\n' >"$account/token"
printf tidewaiter >"$account/namespace"
cp "$D/state/certs/apiserver.crt" "$account/ca.crt"
port=$(sed -n 's/.*server: "https:[^"]*:\([0-9]*\)".*/\1/p' "$D/tidewaiter.kubeconfig")
# shellcheck disable=SC2016
start tidewaiter env -u KUBECONFIG KUBERNETES_SERVICE_HOST=10.244.0.1 KUBERNETES_SERVICE_PORT="$port" POD_NAME=tidewaiter-0 POD_NAMESPACE=tidewaiter \
  unshare --mount --propagation private bash -c 'mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io && cp -r "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"' \
  "$account" node src/main.ts serve --velero-namespace velero --listen 10.244.0.1:9443 --metrics-listen 10.244.0.1:18080
await tidewaiter 60 node -e 'fetch("http://10.244.0.1:18080/readyz").then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))'
echo "tidewaiter ready: $D/logs/tidewaiter.log" >&2
