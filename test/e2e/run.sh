#!/usr/bin/env bash
# npm run e2e: makes whole real clusters with a real Velero, installs the image of this checkout with kubectl apply -k, and
# drives it with the real kubectl and velero. Root on Debian or the like. Everything is ended afterwards.
# usage: run.sh [TEST...]          default: every test/e2e/*.test.ts
#   KEEP=1  leaves the clusters up   DIR=...  where they live (default .cluster/e2e)
#   TIDEWAITER_CLUSTER_VERSIONS=oldest  the oldest promised Kubernetes and Velero, in the light form; default: the tests of oldest below
#   LIGHT=1  the light form of the newest: of the tests, which must be named, those parts run that need no pods
# In this order: the tests that disturb nobody, side by side; then what wants the machine for itself (z-certificates*); then the
# ones that stop replicas and take rights away (z*), one by one, which is mostly waiting; then the uninstall (zz*). Beside these go, on clusters of their own: what waits longest of them,
# and on light ones what needs only an API server and a Velero (guard*, contract*, decisions*, plugins*, pinned*), or not even that (alerts*, images*).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ "$(id -u)" = 0 ] || { echo 'npm run e2e needs root: it makes network namespaces and containers' >&2; exit 4; }
# shellcheck source=../cluster/paths.sh
source test/cluster/paths.sh
# What runs on the oldest promised versions too: files of test/e2e without .test.ts. A new one that needs no pods (see withoutPods of
# support.ts) belongs here if it is about what Kubernetes or Velero does.
files_of() { printf 'test/e2e/%s.test.ts\n' "$@"; }
oldest=(
  actions after before contract-actions contract-plugins guard guard-velero hold identical overlays pinned-plugins plugins restore schedule
)
if [ "${TIDEWAITER_CLUSTER_VERSIONS:-newest}" = oldest ]; then
  LIGHT=1 DIR=${DIR:-$PWD/.cluster/e2e-oldest}
  # shellcheck disable=SC2046
  [ $# -gt 0 ] || set -- $(files_of "${oldest[@]}")
fi
DIR=${DIR:-$PWD/.cluster/e2e}
if [ -n "${LIGHT:-}" ] && [ -z "${APART:-}" ]; then
  export APART=1 LIGHT DIR
  exec test/e2e/apart.sh "$0" "$@"
fi
began=$SECONDS
# What this run has brought up, and the runs that go on beside it.
whole='' lighter='' beside=()
say() { printf '\n== %4d s  %s\n' $((SECONDS - began)) "$*"; }
# what_was_seen   after a failure: what a person would look at first
what_was_seen() {
  local in=(test/cluster/cluster.sh exec "$DIR")
  grep -hE '"level":"(warn|error|fatal)"' "$DIR-light/logs/tidewaiter.log" 2>/dev/null | cut -c 1-400 | tail -n 60
  [ -n "$whole" ] && [ -f "$DIR/admin.kubeconfig" ] || return 0
  say 'what was seen'
  "${in[@]}" kubectl get backups.velero.io,restores.velero.io,actionruns.tidewaiter.io -A 2>&1 | tail -n 80
  "${in[@]}" kubectl get pods -A -o wide 2>&1
  "${in[@]}" kubectl -n tidewaiter logs -l app.kubernetes.io/name=tidewaiter --prefix --tail 4000 2>&1 |
    grep -E '"level":"(warn|error|fatal)"|lease|leader' | cut -c 1-400 | tail -n 60
  "${in[@]}" kubectl -n velero logs deploy/velero --tail 150 2>&1 | cut -c 1-250
}
finish() {
  code=$?
  [ $code = 0 ] || what_was_seen || true
  for one in "${beside[@]}"; do { kill -- "-$one" && wait "$one" || true; } 2>/dev/null; done
  [ "${KEEP:-}" = 1 ] || {
    say 'ending the clusters'
    [ -z "$whole" ] || test/cluster/cluster.sh down "$DIR" || true
    [ -z "$lighter" ] || test/cluster/light.sh down "$DIR-light" || true
  }
  exit $code
}
trap finish EXIT

tests=("$@")
[ $# -gt 0 ] || tests=(test/e2e/*.test.ts)
calm=() quiet=() wild=() second=() last=() light=() velero=() served=()
for one in "${tests[@]}"; do
  case $one in
    */zz*) last+=("$one") ;;
    */z-stale* | */z-plugins* | */z-disaster* | */z-hold*) second+=("$one") ;;
    # So many admissions a second want the whole machine.
    */z-certificates*) quiet+=("$one") ;;
    */z*) wild+=("$one") ;;
    */contract-velero*) velero+=("$one") ;;
    */alerts* | */guard* | */contract* | */decisions* | */images* | */plugins* | */pinned*) light+=("$one") ;;
    # It waits for Velero's own clock: first, so that the others go on beside it.
    */schedule*) calm=("$one" "${calm[@]}") ;;
    *) calm+=("$one") ;;
  esac
done

if [ -n "${LIGHT:-}" ]; then
  [ ${#quiet[@]} = 0 ] && [ ${#wild[@]} = 0 ] && [ ${#second[@]} = 0 ] && [ ${#last[@]} = 0 ] || { echo "these need pods: ${quiet[*]} ${wild[*]} ${second[*]} ${last[*]}" >&2; exit 2; }
  served=("${calm[@]}") calm=()
fi

# Only a run of all tests has so much to do that a second whole cluster is worth its start.
[ -z "${APART:-}" ] && [ ${#wild[@]} -gt 1 ] || { wild+=("${second[@]}"); second=(); }

# Until this file is there, a minute and a half at most.
for _ in $(seq 90); do
  [ -n "${AFTER:-}" ] && [ ! -e "$AFTER" ] || break
  sleep 1
done

say 'Debian packages'
test/cluster/packages.sh
[[ " ${tests[*]} " != *dashboard* ]] || test/browser/chromium.sh
[[ " ${tests[*]} " != *alerts* ]] || test/cluster/promtool.sh
say 'building what is not built yet (about 10 minutes the first time)'
test/cluster/build.sh
test/cluster/build.sh helm
[[ " ${light[*]} " != *alerts* ]] || test/cluster/promtool.sh
[ $# -gt 0 ] && [ "${TIDEWAITER_CLUSTER_VERSIONS:-}" != oldest ] || test/cluster/build.sh oldest/kubernetes oldest/velero
[[ " ${wild[*]} " != *plugins* ]] || test/cluster/plugin-image.sh build

image=
if [ $((${#calm[@]} + ${#quiet[@]} + ${#wild[@]} + ${#last[@]})) -gt 0 ]; then
  say 'a whole cluster'
  whole=1
  test/cluster/cluster.sh up "$DIR"
  say 'Velero and the image of this checkout'
  # With the usual one at a time, Velero 1.18 may look at a queued Backup only a minute after its turn came.
  test/cluster/velero.sh "$DIR" --concurrent-backups=10 >"$DIR/logs/velero-install.log" 2>&1 & installing=$!
  image=$(test/cluster/image.sh "$DIR" e2e | tail -n 1)
  wait "$installing" || { tail -n 20 "$DIR/logs/velero-install.log" >&2; exit 1; }
  say "installing $image"
  test/e2e/install.sh "$DIR" "$image" >"$DIR/logs/install.log" 2>&1 || { tail -n 20 "$DIR/logs/install.log" >&2; exit 1; }
fi

# run_tests DIR JOBS FILE...   shows a line for each file, and all of what failed
run_tests() {
  local at=$1 jobs=$2 form=light within=()
  shift 2
  [ $# -gt 0 ] || return 0
  say "$# files, $jobs at a time"
  [ "$at" != "$DIR" ] || form=whole within=(test/cluster/cluster.sh exec "$at")
  env PATH="$PWD/node_modules/.bin:$PATH" \
    TIDEWAITER_E2E_KUBECONFIG="$at/admin.kubeconfig" TIDEWAITER_E2E_DIR="$at" TIDEWAITER_E2E_FORM="$form" TIDEWAITER_E2E_IMAGE="$image" \
    "${within[@]}" node_modules/.bin/tap run --reporter=tap --jobs="$jobs" --timeout=420 --disable-coverage --allow-empty-coverage "$@" |
    { grep --line-buffered -vE '^ +(ok |[0-9]+\.\.|# |$)|^$' || true; }
}
run_tests "$DIR" "${JOBS:-4}" "${calm[@]}"
run_tests "$DIR" 1 "${quiet[@]}"

# aside NAME TEST...   goes on beside this run, in a network of its own: Velero's metrics want port 8080 whatever its flags say
aside() {
  local name=$1
  shift
  [ $# -gt 0 ] || return 0
  APART=1 AFTER=$after DIR=$DIR-$name setsid nice -n 10 test/e2e/apart.sh test/e2e/run.sh "$@" >"$DIR/logs/beside-$name.log" 2>&1 &
  beside+=($!)
}
mkdir -p "$DIR/logs"
rm -f "$DIR"/logs/beside-*.log
after=
if [ ${#second[@]} -gt 0 ]; then
  # The start of a whole cluster wants the processors for itself: what is light waits for it.
  after=$DIR-second/logs/install.log
  rm -f "$after"
  # A whole cluster has a network of its own.
  APART=1 DIR=$DIR-second setsid test/e2e/run.sh "${second[@]}" >"$DIR/logs/beside-second.log" 2>&1 &
  beside+=($!)
fi
if [ -z "${APART:-}" ]; then
  aside light "${light[@]}"
  aside velero "${velero[@]}"
  light=() velero=()
  if [ $# = 0 ]; then
    # shellcheck disable=SC2046
    TIDEWAITER_CLUSTER_VERSIONS=oldest aside oldest $(files_of "${oldest[@]}")
    TIDEWAITER_CLUSTER_VERSIONS=oldest aside oldest-velero test/e2e/contract-velero.test.ts
  fi
fi
run_tests "$DIR" 1 "${wild[@]}"
# On its own: within one run tap may change the order of files.
run_tests "$DIR" 1 "${last[@]}"
failed=0
for one in "${beside[@]}"; do wait "$one" || failed=1; done
[ ${#beside[@]} = 0 ] || { say 'what went on beside it' && cat "$DIR"/logs/beside-*.log; } || true
beside=()
[ $failed = 0 ] || exit 1

if [ $((${#light[@]} + ${#velero[@]} + ${#served[@]})) -gt 0 ]; then
  say 'a light cluster'
  lighter=1
  test/cluster/light.sh up "$DIR-light" ${LIGHT:+10.244.0.1}
  # The contract of Velero brings its own.
  [ $((${#light[@]} + ${#served[@]})) = 0 ] || test/cluster/light.sh velero "$DIR-light"
  run_tests "$DIR-light" 2 "${light[@]}" "${velero[@]}"
fi
if [ ${#served[@]} -gt 0 ]; then
  say 'tidewaiter as a process'
  test/e2e/install-light.sh "$DIR-light"
  run_tests "$DIR-light" "${JOBS:-4}" "${served[@]}"
fi
say 'all passed'
