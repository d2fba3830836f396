/** How asking a registry can fail: a closed list of codes, each with what to do next. */

/** Why a registry did not give what was wanted. */
export type RegistryCode =
  | 'NOT_FOUND'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'TOO_MANY'
  | 'SERVER_ERROR'
  | 'UNREACHABLE'
  | 'TLS'
  | 'TIMEOUT'
  | 'ABORTED'
  | 'TOO_LARGE'
  | 'BAD_ANSWER'
  | 'DIGEST_MISMATCH'
  | 'REDIRECT_REFUSED'
  | 'REALM_REFUSED'
  | 'EGRESS_REFUSED'

/** A failure in one sentence or a few: what was wanted, what was got, what to do next. Free of secrets. */
export type RegistryFailure = {
  readonly code: RegistryCode
  readonly message: string
  /** How long the registry wants to be left alone. */
  readonly retryAfterMs?: number
}

type Meaning = {
  /** The reason of a condition, CamelCase. */
  readonly reason: string
  readonly next: string
  /** Whether asking again later may help although nobody changed anything. */
  readonly passing: boolean
}

/** What each code means for a person and for a condition. */
export const registryCodes: Readonly<Record<RegistryCode, Meaning>> = {
  NOT_FOUND: {
    reason: 'NotFound',
    next: 'Check the name, the tag or digest, and whether the credentials may see it: registries hide what is not theirs to see',
    passing: false,
  },
  UNAUTHORIZED: {
    reason: 'Unauthorized',
    next: 'Check user name and password (or token) in the pull secret, and that an entry in it is for this registry',
    passing: false,
  },
  DENIED: {
    reason: 'Denied',
    next: 'Give the account of the pull secret the right to pull it',
    passing: false,
  },
  TOO_MANY: {
    reason: 'TooManyRequests',
    next: 'Wait, or use a pull secret or a mirror with a higher limit',
    passing: true,
  },
  SERVER_ERROR: {
    reason: 'RegistryError',
    next: 'Look at the registry; it is asked again later',
    passing: true,
  },
  UNREACHABLE: {
    reason: 'Unreachable',
    next: 'Check the host name, name resolution, network policies and firewalls between here and the registry',
    passing: true,
  },
  TLS: {
    reason: 'TlsFailed',
    next: 'In the settings of registries (--registries), give the authority that signs it (caFile), or plainHttp: true if the registry has no TLS; or mend the certificate',
    passing: false,
  },
  TIMEOUT: {
    reason: 'Timeout',
    next: 'Look at the registry and the way to it; it is asked again later',
    passing: true,
  },
  ABORTED: { reason: 'Stopped', next: 'Ask again', passing: true },
  TOO_LARGE: { reason: 'TooLarge', next: 'Use an image within the limit', passing: false },
  BAD_ANSWER: {
    reason: 'BadAnswer',
    next: 'Check that this is an OCI registry and the image was pushed whole',
    passing: false,
  },
  DIGEST_MISMATCH: {
    reason: 'DigestMismatch',
    next: 'Do not use this image: the registry, a mirror or something between gives other content than was asked for',
    passing: false,
  },
  REDIRECT_REFUSED: {
    reason: 'RedirectRefused',
    next: 'Mend the redirect, or name the host it leads to',
    passing: false,
  },
  REALM_REFUSED: {
    reason: 'TokenServerRefused',
    next: 'If credentials for this registry may go there, list the host among its realms, with HTTPS',
    passing: false,
  },
  EGRESS_REFUSED: { reason: 'EgressRefused', next: 'See what that sentence advises', passing: false },
}
