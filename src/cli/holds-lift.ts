/** `tidewaiter holds release` and `abort`: a hold is ended by hand, by one patch of the object as it was looked at. */
import type { ActionRun } from '../api/action-run.ts'
import { unfinishedIn } from '../core/hold/standing.ts'
import { isHeld } from '../core/hold/turn.ts'
import { seenObjectOf, type SeenObject } from '../core/post.ts'
import { runName, stagesOf } from '../core/run/names.ts'
import type { Json, VeleroKind } from '../core/velero.ts'
import { createAccessReview } from '../kube/access-review.ts'
import { isKubeError } from '../kube/errors.ts'
import { StartError } from '../start-error.ts'
import { veleroPlural } from '../wiring/kinds.ts'
import type { Reached } from '../wiring/reach.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { foundRun } from './found-runs.ts'
import { plain } from './plain.ts'
import { tellUsage } from './usage.ts'
import { agoOf } from './when.ts'
import { whoAmI } from './who-am-i.ts'
import type { CliWorld } from './world.ts'

/** The flags of both. */
export type LiftFlags = ClusterFlags & { readonly kind: VeleroKind; readonly yes: boolean }

/** What is known of the held object when it is asked about. */
export type Held = {
  readonly object: SeenObject
  readonly title: string
  readonly run: ActionRun | undefined
}

/** One of the two. */
export type Lift = {
  readonly verb: 'release' | 'abort'
  /** What will come of it, a sentence a line. */
  readonly told: (held: Held) => readonly string[]
  readonly question: (held: Held) => string
  readonly patch: (live: Json, user: string) => Json
  readonly done: (held: Held) => string
}

type Task = {
  readonly lift: Lift
  readonly name: string
  readonly flags: LiftFlags
  readonly world: CliWorld
  readonly cluster: Reached
  readonly signal: AbortSignal
}

/** Does it, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function liftHold(
  lift: Lift,
  name: string,
  { flags, problems, world }: { flags: LiftFlags; problems: readonly string[]; world: CliWorld },
): Promise<void> {
  const nobody =
    flags.yes || world.isTerminal('stdin')
      ? []
      : ['--yes must be given where nobody can be asked: stdin is no terminal']
  const all = [...problems, ...nobody]
  if (all.length > 0) return tellUsage(world, `tidewaiter holds ${lift.verb}`, all)
  await inCluster(flags, world, async (cluster, signal) => {
    const task = { lift, name, flags, world, cluster, signal }
    const ended = await lifted(task)
    if ('done' in ended) world.stdout(`${plain(ended.done)}\n`)
    else world.stderr(`tidewaiter: ${plain(ended.no)}\n`)
    world.exitCode('done' in ended ? 0 : 1)
  })
}

type Ended = { readonly done: string } | { readonly no: string }

const mostLooks = 5

async function lifted(task: Task): Promise<Ended> {
  const user = (await whoAmI(task.cluster)).username
  let first: SeenObject | undefined
  for (let looks = 0; looks < mostLooks; looks++) {
    const found = await heldNow(task, first)
    if ('no' in found) return found
    if (first === undefined) await insistOnRights(task, user)
    first = found.held.object
    const { held, live } = found
    if (!(await agreed(held, task))) return { no: `nothing was done: ${held.title} stays held` }
    const written = await patched(task.lift.patch(live, user), task)
    if (written === 'done') return { done: task.lift.done(held) }
    if (typeof written !== 'string') return written
    task.world.stderr('It changed meanwhile: looked at again.\n')
  }
  return {
    no: `${task.name} changes all the time (looked at ${mostLooks} times): nothing was done; try again`,
  }
}

type Found = { readonly held: Held; readonly live: Json } | { readonly no: string }

async function heldNow(task: Task, first: SeenObject | undefined): Promise<Found> {
  const { flags, name, cluster } = task
  const { kind, namespace } = flags
  const title = `${kind} ${namespace}/${name}`
  const live = await cluster.calls.velero(veleroPlural[kind], namespace).find(name)
  if (live === undefined) return { no: `there is no ${title}${await elsewhere(task)}` }
  const object = seenObjectOf(kind, live)
  if (first !== undefined && first.uid !== object.uid)
    return { no: `${title} is another one by now (uid ${object.uid}): nothing was done` }
  if (!isHeld(object)) return { no: `${title} is not held${whereIs(object)}` }
  if (object.leaving) return { no: `${title} is being deleted: its actions are undone without this` }
  return { held: { object, title, run: await runOf(object, task) }, live }
}

const whereIs = ({ progress, held }: SeenObject): string => {
  const { status } = progress
  const phase = typeof status === 'object' && status !== null && 'phase' in status ? String(status.phase) : ''
  const about = phase === '' || phase === 'New' ? 'Velero has not begun with it yet' : `its phase is ${phase}`
  return `: ${about}${held ? '' : '; `holds list` says what is'}`
}

/** Who gives the name of a Restore and forgets --kind is told. */
async function elsewhere({ flags, name, cluster }: Task): Promise<string> {
  const other: VeleroKind = flags.kind === 'Backup' ? 'Restore' : 'Backup'
  const live = await cluster.calls
    .velero(veleroPlural[other], flags.namespace)
    .find(name)
    .catch(() => undefined)
  return live === undefined
    ? '; `holds list` says what is held'
    : `, but a ${other} of that name: --kind ${other.toLowerCase()}`
}

async function runOf(object: SeenObject, { cluster }: Task): Promise<ActionRun | undefined> {
  const name = runName(object, stagesOf(object.kind).pre)
  const raw = await cluster.calls.own('actionruns', object.namespace).find(name)
  return raw === undefined ? undefined : foundRun(raw).run
}

/** The guard would refuse the patch in the end; this says so before anybody is asked, and who can help. */
async function insistOnRights({ cluster, flags, lift, world }: Task, user: string): Promise<void> {
  const { namespace, kind } = flags
  const review = createAccessReview({ client: cluster.client, clock: clockOf(world) })
  const resource = veleroPlural[kind]
  const release = { verb: 'release', group: 'tidewaiter.io', resource: 'actionruns', namespace }
  const patch = { verb: 'patch', group: 'velero.io', resource, namespace }
  const missing = [
    ...((await review.mayI(release)) ? [] : ['the verb release on actionruns (tidewaiter.io)']),
    ...((await review.mayI(patch)) ? [] : [`the verb patch on ${resource} (velero.io)`]),
  ]
  if (missing.length === 0) return
  throw new StartError(
    4,
    `to ${lift.verb} what is held in namespace ${namespace}, ${user} must hold ${missing.join(' and ')}, and does not. ` +
      `Who administers the namespace can give it: the ClusterRole tidewaiter-operator has release ` +
      `(kubectl -n ${namespace} create rolebinding NAME --clusterrole tidewaiter-operator --user ${user})`,
  )
}

async function agreed(held: Held, { lift, flags, world, signal }: Task): Promise<boolean> {
  const { object, title, run } = held
  const since = agoOf(new Date(object.createdAt).toISOString(), clockOf(world).now())
  const of = run === undefined ? '' : ` (run ${run.metadata.name})`
  for (const line of [`${title} is held since ${since}${of}.`, ...lift.told(held)])
    world.stderr(`${plain(line)}\n`)
  if (flags.yes) return true
  const answer = await world.ask(`${plain(lift.question(held))} [y/N] `, signal)
  return /^y(es)?$/iu.test(answer.trim())
}

/** `again`: it changed since it was looked at, or is gone. */
async function patched(
  patch: Json,
  { cluster, flags, name, lift }: Task,
): Promise<'done' | 'again' | { readonly no: string }> {
  try {
    const calls = cluster.calls.velero(veleroPlural[flags.kind], flags.namespace)
    await calls.mergePatch(name, patch, { fieldManager: 'tidewaiter-holds' })
    return 'done'
  } catch (error) {
    if (isKubeError(error, 'CONFLICT', 'NOT_FOUND')) return 'again'
    // The guard, another webhook, or the authorizer after all.
    if (!isKubeError(error, 'DENIED', 'FORBIDDEN', 'INVALID')) throw error
    return { no: `the API server must let this user ${lift.verb} it, got: ${error.message}` }
  }
}

/** What has run and what has not, a line each. */
export function progressLines(run: ActionRun | undefined): readonly string[] {
  if (run === undefined) return ['Its run is not written yet: none of its actions has begun.']
  const { done, running, waiting } = unfinishedIn(run)
  const line = (words: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${words}: ${names.join(', ')}.`]
  return [...line('Done', done), ...line('Running', running), ...line('Not begun', waiting)]
}
