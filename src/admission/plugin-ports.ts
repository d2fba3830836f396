/** What the webhooks on Velero's Deployments and on VeleroPlugins need from the world. */
import type { PluginFindings } from '../core/plugin/findings.ts'
import type { Hash } from '../core/plugin/names.ts'
import type { PluginDocument } from '../core/plugin/sources.ts'

/** The plugins that the Velero of a namespace must carry, and what is known of each. */
export type Known = {
  readonly findings: readonly PluginFindings[]
  /** What is wrong with declarations, a sentence each: their plugins are not among the findings. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** The world of both webhooks. */
export type PluginPorts = {
  /** Whether plugins are injected at all. */
  readonly isOn: boolean
  readonly hash: Hash
  /** Everything that declares plugins for the Velero of a namespace, in the order in which it counts; rejects where it cannot be known. */
  readonly declared: (namespace: string, signal: AbortSignal) => Promise<readonly PluginDocument[]>
  /**
   * From memory, or where nothing is known yet after a look that ends with the signal. Never rejects for what a registry does, only
   * where it cannot be known what is declared: nothing may be taken for declared no more then.
   */
  readonly known: (namespace: string, signal: AbortSignal) => Promise<Known>
}
