/** Outcomes of actions for tests. */
import type { Outcome } from '../../src/core/outcome.ts'

type Done = Extract<Outcome, { readonly status: 'done' }>
type Failed = Extract<Outcome, { readonly status: 'failed' }>

/** An action that was done in one attempt. */
export const aDone = (given: Partial<Done> = {}): Done => ({
  status: 'done',
  attempts: 1,
  durationMs: 100,
  message: 'POST https://quiesce.example/freeze answered 200',
  request: 'POST https://quiesce.example/freeze',
  outputs: {},
  ...given,
})

/** An action that was answered 503. */
export const aFailed = (given: Partial<Failed> = {}): Failed => ({
  status: 'failed',
  cause: 'answer',
  mayHaveHadEffect: true,
  attempts: 1,
  durationMs: 100,
  message: 'POST https://quiesce.example/freeze answered 503 "replica lag 40 s"',
  request: 'POST https://quiesce.example/freeze',
  ...given,
})

/** An action that was cut short. */
export const anAborted = (given: Partial<Failed> = {}): Failed =>
  aFailed({ cause: 'aborted', message: 'stopped', ...given })
