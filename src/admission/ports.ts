/** What the webhook server needs from the world, and the words it shares with who builds it. */
import type { AdmissionRequest } from '../core/admission-request.ts'
import type { Verdict } from '../core/verdict.ts'

/** One webhook: `/backups` is served as `/<random prefix>/backups`. A throw becomes a denial, never a crash. */
export type Endpoint = {
  readonly path: string
  readonly handle: (request: AdmissionRequest) => Promise<Verdict>
}

/** What the server shows and demands on TLS; PEM. `clientCa` is needed exactly if the server was built for mutual TLS. */
export type ServerTls = { readonly key: string; readonly cert: string; readonly clientCa?: string }

/** Bounds of the webhook server. */
export type ServerLimits = {
  readonly bodyBytes: number
  /** Of all bodies that are being read or weighed at one time. */
  readonly bufferedBytes: number
  readonly connections: number
  /** How long `close` still takes new connections: until every API server has heard that this pod is leaving. */
  readonly drainMs: number
  /** How long `close` then waits for answers in flight. */
  readonly graceMs: number
}

/** The bounds unless told otherwise. */
export const defaultLimits: ServerLimits = {
  // An AdmissionReview holds object and oldObject, 3 MiB each at most in the API server, and room for the rest.
  bodyBytes: 8 * 1024 * 1024,
  bufferedBytes: 64 * 1024 * 1024,
  connections: 512,
  // Endpoints take some seconds to reach kube-proxy on every node.
  drainMs: 8_000,
  // No API server waits longer than 30 s for an answer.
  graceMs: 30_000,
}
