/** What performing an action needs from the world, and what is asked of it. */
import type { ActionSpec } from '../api/action.ts'
import type { Before, Remember } from '../core/run/before.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'

/** One HTTP call, as the egress client takes it. */
export type Call = {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Names of headers that another origin must not see. */
  readonly secretHeaders: readonly string[]
  readonly body?: string
  readonly ca?: string
  readonly maxRedirects: number
  readonly signal: AbortSignal
  /** Asked right before a request is written: false, and nothing is sent. */
  readonly isWanted?: () => boolean
}

/** What came of a call. `sent`: whether a byte of a request may have reached a server. */
export type CallAnswer =
  | {
      readonly ok: {
        readonly status: number
        /** Lower-case names. */
        readonly headers: Readonly<Record<string, string>>
        readonly body: Uint8Array
        readonly finalUrl: string
      }
    }
  | { readonly refused: 'egress'; readonly message: string; readonly sent: boolean }
  | {
      /** internal: it was not made, because this process is not ready for it. */
      readonly failed: 'network' | 'timeout' | 'aborted' | 'answer' | 'internal'
      readonly message: string
      readonly sent: boolean
    }

/** A key of a Secret in the namespace of the action. */
export type SecretRef = { readonly name: string; readonly key: string }

/** Which kind of object, and where. It is literal in the Action: nothing that is rendered changes it. */
export type Aim = {
  readonly apiVersion: string
  readonly kind: string
  /** Absent: the namespace of the Action, or none for a kind that is cluster-scoped. */
  readonly namespace?: string | undefined
}

/** An object as the API server gives it. */
export type KubeObject = Readonly<Record<string, unknown>>

/** Why a call as an account did not give what was asked for. */
export type Unacted = {
  /** account: the API server does not let us act for it. internal: it was not made because a tool of ours failed. */
  readonly failed: 'answer' | 'network' | 'timeout' | 'aborted' | 'account' | 'internal'
  /** What the API server answered. */
  readonly status?: number
  /** What a retry policy knows it by: a status (409 for a conflict), `network` or `timeout`; absent if another attempt cannot help. */
  readonly why?: string
  readonly retryAfterMs?: number
  /** Whether it may have changed something. */
  readonly sent: boolean
  /** What was wanted, as whom, and what was got. */
  readonly message: string
}

/** What came of a call as an account; it never rejects for what the other side does. */
export type Acted<T> = { readonly ok: T } | Unacted

/** One change of an object. */
export type Change = {
  readonly type: 'merge' | 'json' | 'apply'
  readonly patch: unknown
  readonly subresource?: string | undefined
  readonly fieldManager: string
  /** Of an apply: takes fields over from other managers. */
  readonly force?: boolean | undefined
  /** Asks what would become of it, and stores nothing. */
  readonly dryRun?: boolean | undefined
  /** Refuses a field that the kind does not have, instead of dropping it (fieldValidation=Strict). */
  readonly strict?: boolean | undefined
  /** Asked right before it is written: false, and nothing is sent. */
  readonly isWanted?: (() => boolean) | undefined
  readonly signal: AbortSignal
}

/** What a watch tells. A put is an object that came to be or changed. */
export type ActorEvent =
  | { readonly type: 'put' | 'delete'; readonly object: KubeObject }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }

/** The Kubernetes API as one ServiceAccount sees it. Each call is made once: trying again is for the retry policy. */
export type Actor = {
  /** `ServiceAccount velero/shop-quiescer`. */
  readonly account: string
  /** Undefined: there is none of that name. */
  readonly get: (
    aim: Aim,
    name: string,
    options: { readonly subresource?: string | undefined; readonly signal: AbortSignal },
  ) => Promise<Acted<KubeObject | undefined>>
  /** The first `limit` objects that carry the labels (`a=b,c in (d)`) and have the name; `more` if there are others. */
  readonly list: (
    aim: Aim,
    options: {
      readonly name?: string | undefined
      readonly selector: string
      readonly limit: number
      readonly signal: AbortSignal
    },
  ) => Promise<
    Acted<{ readonly items: readonly KubeObject[]; readonly resourceVersion: string; readonly more: boolean }>
  >
  /** The object as it is afterwards. */
  readonly patch: (aim: Aim, name: string, change: Change) => Promise<Acted<KubeObject>>
  /** Resolves when the API server ends the watch, which it does every few minutes; status 410 if it must be begun anew. */
  readonly watch: (
    aim: Aim,
    options: {
      readonly name?: string | undefined
      readonly selector?: string | undefined
      readonly resourceVersion: string
      readonly signal: AbortSignal
      readonly onEvent: (event: ActorEvent) => void
    },
  ) => Promise<Acted<'ended'>>
}

/** The world, as far as actions touch it. */
export type Ports = {
  readonly clock: Clock
  readonly log: Log
  /** Calls within the egress rules; never rejects for what the other side does. */
  readonly send: (call: Call) => Promise<CallAnswer>
  /** The value, or why it may not be used. Rejects if the API server cannot be asked. */
  readonly secret: (ref: SecretRef) => Promise<{ readonly ok: string } | { readonly refused: string }>
  /**
   * The Kubernetes API as this ServiceAccount of the Action's namespace, or why the author of the Action may not act for it. There is
   * no other way from an action to the Kubernetes API. Rejects if the API server cannot be asked.
   */
  readonly actor: (serviceAccount: string) => Promise<{ readonly ok: Actor } | { readonly refused: string }>
  /** Evaluates CEL with these values; never throws. */
  readonly evaluate: (
    source: string,
    values: Readonly<Record<string, unknown>>,
  ) => { readonly ok: unknown } | { readonly error: string }
  /** The ways to the fields of a variable that an expression reads; the variables are all that it may name. */
  readonly reads: (
    source: string,
    variable: string,
    variables: readonly string[],
  ) => readonly (readonly string[])[]
  /** `tidewaiter/<version>`. */
  readonly userAgent: string
}

/** One action to perform, once. */
export type Performance = {
  readonly action: { readonly name: string; readonly spec: ActionSpec }
  readonly idempotencyKey: string
  readonly traceparent: string
  /** What expressions in the body see: backup or restore, outputs, stage. */
  readonly variables: Readonly<Record<string, unknown>>
  /** When the stage's time is over, ms since the epoch. */
  readonly endsAt: number
  /** Whether it is still ours to perform: asked right before anything is sent. Absent: until `endsAt`. */
  readonly isOurs?: (() => boolean) | undefined
  readonly signal: AbortSignal
  /** Render, look whether the secrets are there and the account may be acted for, and change nothing. */
  readonly renderOnly: boolean
  /** With renderOnly: ask for a server-side dry run where the body can. */
  readonly rehearse: boolean
  /** Put back what was there before. */
  readonly revert: boolean
  /** What the action found before it changed anything, in this performance or in one that was cut short. */
  readonly before: Before | undefined
  /** Absent for an undo: nothing is kept of it. */
  readonly remember: Remember | undefined
}
