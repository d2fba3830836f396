/** What must hold for one Backup, whatever was killed while it was there: its records, and what the actions did, by Idempotency-Key. */
import type { Call, Loose } from './support.ts'

/** All that is known of one Backup in the end; `object` is undefined if it never came to be. */
export type Story = {
  readonly uid: string
  readonly object: Loose
  readonly runs: readonly Loose[]
  /** Every call that an action made for it. */
  readonly calls: readonly Call[]
}

// Velero says when it began in whole seconds.
const wholeSecondMs = 1_000

const began = ({ object }: Story): number => Date.parse(object?.status?.startTimestamp ?? '')
const keyOf = ({ headers }: Call): string => headers['idempotency-key'] ?? ''
/** The calls of an action, or of its undo, and those that were answered. */
function callsOf({ uid, calls }: Story, { stage, action, undo = '' }: Record<string, string>) {
  const made = calls.filter((call) => keyOf(call) === `${uid}/${stage}/${action}${undo}`)
  return { made, answered: made.filter(({ ended }) => ended === 'answered') }
}

/** Everything that is wrong; nothing if it is as promised. */
export function wrongs(story: Story): readonly string[] {
  const rows = story.runs.flatMap(({ spec, status }) =>
    (spec.actions as readonly Loose[]).map(({ name, spec: action }) => ({
      stage: spec.stage,
      name,
      action,
      phase: status?.phase,
      row: status?.actions?.find((one: Loose) => one.name === name) ?? {},
    })),
  )
  return [
    ...story.runs
      .filter(({ status }) => !over(status))
      .map((run) => `${run.metadata.name} is ${run.status?.phase}`),
    ...rows.flatMap((one) => (one.stage === 'PreBackup' ? preWrongs(story, one) : postWrongs(story, one))),
    ...unguarded(story),
  ]
}

const over = (status: Loose): boolean => !['Pending', 'Running', 'Undoing', undefined].includes(status?.phase)

function unguarded(story: Story): readonly string[] {
  const guarded = story.runs.some(
    ({ spec, status }) => spec.stage === 'PreBackup' && status?.phase === 'Succeeded',
  )
  return Number.isFinite(began(story)) && !guarded ? ['it ran, and its pre stage did not succeed'] : []
}

type Row = { readonly stage: string; readonly name: string; readonly action: Loose; readonly row: Loose }

function preWrongs(story: Story, one: Row): readonly string[] {
  const { made, answered } = callsOf(story, { stage: one.stage, action: one.name })
  const undos = callsOf(story, { stage: one.stage, action: one.name, undo: '/undo' })
  const ran = Number.isFinite(began(story))
  const wrong: string[] = [...recordWrongs(one, { made, answered })]
  if (ran && !answered.some(({ at }) => at < began(story) + wholeSecondMs))
    wrong.push(`it ran before ${one.name} was done`)
  if (one.action.undo === undefined) return wrong
  if (ran && undos.made.length > 0) wrong.push(`${one.name} was undone, and it ran`)
  const owed = !ran && made.length > 0 && one.row.noEffect !== true
  const last = made.at(-1)?.at ?? 0
  if (owed && !undos.answered.some(({ at }) => at >= last)) wrong.push(`${one.name} was never undone`)
  const undone = Date.parse(one.row.undo?.phase === 'Undone' ? one.row.undo.lastTimestamp : '')
  if (undos.made.some(({ at }) => at > undone)) wrong.push(`${one.name} was undone after that was recorded`)
  return wrong
}

function postWrongs(story: Story, one: Row): readonly string[] {
  const { made, answered } = callsOf(story, { stage: one.stage, action: one.name })
  const wrong: string[] = [...recordWrongs(one, { made, answered })]
  if (one.action.idempotent === false && made.length > 1)
    wrong.push(`${one.name} was done ${made.length} times`)
  if (one.action.idempotent !== false && Number.isFinite(began(story)) && answered.length === 0)
    wrong.push(`${one.name} was never done`)
  return wrong
}

type Made = { readonly made: readonly Call[]; readonly answered: readonly Call[] }

function recordWrongs({ name, row }: Row, { made, answered }: Made): readonly string[] {
  const recorded = Date.parse(row.phase === 'Succeeded' ? row.completionTimestamp : '')
  return [
    ...(row.phase === 'Succeeded' && answered.length === 0
      ? [`${name} is recorded as done, and was not`]
      : []),
    ...(['Pending', 'Skipped', undefined].includes(row.phase) && made.length > 0
      ? [`${name} is recorded as ${row.phase}, and was called`]
      : []),
    ...(made.some(({ at }) => at > recorded) ? [`${name} was done after it was recorded`] : []),
  ]
}
