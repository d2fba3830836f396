# shellcheck shell=bash
# Where things are. Sets REPO, CACHE, BIN, ARCH and PATH. usage: source paths.sh
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${TIDEWAITER_CLUSTER_CACHE:-$REPO/.cluster}
BIN=${TIDEWAITER_CLUSTER_BIN:-$CACHE/bin}
case $(uname -m) in
  aarch64) ARCH=arm64 ;;
  *) ARCH=amd64 ;;
esac
PATH=$BIN:/usr/sbin:/sbin:$PATH
# The oldest promised versions go before the newest; what they lack (etcd, S3, Velero's plugin) is the same for both.
case ${TIDEWAITER_CLUSTER_VERSIONS:-newest} in
  newest) ;;
  oldest) PATH=$BIN/oldest:$PATH ;;
  *) echo "TIDEWAITER_CLUSTER_VERSIONS must be newest or oldest, got: $TIDEWAITER_CLUSTER_VERSIONS" >&2; exit 2 ;;
esac
export REPO CACHE BIN ARCH PATH
