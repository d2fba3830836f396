#!/usr/bin/env bash
# The light form of the cluster: a real etcd and kube-apiserver on loopback, and Velero as a process. Needs no root; runs no pods.
# usage: light.sh up DIR [ADDRESS] | velero DIR [NAMESPACE [FLAG...]] | down DIR
#   up      leaves DIR/{admin,alice,velero,tidewaiter}.kubeconfig; the last two are the service accounts of these names. ADDRESS (default
#           127.0.0.1) is where the API server listens
#   velero  adds a Velero server, of NAMESPACE (default velero) and with these flags, and an S3 gateway for it; again for another one
#   down    ends all of it and removes all but the logs
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { sed -n 's/^# usage: /usage: /p' "${BASH_SOURCE[0]}" >&2; exit 2; }
[ $# -eq 2 ] || { [ $# -gt 2 ] && [ "$1" = velero ]; } || { [ $# -eq 3 ] && [ "$1" = up ]; } || usage
command=$1
D=$(mkdir -p "$2" && cd "$2" && pwd -P)
shift 2
ENTER=()
# shellcheck source=paths.sh
source "$here/paths.sh"
# shellcheck source=processes.sh
source "$here/processes.sh"
# shellcheck source=control-plane.sh
source "$here/control-plane.sh"

# free_ports COUNT: ports of loopback that nobody has, all different.
free_ports() {
  python3 -c "import socket; s = [socket.create_server(('127.0.0.1', 0)) for _ in range($1)]; print(*[x.getsockname()[1] for x in s])"
}

account() { echo "$1-token,system:serviceaccount:$1:$1,$1,\"system:serviceaccounts,system:serviceaccounts:$1\""; }

up() {
  local began=$SECONDS ports address=${1:-127.0.0.1} advertised=${1:-}
  down
  trap 'down' EXIT
  rm -rf "$D/logs" "$D/audit.log"
  mkdir -p "$D/logs" "$D/state"
  : >"$D/pids"
  read -ra ports < <(free_ports 3)
  { account velero; account tidewaiter; } >"$D/state/tokens.csv"
  write_kubeconfig "$D/velero.kubeconfig" "https://$address:${ports[0]}" velero-token velero
  write_kubeconfig "$D/tidewaiter.kubeconfig" "https://$address:${ports[0]}" tidewaiter-token tidewaiter
  start_etcd "${ports[1]}" "${ports[2]}"
  # There is no controller to make service accounts, hence no admission by them; and no proxy, hence webhooks by their endpoints.
  # Of loopback it cannot advertise itself: it would look for a default route, which the network of a whole cluster has not; nobody calls this one (RFC 5737).
  [ "$address" != 127.0.0.1 ] || advertised=192.0.2.1
  start_apiserver "${ports[1]}" "$address" "${ports[0]}" --bind-address="$address" --advertise-address="$advertised" --service-cluster-ip-range=10.96.0.0/16 \
    --disable-admission-plugins=ServiceAccount --enable-aggregator-routing
  trap - EXIT
  echo "API server ready after $((SECONDS - began)) s: $D/admin.kubeconfig" >&2
}

velero() {
  local began=$SECONDS ports namespace=${1:-velero} name=velero s3=s3 sidecar=sidecar
  [ "$namespace" = velero ] || name=velero-$namespace s3=s3-$namespace sidecar=sidecar-$namespace
  [ -f "$D/admin.kubeconfig" ] || { echo "light.sh: nothing is up in $D" >&2; exit 1; }
  export KUBECONFIG=$D/admin.kubeconfig
  read -ra ports < <(free_ports 3)
  # The kinds, and the Deployment, which a Restore reads; nothing runs it here.
  command velero install --namespace "$namespace" --dry-run -o yaml --no-secret --no-default-backup-location --use-volume-snapshots=false \
    --plugins velero/velero-plugin-for-aws:v1.14.3 >"$D/state/$name.yaml"
  for _ in 1 2 3; do kubectl apply -f "$D/state/$name.yaml" >"$D/logs/$name-install.log" 2>&1 && break; sleep 0.5; done
  mkdir -p "$D/state/$s3/backups" "$D/state/$sidecar" "$D/state/plugins"
  cp "$BIN/velero-plugin-for-aws" "$D/state/plugins/"
  start "$s3" versitygw --port "127.0.0.1:${ports[0]}" --access minio --secret minio12345 posix --sidecar "$D/state/$sidecar" "$D/state/$s3"
  printf '[default]\naws_access_key_id=minio\naws_secret_access_key=minio12345\n' >"$D/state/aws"
  # The API server tells of a kind a moment after it was made.
  for _ in $(seq 100); do kubectl get backupstoragelocations.velero.io -A >/dev/null 2>&1 && break; sleep 0.3; done
  # The account of the namespace velero stands for all of them: tokens are given out once, by `up`.
  kubectl apply -f - >/dev/null <<END
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: $name-account}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: velero, namespace: velero}]
---
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: {name: default, namespace: $namespace}
spec:
  provider: aws
  default: true
  objectStorage: {bucket: backups}
  config: {region: us-east-1, s3ForcePathStyle: 'true', s3Url: 'http://127.0.0.1:${ports[0]}'}
END
  # The plugin's own process reads KUBECONFIG too.
  start "$name" env KUBECONFIG="$D/velero.kubeconfig" VELERO_NAMESPACE="$namespace" VELERO_SCRATCH_DIR="$D/state" \
    AWS_SHARED_CREDENTIALS_FILE="$D/state/aws" AWS_EC2_METADATA_DISABLED=true \
    velero server --kubeconfig "$D/velero.kubeconfig" --namespace "$namespace" --plugin-dir "$D/state/plugins" \
    --metrics-address "127.0.0.1:${ports[1]}" --profiler-address "127.0.0.1:${ports[2]}" "${@:2}"
  await "$name" 60 kubectl -n "$namespace" wait bsl/default --for 'jsonpath={.status.phase}=Available' --timeout 5s
  echo "velero ready after $((SECONDS - began)) s" >&2
}

down() {
  stop_all
  rm -rf "$D/state" "$D"/*.kubeconfig
}

case $command in
  up | velero | down) exec 9>"$D/.lock" && flock -w 120 9 && "$command" "$@" ;;
  *) usage ;;
esac
