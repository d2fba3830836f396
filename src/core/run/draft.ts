/** A new run: what will be done, frozen, with the object as it was. */
import type { Stage } from '../../api/action.ts'
import { keptBounds, type PlannedAction, type RunSpec } from '../../api/action-run.ts'
import { jsonFault } from '../../api/json-bounds.ts'
import { group, version } from '../../api/schema.ts'
import { jsonBytesOf } from '../bytes.ts'
import { actionsHashOf } from '../plan.ts'
import { objectAt, textAt, textMapAt, type Json, type VeleroKind } from '../velero.ts'
import { runLabels, runName } from './names.ts'

/** The object kept in a run is cut down to its metadata above this many bytes of JSON. */
export const longestObject = 128 * 1024

/** What a run is drafted from. */
export type Draft = {
  readonly stage: Stage
  readonly kind: VeleroKind
  readonly object: Json
  /** uid of the namespace kube-system: a run of another cluster is never acted on. */
  readonly cluster: string
  readonly requestedBy: string
  readonly scheduleName: string
  readonly actions: readonly PlannedAction[]
  /** What the Backup of a Restore exported, where an action refers to it. */
  readonly exported?: RunSpec['exported'] | undefined
  /** Given if the object waits for them: for so long at most. */
  readonly holdMaxMs?: number | undefined
  /** Makes a short text (at most 64 characters) of a long one. */
  readonly hash: (text: string) => string
}

/** An ActionRun as it is created. */
export type NewRun = {
  readonly apiVersion: string
  readonly kind: 'ActionRun'
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels: Readonly<Record<string, string>>
  }
  readonly spec: RunSpec
}

/** Namespace, name (or generateName) and spec: by this, identical requests are known. */
export function fingerprintOf(object: Json, hash: (text: string) => string): string {
  const name = textAt(object, 'metadata', 'generateName') || textAt(object, 'metadata', 'name')
  return hash(JSON.stringify([textAt(object, 'metadata', 'namespace'), name, objectAt(object, 'spec')]))
}

/** The object without what nobody needs again, and without its spec and status if it is too large, or nests too deep to be kept. */
export function keptObject(object: Json): { readonly object: Json; readonly cut: boolean } {
  const { managedFields: _fields, ...metadata } = objectAt(object, 'metadata')
  const { 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...annotations } = textMapAt(
    metadata,
    'annotations',
  )
  const kept = { ...object, metadata: { ...metadata, annotations } }
  if (jsonBytesOf(kept) <= longestObject && jsonFault(keptBounds, kept) === undefined)
    return { object: kept, cut: false }
  const { name, namespace, uid, creationTimestamp } = metadata
  return { object: { metadata: { name, namespace, uid, creationTimestamp } }, cut: true }
}

/** The run to create. */
export function draftRun(draft: Draft): NewRun {
  const { stage, kind, object } = draft
  const ref = { kind, name: textAt(object, 'metadata', 'name'), uid: textAt(object, 'metadata', 'uid') }
  const kept = keptObject(object)
  return {
    apiVersion: `${group}/${version}`,
    kind: 'ActionRun',
    metadata: {
      name: runName(ref, stage),
      namespace: textAt(object, 'metadata', 'namespace'),
      labels: runLabels(ref, stage, draft.scheduleName),
    },
    spec: {
      stage,
      objectRef: ref,
      cluster: draft.cluster,
      ...(draft.holdMaxMs === undefined
        ? {}
        : { held: true, holdMaxSeconds: Math.ceil(draft.holdMaxMs / 1000) }),
      requestedBy: draft.requestedBy.slice(0, 1024),
      ...(draft.scheduleName === '' ? {} : { scheduleName: draft.scheduleName }),
      fingerprint: fingerprintOf(object, draft.hash),
      actionsHash: actionsHashOf(draft.actions, draft.hash),
      object: kept.object,
      ...(kept.cut ? { objectCut: true } : {}),
      ...(draft.exported === undefined ? {} : { exported: draft.exported }),
      actions: draft.actions,
    },
  }
}

// etcd takes 1.5 MiB; the status may grow to half of that.
const largestRun = 768 * 1024

/** Whether a run would not fit into the API server together with what will be recorded in it. */
export const isTooLarge = (run: NewRun): boolean => jsonBytesOf(run) > largestRun

/** What to say of such a run. */
export const tooLarge =
  'the actions that match are too large to be recorded together (768 KiB); make their bodies or CA bundles smaller, or match fewer'
