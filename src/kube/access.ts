/** How the API server is reached and who we are to it: what config.ts finds, and what client.ts uses. */

/** What a request carries to say who we are; which of it changes while we run depends on where it comes from. */
export type Credentials = {
  /** The value of the Authorization header. */
  readonly authorization?: string
  /** A client certificate, PEM. */
  readonly cert?: string
  /** The key of the client certificate, PEM. */
  readonly key?: string
  /** The authorities to trust, PEM, where they are re-read as they rotate; else `ClusterAccess.ca` counts. */
  readonly ca?: string
}

/** Another identity that our own may take on (verb impersonate). */
export type ActAs = {
  readonly user: string
  readonly groups?: readonly string[]
  readonly uid?: string
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** One API server and how we are known there. */
export type ClusterAccess = {
  /** `https://host:port`, perhaps with a path, without a slash at its end. */
  readonly server: string
  readonly ca?: string
  /** The name that the server's certificate must carry, if not that of the host. */
  readonly serverName?: string
  /** Who we are now; `fresh` re-reads what can be re-read, after the API server said 401. */
  readonly auth: (fresh?: boolean) => Promise<Credentials>
  readonly actAs?: ActAs
  /** The namespace of the context, or of our pod. */
  readonly namespace?: string
  readonly inCluster: boolean
  /** True only if a kubeconfig says insecure-skip-tls-verify; then `warnings` says so. */
  readonly skipTlsVerify: boolean
  /** One sentence each, to be logged once. */
  readonly warnings: readonly string[]
}

/** Every reason for which no API server could be found or no credentials read. */
export const accessErrorCodes = [
  'NO_CONFIG',
  'UNREADABLE',
  'NOT_YAML',
  'NO_CONTEXT',
  'NO_CLUSTER',
  'NO_USER',
  'BAD_SERVER',
  'BAD_PEM',
  'BAD_TOKEN',
  'UNSUPPORTED',
  'PLUGIN_FAILED',
] as const
/** Why the API server cannot be reached as configured. */
export type AccessErrorCode = (typeof accessErrorCodes)[number]

/** A kubeconfig or service account that cannot be used. */
export class AccessError extends Error {
  override readonly name = 'AccessError'
  readonly code: AccessErrorCode

  constructor(code: AccessErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
