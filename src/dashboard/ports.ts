/** What the dashboard needs from the world. */
import type { Action, ActionStatus } from '../api/action.ts'
import type { ActionRun } from '../api/action-run.ts'
import type { AdmissionDecision } from '../api/admission-decision.ts'
import type { Clock } from '../clock.ts'
import type { Certificates } from '../core/certificates.ts'
import type { SeenObject } from '../core/post.ts'
import type { Json, VeleroKind } from '../core/velero.ts'
import type { Log } from '../log.ts'
import type { Progress } from './history/projector.ts'
import type { DecisionStore } from './history/store.ts'

/** Who looks, as the API server authenticated them. */
export type Viewer = {
  readonly user: string
  readonly groups: readonly string[]
  readonly uid?: string
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** What a viewer wants to see. */
export type Look = {
  readonly verb: 'list'
  readonly group: string
  readonly resource: string
  readonly namespace: string
}

/** An Action as it is known: parsed, or why it cannot be. */
export type KnownAction =
  | { readonly name: string; readonly action: Action }
  | { readonly name: string; readonly problem: string; readonly status?: ActionStatus }

/** A Schedule of Velero. */
export type KnownSchedule = {
  readonly name: string
  readonly cron: string
  readonly paused: boolean
  /** When Velero last made or skipped a Backup of it, or its creation: milliseconds. */
  readonly lastAt: number
  /** What its annotation tidewaiter.io/cooldown-reset says. */
  readonly reset?: string
}

/** What is known of one of Velero's namespaces. */
export type Known = {
  readonly namespace: string
  /** Whether everything was seen at least once. */
  readonly synced: () => boolean
  /** What of it cannot be read now, and why. */
  readonly trouble: () => string | undefined
  /** How far what is known may be behind, milliseconds. */
  readonly silentMs: () => number
  readonly actions: () => readonly KnownAction[]
  readonly runs: () => readonly ActionRun[]
  /** The names of runs that this version cannot read. */
  readonly unreadRuns: () => readonly string[]
  readonly objects: (kind: VeleroKind) => readonly SeenObject[]
  readonly schedules: () => readonly KnownSchedule[]
  /** As whom Velero makes Backups. */
  readonly veleroUsers: readonly string[]
  /** The decisions that the cluster still has. */
  readonly decisions: () => readonly AdmissionDecision[]
  /** VeleroPlugins as they are; undefined: their gate is off. */
  readonly plugins: () => readonly Json[] | undefined
}

/** What the page about the system tells. */
export type SystemFacts = {
  readonly version: string
  readonly replica: string
  readonly cluster: string
  readonly startedAt: number
  /** Who leads (absent: nobody), and what that replica says of its certificates. */
  readonly lease: () => Promise<{ readonly leader?: string; readonly certificates?: Certificates }>
  /** Which certificates callers of the webhook meet. */
  readonly served: () => Promise<Served>
}

/** A certificate that was met, and how often. */
export type ServedCertificate = {
  readonly fingerprint: string
  readonly until: number
  readonly connections: number
}

/** What some connections to the webhook showed; `trouble`: why one of them showed nothing. */
export type Served = {
  readonly certificates: readonly ServedCertificate[]
  readonly connections: number
  readonly trouble?: string
}

/** How people sign in; `none` shows everything to whoever reaches the address, which is then a loopback one. */
export type SignIn = 'token' | 'none'

/** Everything that the dashboard needs. */
export type DashboardPorts = {
  readonly clock: Clock
  readonly log: Log
  readonly signIn: SignIn
  /** Names by which browsers may call us, beside those of the loopback. */
  readonly hosts: readonly string[]
  /** The audience that tokens must be for. */
  readonly audience: string
  readonly known: readonly Known[]
  readonly history: Pick<DecisionStore, 'page' | 'get' | 'stats' | 'export' | 'extent' | 'gaps'>
  readonly progress: () => Progress
  readonly system: SystemFacts
  readonly stuckAfterMs: number
  /** Who has a token; undefined: nobody. Throws when the API server does not answer. */
  readonly authenticate: (token: string) => Promise<Viewer | undefined>
  /** Whether somebody may. Throws when there is no answer; that means no. */
  readonly may: (viewer: Viewer, look: Look) => Promise<boolean>
  /** Bytes that nobody can guess, as text for a cookie. */
  readonly newSecret: () => string
  readonly hash: (text: string) => string
}
