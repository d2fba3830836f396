/** The kubeconfig of a user, as YAML. */

/** What a kubeconfig says. */
export type KubeconfigFor = {
  readonly url: string
  readonly ca: string
  readonly user: string
  readonly token: string
  readonly namespace: string
}

/** Writes it; JSON texts are YAML texts, so no name can break out of its place. */
export function kubeconfigOf({ url, ca, user, token, namespace }: KubeconfigFor): string {
  const text = (value: string): string => JSON.stringify(value)
  return `apiVersion: v1
kind: Config
clusters:
- name: sandbox
  cluster:
    server: ${text(url)}
    certificate-authority-data: ${Buffer.from(ca).toString('base64')}
users:
- name: ${text(user)}
  user:
    token: ${text(token)}
contexts:
- name: sandbox
  context:
    cluster: sandbox
    user: ${text(user)}
    namespace: ${text(namespace)}
current-context: sandbox
`
}
