/** What this process is an instance of: the install in its own namespace, or a process outside the cluster. */
import type { Config } from '../config.ts'
import type { ClientConfig } from '../core/registration.ts'
import { hash } from './crypto.ts'

/** Names that belong to one install. */
export type Install = {
  /** Of the webhook configurations: `tidewaiter`, or `tidewaiter-dev-<id>`. */
  readonly name: string
  /** Where its Secret, Lease and marker are. */
  readonly namespace: string
  readonly clientConfig: ClientConfig
  /** The names and addresses that API servers call it by. */
  readonly names: readonly string[]
  /** Registers and unregisters itself. */
  readonly outside: boolean
}

/** The install of a configuration. The id of one outside a cluster is the same at every start with the same URL. */
export function installOf(config: Config): Install {
  const { webhookUrl, namespace, serviceName } = config
  if (webhookUrl === undefined) {
    const service = { namespace, name: serviceName }
    const names = [`${serviceName}.${namespace}.svc`, `${serviceName}.${namespace}.svc.cluster.local`]
    return { name: 'tidewaiter', namespace, clientConfig: { service }, names, outside: false }
  }
  const id = hash(JSON.stringify([webhookUrl, config.veleroNamespaces])).slice(0, 8)
  const host = new URL(webhookUrl).hostname.replace(/^\[|\]$/g, '')
  return {
    name: `tidewaiter-dev-${id}`,
    namespace: config.veleroNamespaces[0] ?? 'velero',
    clientConfig: { url: webhookUrl },
    names: [host],
    outside: true,
  }
}
