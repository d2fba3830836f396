/** What one must be allowed to do to take tidewaiter out of a cluster. */
import { group } from '../api/schema.ts'
import type { Clock } from '../clock.ts'
import { dataKind, ownKinds, resourceText, type OwnKind } from '../core/uninstall/own-kinds.ts'
import type { VeleroKind } from '../core/velero.ts'
import { createAccessReview } from '../kube/access-review.ts'
import { veleroPlural } from './kinds.ts'
import type { Reached } from './reach.ts'

/** Where it is done. */
export type UninstallPlace = {
  readonly reached: Reached
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** What Velero's objects are that Actions are about. */
export const veleroKinds: readonly VeleroKind[] = ['Backup', 'Restore']

/** How the API server knows them. */
export const ofVelero = (kind: VeleroKind): OwnKind => ({
  group: 'velero.io',
  plural: veleroPlural[kind],
  kind,
})

/** A kind, or a part of it, and what one must be allowed to do with it. */
type Wanted = readonly [OwnKind & { readonly subresource?: string }, ...string[]]

/** The rights that this user lacks, as `delete deployments.apps`. */
export async function lacking(
  { reached, clock, signal }: UninstallPlace,
  { force, deleteData }: { readonly force: boolean; readonly deleteData: boolean },
): Promise<readonly string[]> {
  const review = createAccessReview({ client: reached.client, clock })
  const own = Object.values(ownKinds).flat()
  const velero = veleroKinds.map(ofVelero)
  const runs: OwnKind = { group, plural: 'actionruns', kind: 'ActionRun' }
  // What the guard asks of whoever ends what is held.
  const ending: readonly Wanted[] = [
    ...velero.map((kind) => [kind, 'patch'] as const),
    ...velero.map((kind) => [{ ...kind, subresource: 'status' }, 'update'] as const),
    [{ group: 'velero.io', plural: 'backupstoragelocations', kind: 'BackupStorageLocation' }, 'list'],
    [runs, 'release'],
  ]
  const wanted: readonly Wanted[] = [
    ...own.map((kind) => [kind, 'list', 'delete'] as const),
    ...velero.map((kind) => [kind, 'list'] as const),
    [runs, 'list'],
    ...(force ? ending : []),
    ...ownKinds.namespaces.map((kind) => [kind, 'get'] as const),
    [{ group: '', plural: 'pods', kind: 'Pod' }, 'list'],
    [dataKind, 'list', ...(deleteData ? ['delete'] : [])],
  ]
  const missing: string[] = []
  // One kind after another: an API server is not asked fifty things at once.
  for (const [kind, ...verbs] of wanted) {
    const { group, plural, subresource } = kind
    const part = subresource === undefined ? {} : { subresource }
    const may = await Promise.all(
      verbs.map((verb) => review.mayI({ verb, group, resource: plural, ...part }, signal)),
    )
    const text = `${resourceText(kind)}${subresource === undefined ? '' : `/${subresource}`}`
    missing.push(...verbs.filter((_, i) => may[i] !== true).map((verb) => `${verb} ${text}`))
  }
  return missing
}
