/** What can go wrong between us and the API server: one error with a closed list of codes, made from its answers. */

import { cutInside } from '../core/cut-inside.ts'

/** Every way in which a call to the API server fails. DENIED: an admission webhook or policy said no. */
export const kubeErrorCodes = [
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'CONFLICT',
  'GONE',
  'FORBIDDEN',
  'UNAUTHORIZED',
  'INVALID',
  'TOO_MANY',
  'UNAVAILABLE',
  'TIMEOUT',
  'NETWORK',
  'BAD_ANSWER',
  'TOO_LARGE',
  'DENIED',
] as const
/** Why a call failed. */
export type KubeErrorCode = (typeof kubeErrorCodes)[number]

/** One cause of a refusal, as the API server lists them: which field, and what is wrong with it. */
export type StatusCause = { readonly field?: string; readonly reason?: string; readonly message?: string }

/** What is known about a failed call besides its code and sentence. */
export type KubeErrorDetails = {
  readonly status?: number
  readonly reason?: string
  readonly retryAfterMs?: number
  readonly causes?: readonly StatusCause[]
  /** False if it is certain that the API server never got the request, so that it had no effect. */
  readonly sent?: boolean
  readonly cause?: unknown
}

/** A call to the API server that did not give what was asked for. */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly code: KubeErrorCode
  readonly status: number | undefined
  /** The reason of the API server's Status, if there was one. */
  readonly reason: string | undefined
  readonly retryAfterMs: number | undefined
  readonly causes: readonly StatusCause[]
  readonly sent: boolean

  constructor(code: KubeErrorCode, message: string, details: KubeErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.status = details.status
    this.reason = details.reason
    this.retryAfterMs = details.retryAfterMs
    this.causes = details.causes ?? []
    this.sent = details.sent ?? true
  }
}

/** Whether a caught value is a KubeError with one of these codes. */
export function isKubeError(error: unknown, ...codes: readonly KubeErrorCode[]): error is KubeError {
  return error instanceof KubeError && (codes.length === 0 || codes.includes(error.code))
}

/** A JSON object from outside, or undefined. */
export function objectIn(value: unknown): Readonly<Record<string, unknown>> | undefined {
  // The narrowing to a record holds for every non-null object that is not a list.
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}

/** A text from outside, or undefined. */
export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

// Messages of webhooks arrive whole up to 20,000 characters (seen); more is cut so that a hostile one cannot flood us.
const longestMessage = 32_768
const mostCauses = 64

/** What a response said: its status, headers that matter, and body. */
export type Answer = {
  readonly status: number
  readonly retryAfter?: string | undefined
  readonly text: string
}

/** The error that a Status object of the API server (in a response, or in an ERROR event of a watch) stands for. */
export function errorFromStatus(
  status: Readonly<Record<string, unknown>>,
  call: string,
  retryAfter?: string,
): KubeError {
  const http = typeof status['code'] === 'number' ? status['code'] : 500
  const reason = textIn(status['reason'])
  const message = cutInside(textIn(status['message']) ?? 'no message', longestMessage)
  const details = objectIn(status['details'])
  const retryAfterMs = retryAfterIn(retryAfter) ?? secondsIn(details?.['retryAfterSeconds'])
  return new KubeError(codeOf({ status: http, reason, message }), `${call} answered ${http}: ${message}`, {
    status: http,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    causes: causesIn(details?.['causes']),
  })
}

/** The error that a response with a status of 300 or more stands for; its body is a Status object, or anything at all. */
export function errorFromAnswer(answer: Answer, call: string): KubeError {
  const body = objectIn(jsonIn(answer.text))
  const code = answer.status
  if (body?.['kind'] === 'Status') return errorFromStatus({ ...body, code }, call, answer.retryAfter)
  const message = answer.text.slice(0, 200).trim() || 'an empty answer'
  return errorFromStatus({ code, message }, call, answer.retryAfter)
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Proxies and load balancers answer with HTML or plain text; the caller shows its beginning.
  }
}

// apiserver/pkg/admission/plugin/webhook/errors/statuserror.go and policy/validating/dispatcher.go write these words; a
// webhook chooses its own HTTP status, so the words are all there is.
const byWebhook = /^admission webhook "[^"]{1,253}" denied the request/
const byPolicy = /ValidatingAdmissionPolicy '[^']{1,253}' with binding '[^']{1,253}' denied request/

const byStatus: Readonly<Record<number, KubeErrorCode>> = {
  400: 'INVALID',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'INVALID',
  406: 'INVALID',
  408: 'TIMEOUT',
  409: 'CONFLICT',
  410: 'GONE',
  413: 'TOO_LARGE',
  415: 'INVALID',
  422: 'INVALID',
  429: 'TOO_MANY',
  504: 'TIMEOUT',
}

function codeOf(answer: {
  readonly status: number
  readonly reason: string | undefined
  readonly message: string
}): KubeErrorCode {
  if (byWebhook.test(answer.message) || byPolicy.test(answer.message)) return 'DENIED'
  if (answer.reason === 'AlreadyExists') return 'ALREADY_EXISTS'
  if (answer.reason === 'Expired' || answer.reason === 'Gone') return 'GONE'
  return byStatus[answer.status] ?? (answer.status >= 500 ? 'UNAVAILABLE' : 'BAD_ANSWER')
}

/** Retry-After in milliseconds; only the form in seconds, the one the API server writes. */
function retryAfterIn(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined
}

function secondsIn(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 && value < 1_000_000 ? value * 1000 : undefined
}

function causesIn(value: unknown): readonly StatusCause[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, mostCauses).map((cause: unknown) => {
    const given = objectIn(cause) ?? {}
    const [field, reason, message] = ['field', 'reason', 'message'].map((name) => {
      const text = textIn(given[name])
      return text === undefined ? undefined : cutInside(text, 4096)
    })
    return {
      ...(field === undefined ? {} : { field }),
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
    }
  })
}
