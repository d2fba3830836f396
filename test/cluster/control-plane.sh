# shellcheck shell=bash
# etcd, kube-apiserver, controller manager and scheduler, for the whole cluster and the light form.
# usage: source control-plane.sh, after processes.sh

# write_kubeconfig FILE SERVER TOKEN [NAMESPACE]
write_kubeconfig() {
  cat >"$1" <<END
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "$2", certificate-authority: "$D/state/certs/apiserver.crt"}}]
users: [{name: user, user: {token: $3}}]
contexts: [{name: test, context: {cluster: test, user: user, namespace: ${4:-default}}}]
current-context: test
END
  chmod 600 "$1"
}

# start_etcd CLIENT_PORT PEER_PORT
start_etcd() {
  start etcd etcd --data-dir "$D/state/etcd" --unsafe-no-fsync --log-level error \
    --listen-client-urls "http://127.0.0.1:$1" --advertise-client-urls "http://127.0.0.1:$1" \
    --listen-peer-urls "http://127.0.0.1:$2" --initial-advertise-peer-urls "http://127.0.0.1:$2" \
    --initial-cluster "default=http://127.0.0.1:$2"
}

# Writes admin.kubeconfig and alice.kubeconfig; more users by lines in state/tokens.csv before.
# start_apiserver ETCD_PORT ADDRESS PORT FLAG...
start_apiserver() {
  local etcd=$1 address=$2 port=$3
  shift 3
  openssl ecparam -name prime256v1 -genkey -noout -out "$D/state/sa.key" 2>/dev/null
  printf '%s\n' 'admin-token,admin,admin,system:masters' 'alice-token,alice,alice,developers' >>"$D/state/tokens.csv"
  write_kubeconfig "$D/admin.kubeconfig" "https://$address:$port" admin-token
  write_kubeconfig "$D/alice.kubeconfig" "https://$address:$port" alice-token
  start apiserver kube-apiserver --etcd-servers="http://127.0.0.1:$etcd" --secure-port="$port" --cert-dir="$D/state/certs" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file="$D/state/sa.key" \
    --service-account-signing-key-file="$D/state/sa.key" --token-auth-file="$D/state/tokens.csv" --authorization-mode=RBAC \
    --allow-privileged=true --kubelet-preferred-address-types=InternalIP --audit-policy-file="$REPO/test/cluster/audit.yaml" --audit-log-path="$D/audit.log" --v=1 "$@"
  await apiserver 90 "${ENTER[@]}" kubectl --kubeconfig "$D/admin.kubeconfig" get --raw /readyz
}

start_controllers() {
  start controller-manager kube-controller-manager --kubeconfig "$D/admin.kubeconfig" --leader-elect=false --secure-port 0 \
    --service-account-private-key-file "$D/state/sa.key" --root-ca-file "$D/state/certs/apiserver.crt"
  start scheduler kube-scheduler --kubeconfig "$D/admin.kubeconfig" --leader-elect=false --secure-port 0
}
