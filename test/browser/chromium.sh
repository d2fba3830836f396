#!/usr/bin/env bash
# Sees to it that there is a Chromium for `npm run browser`: Debian's, installed if it is missing and this is root. usage: chromium.sh
set -euo pipefail
browser=${CHROMIUM:-/usr/bin/chromium}
if [ -x "$browser" ]; then
  echo "chromium: $browser" >&2
  exit 0
fi
if [ -n "${CHROMIUM:-}" ]; then
  echo "chromium: CHROMIUM must name a program, got $CHROMIUM" >&2
  exit 4
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo 'chromium: a browser must be at /usr/bin/chromium, got nothing: somebody with the rights runs: apt-get install chromium (or name another Chromium with CHROMIUM=/path/to/chromium)' >&2
  exit 4
fi
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A source that cannot be reached is no reason to stop: the package may come from another.
timeout 60 "${apt[@]}" update >"$log" 2>&1 || true
if ! timeout 240 "${apt[@]}" install -y --no-install-recommends chromium >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo 'chromium: Debian'"'"'s chromium must install within 4 minutes, and did not' >&2
  exit 4
fi
echo 'chromium: installed' >&2
