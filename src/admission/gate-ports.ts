/** What the gate before Backups and Restores needs from the world. */
import type { Performing } from '../core/run/performing.ts'
import type { Action } from '../api/action.ts'
import type { ActionRun, RunStatus } from '../api/action-run.ts'
import type { RequestUser } from '../core/admission-request.ts'
import type { ExportedFor } from '../core/exported/use.ts'
import type { Evaluate } from '../core/match.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Author } from '../core/plan.ts'
import type { Subject } from '../core/refusal.ts'
import type { NewRun } from '../core/run/draft.ts'
import type { VeleroDefaults } from '../core/velero.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'

/** The records of runs. */
export type RunStore = {
  readonly read: (namespace: string, name: string) => Promise<ActionRun | undefined>
  /** Creates the run; 'exists' if its name is taken. */
  readonly create: (run: NewRun) => Promise<ActionRun | 'exists'>
  readonly write: (run: ActionRun, status: RunStatus) => Promise<ActionRun | 'conflict' | 'gone'>
  /** The runs of a namespace that a cool-down may be derived from, as they are now: by `cooldownKey`. */
  readonly recent: (namespace: string, key: string) => Promise<readonly ActionRun[]>
}

/** What it takes to foresee what the gate will do: nothing here has an effect, but `perform` where it does not only render. */
export type ForesightPorts = {
  readonly clock: Clock
  /** uid of the namespace kube-system. */
  readonly cluster: string
  readonly hash: (text: string) => string
  readonly evaluate: Evaluate
  /** Whether an expression that may use these variables names this one of them. */
  readonly namesVariable: (source: string, variable: string, variables: readonly string[]) => boolean
  /**
   * The Actions of a namespace: from the cache while it is fresh, else asked for; or why they are not known. `unadopted`: the names
   * of those that cannot be understood and that nobody adopted; they are left out.
   */
  readonly actionsOf: (
    namespace: string,
  ) => Promise<
    { readonly ok: readonly Action[]; readonly unadopted?: readonly string[] } | { readonly unknown: string }
  >
  readonly authorOf: (action: Action) => Author | undefined
  readonly defaultsOf: (namespace: string) => Promise<VeleroDefaults>
  /** The Schedule that made a Backup, or ''. */
  readonly scheduleOfBackup: (namespace: string, backup: string) => Promise<string>
  /** The annotations of a Schedule and of its template, as they stand. */
  readonly annotationsOfSchedule: (
    namespace: string,
    schedule: string,
  ) => Promise<Readonly<Record<string, string>>>
  /** What the Backup of a Restore exported, verified; undefined where none of these actions refers to it. */
  readonly exportedFor: ExportedFor
  readonly isVelero: (user: RequestUser, namespace: string) => boolean
  readonly maySkip: (user: RequestUser, namespace: string) => Promise<boolean>
  readonly perform: (performing: Performing) => Promise<Outcome>
}

/** The gate's world. */
export type GatePorts = ForesightPorts & {
  readonly log: Log
  readonly runs: RunStore
  /** This replica, as runs name their owner. */
  readonly owner: string
  /** The longest life of a hold, milliseconds. */
  readonly holdMaxMs: number
  readonly exists: (subject: Subject) => Promise<boolean>
  /** Whether the policies that keep Velero from starting a held object are seen in force. */
  readonly guardClosed: (namespace: string) => Promise<boolean>
  /** Claims the name for one uid; the uid that holds it already otherwise. */
  readonly claimName: (
    subject: Subject,
    uid: string,
  ) => Promise<{ readonly ok: true } | { readonly heldBy: string }>
  readonly releaseName: (subject: Subject, uid: string) => Promise<void>
  /** Counts a run that ended. */
  readonly count: (run: ActionRun) => void
}
