/** Puts back what a patch changed: each field that is still as the patch made it becomes what it was. */
import type { PatchBody } from '../api/patch-body.ts'
import { putBack, type PutBack } from '../core/patch/changes.ts'
import type { KeptObject } from '../core/patch/kept.ts'
import { isTree, mergeBetween, type Tree } from '../core/patch/tree.ts'
import { textAt } from '../core/velero.ts'
import { failedBy } from './acted.ts'
import type { Attempt, Context, FailedAttempt } from './runners.ts'

/** One undo of a patch. */
export type Reverting = {
  readonly body: PatchBody
  readonly what: string
  readonly context: Context
  readonly kept: readonly KeptObject[]
}

/** An object that somebody else writes at the same moment is looked at again this often. */
const mostRounds = 3

/** Puts all objects back, the last one that was patched first. What fails stops it: the undo is tried again as a whole. */
export async function revertAll(reverting: Reverting, signal: AbortSignal): Promise<Attempt> {
  const { what, kept } = reverting
  const said: string[] = []
  for (const one of [...kept].reverse()) {
    const done = await revertOne(one, reverting, signal)
    if (typeof done !== 'string') return done
    said.push(done)
  }
  const message = said.length === 0 ? `${what}: nothing was changed` : `${what}: ${said.join('; ')}`
  return { status: 'done', message, response: {} }
}

/** In words what became of one object. */
async function revertOne(
  kept: KeptObject,
  reverting: Reverting,
  signal: AbortSignal,
): Promise<string | FailedAttempt> {
  const { body, context } = reverting
  const { name, uid, changes } = kept
  for (let round = 1; ; round += 1) {
    const found = await context.actor.get(body, name, { subresource: body.subresource, signal })
    if (!('ok' in found)) return failedBy(found)
    if (found.ok === undefined) return `${name} is gone`
    if (textAt(found.ok, 'metadata', 'uid') !== uid)
      return `${name} is another object now, and was left alone`
    const back = putBack(found.ok, changes)
    const failed = await write(name, { from: found.ok, to: back.object }, { reverting, signal })
    if (failed === undefined) return wordsOf(name, back)
    if (failed.why !== '409' || round === mostRounds) return failed
  }
}

/** Makes one object of another, if nobody wrote it since it was looked at. */
async function write(
  name: string,
  { from, to }: { readonly from: Tree; readonly to: Tree },
  { reverting, signal }: { readonly reverting: Reverting; readonly signal: AbortSignal },
): Promise<FailedAttempt | undefined> {
  const { body, context } = reverting
  const difference = mergeBetween(from, to)
  if (Object.keys(difference).length === 0) return undefined
  const patch = atVersion(difference, textAt(from, 'metadata', 'resourceVersion'))
  const { subresource, fieldManager = 'tidewaiter' } = body
  const answer = await context.actor.patch(body, name, {
    type: 'merge',
    patch,
    subresource,
    fieldManager,
    signal,
  })
  return 'ok' in answer ? undefined : failedBy(answer)
}

const atVersion = (patch: Tree, resourceVersion: string): Tree => ({
  ...patch,
  metadata: { ...(isTree(patch['metadata']) ? patch['metadata'] : {}), resourceVersion },
})

// Names of fields, never what is in them.
const mostTold = 10
const listed = (paths: readonly string[]): string =>
  `${paths.slice(0, mostTold).join(', ')}${paths.length > mostTold ? ` and ${paths.length - mostTold} more` : ''}`

function wordsOf(name: string, { restored, left }: PutBack): string {
  const back = restored.length === 0 ? [] : [`put back ${listed(restored)}`]
  const kept = left.length === 0 ? [] : [`left ${listed(left)}: changed by somebody else since`]
  const words = [...back, ...kept]
  return `${name} ${words.length === 0 ? 'was as before' : words.join(', ')}`
}
