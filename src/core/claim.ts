/**
 * The claim on a name: two CREATEs of one name at once both reach us, with different uids, and only one will be stored.
 * The first to write a Lease named from kind, namespace and name runs its actions; the other is refused.
 */

/** A claim is free again after this: the API server ends a whole write after 34 s. */
export const claimSeconds = 60

/** A Lease, as far as claims need it. */
export type ClaimLease = {
  readonly holder: string
  readonly resourceVersion: string
  /** Milliseconds since the epoch. */
  readonly acquiredAt: number
}

/** What to do about a Lease that is there. */
export type ClaimStep =
  { readonly do: 'held'; readonly by: string } | { readonly do: 'take-over' } | { readonly do: 'own' }

/** Decides whether this uid may have the name. */
export function claimStep(lease: ClaimLease, uid: string, now: number): ClaimStep {
  if (lease.holder === uid) return { do: 'own' }
  // A time that cannot be read, or that lies far ahead, must not keep a name for ever.
  const fresh = Math.abs(now - lease.acquiredAt) <= claimSeconds * 1000
  return lease.holder !== '' && fresh ? { do: 'held', by: lease.holder } : { do: 'take-over' }
}

/** The name of the Lease: `hash` gives lower-case hex. */
export const claimName = (kind: string, name: string, hash: (text: string) => string): string =>
  `tidewaiter-claim-${kind.toLowerCase()}-${hash(name).slice(0, 24)}`
