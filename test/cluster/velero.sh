#!/usr/bin/env bash
# Installs a real Velero into a cluster that is up: a Deployment, its real AWS plugin as an initContainer, and an S3 gateway.
# usage: velero.sh DIR [VELERO_INSTALL_FLAG...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 1 ] || { sed -n 's/^# usage: /usage: /p' "${BASH_SOURCE[0]}" >&2; exit 2; }
D=$(cd "$1" && pwd -P)
shift
# shellcheck source=paths.sh
source "$here/paths.sh"
# shellcheck source=network.sh
source "$here/network.sh"
# shellcheck source=processes.sh
source "$here/processes.sh"
[ -f "$D/admin.kubeconfig" ] || { echo "velero.sh: no cluster is up in $D" >&2; exit 1; }
export KUBECONFIG=$D/admin.kubeconfig
began=$SECONDS

# An image of one program, in FOLDER.
# push NAME ENTRYPOINT PROGRAM FOLDER
push() {
  local files=$D/state/image
  rm -rf "$files"
  mkdir -p "$files/$4"
  cp "$BIN/$3" "$files/$4/"
  "$here/push.sh" "$D" "$1" "$2" "$files" busybox:1 >/dev/null
  rm -rf "$files"
}

running s3 || {
  mkdir -p "$D/state/s3/backups" "$D/state/sidecar"
  start s3 versitygw --port $ADDRESS:9000 --access minio --secret minio12345 posix --sidecar "$D/state/sidecar" "$D/state/s3"
}
await s3 20 "${ENTER[@]}" timeout 1 bash -c ": </dev/tcp/$ADDRESS/9000"
push velero/velero:v1.18.3 /velero velero .
push velero/velero-plugin-for-aws:v1.14.3 \
  /bin/cp,/plugins/velero-plugin-for-aws,/target/velero-plugin-for-aws velero-plugin-for-aws plugins
printf '[default]\naws_access_key_id=minio\naws_secret_access_key=minio12345\n' >"$D/state/aws"

why() {
  echo 'FAILED: velero' >&2
  "${ENTER[@]}" kubectl -n velero get pods,bsl >&2 || true
  "${ENTER[@]}" kubectl -n velero get events --sort-by .lastTimestamp 2>&1 | tail -n 8 >&2 || true
  "${ENTER[@]}" kubectl -n velero logs deploy/velero --tail 15 >&2 || true
  exit 1
}

"${ENTER[@]}" timeout 180 velero install --image $REGISTRY/velero/velero:v1.18.3 --plugins $REGISTRY/velero/velero-plugin-for-aws:v1.14.3 \
  --provider aws --bucket backups --secret-file "$D/state/aws" --use-volume-snapshots=false \
  --backup-location-config region=us-east-1,s3ForcePathStyle=true,s3Url=http://$ADDRESS:9000 \
  --velero-pod-cpu-request 0 --velero-pod-mem-request 0 --velero-pod-cpu-limit 0 --velero-pod-mem-limit 0 --wait "$@" >"$D/logs/velero-install.log" 2>&1 ||
  { tail -n 5 "$D/logs/velero-install.log" >&2; why; }
"${ENTER[@]}" kubectl -n velero wait bsl/default --for 'jsonpath={.status.phase}=Available' --timeout 60s >/dev/null 2>&1 || why
echo "velero ready after $((SECONDS - began)) s" >&2
