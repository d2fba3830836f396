/** The invariants: what must never have happened to an object, whatever went wrong around it. Pure. */
import type { Loose } from '../support/asking.ts'
import { roleOf, type Happening } from './history.ts'
import { answerWrongs } from './judge-answers.ts'
import { outputWrongs } from './judge-outputs.ts'
import type { Role, Scenario } from './scenarios.ts'
import { began, isEffectOf, isPre, objectIn, over, recordsOf } from './story.ts'
import type { Effect, Recorded, Story } from './story.ts'

/** Everything that is wrong with a story; nothing if it is as promised. */
export function judge(scenario: Scenario, story: Story): readonly string[] {
  const started = objectIn(story, began)
  const ofRoles = scenario.roles.flatMap((role) => [
    ...(role.on === 'wait' ? waitWrongs(role, story, started) : wrongsOf(role, story, started)),
    ...(role.on === undefined ? [] : actingWrongs(role, story)),
    ...((role.on ?? role.first) === undefined ? [] : failedByItself(role.role, story)),
    ...answerWrongs(role, story),
  ])
  const early = freedEarly(scenario, story, started)
    ? ['its exclusive key was given back before its undo or its post stage had ended']
    : []
  const rivals = overlaps(story, started).map(
    ({ by, role, undo }) =>
      `${undo ? 'the undo of ' : ''}${role} of ${by}, which shares its exclusive key, came in between`,
  )
  const hangs = story.flatMap((one) => (one.is === 'hangs' ? [`it never comes to an end: ${one.why}`] : []))
  return [
    ...ofRoles,
    ...early,
    ...rivals,
    ...outputWrongs(scenario, story),
    ...endWrongs(story, started),
    ...hangs,
  ]
}

const wrongsOf = (role: Role, story: Story, started: number): readonly string[] => [
  ...(isPre(role) ? preWrongs(role, story, started) : postWrongs(role, story, started)),
  ...recordWrongs(role, story),
]

/** What waits has no effect: it must have waited. */
function waitWrongs(role: Role, story: Story, started: number): readonly string[] {
  const followed = story.findIndex((one) => one.is === 'followed' && one.role === role.role)
  const isBefore = (at: number) => at >= 0 && (followed < 0 || followed > at)
  const recorded = recordsOf(role, story).find(({ row }) => row.phase === 'Succeeded')?.at ?? -1
  return [
    ...(isBefore(started) ? [`it began to run, and what ${role.role} waits for had not come to be`] : []),
    ...(isBefore(recorded)
      ? [`${role.role} is recorded as done, and what it waits for had not come to be`]
      : []),
  ]
}

/** What is put back is what was there when the action changed it last, once, and never over what somebody else made of it since. */
function actingWrongs({ role }: Role, story: Story): readonly string[] {
  const effects = story.filter((one): one is Effect => one.is === 'effect' && one.role === role)
  const wrongs = effects.flatMap((one, at) => {
    const last = effects.slice(0, at).findLast(({ undo }) => !undo)
    if (!one.undo) return []
    if (one.from !== last?.to) return [`${role} was put back over ${one.from}, which it had not made`]
    return one.to === last?.from
      ? []
      : [`${role} was put back to ${one.to}, and ${last?.from} was there before`]
  })
  const backs = effects.filter(({ undo }) => undo).length
  return [...wrongs, ...(backs > 1 ? [`${role} was put back ${backs} times`] : [])]
}

/** A scene whose action always fails would show nothing: it fails only where something went wrong, or time ran out. */
function failedByItself(role: string, story: Story): readonly string[] {
  if (story.some(({ is }) => is === 'fault' || is === 'disturbed')) return []
  const rows = story.flatMap((one) => (one.is === 'record' ? (one.status?.actions ?? []) : []))
  const failed = rows.find(({ name, phase }: Loose) => roleOf(name) === role && phase === 'Failed')
  const said: string = failed?.message ?? ''
  return failed === undefined || /within|time|abort|cut short|ended|lead/.test(said)
    ? []
    : [`${role} failed, and nothing had gone wrong: ${said}`]
}

/** Whether a person changed what the action had changed last: it must stay so. */
function isOthers({ role }: Role, story: Story): boolean {
  const last = story.findLast((one) => (one.is === 'effect' || one.is === 'changed') && one.role === role)
  return last?.is === 'changed'
}

/** The record of a post stage that is still to come to its end. */
const isOpenPost = (one: Happening | undefined): boolean =>
  one?.is === 'record' &&
  one.stage.startsWith('Post') &&
  ['Pending', 'Running', undefined].includes(one.status?.phase)

const isPostWork = (one: Happening): boolean =>
  isOpenPost(one) || (one.is === 'effect' && one.stage.startsWith('Post'))

/** Whether its key was free for others while it was still owed an undo, or a post stage that thaws. */
function freedEarly({ roles }: Scenario, story: Story, started: number): boolean {
  const freed = story.findIndex(({ is }) => is === 'freed')
  if (freed < 0) return false
  const before = story.slice(0, freed)
  // There may be no record of it yet when the key is given back: what comes after tells. Of what never ran nothing is to thaw.
  if (started >= 0 && story.slice(freed).some(isPostWork)) return true
  const role = roles.find(({ hasUndo }) => hasUndo === true)
  const [done, undoneByUs] = [false, true].map(
    (undo) => role !== undefined && before.some(isEffectOf(role, undo)),
  )
  const undone = undoneByUs === true || (role !== undefined && isOthers(role, before))
  if (started < 0 || started > freed) return done === true && !undone
  const post = before.findLast((one) => one.is === 'record' && one.stage.startsWith('Post'))
  return isOpenPost(post) || (role?.spec?.undoAt === 'Always' && !undone)
}

/** What was done for others that want its key, from its first action until its last undo and the end of its post stage. */
function overlaps(story: Story, started: number): readonly Extract<Happening, { is: 'rival' }>[] {
  const first = story.findIndex(({ is }) => is === 'effect')
  const last = story.findLastIndex((one) => one.is === 'effect' || (started >= 0 && isOpenPost(one)))
  return first < 0 ? [] : story.slice(first, last).filter((one) => one.is === 'rival')
}

function preWrongs(role: Role, story: Story, started: number): readonly string[] {
  const done = story.findIndex(isEffectOf(role, false))
  const wrongs =
    started >= 0 && (done < 0 || done > started)
      ? [`it began to run, and its pre action ${role.role} had not been done`]
      : []
  return role.hasUndo === true ? [...wrongs, ...undoWrongs(role, story, started)] : wrongs
}

function undoWrongs(role: Role, story: Story, started: number): readonly string[] {
  const done = story.findLastIndex(isEffectOf(role, false))
  const undone = story.findLastIndex(isEffectOf(role, true))
  const first = story.findIndex(isEffectOf(role, true))
  const isAlways = role.spec?.undoAt === 'Always'
  const ended = objectIn(story, over)
  if (started >= 0 && first >= 0 && !isAlways) return [`${role.role} was undone, and the object runs or ran`]
  if (started >= 0 && first >= 0 && (ended < 0 || first < ended))
    return [`${role.role} was undone before the object had ended`]
  if (done >= 0 && undone < done && (started < 0 || isAlways) && !isOthers(role, story))
    return [
      started < 0
        ? `${role.role} was done, the object never ran, and nobody undid it`
        : `${role.role} was not undone at the end`,
    ]
  return []
}

function postWrongs(role: Role, story: Story, started: number): readonly string[] {
  const effects = story.flatMap((one, at) => (isEffectOf(role, false)(one) ? [{ at, copy: one.copy }] : []))
  const ended = objectIn(story, over)
  const early = effects.filter(({ at }) => ended < 0 || at < ended)
  if (early.length > 0) return [`the post action ${role.role} was done before the object had ended`]
  if (started >= 0 && ended >= 0 && effects.length === 0 && !saysSo(role, story))
    return [`the object ran and ended, and its post action ${role.role} was never done`]
  if (role.spec?.idempotent === false && effects.filter(({ copy }) => !copy).length > 1)
    return [`${role.role} says idempotent: false and was done ${effects.length} times`]
  return []
}

/** Whether it is reported on the object that its post actions were not fired: it ended while a leader was there that could not look. */
export const isUnfired = (story: Story): boolean =>
  story.findLast((one) => one.is === 'object')?.notes['post'] === 'Unknown'

/**
 * Whether it is told that the action was not done: it failed, nobody knows, or one before it ended the stage so; or the object
 * says that it was not fired, which is bounded for all objects together (`mostUnfired`).
 */
function saysSo(role: Role, story: Story): boolean {
  if (isUnfired(story)) return true
  const status = recordsOf(role, story).at(-1)?.status
  const before = (status?.actions ?? []).filter(({ name }: Loose) => roleOf(name) <= role.role)
  return before.some(({ phase }: Loose) => phase === 'Failed' || phase === 'Unknown')
}

/** No record contradicts an effect, and nothing is done that is not claimed, nor again once it is recorded. */
function recordWrongs(role: Role, story: Story): readonly string[] {
  const records = recordsOf(role, story)
  return [...doneWrongs(role, story, records), ...undoneWrongs(role, story, records)]
}

function doneWrongs(role: Role, story: Story, records: readonly Recorded[]): readonly string[] {
  const effects = story.flatMap((one, at) => (isEffectOf(role, false)(one) ? [at] : []))
  const recorded = records.find(({ row }) => row.phase === 'Succeeded')
  const last = records.at(-1)?.row
  const denies = last?.noEffect === true || ['Skipped', 'Pending'].includes(last?.phase ?? 'Pending')
  return [
    ...unclaimed(effects, records, mayBeDone).map(() => `${role.role} was done while no record claimed it`),
    ...(recorded !== undefined && !effects.some((at) => at < recorded.at)
      ? [`${role.role} is recorded as done, and was not`]
      : []),
    ...(recorded !== undefined && effects.some((at) => at > recorded.at)
      ? [`${role.role} was done again after it was recorded as done`]
      : []),
    ...(denies && effects.length > 0
      ? [`${role.role} was done, and its record ends as ${last?.phase ?? 'nothing'}`]
      : []),
  ]
}

function undoneWrongs(role: Role, story: Story, records: readonly Recorded[]): readonly string[] {
  const effects = story.flatMap((one, at) => (isEffectOf(role, true)(one) ? [at] : []))
  const recorded = records.find(({ row }) => row.undo?.phase === 'Undone')
  return [
    ...unclaimed(effects, records, ({ status }) => status.phase === 'Undoing').map(
      () => `${role.role} was undone while no record said so`,
    ),
    ...(recorded !== undefined && !effects.some((at) => at < recorded.at) && hasChanged(role, story)
      ? [`${role.role} is recorded as undone, and was not`]
      : []),
    ...(recorded !== undefined && effects.some((at) => at > recorded.at)
      ? [`${role.role} was undone again after it was recorded as undone`]
      : []),
  ]
}

/** Whether there was something to put back: an action that calls may have been heard by nobody who tells us, but one that acts changed nothing. */
const hasChanged = (role: Role, story: Story): boolean =>
  role.on === undefined || (story.some(isEffectOf(role, false)) && !isOthers(role, story))

/** Claimed; or given up by whoever sent it, who says that it may have had its effect: it is heard a moment after that. */
const mayBeDone = ({ row, status }: Recorded): boolean =>
  (row.phase === 'Running' && status.phase === 'Running') ||
  (['Failed', 'Unknown'].includes(row.phase) && row.noEffect !== true)

/** The effects before which the record did not say that they were about to be. */
const unclaimed = (
  effects: readonly number[],
  records: readonly Recorded[],
  claims: (record: Recorded) => boolean,
): readonly number[] =>
  effects.filter((effect) => {
    const before = records.findLast(({ at }) => at < effect)
    return before === undefined || !claims(before)
  })

/** What record, object and the answer to its creator say in the end agrees. */
function endWrongs(story: Story, started: number): readonly string[] {
  const last = (kind: string) =>
    story.findLast((one) => one.is === 'record' && one.stage.startsWith(kind)) as
      { readonly status: Loose } | undefined
  const phaseOf = (status: Loose): string => status?.undoneFrom ?? status?.phase ?? 'Pending'
  const object = story.findLast((one) => one.is === 'object')
  const notes = object?.notes ?? {}
  const stored = story.some((one) => one.is === 'object')
  const answered = story.find((one) => one.is === 'answered')?.code ?? 0
  return [
    ...(started >= 0 && last('Pre') !== undefined && phaseOf(last('Pre')?.status) !== 'Succeeded'
      ? [`it ran, and the record of its pre actions ends as ${phaseOf(last('Pre')?.status)}`]
      : []),
    ...(['pre', 'post'] as const).flatMap((stage) => {
      const record = last(stage === 'pre' ? 'Pre' : 'Post')
      if (notes[stage] === undefined || record === undefined || notes[stage] === phaseOf(record.status))
        return []
      return [`the object says ${stage}=${String(notes[stage])}, its record ${phaseOf(record.status)}`]
    }),
    ...(answered >= 400 && stored ? ['its creator was told that it was refused, and it is stored'] : []),
    ...(answered >= 200 && answered < 300 && !stored
      ? ['its creator was told that it was created, and it never was']
      : []),
  ]
}
