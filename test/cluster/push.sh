#!/usr/bin/env bash
# Makes a small image of a folder's files on top of another image and pushes it to the registry of a cluster.
# usage: push.sh DIR NAME[:TAG] ENTRYPOINT[,ARGUMENT...] FILES_DIR [BASE]     BASE: a name in the same registry, e.g. node:24
# The last line of the output is the reference with its digest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 4 ] || { sed -n 's/^# usage: /usage: /p' "${BASH_SOURCE[0]}" >&2; exit 2; }
D=$(cd "$1" && pwd -P)
# shellcheck source=paths.sh
source "$here/paths.sh"
# shellcheck source=network.sh
source "$here/network.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

crane() {
  "${ENTER[@]}" crane "$@" --insecure 2>"$work/log" || { cat "$work/log" >&2; return 1; }
}

base=()
[ $# -lt 5 ] || base=(-b "$REGISTRY/$5")
tar -C "$4" --owner 0 --group 0 --numeric-owner -cf "$work/layer.tar" .
crane append "${base[@]}" -f "$work/layer.tar" -t "$REGISTRY/$2" >/dev/null
crane mutate "$REGISTRY/$2" --entrypoint "$3" --set-platform "linux/$ARCH" -t "$REGISTRY/$2"
