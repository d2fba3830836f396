#!/usr/bin/env bash
# npm run e2e: makes whole real clusters with a real Velero, installs the image of this checkout with kubectl apply -k, and
# drives it with the real kubectl and velero. Root on Debian or the like. Everything is ended afterwards.
# usage: run.sh [TEST...]          default: every test/e2e/*.test.ts
#   KEEP=1  leaves the clusters up   DIR=...  where they live (default .cluster/e2e)
# Three things run side by side, each on what it needs: the tests that disturb nobody; the ones that stop replicas, take rights
# away and uninstall (z*), one by one; and what needs only an API server and a Velero (guard*, contract*).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ "$(id -u)" = 0 ] || { echo 'npm run e2e needs root: it makes network namespaces and containers' >&2; exit 4; }
DIR=${DIR:-$PWD/.cluster/e2e}
began=$SECONDS
say() { printf '\n== %4d s  %s\n' $((SECONDS - began)) "$*"; }
finish() {
  code=$?
  [ "${KEEP:-}" = 1 ] || {
    say 'ending the clusters'
    for one in "$DIR" "${DIR}w"; do [ ! -d "$one" ] || test/cluster/cluster.sh down "$one" || true; done
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

whole=()
[ ${#calm[@]} = 0 ] || whole+=("$DIR")
[ ${#wild[@]} = 0 ] || whole+=("${DIR}w")
say "clusters: ${#whole[@]} whole, $([ ${#light[@]} = 0 ] && echo no || echo 1) light"
started=()
for one in "${whole[@]}"; do
  test/cluster/cluster.sh up "$one"
  test/cluster/velero.sh "$one" >"$one/logs/velero-install.log" 2>&1 &
  started+=("$!:$one")
done
if [ ${#light[@]} -gt 0 ]; then
  test/cluster/light.sh up "${DIR}l"
  test/cluster/light.sh velero "${DIR}l"
fi
declare -A image
for one in "${whole[@]}"; do image[$one]=$(test/cluster/image.sh "$one" e2e | tail -n 1); done
for one in "${started[@]}"; do
  wait "${one%%:*}" || { tail -n 20 "${one#*:}/logs/velero-install.log" >&2; exit 1; }
done
for one in "${whole[@]}"; do
  say "installing ${image[$one]}"
  test/e2e/install.sh "$one" "${image[$one]}" >"$one/logs/install.log" 2>&1 || { tail -n 20 "$one/logs/install.log" >&2; exit 1; }
done

# run_tests DIR JOBS FILE...   a line for each file, and all of what failed, go to DIR/logs/tests.log
run_tests() {
  local at=$1 jobs=$2 within=()
  shift 2
  [ $# -gt 0 ] || return 0
  [ "$at" = "${DIR}l" ] || within=(test/cluster/cluster.sh exec "$at")
  env PATH="$PWD/node_modules/.bin:${TIDEWAITER_CLUSTER_BIN:-$PWD/.cluster/bin}:$PATH" \
    TIDEWAITER_E2E_KUBECONFIG="$at/admin.kubeconfig" TIDEWAITER_E2E_DIR="$at" TIDEWAITER_E2E_IMAGE="${image[$at]:-}" \
    "${within[@]}" node_modules/.bin/tap run --reporter=tap --jobs="$jobs" --timeout=300 --disable-coverage --allow-empty-coverage "$@" |
    { grep --line-buffered -vE '^ +(ok |[0-9]+\.\.|# |$)|^$|^#' || true; } >"$at/logs/tests.log"
}

say "${#calm[@]} files that disturb nobody, ${#wild[@]} that do, ${#light[@]} that need no pods"
run_tests "$DIR" "${JOBS:-3}" "${calm[@]}" & calm_run=$!
run_tests "${DIR}w" 1 "${wild[@]}" & wild_run=$!
run_tests "${DIR}l" 2 "${light[@]}" & light_run=$!
failed=0
for one in "$calm_run:$DIR" "$light_run:${DIR}l" "$wild_run:${DIR}w"; do
  wait "${one%%:*}" || failed=1
  [ ! -f "${one#*:}/logs/tests.log" ] || { say "$(basename "${one#*:}")"; cat "${one#*:}/logs/tests.log"; }
done
[ $failed = 0 ] || { say 'failed'; exit 1; }
say 'all passed'
