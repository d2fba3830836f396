/** How webhooks are reached: by URL, and for Services by what the sandbox was told they stand for. */
import type { Agent } from 'node:https'

/** Where Services are, and the connections that are kept. */
export type WebhookTransport = {
  /** `namespace/name` or `namespace/name:port` to a base URL. */
  readonly services: ReadonlyMap<string, string>
  /** A pool of connections for each CA bundle. */
  readonly agentFor: (caBundle: string) => Agent
  readonly close: () => void
}
