/** Pre runs after the fact: their result is shown on the object, and a run whose owner is gone is settled. Leader only. */
import type { ActionRun } from '../api/action-run.ts'
import { clockMarginMs, type SeenObject } from '../core/post.ts'
import { drive } from '../core/run/drive.ts'
import { settled } from '../core/run/machine.ts'
import { stagesOf } from '../core/run/names.ts'
import { tellPre } from './announce.ts'
import { writeUnguarded } from './plan.ts'
import type { Again, ObjectKey } from './post.ts'
import type { ControlPorts } from './ports.ts'

/** A run that was created and never claimed: its owner ended in between. No admission request lasts this long. */
const unclaimedMs = 60_000

/** Looks at the pre stage of one object. */
export async function reconcilePre(key: ObjectKey, ports: ControlPorts): Promise<Again> {
  const { pre } = stagesOf(key.kind)
  const run = ports.runs.ofObject(key.uid).find(({ spec }) => spec.stage === pre)
  const object = ports.objects.seen(key.kind, key.namespace, key.name)
  const here = object !== undefined && object.uid === key.uid ? object : undefined
  if (run === undefined) return here === undefined ? undefined : withoutRun(here, ports)
  if (!settled.has(run.status.phase ?? 'Pending')) return abandoned(run, ports)
  if (here === undefined) return undefined
  await tellPre(run, here, ports)
  return undefined
}

async function withoutRun(object: SeenObject, ports: ControlPorts): Promise<Again> {
  const phase = (object.progress['status'] as { readonly phase?: string } | undefined)?.phase ?? ''
  // Only what was created here, after the install, and began to work; a moment is left for the run to be seen.
  const began = !['', 'New', 'FailedValidation', 'Deleting'].includes(phase)
  if (
    object.createdAt <= ports.installedAt ||
    !began ||
    object.pre !== '' ||
    object.startedAt < object.createdAt - 1_000
  )
    return undefined
  const run = await writeUnguarded(object, ports)
  if (run === undefined) return undefined
  ports.count(run)
  ports.log.error(
    { run: run.metadata.name, object: object.name },
    'unguarded: it was admitted without its pre actions',
  )
  await tellPre(run, object, ports)
  return undefined
}

async function abandoned(known: ActionRun, ports: ControlPorts): Promise<Again> {
  const now = ports.clock.now()
  const free =
    known.status.deadline === undefined
      ? Date.parse(known.metadata.creationTimestamp) + unclaimedMs
      : Date.parse(known.status.deadline) + clockMarginMs
  if (now < free) return { inMs: free - now }
  const run = await ports.runs.read(known.metadata.namespace, known.metadata.name)
  if (run === undefined || run.spec.cluster !== ports.cluster) return undefined
  const message = 'the replica that was asked ended before it began'
  const seen =
    run.status.phase === 'Running'
      ? ({ see: 'overdue', owner: ports.owner, until: now } as const)
      : ({ see: 'abort', reason: 'Stopping', message } as const)
  const driven = await drive(run, seen, {
    now: ports.clock.now,
    write: ports.runs.write,
    perform: () => Promise.reject(new Error('a pre stage is never performed after its admission request')),
  })
  if (driven.lost !== undefined) return { inMs: clockMarginMs }
  ports.count(driven.run)
  ports.log.error(
    { run: run.metadata.name, phase: driven.run.status.phase },
    'a pre stage was left over by a replica that ended',
  )
  return undefined
}
