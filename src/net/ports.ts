/** What a call asks for and what comes back. */

/** One HTTP call. Time is bounded by `signal` alone, which every caller must give. */
export type Request = {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Names of headers that are not sent to another origin after a redirect; Authorization and Cookie never are. */
  readonly secretHeaders?: readonly string[]
  readonly body?: string | Uint8Array
  /** PEM certificates that replace the public authorities; https only. */
  readonly ca?: string
  /** 0: a redirect is an answer like any other. */
  readonly maxRedirects: number
  /** Default 1 MiB. */
  readonly maxResponseBytes?: number
  readonly signal: AbortSignal
  /**
   * Asked right before the request is written: false, and nothing is sent. When a process that stood still wakes up, the connection may
   * come before the timers that end its time; whoever says no has aborted the signal, so that it says why.
   */
  readonly isWanted?: () => boolean
}

/** A complete answer. */
export type Answered = {
  readonly status: number
  /** Lower-case names; repeated ones joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** The bytes as they came: nothing is decompressed or decoded. */
  readonly body: Uint8Array
  /** Always false: an answer that is too large is a failure, never a part. */
  readonly truncated: false
  readonly finalUrl: string
  /** The address that answered. */
  readonly address: string
}

/** The rules do not let this call out. `sent`: a redirect led there, so another server was called already. */
export type Refused = { readonly refused: 'egress'; readonly message: string; readonly sent: boolean }

/** No usable answer. */
export type Failed = {
  /**
   * network: no connection, or it broke. timeout: connecting took too long, or `signal` aborted with a TimeoutError.
   * aborted: `signal` aborted otherwise. answer: the server is not who it should be, or broke a limit or the protocol.
   */
  readonly failed: 'network' | 'timeout' | 'aborted' | 'answer'
  /** Of `answer`: the server is not who it should be or speaks no TLS; or its body is larger than the limit. */
  readonly about?: 'tls' | 'size'
  /** Where `about` is said: the message without what it advises, which speaks of Actions. */
  readonly cause?: string
  readonly message: string
  /** Whether a byte of a request may have reached a server. */
  readonly sent: boolean
}

/** What came of a call. */
export type Answer = { readonly ok: Answered } | Refused | Failed

/** All addresses of a host, as texts; rejects if there are none, or with the signal's reason. */
export type Lookup = (host: string, signal: AbortSignal) => Promise<readonly string[]>

/** Makes HTTP calls within the egress rules. */
export type Egress = { readonly send: (request: Request) => Promise<Answer> }
