/**
 * Where the kubelet has the credentials of Velero's pod from, beside the pull secrets that plugins bring. The API server gives a pod the
 * pull secrets of its ServiceAccount only if it names none (plugin/pkg/admission/serviceaccount/admission.go of Kubernetes): with
 * the first one that a plugin brings they would be lost, and with them perhaps Velero's own image. So they go into the template too.
 */
import type { CarriedPlugin } from './declared.ts'
import type { PodTemplate } from './deployment.ts'
import { marked, pullSecretsAnnotation } from './patch.ts'

/** The pull secrets that a pod template names itself, or the ServiceAccount that gives it its own where it names none. */
export type PodCredentials = { readonly secrets: readonly string[] } | { readonly account: string }

/** Those of a template; what we added is not its own. */
export function credentialsOf(template: PodTemplate): PodCredentials {
  const ours = marked(template, pullSecretsAnnotation)
  const own = (template.imagePullSecrets ?? []).filter((name) => !ours.includes(name))
  // A reference without a name is allowed, names nothing, and keeps the account's away all the same.
  return own.length === 0
    ? { account: template.serviceAccount }
    : { secrets: own.filter((name) => name !== '') }
}

const namesOf = (credentials: PodCredentials): readonly string[] =>
  'account' in credentials
    ? [`ServiceAccount ${credentials.account}`]
    : credentials.secrets.map((name) => `Secret ${name}`)

/** How a template that is being written differs from those that plugins were looked at for: not at all, by more, or by less. */
export function credentialsBeside(
  written: PodCredentials,
  known: readonly PodCredentials[],
): 'same' | 'more' | 'less' {
  const [now, before] = [namesOf(written), known.flatMap(namesOf)]
  if (before.some((name) => !now.includes(name))) return 'less'
  return now.every((name) => before.includes(name)) ? 'same' : 'more'
}

/** A template that is being written, and the pull secrets of its ServiceAccount; undefined: not known. */
export type Recipient = {
  readonly template: PodTemplate
  readonly before: PodTemplate | undefined
  readonly accountSecrets: readonly string[] | undefined
}

/** The plugin with the pull secrets of the account, if it brings one and the template has none of its own. */
export function withAccountSecrets(plugin: CarriedPlugin, recipient: Recipient): CarriedPlugin {
  const { imagePullSecret, morePullSecrets = [] } = plugin
  const bringsNone = imagePullSecret === undefined && morePullSecrets.length === 0
  if (bringsNone || 'secrets' in credentialsOf(recipient.template)) return plugin
  return { ...plugin, morePullSecrets: [...morePullSecrets, ...carriedOver(recipient)] }
}

/** Where they are not known now, what was carried over before stays. */
const carriedOver = ({ template, before, accountSecrets }: Recipient): readonly string[] =>
  accountSecrets ??
  [template, before].flatMap((one) => (one === undefined ? [] : marked(one, pullSecretsAnnotation)))
