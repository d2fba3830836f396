/** What the webhooks on Velero's Deployments and on VeleroPlugins need from the world. */
import type { PluginFindings } from '../core/plugin/findings.ts'
import type { PodTemplate } from '../core/plugin/deployment.ts'
import type { Hash } from '../core/plugin/names.ts'
import type { PluginDocument } from '../core/plugin/sources.ts'

/** The plugins that the Velero of a namespace must carry, and what is known of each. */
export type Known = {
  readonly findings: readonly PluginFindings[]
  /** What is wrong with declarations, a sentence each: their plugins are not among the findings. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
  /** The pull secrets of the ServiceAccount that Velero runs as, where they count; undefined: not known, which a warning says. */
  readonly accountSecrets: readonly string[] | undefined
}

/** The pod template of a Deployment of Velero that is being written. */
export type WrittenTemplate = { readonly namespace: string; readonly template: PodTemplate }

/** The world of both webhooks. */
export type PluginPorts = {
  /** Whether plugins are injected at all. */
  readonly isOn: boolean
  readonly hash: Hash
  /** Everything that declares plugins for the Velero of a namespace, in the order in which it counts; rejects where it cannot be known. */
  readonly declared: (namespace: string, signal: AbortSignal) => Promise<readonly PluginDocument[]>
  /**
   * For a template that is being written: its pull secrets count. From memory, or where nothing is known yet after a look that ends with the signal. Never rejects for what a registry does, only
   * where it cannot be known what is declared: nothing may be taken for declared no more then.
   */
  readonly known: (written: WrittenTemplate, signal: AbortSignal) => Promise<Known>
}
