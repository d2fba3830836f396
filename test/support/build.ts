/** Objects for tests: state only what the test is about, the rest is sensible and valid. */
import type { Action, ActionSpec, ActionStatus, HttpBody } from '../../src/api/action.ts'
import type { ActionRun, PlannedAction, RunRow, RunSpec, RunStatus } from '../../src/api/action-run.ts'
import { group, version, type Metadata } from '../../src/api/schema.ts'

/** The uid of kube-system, which names the cluster, in every object built here. */
export const clusterUid = 'c1c1c1c1-0000-4000-8000-000000000000'
/** The uid of a Backup built here. */
export const backupUid = '1a2b3c4d-0000-4000-8000-000000000001'
/** The uid of a Restore built here. */
export const restoreUid = '5e6f7a8b-0000-4000-8000-000000000002'
/** When objects built here were created. */
export const createdAt = '2026-01-01T00:00:00Z'

type Named = Partial<Metadata>

function metadataOf(given: Named, defaults: { readonly name: string; readonly uid: string }): Metadata {
  return {
    namespace: 'velero',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: createdAt,
    ...defaults,
    ...given,
  }
}

const metadataKeys = new Set<string>([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'labels',
  'annotations',
] satisfies (keyof Metadata)[])

/** Sorts what was given into metadata and the rest. */
function sorted<T extends object>(given: T): { metadata: Named; rest: Partial<T> } {
  const entries = Object.entries(given)
  return {
    metadata: Object.fromEntries(entries.filter(([key]) => metadataKeys.has(key))),
    rest: Object.fromEntries(entries.filter(([key]) => !metadataKeys.has(key))) as Partial<T>,
  }
}

/** An `http` body with its defaults: `anHttp({ url: 'https://a.example/b' })`. */
export const anHttp = (given: Partial<HttpBody> = {}): HttpBody => ({
  method: 'POST',
  url: 'https://quiesce.example/freeze',
  expectStatus: ['2xx'],
  followRedirects: 0,
  ...given,
})

/** The spec of an Action with its defaults: a PreBackup one that calls HTTP. */
export const anActionSpec = (given: Partial<ActionSpec> = {}): ActionSpec => ({
  stage: 'PreBackup',
  mode: 'Auto',
  onError: 'Fail',
  dryRun: false,
  suspend: false,
  timeoutSeconds: 10,
  idempotent: true,
  http: anHttp(),
  ...given,
})

/** What `anAction` takes: any field of metadata and of spec, flat, and the status. */
export type ActionGiven = Named & Partial<ActionSpec> & { readonly status?: ActionStatus }

/** A parsed Action: `anAction({ name: '20-b', stage: 'PostBackup', when: ['Failed'] })`. Its uid follows from its name. */
export function anAction(given: ActionGiven = {}): Action {
  const { metadata, rest } = sorted(given)
  const { status, ...spec } = rest
  const name = metadata.name ?? '10-quiesce'
  return {
    metadata: metadataOf(metadata, { name, uid: `uid-of-${name}` }),
    spec: anActionSpec(spec),
    ...(status === undefined ? {} : { status }),
  }
}

/** An Action as the API server gives it: `anAction` with apiVersion and kind. */
export const anActionObject = (given: ActionGiven = {}) => ({
  apiVersion: `${group}/${version}`,
  kind: 'Action',
  ...anAction(given),
})

/** What `aBackup` and `aRestore` take: metadata flat, and spec, phase and status. */
export type VeleroGiven = Named & {
  readonly spec?: Readonly<Record<string, unknown>>
  /** A short way to say status.phase. */
  readonly phase?: string
  readonly status?: Readonly<Record<string, unknown>>
  /** The Schedule that made it: sets Velero's label. */
  readonly schedule?: string
}

/** A Backup or Restore as the API server gives it. */
export type VeleroObject = {
  readonly apiVersion: 'velero.io/v1'
  readonly kind: 'Backup' | 'Restore'
  readonly metadata: Metadata
  readonly spec: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
}

function veleroObject(
  { phase, status, schedule, spec, ...named }: VeleroGiven,
  base: Pick<VeleroObject, 'kind' | 'spec'> & { readonly name: string; readonly uid: string },
): VeleroObject {
  const said = phase === undefined ? status : { phase, ...status }
  const labels =
    schedule === undefined ? {} : { labels: { 'velero.io/schedule-name': schedule, ...named.labels } }
  return {
    apiVersion: 'velero.io/v1',
    kind: base.kind,
    metadata: metadataOf({ ...named, ...labels }, { name: base.name, uid: base.uid }),
    spec: { ...base.spec, ...spec },
    ...(said === undefined ? {} : { status: said }),
  }
}

/** A Backup without a phase, as just created: `aBackup({ phase: 'Completed', schedule: 'nightly' })`. */
export const aBackup = (given: VeleroGiven = {}): VeleroObject =>
  veleroObject(given, { kind: 'Backup', name: 'b1', uid: backupUid, spec: { includedNamespaces: ['shop'] } })

/** A Restore of `b1` without a phase, as just created. */
export const aRestore = (given: VeleroGiven = {}): VeleroObject =>
  veleroObject(given, { kind: 'Restore', name: 'r1', uid: restoreUid, spec: { backupName: 'b1' } })

/** An action as a run froze it: `aPlannedAction({ name: '20-b', timeoutSeconds: 3 })` takes what `anAction` takes. */
export function aPlannedAction(given: ActionGiven = {}): PlannedAction {
  const { metadata, spec } = anAction(given)
  return { name: metadata.name, uid: metadata.uid, generation: metadata.generation ?? 1, spec }
}

/** A row of a run: Pending, not tried. */
export const aRow = (given: Partial<RunRow> = {}): RunRow => ({
  name: '10-quiesce',
  phase: 'Pending',
  attempts: 0,
  ...given,
})

/** What `aRun` takes: metadata and spec flat, and the status. */
export type RunGiven = Named & Partial<RunSpec> & { readonly status?: Partial<RunStatus> }

/** A parsed ActionRun of `b1` (for restore stages `r1`), Pending, with one action and its row. */
export function aRun(given: RunGiven = {}): ActionRun {
  const { metadata, rest } = sorted(given)
  const { status, ...spec } = rest
  const stage = spec.stage ?? 'PreBackup'
  const object = stage.endsWith('Restore') ? aRestore() : aBackup()
  const { name, uid } = object.metadata
  const actions = spec.actions ?? [aPlannedAction({ stage })]
  const run = { name: `${name}-${uid.slice(0, 8)}-${stage.toLowerCase()}`, uid: `uid-of-${name}-${stage}` }
  return {
    metadata: metadataOf({ labels: labelsOf(object, stage), ...metadata }, run),
    spec: {
      stage,
      objectRef: { kind: object.kind, name, uid },
      cluster: clusterUid,
      fingerprint: 'f0',
      actionsHash: 'a0',
      object,
      actions,
      ...spec,
    },
    status: { phase: 'Pending', actions: actions.map((action) => aRow({ name: action.name })), ...status },
  }
}

const labelsOf = ({ kind, metadata }: VeleroObject, stage: string) => ({
  [`${group}/stage`]: stage,
  [`${group}/object-uid`]: metadata.uid,
  [`${group}/${kind.toLowerCase()}-name`]: metadata.name,
})

/** An ActionRun as the API server gives it: `aRun` with apiVersion and kind. */
export const aRunObject = (given: RunGiven = {}) => ({
  apiVersion: `${group}/${version}`,
  kind: 'ActionRun',
  ...aRun(given),
})
