/** The webhook configurations, as the registrar keeps them; outside a cluster also the guard, made and taken away. */
import type { Registration } from '../control/registrar.ts'
import { toldIn } from '../core/registration-told.ts'
import { elsewhereOf } from '../core/elsewhere.ts'
import { guardOf } from '../core/guard.ts'
import { registrationsOf, type ClientConfig, type Manifest } from '../core/registration.ts'
import { at, textAt, textsAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Log } from '../log.ts'
import type { ReadTold } from '../tls/ports.ts'
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

/** Registers a process that runs outside the cluster: guard first, then webhooks. `onNew` is told, before it is written, of each that was not there. */
export async function register(
  world: RegistrationWorld,
  account: string,
  onNew: (manifest: Manifest) => void = () => {},
): Promise<void> {
  for (const manifest of [...policiesOf(world, [account]), ...wantedBy(world)]) {
    const { name } = manifest.metadata
    const place = world.calls.admission(pluralOf(manifest))
    if ((await place.find(name)) === undefined) onNew(manifest)
    await place.apply(name, manifest, { fieldManager: world.name, force: true })
  }
}

/** What `register` makes: webhooks first, so that nothing waits for a process that is gone. */
export const registered = (world: RegistrationWorld): readonly Manifest[] => [
  ...wantedBy(world),
  ...policiesOf(world, []),
]

/** Takes these away. */
export async function unregister(
  { calls }: Pick<RegistrationWorld, 'calls'>,
  manifests: readonly Manifest[],
): Promise<void> {
  for (const manifest of manifests) {
    try {
      await calls.admission(pluralOf(manifest)).delete(manifest.metadata.name)
    } catch (error) {
      if (!isKubeError(error, 'NOT_FOUND')) throw error
    }
  }
}

/** Reads what the configurations of this name tell API servers. */
export const toldBy =
  (calls: Calls, name: string, log: Log): ReadTold =>
  async (signal) => {
    try {
      const kinds = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']
      const found = await Promise.all(
        kinds.map((kind) => calls.admission(plurals[kind] ?? '').find(name, { signal })),
      )
      return found.flatMap(toldIn)
    } catch (err) {
      log.debug({ err }, 'what API servers are told of us could not be read; trying again')
      return undefined
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
