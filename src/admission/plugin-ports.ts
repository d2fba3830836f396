/** What the webhook on Velero's Deployments needs from the world. */
import type { PluginFindings } from '../core/plugin/findings.ts'
import type { Hash } from '../core/plugin/names.ts'

/** The plugins that the Velero of a namespace must carry, and what is known of each. */
export type Known = {
  readonly findings: readonly PluginFindings[]
  /** What is wrong with declarations, a sentence each: their plugins are not among the findings. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** The world of the webhook on Velero's Deployments. */
export type PluginPorts = {
  /** Whether plugins are injected at all. */
  readonly isOn: boolean
  readonly hash: Hash
  /** From memory, or where nothing is known yet after a look that ends with the signal; never rejects for what a registry does. */
  readonly known: (namespace: string, signal: AbortSignal) => Promise<Known>
}
