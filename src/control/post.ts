/** Post actions: looks at one Backup or Restore, and does the one next thing that its state asks for. Leader only. */
import type { ActionRun } from '../api/action-run.ts'
import { bytesOf, longestEvent, toldWithin } from '../core/bytes.ts'
import { holds, withSeen } from '../core/run/conditions.ts'
import { drive, type Driven } from '../core/run/drive.ts'
import { hasEnded, type Seen } from '../core/run/machine.ts'
import { runName, stagesOf } from '../core/run/names.ts'
import { isDue, restMs, restOf } from '../core/run/rows.ts'
import { heldForMs, postStep, type PostFacts, type PostStep, type SeenObject } from '../core/post.ts'
import { progressOf, type Progress, type VeleroKind } from '../core/velero.ts'
import { tellPost } from './announce.ts'
import { isSame, leadOf, performClaimed } from './perform.ts'
import { planPost, writePostRun } from './plan.ts'
import type { ControlPorts } from './ports.ts'

/** Names one object; the queue is keyed by its text form. */
export type ObjectKey = {
  readonly kind: VeleroKind
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** What to do with the key afterwards: done, or look again in so many milliseconds. */
export type Again = { readonly inMs: number } | undefined

/** What is decided about an object, for as long as it is there; and about its runs, while they are. */
const ofObject = ['post', 'pre', 'early', 'held', 'unread']
const ofRuns = ['undo']

/** An admitted object may take this long to appear: the API server ends a whole write after 34 s. */
const appearMs = 60_000
/** A Deleting object, or one whose watch event is late, is looked at again after this. */
const soonMs = 5_000

/** Looks at one object. Throws when the API server could not be asked: the queue tries again later. */
export async function reconcilePost(
  key: ObjectKey,
  ports: ControlPorts,
  signal: AbortSignal,
): Promise<Again> {
  const object = ports.objects.seen(key.kind, key.namespace, key.name)
  const { post } = stagesOf(key.kind)
  const run = ports.runs.ofObject(key.uid).find(({ spec }) => spec.stage === post)
  // Velero could bring a run of another cluster: its object is not this one.
  if (run !== undefined && run.spec.cluster !== ports.cluster) return undefined
  if (object === undefined || object.uid !== key.uid) {
    const kept = ports.runs.ofObject(key.uid).length > 0
    if (!kept) ports.absentSince.delete(key.uid)
    for (const what of kept ? ofObject : [...ofObject, ...ofRuns]) ports.decided.delete(`${what}/${key.uid}`)
    return run === undefined ? undefined : gone(run, ports, signal)
  }
  const facts = factsOf(object, run, ports)
  const { progress } = facts
  return run === undefined
    ? withoutRun(postStep(facts), object, ports)
    : withRun(postStep(facts), run, { object, progress, ports, signal })
}

function factsOf(object: SeenObject, run: ActionRun | undefined, ports: ControlPorts): PostFacts {
  const name = runName(object, stagesOf(object.kind).post)
  const now = ports.clock.now()
  return {
    object,
    progress: progressOf(object.progress, now),
    run,
    unread: ports.runs.unread(object.namespace, name),
    runName: name,
    installedAt: ports.installedAt,
    unwatchedSince: ports.unwatchedSince,
    lookedUntil: ports.lookedUntil,
    owner: ports.owner,
    formers: ports.formers(),
    now,
  }
}

/** The post stage of the object of a pre run: over (there may be none), under way, or still to be planned. */
export function postStageOf(
  { spec }: ActionRun,
  object: SeenObject | undefined,
  ports: ControlPorts,
): 'over' | 'open' | 'unplanned' {
  const { kind, uid } = spec.objectRef
  const run = ports.runs.ofObject(uid).find((one) => one.spec.stage === stagesOf(kind).post)
  if (run !== undefined) return hasEnded(run) ? 'over' : 'open'
  if (object === undefined || ports.decided.has(decision(uid))) return 'over'
  const step = postStep(factsOf(object, run, ports))
  // What has not ended was looked at when it came to be, and nothing matched.
  const isKnown = step.do === 'nothing' || (step.do === 'write-run' && !Number.isFinite(step.actionsBefore))
  return isKnown ? 'over' : 'unplanned'
}

async function withoutRun(step: PostStep, object: SeenObject, ports: ControlPorts): Promise<Again> {
  if (ports.decided.has(decision(object.uid))) return undefined
  if (step.do === 'report-unfired') return reportUnfired(object, [step.because], ports)
  if (step.do === 'report-missed') return reportMissed(object, step.actionsBefore, ports)
  if (step.do === 'report-unread') return reportUnread(object, step.because, ports)
  return step.do === 'write-run' ? writeRun(object, step.actionsBefore, ports) : undefined
}

async function writeRun(object: SeenObject, actionsBefore: number, ports: ControlPorts): Promise<Again> {
  const written = await writePostRun(object, actionsBefore, ports)
  // It has a run that the copy does not show: never taken for nothing to do. The copy will bring the key sooner.
  if (written === 'exists') {
    ports.log.warn(
      { object: object.name },
      'its run exists and is not in the copy yet; it is looked at again',
    )
    return { inMs: appearMs }
  }
  const { run, problems } = written
  if (run === 'written') {
    // The result that will stand on the object is that of the others.
    if (problems.length > 0) await tellUnfired(object, problems, ports)
    return { inMs: 0 }
  }
  // Looked at once it had ended, and nothing matched: it is history from now on, whatever is written on it later.
  if (!Number.isFinite(actionsBefore)) return problems.length > 0 ? { inMs: 60_000 } : undefined
  if (problems.length > 0) await reportUnfired(object, problems, ports)
  ports.decided.add(decision(object.uid))
  return undefined
}

/** Not on the object: the version that understands the run goes on with it, and tells the result there. */
async function reportUnread(object: SeenObject, because: string, ports: ControlPorts): Promise<Again> {
  await tellUnfired(object, [because], ports)
  ports.decided.add(decision(object.uid))
  return undefined
}

async function reportMissed(object: SeenObject, actionsBefore: number, ports: ControlPorts): Promise<Again> {
  const found = await planPost(object, actionsBefore, ports)
  if (found !== undefined) {
    const names = found.plan.actions.map(({ name }) => name).join(', ')
    const ended = `it ended while tidewaiter could not look at it (an Action that could not be understood, or work that stood still)`
    const missed = names === '' ? [] : [`${ended}. Do by hand what is still wanted of ${names}`]
    const because = [...missed, ...found.plan.problems]
    if (because.length > 0) await reportUnfired(object, because, ports)
  }
  ports.decided.add(decision(object.uid))
  return undefined
}

const decision = (uid: string): string => `post/${uid}`

async function withRun(
  step: PostStep,
  run: ActionRun,
  at: Driving & { readonly object: SeenObject },
): Promise<Again> {
  if (!holds(run, 'Seen') && !hasEnded(run)) return markSeen(run, at.ports)
  if (step.do === 'wait') return { inMs: step.untilMs }
  if (step.do === 'tell') return tellPost(run, at.object, at.ports)
  return step.do === 'drive' ? driveOn(run, at) : undefined
}

/** Writes down that the object came to be: if it is gone later, it was deleted, and did not fail to appear. */
async function markSeen(run: ActionRun, ports: ControlPorts): Promise<Again> {
  const written = await ports.runs.write(run, withSeen(run, ports.clock.now()))
  // Where the copy is behind, its event will bring the key again.
  return { inMs: typeof written === 'string' ? soonMs : 50 }
}

/** The object is not there: it never came to be, or it was deleted. */
async function gone(run: ActionRun, ports: ControlPorts, signal: AbortSignal): Promise<Again> {
  const phase = run.status.phase ?? 'Pending'
  if (phase !== 'Pending' && phase !== 'Running') return undefined
  const age = ports.clock.now() - Date.parse(run.metadata.creationTimestamp)
  if (age < appearMs && !holds(run, 'Seen')) return { inMs: appearMs - age }
  const { kind, name, uid } = run.spec.objectRef
  const live = await ports.objects.read(kind, run.metadata.namespace, name)
  // The cache is behind: its event will bring the key again.
  if (live !== undefined && isSame(live, uid)) return { inMs: soonMs }
  const fresh = await ports.runs.read(run.metadata.namespace, run.metadata.name)
  if (fresh === undefined) return undefined
  const progress = progressOf(undefined, ports.clock.now())
  if (holds(fresh, 'Seen')) return driveOn(fresh, { progress, ports, signal })
  const message = `the ${kind} never appeared: its creation was refused after tidewaiter had admitted it`
  await drive(fresh, { see: 'pointless', message }, workless(ports))
  return undefined
}

const workless = (ports: ControlPorts) => ({
  now: ports.clock.now,
  write: ports.runs.write,
  perform: () => Promise.reject(new Error('nothing is performed here')),
})

type Driving = {
  readonly object?: SeenObject
  readonly progress: Progress
  readonly ports: ControlPorts
  readonly signal: AbortSignal
}

async function driveOn(known: ActionRun, at: Driving): Promise<Again> {
  const { ports } = at
  // Read anew: the cache may be behind, and an action must not be claimed from a stale row.
  const run = await ports.runs.read(known.metadata.namespace, known.metadata.name)
  if (run === undefined) return undefined
  const now = ports.clock.now()
  const held = heldForMs(run, leadOf(ports))
  if (held > 0) return { inMs: held }
  const rest = restOf(run, now)
  if (rest > 0) return { inMs: rest }
  const until = now + 60_000
  const see = run.status.phase === 'Running' ? 'overdue' : 'claim'
  const seen: Seen = { see, owner: ports.owner, until, progress: at.progress }
  const driven = await drive(run, seen, {
    now: ports.clock.now,
    write: ports.runs.write,
    progress: () => at.progress,
    because: () => (at.signal.aborted || ports.leading.aborted ? 'Stopping' : undefined),
    perform: (current, work, remember) => performClaimed(current, work, { ...at, remember }),
  })
  return afterDriving(driven, at)
}

async function afterDriving(driven: Driven, { ports, object, progress }: Driving): Promise<Again> {
  const { run, effects } = driven
  for (const effect of effects) {
    if (effect.do === 'report-unknown')
      ports.log.error({ run: run.metadata.name, action: effect.action }, 'nobody knows what this action did')
  }
  if (driven.lost !== undefined) return { inMs: soonMs }
  if (effects.some((effect) => effect.do === 'announce')) {
    ports.count(run)
    return object === undefined ? undefined : tellPost(run, object, ports)
  }
  // Handed back although something is due: by a tool of ours that failed, or because this process stops.
  return run.status.phase === 'Pending' && isDue(run, progress) ? { inMs: restMs } : undefined
}

async function reportUnfired(
  object: SeenObject,
  because: readonly string[],
  ports: ControlPorts,
): Promise<Again> {
  await tellUnfired(object, because, ports)
  const run = runName(object, stagesOf(object.kind).post)
  await ports.objects.annotate(
    object,
    'tidewaiter.io/post',
    JSON.stringify({ phase: 'Unknown', run, at: new Date(ports.clock.now()).toISOString() }),
  )
  return undefined
}

async function tellUnfired(
  object: SeenObject,
  because: readonly string[],
  ports: ControlPorts,
): Promise<void> {
  const { kind, namespace, name, uid } = object
  const head = `tidewaiter did not run post actions for ${kind} ${name}: `
  await ports.tell({
    regarding: { kind, namespace, name, uid },
    type: 'Warning',
    reason: 'PostActionsNotFired',
    message: head + toldWithin(because, longestEvent - bytesOf(head)),
  })
}
