/** Adopts one Action: by an annotation that our webhook answers with the stamp of the one who writes it. */
import { adoptAnnotation } from '../admission/author.ts'
import { stampedFor } from '../core/adoption.ts'
import { authorAnnotation } from '../core/author.ts'
import { canonical } from '../core/canonical.ts'
import { at, textAt, type Json } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Resource } from '../kube/resource.ts'

/** What became of it. */
export type Adopted =
  { readonly author: string; readonly warnings: readonly string[] } | { readonly refused: string }

/** How to do it. */
export type Adopting = {
  readonly actions: Resource<Json>
  readonly dryRun: boolean
  /** Sets this adoption apart from every other one of the same Action. */
  readonly mark: string
  readonly signal: AbortSignal
}

const mostTries = 5

/** Adopts the Action as it was shown; one that was changed since is not. */
export async function adoptOne(shown: Json, adopting: Adopting): Promise<Adopted> {
  let now = shown
  for (let tries = 1; ; tries++) {
    const written = await write(now, adopting)
    if (written !== 'conflict') return written
    // The leader writes its status all the time.
    const found = await adopting.actions.find(textAt(shown, 'metadata', 'name'), { signal: adopting.signal })
    if (found === undefined) return { refused: 'it was deleted meanwhile' }
    if (tries === mostTries || !isSame(shown, found))
      return { refused: 'it was changed by another since it was shown; run this again to see it as it is' }
    now = found
  }
}

const isSame = (one: Json, other: Json): boolean =>
  textAt(one, 'metadata', 'uid') === textAt(other, 'metadata', 'uid') &&
  canonical(at(one, 'spec')) === canonical(at(other, 'spec'))

async function write(now: Json, adopting: Adopting): Promise<Adopted | 'conflict'> {
  const { actions, dryRun, mark, signal } = adopting
  const warnings: string[] = []
  const onWarnings = (texts: readonly string[]) => void warnings.push(...texts)
  const { uid, resourceVersion, name } = now['metadata'] as Readonly<Record<string, string>>
  // Without the stamp that is there: one on what comes back was made by our webhook, for whoever asks now.
  const annotations = { [adoptAnnotation]: mark, [authorAnnotation]: null }
  const patch = { metadata: { uid, resourceVersion, annotations } }
  try {
    const stored = await actions.mergePatch(name ?? '', patch, { dryRun, signal, onWarnings })
    const author = stampedFor(stored)
    return author === '' ? { refused: nobody } : { author, warnings }
  } catch (error) {
    if (!isKubeError(error)) throw error
    if (error.code === 'CONFLICT') return 'conflict'
    // Without a status nobody answered; without rights of any kind the rest fails alike.
    if (error.status === undefined || error.code === 'UNAUTHORIZED' || error.code === 'TOO_MANY') throw error
    return { refused: error.message }
  }
}

const nobody =
  'nobody stamped it: the webhooks of tidewaiter are not there or switched off (the label tidewaiter.io/gate=off on the namespace), or this user is the account of Velero, which is never an author'
