/** Whose turn it is among the held objects of a namespace. */
import { turnOf } from '../core/hold/turn.ts'
import { stagesOf } from '../core/run/names.ts'
import type { VeleroKind } from '../core/velero.ts'
import type { ControlPorts } from './ports.ts'

/** The uids of the held objects of a namespace whose actions may run now. */
export function turns(kind: VeleroKind, namespace: string, ports: ControlPorts): ReadonlySet<string> {
  const { pre } = stagesOf(kind)
  const runOf = (uid: string) => ports.runs.ofObject(uid).find(({ spec }) => spec.stage === pre)
  return turnOf({
    objects: ports.objects.open(kind, namespace),
    slots: ports.slots(kind, namespace),
    stuckAfterMs: ports.stuckAfterMs,
    now: ports.serverTime(),
    runOf,
  })
}
