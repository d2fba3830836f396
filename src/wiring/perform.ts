/** Performs one action of a run: what the actions room needs, from the run and the world. */
import type { Performing } from '../core/run/performing.ts'
import type { ActionRun, PlannedAction } from '../api/action-run.ts'
import { createPerformer, longestMessage } from '../actions/perform.ts'
import type { Call, CallAnswer, Ports, SecretRef } from '../actions/ports.ts'
import { beforeOf } from '../core/run/before.ts'
import { keysFor, ownKey } from '../core/hold/exclusive.ts'
import { notBegun, type Outcome } from '../core/outcome.ts'
import { tooMuchExported } from '../core/exported/outputs.ts'
import { exportedProblem, usesExported, type Names } from '../core/exported/use.ts'
import type { Author } from '../core/plan.ts'
import { isPre } from '../core/run/ending.ts'
import { idempotencyKey, traceparent, undoKey } from '../core/run/names.ts'
import { specOf } from '../core/run/rows.ts'
import { reverts, undoSpec } from '../core/run/undo.ts'
import { variablesOf } from '../core/run/variables.ts'
import { textAt, textsAt, type VeleroDefaults } from '../core/velero.ts'
import { createActors, type Actors } from './actors.ts'
import { hash, randomHex } from './crypto.ts'
import type { ExclusiveKeys } from './exclusive.ts'
import { secretFor, type SecretAnswer } from './secrets.ts'
import { defaultsOf, isVelero, type World } from './world.ts'

/** Performs actions, counted and logged once. Never rejects: a claimed action whose outcome nobody writes counts as begun. */
export function performerOf(
  world: World,
  egress: { readonly send: (call: Call) => Promise<CallAnswer> },
  keys: Pick<ExclusiveKeys, 'take'>,
): (performing: Performing) => Promise<Outcome> {
  const { client, review, clock } = world
  const actors = createActors({
    client,
    review,
    clock,
    isVelero: (username, namespace) => isVelero(world, { username }, namespace),
  })
  return async (performing) => {
    const { run, action, renderOnly } = performing
    const defaults = await defaultsFor(performing, world)
    const held = 'unread' in defaults ? undefined : await heldByAnother(performing, keys, world)
    const outcome =
      'unread' in defaults
        ? defaults.unread
        : held !== undefined
          ? held
          : await performWith(defaults.ok, performing, {
              clock: world.clock,
              log: world.log,
              evaluate: world.cel.evaluate,
              reads: world.cel.selections,
              names: world.cel.names,
              version: world.version,
              send: egress.send,
              secret: (ref, by) => secretFor(ref, by, world),
              actor: actors,
              spanId: () => randomHex(8),
            })
    if (!renderOnly) note(world, run, { action: action.name, outcome })
    return outcome
  }
}

/**
 * Exclusive keys are taken before anything is sent. So is that of an undo: an owner that ended between its claim and this left an
 * action that may have begun for all that is known, and another object may have the key by now.
 */
async function heldByAnother(
  { run, action, renderOnly, undo = false, endsAt, isOurs }: Performing,
  keys: Pick<ExclusiveKeys, 'take'>,
  world: World,
): Promise<Outcome | undefined> {
  if (renderOnly || !isPre(run)) return undefined
  for (const key of undo ? ownKey(run, action.name) : keysFor(run, action.name)) {
    // After a pause of this process the run may be over, and nobody would give back what is taken now.
    if (world.clock.now() >= endsAt) return notBegun('timeout', 'its time was over before it began')
    if (isOurs?.() === false) return notBegun('aborted', 'another leads by now')
    const kept = await keptBy(run, key, { keys, world })
    if (kept !== undefined) return kept
  }
  return undefined
}

/** Takes one key; what keeps it away, if it is not to be had. */
async function keptBy(
  run: ActionRun,
  key: string,
  { keys, world }: { readonly keys: Pick<ExclusiveKeys, 'take'>; readonly world: World },
): Promise<Outcome | undefined> {
  try {
    const taken = await keys.take(run, key)
    if ('ok' in taken) return undefined
    return notBegun(
      'exclusive',
      `the exclusive key "${key}" is taken by ${taken.heldBy}, until its undo or its post actions have ended; that run says how far they are`,
    )
  } catch (error) {
    world.log.warn(
      { run: run.metadata.name, key, err: error },
      'an action was not begun: an exclusive key could not be taken',
    )
    return notBegun(
      'internal',
      `the exclusive key "${key}" could not be taken from the API server; see the log`,
    )
  }
}

async function defaultsFor(
  { run, action }: Performing,
  world: World,
): Promise<{ readonly ok: VeleroDefaults } | { readonly unread: Outcome }> {
  const { namespace, name } = run.metadata
  try {
    return { ok: await defaultsOf(world, namespace) }
  } catch (error) {
    world.log.warn(
      { run: name, action: action.name, err: error },
      "an action was not begun: Velero's storage locations could not be read",
    )
    const message = `the BackupStorageLocations of namespace ${namespace} could not be read from the API server before it began; see the log`
    return { unread: notBegun('internal', message) }
  }
}

/** What performing an action takes, whoever does it: a replica, or a command that only renders. */
export type PerformTools = Pick<Ports, 'clock' | 'log' | 'evaluate' | 'reads' | 'send'> & {
  readonly version: string
  readonly names: Names
  readonly secret: (
    ref: SecretRef,
    by: { readonly author: Author | undefined; readonly namespace: string },
  ) => Promise<SecretAnswer>
  readonly actor: Actors
  /** Of the traceparent: 8 bytes in hex, new for each action. */
  readonly spanId: () => string
}

/** Performs one action of a run with these tools. */
export async function performWith(
  defaults: VeleroDefaults,
  performing: Performing,
  tools: PerformTools,
): Promise<Outcome> {
  const unread = unreadExported(performing, tools.names)
  if (unread !== undefined) return unread
  const outcome = await performBody(defaults, performing, tools)
  return performing.undo === true ? outcome : withinBounds(performing, outcome)
}

function performBody(
  defaults: VeleroDefaults,
  performing: Performing,
  tools: PerformTools,
): Promise<Outcome> {
  const { run, action, object, renderOnly, rehearse = false, undo = false, endsAt, signal } = performing
  const { namespace } = run.metadata
  const revert = undo && reverts(specOf(action))
  const author = authorIn(action)
  const perform = createPerformer({
    clock: tools.clock,
    log: tools.log,
    evaluate: tools.evaluate,
    reads: tools.reads,
    userAgent: `tidewaiter/${tools.version}`,
    send: tools.send,
    secret: (ref) => tools.secret(ref, { author, namespace }),
    actor: (serviceAccount) => tools.actor(serviceAccount, { author, namespace }),
  })
  const { stage, objectRef } = run.spec
  return perform({
    action: { name: action.name, spec: undo ? undoSpec(specOf(action)) : specOf(action) },
    idempotencyKey: (undo ? undoKey : idempotencyKey)(objectRef.uid, stage, action.name),
    // One trace for all that is done for an object; the uid is its only memory.
    traceparent: traceparent(hash(`${objectRef.uid}/${stage}`).slice(0, 32), tools.spanId()),
    variables: variablesOf(run, object, defaults),
    endsAt,
    isOurs: performing.isOurs,
    signal,
    renderOnly,
    rehearse,
    revert,
    // An undo with a body of its own has nothing to do with it.
    before: undo && !revert ? undefined : beforeOf(run, action.name),
    remember: undo ? undefined : (performing.remember ?? unkept),
  })
}

/** The outcome of an action that refers to exported outputs which may not be used. */
function unreadExported(
  { run, action, object, undo = false }: Performing,
  names: Names,
): Outcome | undefined {
  if (run.spec.objectRef.kind === 'Backup' || !usesExported(specOf(action), names)) return undefined
  // An undo takes back what was done with them, whichever Backup Velero chose since.
  const problem = exportedProblem(run.spec.exported, undo ? {} : object)
  return problem === undefined ? undefined : notBegun('exported', problem)
}

/** What is promised to other clusters must fit on the Backup: else the action failed, and is undone. */
function withinBounds({ run, action }: Performing, outcome: Outcome): Outcome {
  if (outcome.status !== 'done') return outcome
  const problem = tooMuchExported(run, action, outcome.outputs)
  if (problem === undefined) return outcome
  const { outputs: _outputs, ...rest } = outcome
  const message = `${outcome.message}, but its ${problem}`.slice(0, longestMessage)
  return { ...rest, status: 'failed', cause: 'output', mayHaveHadEffect: true, message }
}

/** What is only rendered changes nothing, and has nothing to keep. */
const unkept = async () => ({ refused: 'nothing is kept of an action that is only rendered' })

function authorIn(action: PlannedAction): Author | undefined {
  const username = textAt(action.author, 'username')
  return username === '' ? undefined : { username, groups: textsAt(action.author, 'groups') }
}

function note(
  world: World,
  run: ActionRun,
  { action, outcome }: { readonly action: string; readonly outcome: Outcome },
): void {
  const { stage } = run.spec
  const result = outcome.status === 'done' ? 'done' : outcome.cause
  world.metrics.actions.inc({ stage, action, result })
  world.metrics.actionDuration.observe({ stage, result }, outcome.durationMs / 1000)
  const fields = {
    run: run.metadata.name,
    stage,
    action,
    result,
    attempts: outcome.attempts,
    ms: Math.round(outcome.durationMs),
  }
  if (outcome.status === 'done') world.log.info(fields, 'action done')
  else world.log.warn({ ...fields, said: outcome.message }, 'action failed')
}
