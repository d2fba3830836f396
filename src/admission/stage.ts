/** Runs the pre stage of one object: claim the name, write the run, act, answer. A repeated question joins or replays. */
import type { ActionRun } from '../api/action-run.ts'
import type { DecisionCall } from '../api/admission-decision.ts'
import { actionRefusal, breakGlass, passedOverWarning, refusal, type Subject } from '../core/refusal.ts'
import type { NewRun } from '../core/run/draft.ts'
import { drive, type Driven } from '../core/run/drive.ts'
import { endedPhase } from '../core/run/ending.ts'
import { hasEnded, type AbortReason } from '../core/run/machine.ts'
import { entries, specOf, type Entry } from '../core/run/rows.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import { headsFirst, wouldRun } from '../core/would-run.ts'
import { unlessAborted } from '../until.ts'
import type { Arrival } from './facts.ts'
import type { GatePorts } from './gate-ports.ts'

/** What is to be run for one object. */
export type Planned = {
  readonly arrival: Arrival
  /** Milliseconds since the epoch. */
  readonly endsAt: number
  /** Aborts when the API server gives up. */
  readonly signal: AbortSignal
  readonly pre?: NewRun
  readonly post?: NewRun
}

const pollMs = 200

/** Stages of one kind that run in this replica at one time. Each holds its object and calls out: more would only run out of their time together. */
export const mostInFlight = 256

/** Nothing was done for it, so that it may be asked again; never 429, which the API server would answer by asking again itself. */
const busy = ({ subject }: Arrival): Verdict =>
  deny(
    'Busy',
    refusal(
      subject,
      `${mostInFlight} other ${subject.kind}s are being admitted by this replica at this moment`,
      'Nothing was run. Try again in some seconds',
    ),
    { code: 500 },
  )

/** The stage runner; it remembers the stages in flight in this replica. */
export function runStage(ports: GatePorts): (planned: Planned) => Promise<Verdict> {
  const inFlight = new Map<string, Promise<Verdict>>()
  return (planned) => {
    const { uid } = planned.arrival
    const running = inFlight.get(uid)
    if (running !== undefined) return running
    if (inFlight.size >= mostInFlight) return Promise.resolve(busy(planned.arrival))
    const verdict = admit(planned, ports).finally(() => inFlight.delete(uid))
    inFlight.set(uid, verdict)
    return verdict
  }
}

async function admit(planned: Planned, ports: GatePorts): Promise<Verdict> {
  const verdict = planned.pre === undefined ? allow('PostOnly') : await claimed(planned, planned.pre, ports)
  if (verdict.allowed && planned.post !== undefined) await prepare(planned.post, planned, ports)
  return verdict
}

/** Writes the post run. If that fails, the controller writes it when it first sees the object. */
async function prepare(post: NewRun, { endsAt }: Planned, ports: GatePorts): Promise<void> {
  // The pre actions have done their work: the answer must not be late for the sake of this record.
  const deadline = ports.clock.abortAfter(Math.max(0, endsAt - ports.clock.now()))
  try {
    await unlessAborted(deadline.signal, ports.runs.create(post))
  } catch (error) {
    ports.log.warn(
      { run: post.metadata.name, err: error },
      'the post run could not be written yet; the controller will write it',
    )
  } finally {
    deadline.release()
  }
}

async function claimed(planned: Planned, pre: NewRun, ports: GatePorts): Promise<Verdict> {
  const { subject, uid } = planned.arrival
  const claim = await ports.claimName(subject, uid)
  if ('heldBy' in claim) {
    const why = `another creation of the same name is under way (uid ${claim.heldBy})`
    return deny(
      'NameClaimed',
      refusal(subject, why, 'Nothing was run. Try again in a minute if it does not appear'),
      { code: 409 },
    )
  }
  let keep = false
  try {
    // Asked again: between the first look and the claim, a creation before this one may have been stored and let go.
    if (await ports.exists(subject)) return nameTaken(subject)
    const verdict = await recorded(planned, pre, ports)
    // Allowed: the leader gives the claim back once the object is there. RunTaken: another replica still works under it.
    keep = verdict.allowed || verdict.reason === 'RunTaken'
    return verdict
  } finally {
    if (!keep) await release(planned, ports)
  }
}

/**
 * The answer for a name that an object has, as the API server would word it. Not left to the API server: the object may be
 * gone before it looks, and the new one would then be stored without its actions.
 */
export const nameTaken = ({ kind, name }: Subject): Verdict =>
  deny('AlreadyExists', `${kind.toLowerCase()}s.velero.io "${name}" already exists; tidewaiter ran nothing`, {
    code: 409,
  })

async function release({ arrival }: Planned, ports: GatePorts): Promise<void> {
  try {
    await ports.releaseName(arrival.subject, arrival.uid)
  } catch (error) {
    ports.log.debug({ err: error }, 'name claim left to expire')
  }
}

async function recorded(planned: Planned, pre: NewRun, ports: GatePorts): Promise<Verdict> {
  const created = await ports.runs.create(pre)
  if (created === 'exists') return joined(planned, pre, ports)
  const driven = await act(planned, created, ports)
  if (driven.lost === undefined) ports.count(driven.run)
  return verdictOf(planned, driven, ports)
}

function act(planned: Planned, run: ActionRun, ports: GatePorts): Promise<Driven> {
  const { arrival, endsAt, signal } = planned
  const because = (): AbortReason | undefined =>
    ports.clock.now() >= endsAt ? 'OutOfTime' : signal.aborted ? 'ClientGone' : undefined
  return drive(
    run,
    { see: 'claim', owner: ports.owner, until: endsAt },
    {
      now: ports.clock.now,
      because,
      write: ports.runs.write,
      perform: (current, work, remember) => {
        const entry = entries(current.spec, current.status).find(({ action }) => action.name === work.action)
        if (entry === undefined) throw new Error(`run ${current.metadata.name} has no action ${work.action}`)
        const renderOnly = work.do === 'perform' && work.renderOnly
        return ports.perform({
          run: current,
          action: entry.action,
          object: arrival.object,
          renderOnly,
          rehearse: renderOnly,
          remember,
          endsAt,
          signal,
        })
      },
    },
  )
}

function verdictOf(planned: Planned, driven: Driven, ports: GatePorts): Verdict {
  const { subject } = planned.arrival
  if (driven.lost === undefined) return replay(planned, driven.run)
  ports.log.error({ run: driven.run.metadata.name, lost: driven.lost }, 'the run was taken from this replica')
  const why = `its run ${driven.run.metadata.name} was ${driven.lost === 'gone' ? 'deleted' : 'written by another'} while it ran`
  return deny('RunLost', refusal(subject, why, 'Try again'), { code: 500 })
}

/** The answer that a settled run stands for; the same whenever it is asked for. */
function replay({ arrival }: Planned, run: ActionRun): Verdict {
  const { subject } = arrival
  const rows = entries(run.spec, run.status)
  const recorded = { audit: { run: run.metadata.name }, calls: rows.map(callOf) }
  if (endedPhase(run) === 'Succeeded' || endedPhase(run) === 'Skipped') {
    const { stage } = run.spec
    const failed = rows.filter(({ row }) => row.phase === 'Failed')
    const rendered = rows.filter(({ action, row }) => row.phase === 'Succeeded' && specOf(action).dryRun)
    const warnings = [
      ...failed.map(({ action, row }) =>
        passedOverWarning(stage, row, specOf(action).dryRun ? 'dryRun' : 'onError: Continue'),
      ),
      ...headsFirst(rendered.map(({ row }) => wouldRun(stage, row.name, row.request ?? ''))),
    ]
    return { ...allow('ActionsSucceeded', run.status.message ?? '', warnings), ...recorded }
  }
  // The last one: an action before it may have failed with the same words, and was passed over.
  const failed = rows.findLast(({ row }) => row.phase === 'Failed')
  if (run.status.reason === 'ActionFailed' && failed !== undefined) {
    const audit = { ...recorded.audit, action: failed.row.name }
    return { ...deny('ActionFailed', actionRefusal(subject, run, failed.row)), ...recorded, audit }
  }
  const why = `${run.spec.stage} actions did not end: ${run.status.message ?? 'nobody knows why'}`
  const code = run.status.reason === 'OutOfTime' ? 504 : 500
  return {
    ...deny(run.status.reason ?? 'Unknown', refusal(subject, why, `Run: ${run.metadata.name}`), { code }),
    ...recorded,
  }
}

/** What the record of the decision says of an action; secrets are masked in its row. */
const callOf = ({ row: { name, phase, attempts, request, message } }: Entry): DecisionCall => ({
  action: name,
  phase,
  attempts,
  ...(request === undefined ? {} : { request }),
  ...(message === undefined ? {} : { answer: message }),
})

/** The same object is asked about again: another replica runs, or ran, its stage. */
async function joined(planned: Planned, pre: NewRun, ports: GatePorts): Promise<Verdict> {
  const { subject, uid } = planned.arrival
  while (ports.clock.now() < planned.endsAt && !planned.signal.aborted) {
    const run = await ports.runs.read(subject.namespace, pre.metadata.name)
    if (run !== undefined && run.spec.objectRef.uid !== uid) break
    if (run !== undefined && hasEnded(run)) return replay(planned, run)
    await ports.clock.sleep(Math.min(pollMs, Math.max(1, planned.endsAt - ports.clock.now())))
  }
  const why = `its run ${pre.metadata.name} is being written by another replica and did not end in time`
  return deny('RunTaken', refusal(subject, why, breakGlass(subject.namespace)), { code: 504 })
}
