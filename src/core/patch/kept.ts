/** What a patch keeps of the objects that it changes, in the row of its action: read again by whoever goes on with it. */
import type { Before } from '../run/before.ts'
import type { Change } from './changes.ts'
import { isTree } from './tree.ts'

/** One object, and what the patch changed in it. */
export type KeptObject = { readonly name: string; readonly uid: string; readonly changes: readonly Change[] }

/** As it is kept. */
export const keptAs = (objects: readonly KeptObject[]): Before => ({ objects })

/** What was kept; nothing if nothing was. A version of tidewaiter that keeps it otherwise is not guessed at: undefined. */
export function keptIn(before: Before | undefined): readonly KeptObject[] | undefined {
  if (before === undefined) return []
  const { objects } = before
  if (!Array.isArray(objects)) return undefined
  const read = objects.map(objectIn)
  return read.includes(undefined) ? undefined : read.filter((one) => one !== undefined)
}

function objectIn(value: unknown): KeptObject | undefined {
  if (!isTree(value)) return undefined
  const { name, uid, changes } = value
  if (typeof name !== 'string' || typeof uid !== 'string' || !Array.isArray(changes)) return undefined
  const read = changes.map(changeIn)
  return read.includes(undefined)
    ? undefined
    : { name, uid, changes: read.filter((one) => one !== undefined) }
}

function changeIn(value: unknown): Change | undefined {
  if (!isTree(value)) return undefined
  const { path, stood } = value
  if (!Array.isArray(path) || typeof stood !== 'number') return undefined
  const steps = path.map((step: unknown) => {
    if (typeof step === 'string') return step
    return isTree(step) && typeof step['name'] === 'string' ? { name: step['name'] } : undefined
  })
  if (steps.includes(undefined)) return undefined
  return {
    path: steps.filter((step) => step !== undefined),
    ...('before' in value ? { before: value['before'] } : {}),
    ...('after' in value ? { after: value['after'] } : {}),
    stood,
  }
}
