/**
 * What an action found before it changed anything, kept in its row for its undo. It is written before the change is made: a crash in
 * between loses nothing. It stays in the run and never goes on the object, which a Restore may overwrite.
 */
import type { ActionRun, RunStatus } from '../../api/action-run.ts'
import { jsonBytesOf } from '../bytes.ts'
import { put } from './ending.ts'
import { entries, largestRows } from './rows.ts'

/** What was there, as the runner of the body that changed it understands it. */
export type Before = Readonly<Record<string, unknown>>

/** Keeps what an action found. Only once that is ok may it change anything; else the message says what stands in its way. */
export type Remember = (before: Before) => Promise<{ readonly ok: true } | { readonly refused: string }>

/** Largest record of one action, in bytes of JSON. */
export const largestBefore = 64 * 1024

/** What an action of the run found before; undefined if it changed nothing that is to be put back. */
export const beforeOf = (run: ActionRun, action: string): Before | undefined =>
  run.status.actions?.find(({ name }) => name === action)?.before

/** Why it cannot be kept, in words for whoever wrote the Action; undefined if it can. */
export function beforeRefusal(run: ActionRun, action: string, before: Before): string | undefined {
  const bytes = jsonBytesOf(before)
  if (bytes > largestBefore)
    return `what it would change must be kept for its undo in at most ${largestBefore} bytes of JSON, got ${bytes}; nothing was changed. Change fewer fields, or fewer objects`
  const others = entries(run.spec, run.status).map(({ row }) =>
    row.name === action ? { ...row, before: {} } : row,
  )
  if (jsonBytesOf(others) + bytes > largestRows)
    return 'what it would change cannot be kept for its undo: the record of this run is full; nothing was changed. Let fewer actions match'
  return undefined
}

/** The status with what the action found in its row, as long as it runs. */
export function remembered(run: ActionRun, action: string, before: Before): RunStatus {
  const entry = entries(run.spec, run.status).find(({ row }) => row.name === action)
  return entry?.row.phase === 'Running' ? put(run, { ...entry.row, before }).status : run.status
}
