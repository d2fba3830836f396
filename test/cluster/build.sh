#!/usr/bin/env bash
# Builds the real parts of the test cluster from Go modules. A part that is there and unchanged is skipped.
# usage: build.sh [PART...]     default: kubernetes containerd registry crane coredns velero s3
# Output: ${TIDEWAITER_CLUSTER_BIN:-<repo>/.cluster/bin}, of the parts oldest/* in oldest there. Versions: go/PART/go.mod, checksums
# beside it in go.sum.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=paths.sh
source "$here/paths.sh"
# A compiler that collects its garbage less often is a fifth quicker.
export CGO_ENABLED=0 GOWORK=off GOOS=linux GOFLAGS=-mod=readonly GOGC=400
mkdir -p "$BIN"

# The version of a module that go.mod of the part asks for.
version() { go list -m -f '{{.Version}}' "$1"; }

# Without its own version kubectl and Velero stumble over v0.0.0-master.
ldflags() {
  local v
  echo -n '-s -w'
  case $1 in
    *kubernetes)
      v=$(version k8s.io/kubernetes)
      printf ' -X k8s.io/component-base/version.%s' "gitVersion=$v" gitMajor=1 "gitMinor=$(cut -d. -f2 <<<"$v")"
      echo -n " -X k8s.io/client-go/pkg/version.gitVersion=$v"
      ;;
    *velero) echo -n " -X github.com/vmware-tanzu/velero/pkg/buildinfo.Version=$(version github.com/vmware-tanzu/velero)" ;;
    containerd) echo -n " -X github.com/containerd/containerd/v2/version.Version=$(version github.com/containerd/containerd/v2 | tr -d v)" ;;
  esac
}

# The packages of a part, each with the name of its program.
programs() {
  if [ -f main.go ]; then
    echo ". $1"
    return
  fi
  local package
  for package in $(go list tool); do
    case $package in
      go.etcd.io/etcd/server/v3) echo "$package etcd" ;;
      *) echo "$package $(basename "$package")" ;;
    esac
  done
}

up_to_date() {
  local stamp=$1 hash=$2 out=$3 name
  [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$hash" ] || return 1
  while read -r name; do [ -x "$out/$name" ] || return 1; done < <(tail -n +2 "$stamp")
}

build() {
  local part=$1 stamp="$BIN/.stamps/$1" out=$BIN hash began=$SECONDS flags package name names=()
  case $part in */*) out=$BIN/${part%/*} ;; esac
  mkdir -p "$out" "$(dirname "$stamp")"
  cd "$here/go/$part"
  hash=$(find . "$here/build.sh" -type f -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-64)
  if up_to_date "$stamp" "$hash" "$out"; then
    echo "$part: unchanged" >&2
    return
  fi
  echo "$part: building ..." >&2
  flags=$(ldflags "$part")
  while read -r package name; do
    # Without cloud providers (Kubernetes up to 1.30 had them within) and the filesystems that want C. Written aside and moved, for a running program cannot be written over.
    go build -trimpath -buildvcs=false -ldflags "$flags" -tags no_btrfs,no_devmapper,no_zfs,providerless \
      -o "$out/.$name.new" "$package"
    mv "$out/.$name.new" "$out/$name"
    names+=("$name")
  done < <(programs "$part")
  [ ${#names[@]} -gt 0 ] || { echo "$part: nothing was built" >&2; exit 1; }
  printf '%s\n' "$hash" "${names[@]}" >"$stamp"
  echo "$part: built ${names[*]} in $((SECONDS - began)) s" >&2
}

parts=("$@")
[ $# -gt 0 ] || parts=(kubernetes containerd registry crane coredns velero s3)
for part in "${parts[@]}"; do
  [ -f "$here/go/$part/go.mod" ] || { echo "no part named $part; there are:" "$here"/go/* >&2; exit 2; }
done
# One build at a time: two would only slow each other down, and share the outputs.
exec 9>"$BIN/.lock"
flock 9
for part in "${parts[@]}"; do (build "$part"); done
