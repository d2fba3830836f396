/** What a Backup or Restore that is seen needs: a run to be written, a run to be driven, results to be told. Pure. */
import type { ActionRun } from '../api/action-run.ts'
import { isInline } from './run/ending.ts'
import { hasEnded } from './run/machine.ts'
import { textAt, at, type Json, type Progress } from './velero.ts'

/** A Backup or Restore as the controller keeps it: only what decides. Times are milliseconds, NaN where absent. */
export type SeenObject = {
  readonly kind: 'Backup' | 'Restore'
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly createdAt: number
  readonly startedAt: number
  readonly completedAt: number
  /** When its status was last written, by managedFields. */
  readonly statusWrittenAt: number
  readonly schedule: string
  readonly progress: Json
  /** The annotations tidewaiter.io/pre and tidewaiter.io/post. */
  readonly pre: string
  readonly post: string
  /** It carries the annotation tidewaiter.io/hold. */
  readonly held: boolean
  /** The annotation tidewaiter.io/abort: who wants it to fail instead of starting, and why. */
  readonly abort: string | undefined
  /** It is being deleted: by the API server (a finalizer holds it), or by Velero. */
  readonly leaving: boolean
}

/** Reads what we keep of a Backup or Restore. */
export function seenObjectOf(kind: 'Backup' | 'Restore', raw: unknown): SeenObject {
  const time = (...path: readonly string[]) => Date.parse(textAt(raw, ...path))
  return {
    kind,
    namespace: textAt(raw, 'metadata', 'namespace'),
    name: textAt(raw, 'metadata', 'name'),
    uid: textAt(raw, 'metadata', 'uid'),
    createdAt: time('metadata', 'creationTimestamp'),
    startedAt: time('status', 'startTimestamp'),
    completedAt: time('status', 'completionTimestamp'),
    statusWrittenAt: statusWrittenAt(at(raw, 'metadata', 'managedFields')),
    schedule: textAt(raw, 'metadata', 'labels', 'velero.io/schedule-name'),
    progress: progressIn(raw),
    pre: textAt(raw, 'metadata', 'annotations', 'tidewaiter.io/pre'),
    post: textAt(raw, 'metadata', 'annotations', 'tidewaiter.io/post'),
    held: at(raw, 'metadata', 'annotations', 'tidewaiter.io/hold') !== undefined,
    abort: abortIn(raw),
    leaving:
      at(raw, 'metadata', 'deletionTimestamp') !== undefined || textAt(raw, 'status', 'phase') === 'Deleting',
  }
}

// Tens of thousands are kept, in a handful of phases: those of one phase share what says so.
const ofPhase = new Map<string, Json>()
const mostPhases = 32

/** What `progressOf` and the dashboard ask for: of one that failed, also why and when (Velero says it of no other). */
function progressIn(raw: unknown): Json {
  const text = (key: string) => textAt(raw, 'status', key)
  const phase = text('phase')
  if (phase === 'Failed') {
    const status = {
      phase,
      failureReason: text('failureReason'),
      completionTimestamp: text('completionTimestamp'),
    }
    return { status }
  }
  const known = ofPhase.get(phase)
  if (known !== undefined) return known
  const fresh = Object.freeze({ status: Object.freeze({ phase }) })
  if (ofPhase.size < mostPhases) ofPhase.set(phase, fresh)
  return fresh
}

/** Its presence is what counts. It is shown in messages that must stay short. */
function abortIn(raw: unknown): string | undefined {
  const text = at(raw, 'metadata', 'annotations', 'tidewaiter.io/abort')
  return typeof text === 'string' ? text.slice(0, 512) : undefined
}

function statusWrittenAt(managedFields: unknown): number {
  if (!Array.isArray(managedFields)) return Number.NaN
  const times = managedFields
    .filter((entry) => at(entry, 'fieldsV1', 'f:status') !== undefined)
    .map((entry) => Date.parse(textAt(entry, 'time')))
    .filter((time) => Number.isFinite(time))
  return times.length === 0 ? Number.NaN : Math.max(...times)
}

/** When it finished: by its own word, else by when its status was last written; NaN if nobody knows. */
export const finishedAt = (object: SeenObject): number =>
  Number.isFinite(object.completedAt) ? object.completedAt : object.statusWrittenAt

/**
 * Whether backup sync brought it (velero pkg/controller/backup_sync_controller.go): it finished before it was created here,
 * or, where it does not say when, it began a second before. Times are whole seconds. When it began says less: Velero's
 * clock may be a little behind the API server's. That it carries our results of another object says nothing: anybody could
 * write those to keep post actions away.
 */
export function isSynced({ completedAt, startedAt, createdAt }: SeenObject): boolean {
  return Number.isFinite(completedAt) ? completedAt < createdAt : startedAt < createdAt - 1_000
}

/** Whether `text`, the annotation tidewaiter.io/post or /pre, speaks of this run: a Schedule's or another cluster's copy does not. */
export const speaksOf = (text: string, run: string): boolean => runIn(text) === run && run !== ''

/** Whether the annotation tidewaiter.io/pre says that the object began without its pre actions. */
export const saysUnguarded = (text: string): boolean => at(noteIn(text), 'unguarded') === true

/** When the run that an annotation speaks of ended, milliseconds; NaN if it does not say. */
export const toldAt = (text: string): number => Date.parse(textAt(noteIn(text), 'at'))

/** The run that the annotation names, or ''. */
const runIn = (text: string): string => textAt(noteIn(text), 'run')

function noteIn(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    // Anybody may have written it before we were installed: what is not ours says nothing.
    return undefined
  }
}

/** What to do about the post stage of an object. */
export type PostStep =
  | { readonly do: 'nothing'; readonly because: string }
  | { readonly do: 'write-run'; readonly actionsBefore: number }
  | { readonly do: 'report-unfired'; readonly because: string }
  /** It ended while a leader was there that could not look: to be reported if an action of that time matches. */
  | { readonly do: 'report-missed'; readonly actionsBefore: number }
  /** It ended, and what is to be done for it stands in a run of another version. */
  | { readonly do: 'report-unread'; readonly because: string }
  | { readonly do: 'drive' }
  | { readonly do: 'wait'; readonly untilMs: number }
  | { readonly do: 'tell' }

/** What is known when the step is decided. */
export type PostFacts = {
  readonly object: SeenObject
  readonly progress: Progress
  readonly run: ActionRun | undefined
  /** Why its run cannot be understood, if there is one of another version; `run` is undefined then. */
  readonly unread: string | undefined
  readonly runName: string
  /** When this install came to be. */
  readonly installedAt: number
  /** Since when there was no leader before this one, less a margin: what ended later fires now. */
  readonly unwatchedSince: number
  /** Until when former leaders looked at everything, less a margin: what ended earlier was looked at, and matched nothing. */
  readonly lookedUntil: number
  readonly owner: string
  readonly formers: ReadonlySet<string>
  readonly now: number
}

/** How long after an owner's deadline the leader takes its run: two clocks may differ. */
export const clockMarginMs = 5_000

/** Decides. Level-triggered: the same facts give the same step. */
export function postStep(facts: PostFacts): PostStep {
  const { run, object, progress } = facts
  if (run === undefined) return withoutRun(facts)
  const phase = run.status.phase ?? 'Pending'
  if (hasEnded(run))
    return speaksOf(object.post, run.metadata.name)
      ? { do: 'nothing', because: 'done and told' }
      : { do: 'tell' }
  if (phase === 'Running') return ofRunning(run, facts)
  if (progress.provisional) return { do: 'wait', untilMs: 60_000 }
  return progress.itemsDone || progress.ended !== undefined
    ? { do: 'drive' }
    : { do: 'nothing', because: 'not ended yet' }
}

function ofRunning(run: ActionRun, facts: PostFacts): PostStep {
  const left = heldForMs(run, facts)
  return left > 0 ? { do: 'wait', untilMs: left } : { do: 'drive' }
}

/**
 * For how long a run must still be left to another: the owner of one that is Running or Undoing has until its deadline and a margin. What
 * this process claimed and did not end is its own to go on with: 0. So is what `formers` claimed, who led before this process does: each
 * ended all its calls when it lost the lead, which is at least five seconds before another can have it, and begins none without it.
 */
export function heldForMs(
  run: ActionRun,
  { owner, formers, now }: Pick<PostFacts, 'owner' | 'formers' | 'now'>,
): number {
  const { status } = run
  if ((status.phase !== 'Running' && status.phase !== 'Undoing') || status.owner === owner) return 0
  // A stage inside an admission request is its replica's, whether that leads or not.
  const isLeaders = status.phase === 'Undoing' || !isInline(run)
  if (isLeaders && formers.has(status.owner ?? '')) return 0
  const left = Date.parse(status.deadline ?? '') + clockMarginMs - now
  return left > 0 ? left : 0
}

function withoutRun(facts: PostFacts): PostStep {
  const { object, progress, runName, installedAt } = facts
  if (speaksOf(object.post, runName)) return { do: 'nothing', because: 'fired before; its run was pruned' }
  if (isSynced(object)) return { do: 'nothing', because: 'brought by backup sync' }
  if (facts.unread !== undefined) return ofUnread(facts.unread, facts)
  if (progress.ended === undefined) {
    return progress.phase === 'Deleting'
      ? { do: 'nothing', because: 'being deleted' }
      : { do: 'write-run', actionsBefore: Number.POSITIVE_INFINITY }
  }
  const finished = finishedAt(object)
  if (!Number.isFinite(finished)) {
    const recent = object.createdAt > installedAt
    return recent
      ? { do: 'report-unfired', because: 'nobody knows when it ended' }
      : { do: 'nothing', because: 'history' }
  }
  return finished < installedAt
    ? { do: 'nothing', because: 'ended before tidewaiter was installed' }
    : ofFinished(finished, facts)
}

function ofUnread(problem: string, { progress, runName }: PostFacts): PostStep {
  if (progress.ended === undefined) return { do: 'nothing', because: 'its run cannot be understood' }
  const next = `the version of tidewaiter that wrote it runs them; delete it if they are no longer wanted`
  return {
    do: 'report-unread',
    because: `this version cannot understand its ActionRun ${runName}, ${next} (${problem})`,
  }
}

function ofFinished(finished: number, { unwatchedSince, lookedUntil }: PostFacts): PostStep {
  if (finished >= unwatchedSince) return { do: 'write-run', actionsBefore: finished }
  // It may be days ago: whether its post actions still make sense is for a person to say.
  return finished >= lookedUntil
    ? { do: 'report-missed', actionsBefore: finished }
    : { do: 'nothing', because: 'ended while a leader looked, which found nothing to do' }
}
