/** The webhook configurations, as the registrar keeps them; outside a cluster also the guard, made and taken away. */
import type { Registration } from '../control/registrar.ts'
import { elsewhereOf } from '../core/elsewhere.ts'
import { guardOf } from '../core/guard.ts'
import { registrationsOf, type ClientConfig, type Manifest } from '../core/registration.ts'
import { at, textAt, textsAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Calls } from './kinds.ts'

/** What registrations depend on. */
export type RegistrationWorld = {
  readonly calls: Calls
  readonly name: string
  readonly namespaces: readonly string[]
  readonly clientConfig: ClientConfig
  readonly token: () => string
  readonly caBundle: () => string
}

const plurals: Readonly<Record<string, string>> = {
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
}

const pluralOf = (manifest: Manifest): string => plurals[manifest.kind] ?? ''

const wantedBy = (world: RegistrationWorld): readonly Manifest[] =>
  registrationsOf({ ...world, token: world.token(), caBundle: world.caBundle() })

const policiesOf = ({ name, namespaces }: RegistrationWorld, accounts: readonly string[]) => [
  ...guardOf({ name, namespaces, accounts }),
  ...elsewhereOf({ name, namespaces }),
]

/** Both configurations, to be kept. */
export function registrationsFor(world: RegistrationWorld): readonly Registration[] {
  return wantedBy({ ...world, token: () => '', caBundle: () => '' }).map((manifest) => {
    const configurations = world.calls.admission(pluralOf(manifest))
    return {
      name: `${manifest.kind}/${world.name}`,
      wanted: () => wantedBy(world).find(({ kind }) => kind === manifest.kind),
      read: () => configurations.find(world.name),
      patch: async (operations) => void (await configurations.jsonPatch(world.name, operations)),
    }
  })
}

/** Registers a process that runs outside the cluster: guard first, then webhooks. */
export async function register(world: RegistrationWorld, account: string): Promise<void> {
  for (const manifest of [...policiesOf(world, [account]), ...wantedBy(world)]) {
    await world.calls
      .admission(pluralOf(manifest))
      .apply(manifest.metadata.name, manifest, { fieldManager: world.name, force: true })
  }
}

/** Takes away what `register` made: webhooks first, so that nothing waits for a process that is gone. */
export async function unregister(world: RegistrationWorld): Promise<void> {
  for (const manifest of [...wantedBy(world), ...policiesOf(world, [])]) {
    try {
      await world.calls.admission(pluralOf(manifest)).delete(manifest.metadata.name)
    } catch (error) {
      if (!isKubeError(error, 'NOT_FOUND')) throw error
    }
  }
}

/** The name of an install, other than `own`, whose webhooks cover one of the namespaces; undefined if there is none. */
export async function coveredBy(
  calls: Calls,
  own: string,
  namespaces: readonly string[],
): Promise<string | undefined> {
  const { items } = await calls.admission(plurals['ValidatingWebhookConfiguration'] ?? '').list()
  const others = items.filter(
    (item) =>
      textAt(item, 'metadata', 'labels', 'app.kubernetes.io/part-of') === 'tidewaiter' &&
      textAt(item, 'metadata', 'name') !== own,
  )
  const covers = (item: unknown) => {
    const webhooks = at(item, 'webhooks')
    const expressions = (Array.isArray(webhooks) ? webhooks : []).flatMap(
      (webhook) => at(webhook, 'namespaceSelector', 'matchExpressions') ?? [],
    )
    return expressions.some((one) => textsAt(one, 'values').some((value) => namespaces.includes(value)))
  }
  return textAt(others.find(covers), 'metadata', 'name') || undefined
}
