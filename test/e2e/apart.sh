#!/usr/bin/env bash
# Runs a program in a network namespace of its own, in which loopback is all there is.
# usage: apart.sh PROGRAM [ARGUMENT...]
set -euo pipefail
if [ "${1:-}" != --inside ]; then exec unshare --net "$0" --inside "$@"; fi
shift
ip link set lo up
# kube-apiserver does not start without a default route from an address other than loopback.
ip link add apart type bridge
ip addr add 192.0.2.1/24 dev apart
ip link set apart up
ip route add default dev apart
exec "$@"
