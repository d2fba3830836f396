#!/usr/bin/env bash
# Puts Debian's promtool beside the other programs: unpacked, not installed, for its package starts a server. usage: promtool.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=${TIDEWAITER_CLUSTER_BIN:-$PWD/.cluster/bin}
[ ! -x "$bin/promtool" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
apt-get -qq update >/dev/null 2>&1 || true
(cd "$work" && apt-get -qq download prometheus 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -xO ./usr/bin/promtool >"$work/promtool"
mkdir -p "$bin"
install -m 755 "$work/promtool" "$bin/promtool"
