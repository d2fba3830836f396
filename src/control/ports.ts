/** What the controller needs from the world. */
import type { Performing } from '../core/run/performing.ts'
import type { Action } from '../api/action.ts'
import type { ActionRun, RunStatus } from '../api/action-run.ts'
import type { Statement } from '../core/exported/statement.ts'
import type { ExportedFor } from '../core/exported/use.ts'
import type { Evaluate } from '../core/match.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Author } from '../core/plan.ts'
import type { SeenObject } from '../core/post.ts'
import type { NewRun } from '../core/run/draft.ts'
import type { Json, VeleroDefaults, VeleroKind } from '../core/velero.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'

/** An Action as the controller plans with it. */
export type KnownAction = {
  readonly action: Action
  /** When its spec last changed, milliseconds, by managedFields. */
  readonly changedAt: number
}

/** An object by name and uid. */
export type SeenName = Pick<SeenObject, 'kind' | 'namespace' | 'name' | 'uid'>

/** What an Event tells. */
export type EventNote = {
  readonly regarding: {
    readonly kind: VeleroKind | 'Schedule' | 'VeleroPlugin'
    readonly namespace: string
    readonly name: string
    readonly uid: string
  }
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  /** For what happens again and again: one Event by its cause, which counts up. Times are milliseconds. */
  readonly series?: {
    readonly cause: string
    readonly count: number
    readonly firstAt: number
    readonly lastAt: number
  }
}

/** A result that is shown in the object's own phase. */
export type CountedResult = {
  readonly resourceVersion: string
  readonly errors: number
  /** The annotation tidewaiter.io/post. */
  readonly note: string
}

/** The controller's world. */
export type ControlPorts = {
  readonly clock: Clock
  readonly log: Log
  /** This process, as runs name their owner; new with every start. */
  readonly owner: string
  readonly cluster: string
  readonly hash: (text: string) => string
  readonly evaluate: Evaluate
  readonly authorOf: (action: Action) => Author | undefined
  /** When this install came to be, milliseconds. */
  readonly installedAt: number
  /** Since when nobody looked before this process led, milliseconds: the last sign of life of the former leader. */
  readonly unwatchedSince: number
  /** Until when former leaders looked at everything, milliseconds: not later than `unwatchedSince`. */
  readonly lookedUntil: number
  /** What this leader looked at and found nothing to do for, by stage and uid: a label that comes later changes nothing. */
  readonly decided: Set<string>
  /** Since when objects of runs that have ended are not there, by uid and the steady clock. */
  readonly absentSince: Map<string, number>
  /** Aborts when this process leads no more: nothing new is begun. */
  readonly leading: AbortSignal
  /** Whether the lease is this process's at this very moment, by the clock. */
  readonly holds: () => boolean
  /** The time by the API server: what it wrote is judged by it, however wrong the clock of this machine is. Milliseconds since the epoch. */
  readonly serverTime: () => number
  /** Leaders of before: what they left running is anybody's who leads now. */
  readonly formers: () => ReadonlySet<string>
  /** Counts an object that began to work without its pre actions. */
  readonly unguarded: (object: SeenObject) => void
  /** Counts a run whose object never came to be. */
  readonly orphaned: (run: ActionRun) => void
  /** Why the Actions of a namespace are not known well enough to plan with; undefined if they are. */
  readonly unsure: (namespace: string) => string | undefined
  readonly actions: (namespace: string) => readonly KnownAction[]
  readonly defaultsOf: (namespace: string) => Promise<VeleroDefaults>
  readonly scheduleOfBackup: (namespace: string, backup: string) => Promise<string>
  /** What the Backup of a Restore exported, verified; undefined where none of these actions refers to it. */
  readonly exportedFor: ExportedFor
  /** Signs what a Backup exports. */
  readonly signOutputs: (statement: Statement) => Promise<string>
  /** Whether an account, by its username, is that of the Velero in this namespace. */
  readonly isVelero: (username: string, namespace: string) => boolean
  /** The uid of a Schedule; undefined if there is none of that name. */
  readonly uidOfSchedule: (namespace: string, schedule: string) => Promise<string | undefined>
  readonly annotationsOfSchedule: (
    namespace: string,
    schedule: string,
  ) => Promise<Readonly<Record<string, string>>>
  readonly runs: {
    readonly ofObject: (uid: string) => readonly ActionRun[]
    /** Why the run of this name cannot be understood; undefined if it can, or is not there. */
    readonly unread: (namespace: string, name: string) => string | undefined
    readonly ofNamespace: (namespace: string) => readonly ActionRun[]
    readonly read: (namespace: string, name: string) => Promise<ActionRun | undefined>
    readonly create: (run: NewRun) => Promise<ActionRun | 'exists'>
    readonly write: (run: ActionRun, status: RunStatus) => Promise<ActionRun | 'conflict' | 'gone'>
  }
  readonly objects: {
    readonly seen: (kind: VeleroKind, namespace: string, name: string) => SeenObject | undefined
    /** The whole object, asked of the API server. */
    readonly read: (kind: VeleroKind, namespace: string, name: string) => Promise<Json | undefined>
    /** Sets one annotation if the object is still this one (by uid); false if it is gone. */
    readonly annotate: (object: SeenObject, key: string, value: string) => Promise<boolean>
    /** Merges a patch that names uid and resourceVersion; false if the object changed since, or is gone. */
    readonly patch: (object: SeenName, patch: Json) => Promise<boolean>
    /** Those of a namespace that have not ended. */
    readonly open: (kind: VeleroKind, namespace: string) => readonly SeenObject[]
    /** Sets the annotation tidewaiter.io/post, the phase PartiallyFailed and the errors in one write, if it is still this object at this version. */
    readonly count: (object: SeenObject, counted: CountedResult) => Promise<'written' | 'conflict' | 'gone'>
  }
  /** The longest life of a hold, milliseconds. */
  readonly holdMaxMs: number
  /** After this long without a sign of life, what Velero works on is stuck, milliseconds. */
  readonly stuckAfterMs: number
  /** How many objects of a kind Velero works on at once. */
  readonly slots: (kind: VeleroKind, namespace: string) => number
  /** Gives the exclusive keys of a run back. */
  readonly freeKeys: (run: ActionRun, keys: readonly string[]) => Promise<void>
  readonly perform: (performing: Performing) => Promise<Outcome>
  readonly tell: (note: EventNote) => Promise<void>
  /** Counts what became of a run. */
  readonly count: (run: ActionRun) => void
  /** Gives the name claim of an object back, now that it is there. */
  readonly releaseName: (object: SeenName) => Promise<void>
}
