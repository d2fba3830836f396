/** The connections to webhooks: kept alive, one pool for each CA bundle. */
import { Agent } from 'node:https'
import { rootCertificates } from 'node:tls'
import type { WebhookTransport } from './transport.ts'

/** A transport whose Services can be told later. */
export type Connections = WebhookTransport & { readonly setService: (name: string, url: string) => void }

// Bundles turn with rotation; a pool that is not used any more is closed when this many others came.
const mostPools = 64

/** Makes the transport. */
export function makeTransport(given: Readonly<Record<string, string>>): Connections {
  const services = new Map(Object.entries(given))
  const agents = new Map<string, Agent>()
  const agentFor = (caBundle: string): Agent => {
    const known = agents.get(caBundle)
    if (known !== undefined) return known
    if (agents.size >= mostPools) closeAll(agents)
    const ca = caBundle === '' ? [...rootCertificates] : [Buffer.from(caBundle, 'base64').toString('utf8')]
    // As many as are asked at once, as client-go's transport (MaxConnsPerHost is not set): bounding them is for the webhook.
    const agent = new Agent({ ca, keepAlive: true })
    agents.set(caBundle, agent)
    return agent
  }
  return {
    services,
    agentFor,
    setService: (name, url) => {
      services.set(name, url)
    },
    close: () => closeAll(agents),
  }
}

function closeAll(agents: Map<string, Agent>): void {
  for (const agent of agents.values()) agent.destroy()
  agents.clear()
}
