/** What cases assert with. */
import assert from 'node:assert/strict'
import type { Answer, Json } from './http.ts'

/** A failure as a Status says it; what is not given must not be there. */
export type Failure = {
  readonly code: number
  readonly reason?: string
  readonly message: string
  readonly details?: Json
}

/** The answer is a Status of failure, and exactly this one. */
export function refused(answer: Answer, { code, reason, message, details }: Failure): void {
  const wanted = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  }
  assert.deepEqual(answer.body ?? answer.text, wanted)
  assert.equal(answer.status, code)
}

/** The answer has this status; its body is given back. */
export function answered(answer: Answer, status: number): Json {
  assert.equal(answer.status, status, answer.text)
  return answer.body
}

/** The answer is a Status with this code, reason and message; its details are another case's. */
export function says(
  answer: Answer,
  code: number,
  [reason, message]: readonly [string | undefined, string | RegExp],
): void {
  const { kind, message: text, reason: why } = answer.body ?? {}
  assert.equal(kind, 'Status', answer.text)
  if (typeof message === 'string') assert.equal(text, message)
  else assert.match(String(text), message)
  assert.deepEqual({ code: answer.status, reason: why }, { code, reason })
}

/** The value holds all of `part`; arrays as a sequence. */
export const has = (value: Json, part: Json): void => assert.partialDeepStrictEqual(value, part)

/** The names of a list's items. */
export const namesOf = (list: Json): readonly string[] => list.items.map((item: Json) => item.metadata.name)
