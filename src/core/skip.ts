/**
 * The skip annotations: `<action>/prebackup: skip` and its siblings are the words of Velero's accepted design
 * (velero design/new-prepost-backuprestore-plugin-hooks.md); `tidewaiter.io/skip-actions: "<reason>"` skips all.
 */
import type { Stage } from '../api/action.ts'
import { holdAnnotation } from './hold/patches.ts'

/** Skips every action, with a reason. */
export const skipAllAnnotation = 'tidewaiter.io/skip-actions'

const suffixes: Readonly<Record<Stage, string>> = {
  PreBackup: 'prebackup',
  PostBackup: 'postbackup',
  PreRestore: 'prerestore',
  PostRestore: 'postrestore',
}

/** The annotation that skips one action at one stage. */
export const skipAnnotation = (action: string, stage: Stage): string => `${action}/${suffixes[stage]}`

/** The skip annotations among these, `key=value`. */
export function skipsIn(annotations: Readonly<Record<string, string>>): readonly string[] {
  const ends = Object.values(suffixes)
  return Object.entries(annotations)
    .filter(
      ([key, value]) =>
        key === skipAllAnnotation || (value === 'skip' && ends.some((end) => key.endsWith(`/${end}`))),
    )
    .map(([key, value]) => `${key}=${value}`)
}

/** Why the action is skipped by these annotations, or undefined if it is not. */
export function skipReason(
  annotations: Readonly<Record<string, string>>,
  action: string,
  stage: Stage,
): string | undefined {
  const key = skipAnnotation(action, stage)
  if (annotations[key] === 'skip') return `skipped by the annotation ${key}=skip`
  const all = annotations[skipAllAnnotation]
  return all === undefined
    ? undefined
    : `skipped by the annotation ${skipAllAnnotation}: ${all.slice(0, 256)}`
}

/**
 * Annotations that only we may write, brought along at CREATE; skip-actions is judged by itself, and so is the hold, which our
 * mutating webhook sets in the same request.
 */
export const foreignAnnotations = (annotations: Readonly<Record<string, string>>): readonly string[] =>
  Object.keys(annotations).filter(isForeign)

/** Whether an annotation is one of those. */
export const isForeign = (key: string): boolean =>
  key.startsWith('tidewaiter.io/') && key !== skipAllAnnotation && key !== holdAnnotation

/**
 * The annotations of an object that a Schedule made, as far as they count: Velero copies a Schedule's annotations, and
 * every check allows its account, so a skip counts only if the Schedule carries it still, where the guard judged who
 * wrote it. `written` asks for the Schedule's annotations; it is not asked where nothing is skipped.
 */
export async function countingSkips(
  annotations: Readonly<Record<string, string>>,
  written: () => Promise<Readonly<Record<string, string>>>,
): Promise<Readonly<Record<string, string>>> {
  if (skipsIn(annotations).length === 0) return {}
  const there = await written()
  return Object.fromEntries(Object.entries(annotations).filter(([key, value]) => there[key] === value))
}
