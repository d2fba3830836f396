/** Everything that a request may need, in one value. */
import type { Authorizer } from './authz/authorize.ts'
import type { Users } from './authn/users.ts'
import type { Clock } from './clock.ts'
import type { Catalog } from './resources/catalog.ts'
import type { Store } from './storage/store.ts'
import type { WebhookTransport } from './admission/transport.ts'

/** The parts of a running server. */
export type World = {
  readonly store: Store
  readonly catalog: Catalog
  readonly users: Users
  readonly authorize: Authorizer
  readonly clock: Clock
  readonly webhooks: WebhookTransport
  /** How long a write may take in all, and how often watches get a bookmark. */
  readonly requestTimeoutMs: number
  readonly bookmarkMs: number
}
