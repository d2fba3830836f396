# shellcheck shell=bash
# The network of a cluster: one namespace for each folder. usage: source network.sh, with D the folder of the cluster
ADDRESS=10.244.0.1 # the node on the pods' bridge; the API server, the registry, DNS and S3 listen here too
REGISTRY=$ADDRESS:5000
PRIVATE_REGISTRY=$ADDRESS:5001
DNS=10.96.0.10
NETNS=tidewaiter-$(cksum <<<"$D" | cut -d' ' -f1)
# In front of a command, enters the namespace. Not `ip netns exec`: its fresh /sys hides the cgroups from the kubelet.
ENTER=(nsenter "--net=/run/netns/$NETNS")
export ADDRESS REGISTRY PRIVATE_REGISTRY DNS

make_network() {
  ip netns add "$NETNS"
  "${ENTER[@]}" ip link set lo up
  "${ENTER[@]}" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.route_localnet=1
  "${ENTER[@]}" ip link add cni0 type bridge
  "${ENTER[@]}" ip addr add "$ADDRESS/24" dev cni0
  "${ENTER[@]}" ip link set cni0 up
  # Else a pod that calls another by its Service gets the answer past the translation of addresses.
  modprobe br_netfilter 2>/dev/null || true
  "${ENTER[@]}" sysctl -qw net.bridge.bridge-nf-call-iptables=1 || echo 'network: no br_netfilter; a Service may not answer pods' >&2
  "${ENTER[@]}" ip route add 10.96.0.0/16 dev cni0
}
