/** What went wrong at one place, in a phrase that follows "got"; the failure that a caller sees is made of these. */
import { isObject } from '../core/velero.ts'
import type { RegistryCode } from '../core/plugin-check/failure.ts'
import type { Mask } from '../core/masks.ts'
import { parseRetryAfter } from '../core/retry.ts'
import { readObject } from './json.ts'
import { longestError } from './limits.ts'
import type { Answered, CallAnswer } from './ports.ts'

/** One place's answer that was not what was wanted. */
export type Trouble = { readonly code: RegistryCode; readonly got: string; readonly retryAfterMs?: number }

/** Sorts a call that gave no answer. */
export function unanswered(answer: Exclude<CallAnswer, { readonly ok: Answered }>): Trouble {
  if ('refused' in answer) return { code: 'EGRESS_REFUSED', got: `no call, as ${answer.message}` }
  if (answer.failed === 'network') return { code: 'UNREACHABLE', got: answer.message }
  if (answer.failed === 'timeout') return { code: 'TIMEOUT', got: answer.message }
  if (answer.failed === 'aborted') return { code: 'ABORTED', got: answer.message }
  const got = answer.cause ?? answer.message
  if (answer.about === 'tls') return { code: 'TLS', got }
  return { code: answer.about === 'size' ? 'TOO_LARGE' : 'BAD_ANSWER', got }
}

const codes: Readonly<Record<number, RegistryCode>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'NOT_FOUND',
  407: 'DENIED',
  429: 'TOO_MANY',
}

/** Sorts an answer whose status says no. */
export function refusedBy(answer: Answered, given: { readonly mask: Mask; readonly now: number }): Trouble {
  const { status, headers } = answer
  const code = codes[status] ?? (status >= 500 ? 'SERVER_ERROR' : 'BAD_ANSWER')
  const words = wordsOf(answer.body, given.mask)
  const retryAfterMs = parseRetryAfter(headers['retry-after'], given.now)
  return {
    code,
    got: words === '' ? String(status) : `${status} ${JSON.stringify(words)}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

/** The registry's own words, from the form of the distribution specification or of OAuth; nothing else is shown. */
function wordsOf(body: Uint8Array, mask: Mask): string {
  if (body.byteLength === 0 || body.byteLength > longestError) return ''
  const read = readObject(body)
  if ('problem' in read) return ''
  const { errors, error, error_description: described, details } = read.ok
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  const { code, message } = isObject(first) ? first : { code: error, message: described ?? details }
  const said = [code, message].filter((part): part is string => typeof part === 'string' && part !== '')
  return readable(mask(said.join(': ')))
}

/** One line that shows what it is: masked before, cut afterwards. */
export function readable(text: string): string {
  return text
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, 200)
}
