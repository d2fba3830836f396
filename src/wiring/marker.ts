/** The marker ConfigMap: when this install came to be. A Backup that ended before it is history, and nothing fires for it. */
import { ownLabels } from '../core/registration.ts'
import { textAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Calls } from './kinds.ts'

/** When the install came to be, in milliseconds; the first process of an install writes it. */
export async function installedAt(
  calls: Calls,
  at: { readonly namespace: string; readonly name: string },
): Promise<number> {
  const maps = calls.configMaps(at.namespace)
  const found = await maps.find(at.name)
  if (found !== undefined) return Date.parse(textAt(found, 'metadata', 'creationTimestamp'))
  try {
    const made = await maps.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...at, labels: ownLabels },
      data: {
        about: 'Post actions never fire for a Backup or Restore that ended before this object was created.',
      },
    })
    return Date.parse(textAt(made, 'metadata', 'creationTimestamp'))
  } catch (error) {
    if (isKubeError(error, 'ALREADY_EXISTS')) return installedAt(calls, at)
    throw error
  }
}
