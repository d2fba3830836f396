# shellcheck shell=bash
# Where things are. Sourced by the other scripts: sets REPO, CACHE, BIN and PATH. usage: source paths.sh
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export CACHE=${TIDEWAITER_CLUSTER_CACHE:-$REPO/.cluster}
export BIN=${TIDEWAITER_CLUSTER_BIN:-$CACHE/bin}
export PATH=$BIN:/usr/sbin:/sbin:$PATH
