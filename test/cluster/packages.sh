#!/usr/bin/env bash
# Installs the Debian packages that the test cluster needs and that are missing. Needs root. usage: packages.sh
set -euo pipefail
wanted=(
  runc containernetworking-plugins busybox-static # what the kubelet runs
  conntrack nftables iproute2 procps              # the network
  buildah mmdebstrap                              # images
  openssl ca-certificates curl python3 git        # keys, checks, builds
)
missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo 'packages: all there' >&2
  exit 0
fi
[ "$(id -u)" = 0 ] || { echo "packages: not root, cannot install ${missing[*]}" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
# A source that cannot be reached is no reason to stop: the packages may come from another.
"${apt[@]}" update >/dev/null 2>&1 || true
log=$(mktemp)
if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
echo "packages: installed ${missing[*]}" >&2
