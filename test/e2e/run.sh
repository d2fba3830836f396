#!/usr/bin/env bash
# npm run e2e: makes a whole real cluster with a real Velero, installs the image of this checkout with kubectl apply -k,
# and drives it with the real kubectl and velero. Root on Debian or the like. Everything is ended afterwards.
# usage: run.sh [TEST...]          default: every test/e2e/*.test.ts
#   KEEP=1  leaves the cluster up   DIR=...  where it lives (default .cluster/e2e)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ "$(id -u)" = 0 ] || { echo 'npm run e2e needs root: it makes network namespaces and containers' >&2; exit 4; }
export DIR=${DIR:-$PWD/.cluster/e2e}
began=$SECONDS
say() { printf '\n== %4d s  %s\n' $((SECONDS - began)) "$*"; }
finish() { code=$?; [ "${KEEP:-}" = 1 ] || { say 'ending the cluster'; test/cluster/cluster.sh down "$DIR" || true; [ ! -d "$DIR-light" ] || test/cluster/light.sh down "$DIR-light" || true; }; exit $code; }
trap finish EXIT

say 'Debian packages'
test/cluster/packages.sh
say 'building what is not built yet (about 10 minutes the first time)'
test/cluster/build.sh
say 'a whole cluster'
test/cluster/cluster.sh up "$DIR"
say 'Velero and the image of this checkout'
test/cluster/velero.sh "$DIR" >"$DIR/logs/velero-install.log" 2>&1 & velero=$!
image=$(test/cluster/image.sh "$DIR" e2e | tail -n 1)
wait "$velero" || { tail -n 20 "$DIR/logs/velero-install.log" >&2; exit 1; }
say "installing $image"
test/e2e/install.sh "$DIR" "$image"
# in_cluster KUBECONFIG JOBS FILE...   only what failed, and a line for each file, is shown
in_cluster() {
  kubeconfig=$1 jobs=$2
  shift 2
  [ $# -gt 0 ] || return 0
  say "$# files, $jobs at a time"
  env PATH="$PWD/node_modules/.bin:${TIDEWAITER_CLUSTER_BIN:-$PWD/.cluster/bin}:$PATH" \
    TIDEWAITER_E2E_KUBECONFIG="$kubeconfig" TIDEWAITER_E2E_DIR="$DIR" TIDEWAITER_E2E_IMAGE="$image" \
    "${within[@]}" tap run --reporter=tap --jobs="$jobs" --timeout=300 --disable-coverage --allow-empty-coverage "$@" |
    { grep --line-buffered -vE '^ +(ok |[0-9]+\.\.|# Subtest|$)|^$' || true; }
}
tests=("$@")
[ $# -gt 0 ] || tests=(test/e2e/*.test.ts)
calm=() wild=() contract=()
for one in "${tests[@]}"; do
  case $one in
    */z*) wild+=("$one") ;;
    */contract*) contract+=("$one") ;;
    *) calm+=("$one") ;;
  esac
done
within=(test/cluster/cluster.sh exec "$DIR")
in_cluster "$DIR/admin.kubeconfig" "${JOBS:-3}" "${calm[@]}"
# They disturb each other: one by one.
in_cluster "$DIR/admin.kubeconfig" 1 "${wild[@]}"
if [ ${#contract[@]} -gt 0 ]; then
  # What needs an API server and nothing else gets one of its own.
  within=()
  test/cluster/light.sh up "$DIR-light"
  in_cluster "$DIR-light/admin.kubeconfig" 2 "${contract[@]}"
fi
say 'all passed'
