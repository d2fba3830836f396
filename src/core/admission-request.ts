/** What the API server asks in an AdmissionReview (admission.k8s.io/v1), checked and typed at the rim. */

/** Who sent the request to the API server, as it authenticated them. */
export type RequestUser = {
  readonly username: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/** What the API server is about to do to the object. */
export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

/** One question of the API server. `object` and `oldObject` are still unknown: whoever reads them parses them. */
export type AdmissionRequest = {
  /** Of this question, not of the object; the same uid comes again when the API server repeats a call. */
  readonly uid: string
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string }
  readonly operation: Operation
  /** May be empty on CREATE (generateName). */
  readonly name: string
  /** Empty for what is not namespaced. */
  readonly namespace: string
  readonly user: RequestUser
  /** Null on DELETE. */
  readonly object: unknown
  /** Null on CREATE. */
  readonly oldObject: unknown
  readonly dryRun: boolean
  /** How long the API server waits for the answer: its `?timeout=`, at most 30 s. */
  readonly timeoutMs: number
  /** When the request's head arrived here, by the Clock. */
  readonly receivedAt: number
  /** Aborts when the API server closed the connection before the answer, and when the time is up. Most questions are answered without it. */
  readonly signal: () => AbortSignal
}
