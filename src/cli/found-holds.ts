/** What is held in a cluster: the objects, their runs, and where each stands, by the rules of the leader. */
import { backupsAtOnce } from '../core/hold/slots.ts'
import {
  standings,
  whyHeld,
  type Standing,
  type StandingFacts,
  type StandingOf,
} from '../core/hold/standing.ts'
import { componentLabel } from '../core/plugin/deployment.ts'
import { seenObjectOf, type SeenObject } from '../core/post.ts'
import { stagesOf } from '../core/run/names.ts'
import { textAt, type VeleroKind } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import { resource } from '../kube/resource.ts'
import { veleroPlural } from '../wiring/kinds.ts'
import type { Reached } from '../wiring/reach.ts'
import { findRuns, type FoundRun } from './found-runs.ts'

/** One held object; what is not known is absent. */
export type FoundHold = {
  readonly namespace: string
  readonly kind: VeleroKind
  readonly name: string
  readonly uid: string
  readonly schedule?: string
  readonly heldSince: string
  /** When it fails at the latest. */
  readonly heldUntil?: string
  readonly why?: string
  readonly actions?: readonly string[]
  readonly state: Standing['state']
  readonly standing: string
  readonly run?: string
}

/** What is asked for. */
export type HoldsWanted = {
  /** Undefined: of all namespaces. */
  readonly namespace: string | undefined
  readonly now: number
  /** See --stuck-after-seconds of `serve`. */
  readonly stuckAfterMs: number
  readonly warn: (text: string) => void
}

/** Every held object: by namespace and kind, then in the order in which their turns come. */
export async function findHolds(cluster: Reached, wanted: HoldsWanted): Promise<readonly FoundHold[]> {
  const objects = [
    ...(await objectsOf(cluster, 'Backup', wanted)),
    ...(await objectsOf(cluster, 'Restore', wanted)),
  ]
  const held = objects.filter((object) => object.held)
  if (held.length === 0) return []
  const runs = await runsOf(cluster, held, wanted)
  const slots = held.some(({ kind }) => kind === 'Backup') ? await slotsOf(cluster, wanted) : new Map()
  const groups = Object.entries(Object.groupBy(objects, ({ namespace, kind }) => `${namespace} ${kind}`))
  return groups
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group = []]) => heldAmong(group, { runs, slots, wanted }))
}

type Known = {
  readonly runs: ReadonlyMap<string, FoundRun>
  readonly slots: ReadonlyMap<string, number>
  readonly wanted: HoldsWanted
}

function heldAmong(objects: readonly SeenObject[], { runs, slots, wanted }: Known): readonly FoundHold[] {
  const [one] = objects
  const facts: StandingFacts = {
    objects,
    slots: one?.kind === 'Backup' ? (slots.get(one.namespace) ?? 1) : 1,
    stuckAfterMs: wanted.stuckAfterMs,
    now: wanted.now,
    runOf: (uid) => runs.get(uid)?.run,
  }
  return standings(facts).map((standing) => foundOf(standing, runs.get(standing.object.uid)))
}

function foundOf({ object, run, standing }: StandingOf, found: FoundRun | undefined): FoundHold {
  const { namespace, kind, name, uid, schedule, createdAt } = object
  const why = whyHeld(run)
  const longest = run?.spec.holdMaxSeconds
  const unread = found !== undefined && run === undefined
  return {
    namespace,
    kind,
    name,
    uid,
    ...(schedule === '' ? {} : { schedule }),
    heldSince: new Date(createdAt).toISOString(),
    ...(longest === undefined ? {} : { heldUntil: new Date(createdAt + longest * 1000).toISOString() }),
    ...(why === undefined ? {} : { why }),
    ...(run === undefined ? {} : { actions: actionsIn(run) }),
    state: standing.state,
    standing: unread ? `this version cannot read its run: ${found.problem}` : standing.words,
    ...(found === undefined ? {} : { run: found.name }),
  }
}

const actionsIn = ({ spec }: NonNullable<StandingOf['run']>): readonly string[] =>
  spec.actions.filter(({ skip }) => skip === undefined).map(({ name }) => name)

async function objectsOf(
  { client }: Reached,
  kind: VeleroKind,
  { namespace }: HoldsWanted,
): Promise<readonly SeenObject[]> {
  const { items } = await resource(client, {
    group: 'velero.io',
    version: 'v1',
    plural: veleroPlural[kind],
    namespace,
    parse: (raw: unknown) => seenObjectOf(kind, raw),
  }).list({ maxItems: 50_000 })
  return items
}

// A uid has 36 characters, and an address of a request has room for some 8,000.
const uidsAtOnce = 100

/** The pre runs of these objects, by the uid of the object. */
async function runsOf(
  cluster: Reached,
  held: readonly SeenObject[],
  { namespace }: HoldsWanted,
): Promise<ReadonlyMap<string, FoundRun>> {
  const found = new Map<string, FoundRun>()
  for (const kind of ['Backup', 'Restore'] as const) {
    const uids = held.filter((object) => object.kind === kind).map(({ uid }) => uid)
    for (let from = 0; from < uids.length; from += uidsAtOnce) {
      const some = uids.slice(from, from + uidsAtOnce)
      const stage = stagesOf(kind).pre
      for (const run of await findRuns(cluster, { namespace, stage, uids: some, whole: false }))
        found.set(textAt(run.raw, 'spec', 'objectRef', 'uid'), run)
    }
  }
  return found
}

/** How many Backups the Velero of each namespace works on at once. Who may not see its Deployment sees the rest. */
async function slotsOf(
  { calls }: Reached,
  { namespace, warn }: HoldsWanted,
): Promise<ReadonlyMap<string, number>> {
  const labelSelector = `${componentLabel.key}=${componentLabel.value}`
  const slots = new Map<string, number>()
  try {
    const { items } = await calls.of('apps', 'deployments', namespace).list({ labelSelector })
    for (const one of items) {
      const at = textAt(one, 'metadata', 'namespace')
      const number = backupsAtOnce(one)
      if (number !== undefined) slots.set(at, Math.min(number, slots.get(at) ?? number))
    }
  } catch (error) {
    if (!isKubeError(error)) throw error
    warn(`whose turn it is assumes that Velero works on one Backup at a time: ${error.message}`)
  }
  return slots
}
