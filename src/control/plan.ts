/** Writes the run of a Backup or Restore that was first seen here and not at admission. */
import type { ActionRun } from '../api/action-run.ts'
import { matchFactsOf } from '../core/match.ts'
import { planStage, type StagePlan } from '../core/plan.ts'
import type { SeenObject } from '../core/post.ts'
import { draftRun, isTooLarge, tooLarge, type NewRun } from '../core/run/draft.ts'
import { stagesOf } from '../core/run/names.ts'
import { specOf } from '../core/run/rows.ts'
import { countingSkips } from '../core/skip.ts'
import { scheduleLabel, textAt, textMapAt, type Json } from '../core/velero.ts'
import type { ControlPorts, KnownAction } from './ports.ts'

/** What came of writing a post run; `problems` are of Actions that are not in it, although they match. */
type Written = 'exists' | { readonly run: 'written' | 'none'; readonly problems: readonly string[] }

/**
 * Writes the post run. Actions that came to be later are left out. Throws while the Actions are not known well enough: a
 * run is frozen, and must not be frozen without one of them.
 */
export async function writePostRun(
  object: SeenObject,
  actionsBefore: number,
  ports: ControlPorts,
): Promise<Written> {
  const found = await planPost(object, actionsBefore, ports)
  if (found === undefined) return { run: 'none', problems: [] }
  const { plan, live } = found
  if (plan.actions.length === 0) return { run: 'none', problems: plan.problems }
  const draft = await draftOf(live, { object, stage: stagesOf(object.kind).post, plan, ports })
  if (isTooLarge(draft)) return { run: 'none', problems: [tooLarge] }
  const made = await ports.runs.create(draft)
  return made === 'exists' ? 'exists' : { run: 'written', problems: plan.problems }
}

/** What the post stage of an object would be, by the Actions of that time; undefined if there were none, or it is gone. */
export async function planPost(
  object: SeenObject,
  actionsBefore: number,
  ports: ControlPorts,
): Promise<{ readonly plan: StagePlan; readonly live: Json } | undefined> {
  const unsure = ports.unsure(object.namespace)
  if (unsure !== undefined) throw new Error(`post actions of ${object.name} cannot be planned yet: ${unsure}`)
  const { post } = stagesOf(object.kind)
  const old = ports
    .actions(object.namespace)
    .filter(
      ({ action }) =>
        action.spec.stage === post && Date.parse(action.metadata.creationTimestamp) <= actionsBefore,
    )
  // Nothing is read for it: of thousands of Backups most are for no Action at all.
  const live = old.length === 0 ? undefined : await readSame(object, ports)
  if (live === undefined) return undefined
  const all = await planFor(live, { object, stage: post, actions: old, ports })
  const plan = withoutChanged(all, { known: old, endedAt: actionsBefore })
  for (const problem of plan.problems)
    ports.log.error({ object: object.name, problem }, 'a post action was not planned')
  return { plan, live }
}

/** An Action that was written anew after the end: what it says now was not meant for this object, and what it said is gone. */
function withoutChanged(
  plan: StagePlan,
  { known, endedAt }: { readonly known: readonly KnownAction[]; readonly endedAt: number },
): StagePlan {
  const late = known.filter(({ changedAt }) => changedAt > endedAt).map(({ action }) => action.metadata.name)
  // One that is skipped does nothing, whatever it says.
  const isLate = ({ name, skip }: StagePlan['actions'][number]) => skip === undefined && late.includes(name)
  const changed = plan.actions
    .filter(isLate)
    .map(
      ({ name }) =>
        `Action "${name}" was changed after the end, and what it said before is not known. Do by hand what is still wanted of it`,
    )
  return {
    ...plan,
    actions: plan.actions.filter((action) => !isLate(action)),
    problems: [...plan.problems, ...changed],
  }
}

/**
 * An object that was admitted although pre actions matched: the webhook was away and its failurePolicy is Ignore, or
 * the gate was off. Recorded as a run that is Unknown; undefined if nothing matched or it has a run.
 */
export async function writeUnguarded(
  object: SeenObject,
  ports: ControlPorts,
): Promise<ActionRun | undefined> {
  const known = ports.actions(object.namespace).filter(({ changedAt }) => changedAt < object.createdAt)
  const { pre } = stagesOf(object.kind)
  const unsure = ports.unsure(object.namespace)
  if (unsure !== undefined) throw new Error(`whether ${object.name} was guarded is not known yet: ${unsure}`)
  if (!known.some(({ action }) => action.spec.stage === pre)) return undefined
  const live = await readSame(object, ports)
  if (live === undefined) return undefined
  const plan = await planFor(live, { object, stage: pre, actions: known, ports })
  if (plan.actions.length === 0) return undefined
  const made = await ports.runs.create(await draftOf(live, { object, stage: pre, plan, ports }))
  if (made === 'exists') return undefined
  const written = await markUnguarded(made, ports)
  return typeof written === 'string' ? undefined : written
}

/**
 * Writes the run of an object that is held and has none: its admission was not finished. `nothing`: no action matches any more.
 */
export async function writeHeldRun(
  object: SeenObject,
  ports: ControlPorts,
): Promise<'written' | 'exists' | 'gone' | 'nothing' | { readonly problems: readonly string[] }> {
  const unsure = ports.unsure(object.namespace)
  if (unsure !== undefined) throw new Error(`what ${object.name} waits for is not known yet: ${unsure}`)
  const live = await readSame(object, ports)
  if (live === undefined) return 'gone'
  const stage = stagesOf(object.kind).pre
  const actions = ports.actions(object.namespace)
  const plan = await planFor(live, { object, stage, actions, ports })
  if (plan.problems.length > 0) return { problems: plan.problems }
  if (plan.actions.length === 0) return 'nothing'
  const draft = await draftOf(live, { object, stage, plan, ports, holdMaxMs: ports.holdMaxMs })
  if (isTooLarge(draft)) return { problems: [tooLarge] }
  return (await ports.runs.create(draft)) === 'exists' ? 'exists' : 'written'
}

/** Writes down that the object of a run that never began was admitted all the same. */
export function markUnguarded(
  run: ActionRun,
  ports: ControlPorts,
): ReturnType<ControlPorts['runs']['write']> {
  const completionTimestamp = new Date(ports.clock.now()).toISOString()
  const names = run.spec.actions.map(({ name }) => name).join(', ')
  const message = `admitted without its ${run.spec.stage} actions (${names}): tidewaiter was not asked`
  const end = { phase: 'Unknown', reason: 'Unguarded', message, completionTimestamp } as const
  return ports.runs.write(run, { ...run.status, ...end })
}

async function readSame(object: SeenObject, ports: ControlPorts): Promise<Json | undefined> {
  const live = await ports.objects.read(object.kind, object.namespace, object.name)
  return live !== undefined && textAt(live, 'metadata', 'uid') === object.uid ? live : undefined
}

type Planning = {
  readonly object: SeenObject
  readonly stage: ActionRun['spec']['stage']
  readonly actions: readonly KnownAction[]
  readonly ports: ControlPorts
}

async function planFor(live: Json, { object, stage, actions, ports }: Planning): Promise<StagePlan> {
  return planStage({
    stage,
    actions: actions.map(({ action }) => action),
    facts: await matchFactsOf(object.kind, live, ports),
    skips: await skipsFor(live, ports),
    authorOf: ports.authorOf,
    evaluate: ports.evaluate,
  })
}

/** Skips as they stand on the object: the guard let nobody write them later than CREATE, who may not skip. */
async function skipsFor(live: Json, ports: ControlPorts): Promise<Readonly<Record<string, string>>> {
  const annotations = textMapAt(live, 'metadata', 'annotations')
  const schedule = textMapAt(live, 'metadata', 'labels')[scheduleLabel] ?? ''
  return schedule === ''
    ? annotations
    : countingSkips(annotations, () =>
        ports.annotationsOfSchedule(textAt(live, 'metadata', 'namespace'), schedule),
      )
}

type Drafting = {
  readonly object: SeenObject
  readonly stage: ActionRun['spec']['stage']
  readonly plan: StagePlan
  readonly ports: ControlPorts
  readonly holdMaxMs?: number
}

async function draftOf(live: Json, { object, stage, plan, ports, holdMaxMs }: Drafting): Promise<NewRun> {
  const specs = plan.actions.map(specOf)
  const exported =
    object.kind === 'Backup' ? undefined : await ports.exportedFor(object.namespace, { object: live, specs })
  return draftRun({
    stage,
    kind: object.kind,
    object: live,
    cluster: ports.cluster,
    requestedBy: '',
    scheduleName: object.schedule,
    actions: plan.actions,
    exported,
    holdMaxMs,
    hash: ports.hash,
  })
}
