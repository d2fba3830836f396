/** Which body is performed by what: one row for each kind of body. */
import type { ActionSpec } from '../api/action.ts'
import type { Mask } from '../core/masks.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Evaluate } from '../core/render.ts'
import { http } from './http.ts'
import { patch } from './patch.ts'
import { scale } from './scale.ts'
import { wait } from './wait.ts'
import type { Before, Remember } from '../core/run/before.ts'
import type { Actor, Ports, SecretRef } from './ports.ts'

/** The kinds of body that can be performed, by their field in the spec. */
export const bodyKinds = ['http', 'patch', 'scale', 'wait'] as const
/** One of them. */
export type BodyKind = (typeof bodyKinds)[number]

/** What a runner may use to prepare one action. */
export type Context = {
  readonly ports: Pick<Ports, 'clock' | 'send' | 'userAgent'>
  /** The name of the Action. */
  readonly action: string
  /** The Kubernetes API as the Action's account; nobody where the runner does not act. */
  readonly actor: Actor
  /** Whether its undo puts back what was there: then that must be kept. */
  readonly reverts: boolean
  /** What the action found before it changed anything, in this performance or in one that was cut short. */
  readonly before: Before | undefined
  /** Keeps what it finds, before it changes anything; absent for an undo, of which nothing is kept. */
  readonly remember: Remember | undefined
  readonly idempotencyKey: string
  readonly traceparent: string
  /** Evaluates with what the Action sees, and these values besides. */
  readonly evaluate: (source: string, besides?: Readonly<Record<string, unknown>>) => ReturnType<Evaluate>
  /** The ways to the fields of one of the variables besides that an expression reads. */
  readonly reads: (source: string, variable: string, besides: readonly string[]) => ReturnType<Ports['reads']>
  /** The value of a Secret that `secrets` named. */
  readonly secret: (ref: SecretRef) => string
  /** To be used on all text from outside before it is cut. */
  readonly mask: Mask
}

/** Why an attempt failed, and whether it is worth another. */
export type FailedAttempt = {
  readonly status: 'failed'
  readonly cause: Extract<Outcome, { readonly status: 'failed' }>['cause']
  /** What the retry policy knows it by: a status, `network` or `timeout`; absent if another attempt cannot help. */
  readonly why?: string
  readonly retryAfterMs?: number
  /** Whether it may have had an effect. */
  readonly sent: boolean
  readonly message: string
}

/** How one attempt ended. `response` is what the outputs see. */
export type Attempt =
  | {
      readonly status: 'done'
      readonly message: string
      readonly response: Readonly<Record<string, unknown>>
    }
  | FailedAttempt

/** An action with everything filled in. */
export type Prepared = {
  /** What is sent, for the record, secrets masked. */
  readonly request: string
  /** The same in a phrase: `POST https://quiesce.shop/freeze`. */
  readonly what: string
  readonly attempt: (signal: AbortSignal) => Promise<Attempt>
  /** Asks, without any effect, what would become of it; absent where nobody can be asked. */
  readonly rehearse?: (signal: AbortSignal) => Promise<Attempt>
}

/** A body filled in, or why it cannot be. */
export type Preparation =
  { readonly ok: Prepared } | { readonly problem: string; readonly cause: 'template' | 'secret' }

/** What performs one kind of body. */
export type Runner<K extends BodyKind> = {
  /** Whether it calls the Kubernetes API, as the Action's account. */
  readonly acts: boolean
  /** The Secrets it will ask for. */
  readonly secrets: (body: NonNullable<ActionSpec[K]>) => readonly SecretRef[]
  /** Fills the body in, without any effect. */
  readonly prepare: (body: NonNullable<ActionSpec[K]>, context: Context) => Preparation
  /** Puts back what was there before it changed anything; absent for a body that cannot be reverted. */
  readonly revert?: (body: NonNullable<ActionSpec[K]>, context: Context) => Preparation
}

/** One row for each kind; the compiler names the row you forgot. */
export type Runners = { readonly [K in BodyKind]: Runner<K> }

/** The runners of this version. */
export const runners: Runners = { http, patch, scale, wait }

/** A body together with its runner. */
export type Bound = {
  readonly acts: boolean
  readonly secrets: readonly SecretRef[]
  readonly prepare: (context: Context) => Preparation
}

/** What of a body is to be performed, and by whom. */
export type Binding = { readonly spec: ActionSpec; readonly revert: boolean }

/** Binds the body of a spec to its runner; undefined if this version has none for it. */
export function bind(binding: Binding, table: Runners): Bound | undefined {
  return bodyKinds.map((kind) => bound(kind, binding, table)).find((found) => found !== undefined)
}

// The parameter ties body and runner together inside.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function bound<K extends BodyKind>(kind: K, { spec, revert }: Binding, table: Runners): Bound | undefined {
  const body = spec[kind]
  if (body === undefined) return undefined
  const runner: Runner<K> = table[kind]
  const prepare = revert ? runner.revert : runner.prepare
  if (prepare === undefined) return undefined
  return {
    acts: runner.acts,
    secrets: runner.secrets(body),
    prepare: (context) => prepare(body, context),
  }
}
