#!/usr/bin/env bash
# Makes the two images that the project's Dockerfile starts from, of Debian packages and npm, for there is no Docker Hub.
# usage: base-images.sh [DIR]      DIR: also pushes the runtime one as node:24 to the registry of that cluster
#   build    shell and tools of Debian, node, npm
#   runtime  the C and C++ libraries, CA certificates, user 65532 and /usr/local/bin/node; no shell
# Kept in .cluster by versions; prints BUILD_IMAGE=... and BASE_IMAGE=...
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=paths.sh
source "$here/paths.sh"
# shellcheck source=buildah.sh
source "$here/buildah.sh"
node_version=24.21.0
npm_version=11.21.2
runtime=(base-files libc6 libgcc-s1 libstdc++6 netbase ca-certificates)
build=("${runtime[@]}" bash coreutils dash debianutils findutils grep gzip hostname libc-bin sed tar
  libacl1 libattr1 libgmp10 libpcre2-8-0 libselinux1 libtinfo6)
key=$(sha256sum <"${BASH_SOURCE[0]}" | cut -c1-12)
work=$CACHE/images
platform=linux-${ARCH/amd64/x64}

fetch_packages() {
  mkdir -p "$work/debian"
  (cd "$work/debian" && { apt-get -qq download "${build[@]}" || { apt-get -qq update; apt-get -qq download "${build[@]}"; }; }) >/dev/null 2>"$work/log" ||
    { tail -n 5 "$work/log" >&2; exit 1; }
}

# fetch_npm NAME VERSION FOLDER: what npm's configuration on this machine reaches.
fetch_npm() {
  mkdir -p "$work/npm" "$3"
  (cd "$work/npm" && npm pack --silent "$1@$2" >/dev/null)
  tar -C "$3" --strip-components 1 -xzf "$work/npm/$1-$2.tgz"
}

# A root file system of Debian packages, without running their scripts.
# unpack ROOT PACKAGE...
unpack() {
  local root=$1 package folder
  shift
  rm -rf "$root"
  mkdir -p "$root/usr"
  for folder in bin sbin lib lib64; do
    mkdir "$root/usr/$folder"
    ln -s "usr/$folder" "$root/$folder"
  done
  for package in "$@"; do
    dpkg-deb --fsys-tarfile "$(find "$work/debian" -name "${package}_*.deb" | sort -V | tail -n 1)" |
      tar -C "$root" --keep-directory-symlink --exclude './usr/share/man' --exclude './usr/share/locale' \
        --exclude './usr/share/doc/*/changelog*' -xf -
  done
  mkdir -p "$root"/{etc/ssl/certs,home/nonroot,root,usr/local/bin,usr/local/etc}
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin' \
    'nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin' >"$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' 'nonroot:x:65532:' >"$root/etc/group"
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  chown -R 65532:65532 "$root/home/nonroot"
  chmod 1777 "$root/tmp"
  cp "$work/node/bin/node" "$root/usr/local/bin/node"
}

# commit ROOT NAME
commit() {
  local container
  container=$(buildah "${STORE[@]}" from scratch)
  buildah "${STORE[@]}" add -q "$container" "$1" / >/dev/null
  buildah "${STORE[@]}" config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --entrypoint '["/usr/local/bin/node"]' --cmd '' "$container" 2>/dev/null
  [ "$2" = runtime ] || buildah "${STORE[@]}" config --entrypoint '[]' --cmd '/bin/bash' "$container" 2>/dev/null
  buildah "${STORE[@]}" commit -q "${policy[@]}" --rm "$container" "localhost/tidewaiter-$2:$key" >/dev/null
}

made() { buildah "${STORE[@]}" inspect --type image "localhost/tidewaiter-build:$key" >/dev/null 2>&1; }

make_both() {
  local began=$SECONDS npm=$work/build/usr/local/lib/node_modules/npm
  echo 'base images: making ...' >&2
  fetch_packages
  fetch_npm "node-$platform" "$node_version" "$work/node"
  unpack "$work/runtime" "${runtime[@]}"
  commit "$work/runtime" runtime
  unpack "$work/build" "${build[@]}"
  ln -sf dash "$work/build/bin/sh"
  fetch_npm npm "$npm_version" "$npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/build/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$work/build/usr/local/bin/npx"
  : >"$work/build/usr/local/etc/npmrc" # where image.sh mounts the machine's own
  chmod +x "$npm"/bin/*.js
  commit "$work/build" build
  rm -rf "$work"
  echo "base images: made in $((SECONDS - began)) s" >&2
}

mkdir -p "$work"
exec 8>"$CACHE/images.lock"
flock 8
made || make_both
flock -u 8
if [ $# -gt 0 ]; then
  D=$(cd "$1" && pwd -P)
  # shellcheck source=network.sh
  source "$here/network.sh"
  "${ENTER[@]}" crane manifest --insecure "$REGISTRY/node:24" >/dev/null 2>&1 ||
    push_image "localhost/tidewaiter-runtime:$key" node:24 >&2
fi
echo "BUILD_IMAGE=localhost/tidewaiter-build:$key"
echo "BASE_IMAGE=localhost/tidewaiter-runtime:$key"
