/** Finds the public keys that installs of this cluster have published: each names its ConfigMap after itself, and few know that name. */
import { textAt } from '../core/velero.ts'
import { isKubeError, type KubeError } from '../kube/errors.ts'
import type { Calls } from './kinds.ts'
import { keySetIn, publishedLabel, publishedName } from './published-keys.ts'
import { coveredBy } from './registrations.ts'

/** Where a set is, and its text. */
export type FoundKeys = { readonly namespace: string; readonly name: string; readonly text: string }
/** What was found, and what this user may not see. */
export type LookedForKeys = { readonly found: readonly FoundKeys[]; readonly refused: readonly KubeError[] }

/** Where installs have them unless they were told otherwise: in a namespace of their own, or outside the cluster in Velero's. */
export const usualPlaces: readonly string[] = ['tidewaiter', 'velero']

/** All that are published in a namespace: by the label, and by the name that installs in a cluster give, which may be read without a list. */
export async function keysPublishedIn(
  { configMaps }: Pick<Calls, 'configMaps'>,
  namespace: string,
): Promise<LookedForKeys> {
  const maps = configMaps(namespace)
  const [named, labelled] = await Promise.all([
    ifAllowed(async () => [await maps.find(publishedName('tidewaiter'))]),
    ifAllowed(async () => (await maps.list({ labelSelector: publishedLabel.join('=') })).items),
  ])
  const found = new Map<string, FoundKeys>()
  for (const one of [...named.ok, ...labelled.ok]) {
    const [name, text] = [textAt(one, 'metadata', 'name'), keySetIn(one)]
    if (text !== undefined) found.set(name, { namespace, name, text })
  }
  return { found: [...found.values()], refused: [...named.refused, ...labelled.refused] }
}

/** Those of the installs that look after these namespaces, where this user may see which these are; else all. */
export async function keysFor(
  calls: Calls,
  namespaces: readonly string[],
  found: readonly FoundKeys[],
): Promise<readonly FoundKeys[]> {
  if (found.length < 2) return found
  const installs = await ifAllowed(() =>
    Promise.all(namespaces.map((namespace) => coveredBy(calls, '', [namespace]))),
  )
  const names = installs.ok.flatMap((install) => (install === undefined ? [] : [publishedName(install)]))
  const own = found.filter(({ name }) => names.includes(name))
  return own.length > 0 ? own : found
}

async function ifAllowed<T>(
  ask: () => Promise<readonly T[]>,
): Promise<{ readonly ok: readonly T[]; readonly refused: readonly KubeError[] }> {
  try {
    return { ok: await ask(), refused: [] }
  } catch (error) {
    if (isKubeError(error, 'FORBIDDEN')) return { ok: [], refused: [error] }
    throw error
  }
}
