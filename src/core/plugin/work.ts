/** What Velero has in hand: Backups and Restores that a restart would fail, or that are about to begin. */
import { textAt, type Json, type VeleroKind } from '../velero.ts'

/** One Backup or Restore that Velero has in hand. */
export type Work = { readonly kind: VeleroKind; readonly name: string; readonly phase: string }

/**
 * velero pkg/apis/velero/v1/{backup,restore}_types.go. When Velero starts, it fails what is InProgress (pkg/cmd/server/server.go,
 * markInProgressCRsFailed); the phases before and after it are part of the same work.
 */
const underWay: ReadonlySet<string> = new Set([
  'New',
  'Queued',
  'ReadyToStart',
  'InProgress',
  'WaitingForPluginOperations',
  'WaitingForPluginOperationsPartiallyFailed',
  'Finalizing',
  'FinalizingPartiallyFailed',
])

/** Those of the objects that Velero has in hand. One without a phase was just created: Velero is about to see it. */
export function workIn(kind: VeleroKind, objects: readonly Json[]): readonly Work[] {
  return objects.flatMap((object) => {
    const phase = textAt(object, 'status', 'phase') || 'New'
    return underWay.has(phase) ? [{ kind, name: textAt(object, 'metadata', 'name'), phase }] : []
  })
}

const mostShown = 5

/** `Backup nightly-1 (InProgress), Restore r1 (New) and 3 more`. */
export function workText(work: readonly Work[]): string {
  const shown = work.slice(0, mostShown).map(({ kind, name, phase }) => `${kind} ${name} (${phase})`)
  const more = work.length > mostShown ? ` and ${work.length - mostShown} more` : ''
  return `${shown.join(', ')}${more}`
}
