#!/usr/bin/env bash
# Builds the plugin of examples/backup-item-action from its own Dockerfile, without a network: Go, its modules and its build cache
# are this machine's. usage: plugin-image.sh build | push DIR NAME:TAG
#   push  to the registry of a cluster that is up; the last line is the reference with its digest
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { sed -n 's/^# .*usage: /usage: /p' "${BASH_SOURCE[0]}" >&2; exit 2; }
[ $# -ge 1 ] || usage
# shellcheck source=paths.sh
source "$here/paths.sh"
# shellcheck source=buildah.sh
source "$here/buildah.sh"
folder=$REPO/examples/backup-item-action
image=localhost/tidewaiter-example-plugin:built

# What stands for the image golang: the one with a shell, told where this machine's Go is mounted.
# go_image FROM NAME
go_image() {
  local container
  ! buildah "${STORE[@]}" inspect --type image "$2" >/dev/null 2>&1 || return 0
  container=$(buildah "${STORE[@]}" from --pull-never "$1")
  buildah "${STORE[@]}" config --env PATH=/usr/local/go/bin:/usr/bin:/bin --env GOPROXY=off --env GOTOOLCHAIN=local "$container"
  buildah "${STORE[@]}" commit -q "${policy[@]}" --rm "$container" "$2" >/dev/null
}

build() {
  local began=$SECONDS bases go volumes root modules cache log=$CACHE/plugin-image.log
  # Beside what it tests it fills the cache with what the image is built of.
  (cd "$folder" && CGO_ENABLED=0 go test -vet=off -trimpath ./...) >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  root=$(go env GOROOT) modules=$(go env GOMODCACHE) cache=$(go env GOCACHE)
  mapfile -t bases < <("$here/base-images.sh")
  go=localhost/tidewaiter-go:${bases[0]##*:}
  go_image "${bases[0]#*=}" "$go"
  volumes=(--volume "$root:/usr/local/go:ro" --volume "$modules:/root/go/pkg/mod:ro" --volume "$cache:/root/.cache/go-build")
  buildah "${STORE[@]}" bud --quiet --isolation chroot --layers "${policy[@]}" --pull-never --platform "linux/$ARCH" \
    --build-arg "BUILD_IMAGE=$go" "${volumes[@]}" --tag "$image" --file "$folder/Dockerfile" "$folder" >"$log" 2>&1 ||
    { tail -n 30 "$log" >&2; echo "FAILED: the example plugin; all of it in $log" >&2; exit 1; }
  echo "example plugin: built after $((SECONDS - began)) s" >&2
}

push() {
  D=$(cd "$1" && pwd -P)
  # shellcheck source=network.sh
  source "$here/network.sh"
  push_image "$image" "$2"
}

case $1 in
  build) build ;;
  push) [ $# = 3 ] || usage; push "$2" "$3" ;;
  *) usage ;;
esac
