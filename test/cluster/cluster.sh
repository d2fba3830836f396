#!/usr/bin/env bash
# A whole real Kubernetes cluster on one machine, without Docker: etcd, kube-apiserver, controller manager, scheduler,
# kubelet, containerd, kube-proxy, CoreDNS and an OCI registry, all inside one network namespace. Needs root.
# usage: cluster.sh up DIR | down DIR | exec DIR CMD...
#   up    starts a fresh one; leaves DIR/admin.kubeconfig, DIR/alice.kubeconfig, DIR/logs, DIR/audit.log
#   down  ends it and removes all but the logs; also after a killed run
#   exec  runs CMD inside its network, with its names and the admin's KUBECONFIG
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { sed -n 's/^# usage: /usage: /p' "${BASH_SOURCE[0]}" >&2; exit 2; }
[ $# -ge 2 ] || usage
command=$1
D=$(mkdir -p "$2" && cd "$2" && pwd -P)
shift 2
# shellcheck source=paths.sh
source "$here/paths.sh"
# shellcheck source=network.sh
source "$here/network.sh"
# shellcheck source=processes.sh
source "$here/processes.sh"
# shellcheck source=control-plane.sh
source "$here/control-plane.sh"
# shellcheck source=node.sh
source "$here/node.sh"

up() {
  local began=$SECONDS program
  [ "$(id -u)" = 0 ] || { echo 'cluster.sh: needs root' >&2; exit 1; }
  # A socket's path ends after 107 characters; the kubelet adds 50 of its own.
  [ ${#D} -le 55 ] || { echo "cluster.sh: $D is too long a path (55 characters at most)" >&2; exit 2; }
  [[ $D != *[[:space:]]* ]] || { echo "cluster.sh: white space in $D" >&2; exit 2; }
  for program in kube-apiserver etcd containerd registry crane coredns runc nft openssl busybox; do
    command -v $program >/dev/null || { echo "cluster.sh: no $program; run packages.sh and build.sh first" >&2; exit 1; }
  done
  down
  trap 'down' EXIT
  trap 'exit 130' INT TERM
  rm -rf "$D/logs" "$D/audit.log"
  mkdir -p "$D/logs" "$D/state"
  : >"$D/pids"
  make_network
  start_etcd 2379 2380
  start_apiserver 2379 $ADDRESS 6443 --bind-address=0.0.0.0 --advertise-address=$ADDRESS --service-cluster-ip-range=10.96.0.0/16
  start_controllers
  start_registry
  start_private_registry
  start_containerd
  start_kubelet
  start_proxy
  start_dns
  await kubelet 60 "${ENTER[@]}" kubectl --kubeconfig "$D/admin.kubeconfig" wait node/node1 --for condition=Ready --timeout 5s
  await proxy 30 "${ENTER[@]}" timeout 1 bash -c ": </dev/tcp/10.96.0.1/443"
  await controller-manager 30 "${ENTER[@]}" kubectl --kubeconfig "$D/admin.kubeconfig" get serviceaccount default
  trap - EXIT
  echo "cluster ready after $((SECONDS - began)) s: $D/admin.kubeconfig, registry $REGISTRY, network namespace $NETNS" >&2
}

# The cgroups of this cluster's containers: one each in every hierarchy of version 1, one in all with version 2.
cgroups() {
  local bundle
  for bundle in "$D"/state/containerd/state/io.containerd.runtime.v2.task/k8s.io/*/; do
    [ -d "$bundle" ] || continue # no match is the pattern itself, which would be every cluster's
    find /sys/fs/cgroup -maxdepth 3 -type d -path "*/k8s.io/$(basename "$bundle")" 2>/dev/null
  done
}

kill_pods() {
  local folder id
  # In the network itself: the shims of containerd, pods with hostNetwork, and whatever somebody started by exec.
  for id in $(ip netns pids "$NETNS" 2>/dev/null); do
    [ "$id" = $$ ] || kill -9 "$id" 2>/dev/null || true
  done
  for folder in $(cgroups); do
    for id in $(find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u); do
      [ "$id" = 0 ] || kill -9 "$id" 2>/dev/null || true
    done
  done
}

remove_state() {
  local folder
  # A cgroup can go once the kernel has done away with the last process in it.
  for _ in $(seq 20); do
    cgroups | xargs -rI '{}' find '{}' -depth -type d -delete 2>/dev/null || true
    [ -n "$(cgroups)" ] || break
    sleep 0.1
  done
  # The sockets of the shims are the one thing that containerd puts elsewhere.
  { cat "$D"/state/containerd/state/io.containerd.runtime.v2.task/k8s.io/*/bootstrap.json 2>/dev/null || true; } |
    { grep -o '/run/containerd/s/[0-9a-f]*' || true; } | sort -u | xargs -r rm -f
  find /var/log/containers -type l -lname "$D/*" -delete 2>/dev/null || true
  awk -v folder="$D/state/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r | while read -r folder; do
    umount -l "$folder" 2>/dev/null || true
  done
  if grep -q " $D/state/" /proc/mounts; then
    echo "cluster.sh: still mounted, left in place: $(grep -o " $D/state/[^ ]*" /proc/mounts | head -n 3)" >&2
    return 1
  fi
  rm -rf --one-file-system "$D/state" "$D"/*.kubeconfig
}

down() {
  stop_all
  kill_pods
  ip netns del "$NETNS" 2>/dev/null || true
  remove_state
}

locked() {
  exec 9>"$D/.lock"
  flock -w 120 9 || { echo "cluster.sh: somebody else has been starting or ending $D for 2 minutes" >&2; exit 1; }
}

case $command in
  up) locked && up ;;
  down) locked && down ;;
  exec)
    [ $# -ge 1 ] || usage
    [ -f "$D/admin.kubeconfig" ] || { echo "cluster.sh: no cluster is up in $D" >&2; exit 1; }
    export KUBECONFIG=$D/admin.kubeconfig
    # shellcheck disable=SC2016
    exec "${ENTER[@]}" unshare --mount --propagation slave bash -c \
      'mount --bind "$0" "$(realpath /etc/resolv.conf)" && exec "$@"' "$D/state/resolv.conf" "$@"
    ;;
  *) usage ;;
esac
