/** The ConfigMap with the public keys of this cluster, for whoever lets another cluster trust them (`tidewaiter keys show`). Leader only. */
import type { Clock } from '../clock.ts'
import { keySetText } from '../core/exported/keys.ts'
import { ownLabels } from '../core/registration.ts'
import { textAt } from '../core/velero.ts'
import type { Log } from '../log.ts'
import type { OutputsKeys } from '../tls/outputs-key.ts'
import { ownKeys } from './exported.ts'
import type { Calls } from './kinds.ts'

/** Its name, for an install. */
export const publishedName = (install: string): string => `${install}-keys`
/** Where the set is in it. */
const publishedKey = 'jwks.json'
/** The label by which it is found whatever its install is called. */
export const publishedLabel = ['tidewaiter.io/publishes', 'keys'] as const

const everyMs = 60_000

/** What keeping it takes. */
export type PublishingWorld = {
  readonly calls: Pick<Calls, 'configMaps'>
  readonly clock: Clock
  readonly log: Log
  readonly cluster: string
  readonly at: { readonly namespace: string; readonly name: string }
  readonly outputsKeys: () => OutputsKeys | undefined
}

/** Keeps it as it should be until the signal aborts. */
export async function keepPublished(world: PublishingWorld, signal: AbortSignal): Promise<void> {
  const { clock, log, at } = world
  let told = ''
  while (!signal.aborted) {
    const trouble = await publish(world).then(
      () => '',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    // A lasting fault is told once, not at every look.
    if (trouble !== '' && trouble !== told)
      log.warn(
        { configMap: at.name, said: trouble },
        'the public keys of this cluster could not be published',
      )
    told = trouble
    await clock.sleep(everyMs, signal).catch(() => undefined)
  }
}

/** The set in such a ConfigMap; undefined if it has none. */
export const keySetIn = (configMap: unknown): string | undefined =>
  textAt(configMap, 'data', publishedKey) || undefined

async function publish({ calls, cluster, at, outputsKeys }: PublishingWorld): Promise<void> {
  const keys = ownKeys(outputsKeys(), cluster)
  if (keys.length === 0) return
  const text = keySetText(keys)
  const maps = calls.configMaps(at.namespace)
  const found = await maps.find(at.name)
  const [label, value] = publishedLabel
  // One that an earlier version wrote lacks the label.
  if (keySetIn(found) === text && textAt(found, 'metadata', 'labels', label) === value) return
  const resourceVersion = textAt(found, 'metadata', 'resourceVersion')
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...at,
      labels: { ...ownLabels, [label]: value },
      ...(found === undefined ? {} : { resourceVersion }),
    },
    data: {
      about:
        'The keys that sign the outputs which Backups of this cluster export. Give them to other clusters: --trusted-keys.',
      [publishedKey]: text,
    },
  }
  await (found === undefined ? maps.create(body) : maps.replace(at.name, body))
}
