/** What became of one action: a value that the run machine weighs. A broken tool of ours is a throw, never an outcome. */
export type Outcome =
  | {
      readonly status: 'done'
      readonly attempts: number
      readonly durationMs: number
      /** What it answered, in a phrase, secrets masked: `POST https://a/b answered 204`. */
      readonly message: string
      /** What was sent, rendered, secrets masked. */
      readonly request: string
      readonly outputs: Readonly<Record<string, unknown>>
    }
  | {
      readonly status: 'failed'
      /** Why, from a closed list, for metrics and logs. */
      readonly cause:
        | 'answer'
        | 'network'
        | 'timeout'
        | 'aborted'
        /** Another object has the exclusive key. */
        | 'exclusive'
        | 'egress'
        | 'secret'
        /** Its account may not be acted for: by its author, or by us. */
        | 'account'
        | 'template'
        | 'output'
        /** The outputs that its Backup exported may not be used. */
        | 'exported'
        | 'internal'
      /** False if it is certain that nothing was sent to the other side. */
      readonly mayHaveHadEffect: boolean
      readonly attempts: number
      readonly durationMs: number
      /** What was wanted and what was got, secrets masked: `POST https://a/b answered 503 "replica lag 40 s"`. */
      readonly message: string
      readonly request: string
    }

/** The outcome of an action that was not begun: nothing was sent. */
export const notBegun = (
  cause: 'aborted' | 'exclusive' | 'exported' | 'internal' | 'timeout',
  message: string,
): Outcome => ({
  status: 'failed',
  cause,
  mayHaveHadEffect: false,
  attempts: 0,
  durationMs: 0,
  message,
  request: '',
})
