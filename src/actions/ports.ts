/** What performing an action needs from the world, and what is asked of it. */
import type { ActionSpec } from '../api/action.ts'
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

/** The world, as far as actions touch it. */
export type Ports = {
  readonly clock: Clock
  readonly log: Log
  /** Calls within the egress rules; never rejects for what the other side does. */
  readonly send: (call: Call) => Promise<CallAnswer>
  /** The value, or why it may not be used. Rejects if the API server cannot be asked. */
  readonly secret: (ref: SecretRef) => Promise<{ readonly ok: string } | { readonly refused: string }>
  /** Evaluates CEL with these values; never throws. */
  readonly evaluate: (
    source: string,
    values: Readonly<Record<string, unknown>>,
  ) => { readonly ok: unknown } | { readonly error: string }
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
  readonly signal: AbortSignal
  /** Render, look whether the secrets are there, and send nothing. */
  readonly renderOnly: boolean
}
