#!/usr/bin/env bash
# Builds the project's image from <repo>/Dockerfile and pushes it to the registry of a cluster that is up, with node:24 beside it.
# usage: image.sh DIR [TAG] [FOLDER]      default: TAG dev, FOLDER the repository
# Build arguments: BUILD_IMAGE (node 24, npm, a shell) and BASE_IMAGE (/usr/local/bin/node and its libraries).
# The machine's npm configuration is mounted while it builds, and is in no layer. The last line is the reference with digest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 1 ] || { sed -n 's/^# usage: /usage: /p' "${BASH_SOURCE[0]}" >&2; exit 2; }
D=$(cd "$1" && pwd -P)
# shellcheck source=paths.sh
source "$here/paths.sh"
# shellcheck source=network.sh
source "$here/network.sh"
# shellcheck source=buildah.sh
source "$here/buildah.sh"
tag=${2:-dev}
folder=${3:-$REPO}
began=$SECONDS
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A setting of npm on this machine, without the project's own; empty when it is not set.
setting() { (cd / && npm config get "$1" 2>/dev/null) | sed '/^null$/d; /^undefined$/d'; }

# The registry, the way to it and the keys for it.
npmrc() {
  local user name value
  user=$(setting userconfig)
  [ ! -f "$user" ] || grep -E '^(//|@)' "$user" || true
  for name in registry proxy https-proxy noproxy strict-ssl; do
    value=$(setting $name)
    [ -z "$value" ] || echo "$name=$value"
  done
  [ -z "$authority" ] || echo 'cafile=/usr/local/etc/npm-ca.pem'
}

authority=$(setting cafile)
authority=${authority:-${NODE_EXTRA_CA_CERTS:-}}
volumes=(--volume "$work/npmrc:/usr/local/etc/npmrc:ro" --volume "$CACHE/npm:/root/.npm")
[ -z "$authority" ] || volumes+=(--volume "$authority:/usr/local/etc/npm-ca.pem:ro")
(umask 077 && npmrc >"$work/npmrc")
mkdir -p "$CACHE/npm"

mapfile -t bases < <("$here/base-images.sh" "$D")
[ ${#bases[@]} = 2 ] || exit 1
buildah "${STORE[@]}" bud --quiet --isolation chroot --layers "${policy[@]}" --pull-never --build-arg "${bases[0]}" --build-arg "${bases[1]}" \
  "${volumes[@]}" --tag "localhost/tidewaiter:$tag" --file "$folder/Dockerfile" "$folder" >"$D/logs/image.log" 2>&1 ||
  { tail -n 30 "$D/logs/image.log" >&2; echo "FAILED: image; all of it in $D/logs/image.log" >&2; exit 1; }
echo "image built after $((SECONDS - began)) s" >&2
push_image "localhost/tidewaiter:$tag" "tidewaiter:$tag"
