/** The pull secrets of the ServiceAccount of a template that is being written, where a plugin would keep them away. */
import type { DeclaredPlugin } from '../core/plugin/declared.ts'
import { credentialsOf } from '../core/plugin/pod-credentials.ts'
import { unlessAborted } from '../until.ts'
import type { BookPorts } from './book-ports.ts'
import type { Written } from './review.ts'

/** Undefined: they count, and could not be read. */
export type AccountSecrets = {
  readonly secrets: readonly string[] | undefined
  readonly warnings: readonly string[]
}

type Page = { readonly entries: readonly (readonly [unknown, { readonly plugin: DeclaredPlugin }])[] }
type Asking = { readonly ports: Pick<BookPorts, 'accountSecrets'>; readonly signal: AbortSignal }

/** Asks for them only if a plugin brings a pull secret, and the template has none of its own. */
export async function accountSecretsFor(
  { namespace, template }: Written,
  { entries }: Page,
  { ports, signal }: Asking,
): Promise<AccountSecrets> {
  const credentials = credentialsOf(template)
  const bringsSecret = entries.some(([, { plugin }]) => plugin.imagePullSecret !== undefined)
  if (!bringsSecret || 'secrets' in credentials) return { secrets: [], warnings: [] }
  const name = credentials.account
  try {
    const secrets = await unlessAborted(signal, ports.accountSecrets({ namespace, name }, signal))
    return { secrets, warnings: [] }
  } catch (error) {
    // A warning has 250 characters: what is cut off is why.
    const warning =
      `ServiceAccount ${name} could not be read, and a pod with a pull secret gets none of its account. ` +
      `If Velero needs those, add them to imagePullSecrets of its pod template (${error instanceof Error ? error.message : String(error)})`
    return { secrets: undefined, warnings: [warning] }
  }
}
