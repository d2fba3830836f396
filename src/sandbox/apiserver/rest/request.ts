/** One request on its way through the server, and the answers it may get. */
import type { User } from '../authn/users.ts'
import type { Json } from '../json.ts'
import type { RequestInfo } from './request-info.ts'

/** A request after authentication. */
export type Request = {
  readonly method: string
  readonly info: RequestInfo
  readonly query: URLSearchParams
  readonly contentType: string
  readonly accept: string
  /** The tag of what the client has already. */
  readonly ifNoneMatch: string
  readonly userAgent: string
  readonly user: User
  readonly body: Buffer
  /** Aborts when the client goes away or the time for the request is over. */
  readonly signal: AbortSignal
  /** When the time for the request is over, in milliseconds since the epoch. */
  readonly endsAt: number
  /** Adds a Warning header to the answer. */
  readonly warn: (text: string) => void
}

/** One line of a watch, or its end. */
export type Sink = {
  /** Sends one event; false where the client is too slow to be kept. */
  readonly send: (line: string) => boolean
  readonly end: () => void
}

/** The answer to a request. */
export type Answer =
  | {
      readonly as: 'json'
      readonly code: number
      readonly body: Json
      readonly contentType?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | {
      readonly as: 'text'
      readonly code: number
      readonly text: string
      readonly contentType: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly as: 'stream'; readonly start: (sink: Sink) => () => void }

/** A JSON answer. */
export function json(body: Json, code = 200): Answer {
  return { as: 'json', code, body }
}
