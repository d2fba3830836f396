# shellcheck shell=bash
# buildah with a store of its own below .cluster, so that nothing of the machine's is touched. usage: source buildah.sh, after paths.sh
store() {
  mkdir -p "$CACHE/buildah"
  [ -f "$CACHE/buildah/policy.json" ] || echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$CACHE/buildah/policy.json"
  printf '%s\n' --root "$CACHE/buildah/store" --runroot "$CACHE/buildah/run"
}
mapfile -t STORE < <(store)
policy=(--signature-policy "$CACHE/buildah/policy.json")

# Pushes an image of the store to the registry of the cluster D (network.sh) and prints its reference with digest.
# push_image IMAGE NAME:TAG
push_image() {
  local digest
  digest=$(mktemp)
  "${ENTER[@]}" buildah "${STORE[@]}" push --quiet "${policy[@]}" --tls-verify=false --digestfile "$digest" \
    "$1" "docker://$REGISTRY/$2" >&2
  echo "$REGISTRY/${2%:*}@$(cat "$digest")"
  rm -f "$digest"
}
