# shellcheck shell=bash
# The node: registry, containerd, kubelet, kube-proxy and CoreDNS, inside the network namespace of the cluster.
# usage: source node.sh, after processes.sh and network.sh

# A registry with two images: busybox:1, and pause:1, which holds the namespaces of each pod.
start_registry() {
  local image=$D/state/busybox applet
  cat >"$D/state/registry.yaml" <<END
version: 0.1
storage: {filesystem: {rootdirectory: $D/state/registry}, delete: {enabled: true}}
http: {addr: '$REGISTRY'}
log: {level: error}
END
  start registry registry serve "$D/state/registry.yaml"
  mkdir -p "$image"/{bin,etc,tmp}
  cp "$(command -v busybox)" "$image/bin/busybox"
  for applet in $("$image/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -sf busybox "$image/bin/$applet"
  done
  printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$image/etc/passwd"
  echo 'hosts: files dns' >"$image/etc/nsswitch.conf"
  await registry 20 "${ENTER[@]}" crane catalog --insecure "$REGISTRY"
  "$REPO/test/cluster/push.sh" "$D" busybox:1 /bin/sh "$image" >/dev/null
  "$REPO/test/cluster/push.sh" "$D" pause:1 /bin/sleep,infinity "$image" >/dev/null
}

# A second registry, with a password (robot, pa:55word), TLS, and an authority that only who is told of it knows: state/private/ca.crt.
start_private_registry() {
  local own=$D/state/private certs=$D/state/certs.d/$PRIVATE_REGISTRY
  mkdir -p "$own" "$certs"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=private registry' \
    -keyout "$own/ca.key" -out "$own/ca.crt" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$ADDRESS" -keyout "$own/tls.key" -out "$own/tls.csr" 2>/dev/null
  openssl x509 -req -in "$own/tls.csr" -CA "$own/ca.crt" -CAkey "$own/ca.key" -CAcreateserial -days 2 -out "$own/tls.crt" \
    -extfile <(echo "subjectAltName=IP:$ADDRESS") 2>/dev/null
  # shellcheck disable=SC2016
  echo 'robot:$2a$05$k1kVhaVZq3RwYkMBVQxBAu.p75YQ5JoppEzLhBA8fG3rpxAoUjvZq' >"$own/htpasswd"
  cat >"$own/registry.yaml" <<END
version: 0.1
storage: {filesystem: {rootdirectory: $own/storage}, delete: {enabled: true}}
http: {addr: '$PRIVATE_REGISTRY', tls: {certificate: $own/tls.crt, key: $own/tls.key}}
auth: {htpasswd: {realm: private, path: $own/htpasswd}}
log: {level: error}
END
  cat >"$certs/hosts.toml" <<END
server = "https://$PRIVATE_REGISTRY"
[host."https://$PRIVATE_REGISTRY"]
  capabilities = ["pull", "resolve"]
  ca = "$own/ca.crt"
END
  start private-registry registry serve "$own/registry.yaml"
  await private-registry 20 "${ENTER[@]}" curl -fsS --cacert "$own/ca.crt" --user robot:pa:55word "https://$PRIVATE_REGISTRY/v2/"
}

start_containerd() {
  local certs=$D/state/certs.d
  mkdir -p "$certs/$REGISTRY" "$D/state/cni"
  cat >"$certs/$REGISTRY/hosts.toml" <<END
server = "http://$REGISTRY"
[host."http://$REGISTRY"]
  capabilities = ["pull", "resolve"]
END
  cat >"$D/state/cni/10-pods.conflist" <<END
{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
 "ipam": {"type": "host-local", "dataDir": "$D/state/ipam", "routes": [{"dst": "0.0.0.0/0"}],
          "ranges": [[{"subnet": "10.244.0.0/24", "rangeStart": "10.244.0.10", "gateway": "$ADDRESS"}]]}}]}
END
  # All state lies under D, so that clusters do not meet; without CAP_SYS_RESOURCE runc may not lower an OOM score.
  cat >"$D/state/containerd.toml" <<END
version = 3
root = "$D/state/containerd/root"
state = "$D/state/containerd/state"
[grpc]
  address = "$D/state/containerd.sock"
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.internal.v1.opt"]
  path = "$D/state/containerd/opt"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "$REGISTRY/pause:1"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "$certs"
[plugins."io.containerd.cri.v1.runtime"]
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "$D/state/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
      BinaryName = "/usr/sbin/runc"
      Root = "$D/state/containerd/runc"
END
  start containerd containerd -c "$D/state/containerd.toml"
  await containerd 30 test -S "$D/state/containerd.sock"
}

start_kubelet() {
  # cgroups of version 1 and 2 alike, without the hierarchy by class of service.
  cat >"$D/state/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
containerRuntimeEndpoint: unix://$D/state/containerd.sock
clusterDNS: [$DNS]
clusterDomain: cluster.local
resolvConf: ''
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
healthzPort: 0
readOnlyPort: 0
failSwapOn: false
evictionHard: {}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
podLogsDir: $D/logs/pods
volumePluginDir: $D/state/kubelet/plugins
serializeImagePulls: false
shutdownGracePeriod: 0s
END
  start kubelet kubelet --config "$D/state/kubelet.yaml" --kubeconfig "$D/admin.kubeconfig" --hostname-override node1 \
    --node-ip "$ADDRESS" --root-dir "$D/state/kubelet" --cert-dir "$D/state/kubelet/pki" --v=1
}

start_proxy() {
  cat >"$D/state/proxy.yaml" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: 10.244.0.0/24
hostnameOverride: node1
clientConnection: {kubeconfig: $D/admin.kubeconfig}
conntrack: {maxPerCore: 0}
END
  start proxy kube-proxy --config "$D/state/proxy.yaml"
}

# Names inside the cluster; any other does not exist, for there is no way out.
start_dns() {
  cat >"$D/state/Corefile" <<END
.:53 {
  ready $ADDRESS:8181
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $D/admin.kubeconfig test
    pods insecure
    ttl 5
  }
  template ANY ANY . {
    rcode NXDOMAIN
  }
}
END
  start coredns coredns -conf "$D/state/Corefile"
  printf 'nameserver %s\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n' "$DNS" >"$D/state/resolv.conf"
  "${ENTER[@]}" kubectl --kubeconfig "$D/admin.kubeconfig" apply -f - >/dev/null <<END
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  clusterIP: $DNS
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns-node, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
endpoints: [{addresses: [$ADDRESS], conditions: {ready: true}}]
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
END
  await coredns 30 "${ENTER[@]}" curl -fsS "http://$ADDRESS:8181/ready"
}
