/** What the book of plugins needs from the world. */
import type { Clock } from '../clock.ts'
import type { CheckResult } from '../core/plugin-check/result.ts'
import type { DeclaredPlugin } from '../core/plugin/declared.ts'
import type { PodTemplate } from '../core/plugin/deployment.ts'
import type { Hash } from '../core/plugin/names.ts'
import type { PodCredentials } from '../core/plugin/pod-credentials.ts'
import type { PluginDocument } from '../core/plugin/sources.ts'
import type { CheckPorts } from './ports.ts'

/** What was found out before and stands in the status of a VeleroPlugin, if that speaks of its spec as it is now. */
export type Stored = { readonly digest: string | undefined; readonly results: readonly CheckResult[] }

/** A document that declares plugins. */
export type Source = { readonly document: PluginDocument; readonly stored: Stored | undefined }

/** The world of the book. */
export type BookPorts = {
  readonly clock: Clock
  readonly hash: Hash
  /** Everything that declares plugins for the Velero of a namespace, in the order in which it counts; undefined: not known well enough. */
  readonly sources: (namespace: string) => readonly Source[] | undefined
  /** The same, asked for: where it is not known well enough. Rejects where nobody answers. */
  readonly ask: (namespace: string, signal: AbortSignal) => Promise<readonly Source[]>
  /** Resolves once it was read. */
  readonly whenRead: (namespace: string, signal: AbortSignal) => Promise<void>
  /** The pod templates of Velero as they stand. */
  readonly templates: (namespace: string) => readonly PodTemplate[]
  /** The checks for pods with these credentials beside the pull secrets that plugins name. */
  readonly checks: (namespace: string, credentials: readonly PodCredentials[]) => CheckPorts
  /** The pull secrets of a ServiceAccount; rejects if they cannot be read. */
  readonly accountSecrets: (
    account: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ) => Promise<readonly string[]>
  /** Asks for a look at a plugin, soon; asking twice is asking once. */
  readonly offer: (key: string) => void
  /** Told after each look. */
  readonly onFound: (namespace: string, plugin: DeclaredPlugin) => void
}
