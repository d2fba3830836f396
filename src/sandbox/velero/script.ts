/** What a Backup or Restore is scripted to do, by annotation; anything else is a success after the usual time. */
import { textMapAt, type JsonObject } from '../apiserver/json.ts'
import { parseDuration } from './duration.ts'

/** Says how a Backup or Restore ends. */
export const outcomeAnnotation = 'sandbox.velero.io/outcome'
/** Says how long it is InProgress, as a Go duration: `3s`. */
export const durationAnnotation = 'sandbox.velero.io/duration'

/** The ends that may be asked for. */
export const outcomes = [
  'Completed',
  'PartiallyFailed',
  'Failed',
  'FailedNoCompletion',
  'Stuck',
  'RestartWhileInProgress',
  'FailedValidation',
] as const
/** An end that may be asked for. */
export type Outcome = (typeof outcomes)[number]

/** A script; `problem`: an annotation that cannot be understood. */
export type Script = { readonly outcome: Outcome; readonly durationMs: number; readonly problem?: string }

const longestMs = 24 * 3_600_000

/** The script of an object. */
export function scriptOf(object: JsonObject, usualMs: number): Script {
  const annotations = textMapAt(object, 'metadata', 'annotations')
  const asked = annotations[outcomeAnnotation] ?? 'Completed'
  const outcome = outcomes.find((one) => one === asked)
  const text = annotations[durationAnnotation]
  const durationMs = text === undefined ? usualMs : parseDuration(text)
  if (outcome === undefined)
    return failed(`${outcomeAnnotation} must be one of ${outcomes.join(', ')}, got "${asked}"`)
  if (durationMs === undefined || durationMs > longestMs)
    return failed(`${durationAnnotation} must be a duration of at most 24h such as 3s, got "${text}"`)
  if (outcome === 'FailedValidation')
    return failed(`asked for by the annotation ${outcomeAnnotation}`, durationMs)
  return { outcome, durationMs }
}

const failed = (problem: string, durationMs = 0): Script => ({
  outcome: 'FailedValidation',
  durationMs,
  problem,
})
