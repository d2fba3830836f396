/** The ActionRuns of a cluster as a command shows them. */
import type { ActionRun } from '../api/action-run.ts'
import type { Stage } from '../api/action.ts'
import { sentenceOf } from '../api/problems.ts'
import { objectAt, textAt, type Json } from '../core/velero.ts'
import { group, version } from '../api/schema.ts'
import { resource } from '../kube/resource.ts'
import { runOf } from '../wiring/runs.ts'
import type { Reached } from '../wiring/reach.ts'

/** A run, or why this version cannot read it: one that cannot be read must not look like none. */
export type FoundRun = {
  readonly namespace: string
  readonly name: string
  readonly createdAt: string
  readonly raw: Json
  readonly run: ActionRun | undefined
  readonly problem: string
}

/** What is listed. */
export type RunsWanted = {
  /** Undefined: of all namespaces. */
  readonly namespace: string | undefined
  readonly stage?: Stage | undefined
  /** Only those for objects of these uids. */
  readonly uids?: readonly string[]
  /** The whole objects; otherwise without the Backup or Restore that each keeps, which may have 128 KiB. */
  readonly whole: boolean
}

/** Every run, the newest first. */
export async function findRuns(cluster: Reached, wanted: RunsWanted): Promise<readonly FoundRun[]> {
  const { namespace, whole } = wanted
  const labelSelector = selectorOf(wanted)
  const runs = resource(cluster.client, {
    group,
    version,
    plural: 'actionruns',
    namespace,
    parse: (raw: unknown) => foundRun(whole ? objectAt({ raw }, 'raw') : withoutObject(raw)),
  })
  const { items } = await runs.list({
    // 500 are kept of each Action (--runs-per-action); a page of these is at most some 20 MiB.
    pageSize: 100,
    maxItems: 20_000,
    ...(labelSelector === '' ? {} : { labelSelector }),
  })
  return [...items].sort((a, b) => beganAt(b) - beganAt(a) || (a.name < b.name ? -1 : 1))
}

const selectorOf = ({ stage, uids }: RunsWanted): string =>
  [
    ...(stage === undefined ? [] : [`tidewaiter.io/stage=${stage}`]),
    ...(uids === undefined ? [] : [`tidewaiter.io/object-uid in (${uids.join(',')})`]),
  ].join(',')

function withoutObject(raw: unknown): Json {
  const { object: _object, ...spec } = objectAt(raw, 'spec')
  return { ...objectAt({ raw }, 'raw'), spec }
}

/** One run as it came from the API server. */
export function foundRun(raw: Json): FoundRun {
  const parsed = runOf(raw)
  return {
    namespace: textAt(raw, 'metadata', 'namespace'),
    name: textAt(raw, 'metadata', 'name'),
    createdAt: textAt(raw, 'metadata', 'creationTimestamp'),
    raw,
    ...('ok' in parsed
      ? { run: parsed.ok, problem: '' }
      : { run: undefined, problem: parsed.problems.map(sentenceOf).join('; ') }),
  }
}

/** When its first action was claimed, or it was written; milliseconds. */
export const beganAt = ({ run, createdAt }: FoundRun): number =>
  Date.parse(run?.status.startTimestamp ?? createdAt) || 0
