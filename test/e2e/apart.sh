#!/usr/bin/env bash
# Runs a program in a network namespace of its own, in which loopback is all there is; and what stands in for a node:
#   10.244.0.1  the machine, with the default route, where light.sh and install-light.sh find it free
#   10.244.0.2  the server that actions call, by its names as a Service
# usage: apart.sh PROGRAM [ARGUMENT...]
set -euo pipefail
if [ "${1:-}" != --inside ]; then exec unshare --net --mount --propagation slave "$0" --inside "$@"; fi
shift
ip link set lo up
# kube-apiserver does not start without a default route from an address other than loopback.
ip link add apart type bridge
ip addr add 10.244.0.1/24 dev apart
ip addr add 10.244.0.2/24 dev apart
ip link set apart up
ip route add default dev apart
hosts=$(mktemp)
printf '%s\n' '127.0.0.1 localhost' '10.244.0.2 hook.e2e.svc hook.e2e.svc.cluster.local' >"$hosts"
mount --bind "$hosts" "$(realpath /etc/hosts)"
rm "$hosts"
exec "$@"
