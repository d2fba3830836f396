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
export REPO CACHE BIN ARCH PATH
