/** The sentences that clients see. A refusal reads the same everywhere: API error, log, record. */
import type { Stage } from '../api/action.ts'
import type { ActionRun, RunRow } from '../api/action-run.ts'
import type { Cooldown } from './cooldown.ts'
import { heldTooLong } from './hold/step.ts'
import { entries, specOf } from './run/rows.ts'
import { skipAnnotation } from './skip.ts'
import type { VeleroKind } from './velero.ts'

/** Which object is spoken of. */
export type Subject = { readonly kind: VeleroKind; readonly namespace: string; readonly name: string }

/** `1.4 s`, `250 ms`, `2 min 5 s`. */
export function spell(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 120_000) return `${(Math.round(ms / 100) / 10).toString()} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

const times = (attempts: number): string => (attempts === 1 ? '1 attempt' : `${attempts} attempts`)

/** The head of every refusal. */
export const head = ({ kind, namespace, name }: Subject): string =>
  `tidewaiter refused ${kind} ${namespace}/${name}`

/** How to get past everything of ours; told wherever it may be needed. */
export const breakGlass = (namespace: string): string =>
  `In an emergency, kubectl label namespace ${namespace} tidewaiter.io/gate=off switches tidewaiter off for this namespace`

/** What earlier actions of the stage did: what is being taken back, and what stays. */
function standing({ spec, status }: ActionRun): string {
  const done = entries(spec, status).filter(
    ({ action, row }) => row.phase === 'Succeeded' && !specOf(action).dryRun,
  )
  const named = (canUndo: boolean, words: string): string => {
    const names = done
      .filter(({ action }) => (specOf(action).undo !== undefined) === canUndo)
      .map(({ row }) => `"${row.name}"`)
    return names.length === 0 ? '' : `Done before it, and ${words}: ${names.join(', ')}. `
  }
  return named(true, 'being undone') + named(false, 'not undone')
}

/** What is written on a held object that somebody aborted; `words` say who, and why. */
export const abortedRefusal = (subject: Subject, words: string, run: string | undefined): string =>
  `${head(subject)}: ${words}. The ${subject.kind} was not started.${run === undefined ? '' : ` Run: ${run}`}`

/** What is written on a held object that may not start. */
export function heldRefusal(subject: Subject, run: ActionRun): string {
  const failed = entries(run.spec, run.status).findLast(({ row }) => row.phase === 'Failed')
  if (run.status.reason === 'ActionFailed' && failed !== undefined)
    return actionRefusal(subject, run, failed.row)
  const message = run.status.message ?? 'nobody knows why'
  // An action that it was cut short in says what it waited for, not why it was not let go on.
  const cut = run.status.reason === 'HeldTooLong' && message !== heldTooLong ? `${heldTooLong}, and ` : ''
  const why = `its ${run.spec.stage} actions did not end: ${message}`
  return `${head(subject)}: ${cut}${why}. The ${subject.kind} was not started. Run: ${run.metadata.name}`
}

/** A refusal because an action failed, as design 12 words it. What is held was created, and is not started. */
export function actionRefusal(subject: Subject, run: ActionRun, row: RunRow): string {
  const stage: Stage = run.spec.stage
  const started = Date.parse(row.startTimestamp ?? '')
  const took = Date.parse(row.completionTimestamp ?? '') - started
  const after = `after ${times(row.attempts)} in ${spell(Number.isFinite(took) ? took : 0)}`
  const skip = `${skipAnnotation(row.name, stage)}=skip`
  const fate = run.spec.held === true ? 'started' : 'created'
  return (
    `${head(subject)}: ${stage} action "${row.name}" failed ${after}: ${row.message ?? 'no answer'}. ` +
    `The ${subject.kind} was not ${fate}. ${standing(run)}Fix the cause or skip it with the annotation ${skip} ` +
    `(needs the verb skip on actions). Run: ${run.metadata.name}`
  )
}

/** A refusal for any other reason: what is wrong, and what to do next. */
export const refusal = (subject: Subject, why: string, next: string): string =>
  `${head(subject)}: ${why}. The ${subject.kind} was not created. ${next}`

/** The answer of a cool-down: the same as before, until when, and what ends it. `schedule`: that which waits, or ''. */
export function cooldownRefusal(
  subject: Subject,
  { run: before, holding }: Cooldown,
  { waitMs, schedule }: { readonly waitMs: number; readonly schedule: string },
): string {
  const said = before.status.message ?? 'an action failed'
  const names = holding.map(({ metadata }) => metadata.name).join(' ')
  // A person has no Schedule whose wait could be reset: what the label says is anybody's to write.
  const ends =
    schedule === ''
      ? `kubectl -n ${subject.namespace} delete actionruns ${names}`
      : `tidewaiter cooldowns reset ${schedule} -n ${subject.namespace} (needs the verb release on actionruns)`
  return (
    `${head(subject)}: refused again without running anything, for another ${spell(waitMs)}, because the same request was just refused ` +
    `(run ${before.metadata.name}: ${said}). The ${subject.kind} was not created. Fix the cause. A change of the spec of a matching Action ends this wait, ` +
    `and so does: ${ends}`
  )
}

/** One warning line for an action that failed and may: because it says `onError: Continue`, or is only tried out. */
export const passedOverWarning = (stage: Stage, row: RunRow, why: 'onError: Continue' | 'dryRun'): string =>
  `tidewaiter: ${stage} action "${row.name}" failed and was passed over (${why}): ${row.message ?? ''}`

/** One warning line for Actions whose spec came in another way. */
export const unadoptedWarning = (namespace: string, names: readonly string[]): string =>
  // What to do comes first: a warning is cut after 250 characters.
  `tidewaiter: not run, because nobody with the rights wrote them through tidewaiter (tidewaiter actions adopt -n ${namespace} --all): ${names.join(', ')}`
