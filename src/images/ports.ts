/** What the registry client needs from the world, and what is asked of it. */
import type { Clock } from '../clock.ts'
import type { RegistryFailure } from '../core/plugin-check/failure.ts'
import type { Log } from '../log.ts'
import type { Keyring } from './keyring.ts'

/** One HTTP call, as the egress client takes it. Redirects are followed here, where it is known who may be told what. */
export type Call = {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: string
  /** PEM certificates that replace the public authorities; https only. */
  readonly ca?: string
  readonly maxRedirects: 0
  readonly maxResponseBytes: number
  readonly signal: AbortSignal
}

/** A complete answer. */
export type Answered = {
  readonly status: number
  /** Lower-case names; repeated ones joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What came of a call. */
export type CallAnswer =
  | { readonly ok: Answered }
  | { readonly refused: 'egress'; readonly message: string }
  | {
      readonly failed: 'network' | 'timeout' | 'aborted' | 'answer'
      readonly message: string
      /** Of `answer`: no TLS, or a certificate that is not trusted; or the body is too large. */
      readonly about?: 'tls' | 'size'
      /** The message without advice, where `about` is said. */
      readonly cause?: string
    }

/** The world, as far as registries are concerned. */
export type Ports = {
  readonly clock: Clock
  readonly log: Log
  /** Calls within the egress rules; never rejects for what the other side does. */
  readonly send: (call: Call) => Promise<CallAnswer>
  /** `tidewaiter/<version>`. */
  readonly userAgent: string
  /** PEM of the authorities that this machine trusts, which the CA of a registry comes on top of. */
  readonly authorities: () => string
}

/** An image as a parsed reference names it: `docker.io` and `library/busybox`; the digest counts if both are given. */
export type Image = {
  readonly registry: string
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

/** How long something may take: until `endsAt` (ms since the epoch), when `signal` aborts at the latest. */
export type Within = { readonly signal: AbortSignal; readonly endsAt: number }

/** With which credentials, and until when. */
export type Access = { readonly keyring: Keyring; readonly within: Within }

/** What was wanted, or why there is none. */
export type Outcome<T> = { readonly ok: T } | { readonly failed: RegistryFailure }
