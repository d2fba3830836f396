#!/usr/bin/env bash
# npm run e2e: makes whole real clusters with a real Velero, installs the image of this checkout with kubectl apply -k, and
# drives it with the real kubectl and velero. Root on Debian or the like. Everything is ended afterwards.
# usage: run.sh [TEST...]          default: every test/e2e/*.test.ts
#   KEEP=1  leaves the clusters up   DIR=...  where they live (default .cluster/e2e)
# In this order: the tests that disturb nobody, side by side; the ones that stop replicas, take rights away and uninstall (z*),
# one by one; and what needs only an API server and a Velero (guard*, contract*), on a light cluster. Two cores do no more at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ "$(id -u)" = 0 ] || { echo 'npm run e2e needs root: it makes network namespaces and containers' >&2; exit 4; }
DIR=${DIR:-$PWD/.cluster/e2e}
began=$SECONDS
say() { printf '\n== %4d s  %s\n' $((SECONDS - began)) "$*"; }
# what_was_seen   after a failure: what a person would look at first
what_was_seen() {
  local in=(test/cluster/cluster.sh exec "$DIR")
  [ -f "$DIR/admin.kubeconfig" ] || return 0
  say 'what was seen'
  "${in[@]}" kubectl get backups.velero.io,restores.velero.io,actionruns -A --sort-by .metadata.creationTimestamp 2>&1 | tail -n 60
  "${in[@]}" kubectl get pods -A -o wide 2>&1
  "${in[@]}" kubectl -n tidewaiter logs -l app.kubernetes.io/name=tidewaiter --prefix --tail 4000 2>&1 |
    grep -E '"level":"(warn|error|fatal)"|lease|leader' | cut -c 1-400 | tail -n 60
  "${in[@]}" kubectl -n velero logs deploy/velero --tail 150 2>&1 | cut -c 1-250
}
finish() {
  code=$?
  [ $code = 0 ] || what_was_seen || true
  [ "${KEEP:-}" = 1 ] || {
    say 'ending the clusters'
    [ ! -d "$DIR" ] || test/cluster/cluster.sh down "$DIR" || true
    [ ! -d "${DIR}l" ] || test/cluster/light.sh down "${DIR}l" || true
  }
  exit $code
}
trap finish EXIT

tests=("$@")
[ $# -gt 0 ] || tests=(test/e2e/*.test.ts)
calm=() wild=() light=()
for one in "${tests[@]}"; do
  case $one in
    */z*) wild+=("$one") ;;
    */guard* | */contract*) light+=("$one") ;;
    *) calm+=("$one") ;;
  esac
done

say 'Debian packages'
test/cluster/packages.sh
say 'building what is not built yet (about 10 minutes the first time)'
test/cluster/build.sh

image=
if [ $((${#calm[@]} + ${#wild[@]})) -gt 0 ]; then
  say 'a whole cluster'
  test/cluster/cluster.sh up "$DIR"
  say 'Velero and the image of this checkout'
  # With the usual one at a time, Velero 1.18 may look at a queued Backup only a minute after its turn came.
  test/cluster/velero.sh "$DIR" --concurrent-backups=10 >"$DIR/logs/velero-install.log" 2>&1 & velero=$!
  image=$(test/cluster/image.sh "$DIR" e2e | tail -n 1)
  wait "$velero" || { tail -n 20 "$DIR/logs/velero-install.log" >&2; exit 1; }
  say "installing $image"
  test/e2e/install.sh "$DIR" "$image" >"$DIR/logs/install.log" 2>&1 || { tail -n 20 "$DIR/logs/install.log" >&2; exit 1; }
fi

# run_tests DIR JOBS FILE...   shows a line for each file, and all of what failed
run_tests() {
  local at=$1 jobs=$2 within=()
  shift 2
  [ $# -gt 0 ] || return 0
  say "$# files, $jobs at a time"
  [ "$at" = "${DIR}l" ] || within=(test/cluster/cluster.sh exec "$at")
  env PATH="$PWD/node_modules/.bin:${TIDEWAITER_CLUSTER_BIN:-$PWD/.cluster/bin}:$PATH" \
    TIDEWAITER_E2E_KUBECONFIG="$at/admin.kubeconfig" TIDEWAITER_E2E_DIR="$at" TIDEWAITER_E2E_IMAGE="$image" \
    "${within[@]}" node_modules/.bin/tap run --reporter=tap --jobs="$jobs" --timeout=300 --disable-coverage --allow-empty-coverage "$@" |
    { grep --line-buffered -vE '^ +(ok |[0-9]+\.\.|# |$)|^$' || true; }
}
run_tests "$DIR" "${JOBS:-3}" "${calm[@]}"
run_tests "$DIR" 1 "${wild[@]}"
if [ ${#light[@]} -gt 0 ]; then
  say 'a light cluster'
  test/cluster/light.sh up "${DIR}l"
  test/cluster/light.sh velero "${DIR}l"
  run_tests "${DIR}l" 2 "${light[@]}"
fi
say 'all passed'
