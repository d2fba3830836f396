#!/usr/bin/env bash
# Puts promtool, as Debian's package of Prometheus has it, beside the programs of the cluster; nothing is installed. usage: promtool.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=paths.sh
source "$here/paths.sh"
[ ! -x "$BIN/promtool" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# As the user _apt, who may not write everywhere: the download is done in a folder of its own.
chmod 755 "$work"
cd "$work"
apt-get -qq update >/dev/null 2>&1 || true
timeout 120 apt-get -qq download prometheus >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; exit 1; }
dpkg-deb --extract prometheus_*.deb "$work/files"
mkdir -p "$BIN"
install -m 755 "$work/files/usr/bin/promtool" "$BIN/promtool"
echo "promtool: $("$BIN/promtool" --version 2>&1 | head -n 1)" >&2
