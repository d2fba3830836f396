/** A plugin that the Velero Deployment must carry, wherever it was declared. */
import type { PullPolicy } from '../../api/velero-plugin.ts'
import { imageText, type ImageReference } from '../image.ts'

/** A declared plugin, checked by itself: every field is right. */
export type DeclaredPlugin = {
  /** As people know it: the name of the VeleroPlugin, or the one in the list of the Config. */
  readonly name: string
  /** Where it is declared: `VeleroPlugin velero/acme`. */
  readonly declaredIn: string
  /** What the initContainer must run, as it stands in the Deployment. */
  readonly image: string
  readonly reference: ImageReference
  readonly imagePullPolicy: PullPolicy
  readonly imagePullSecret?: string
  readonly enforcement: 'Enforce' | 'Warn'
  /** The name that its initContainer has unless it is taken. */
  readonly initContainer: string
}

/** The plugin with its image pinned; the tag stays, so that people see which version it is. */
export function pinned(plugin: DeclaredPlugin, digest: string): DeclaredPlugin {
  const reference = { ...plugin.reference, digest }
  return { ...plugin, reference, image: imageText(reference) }
}

/** A plugin as it goes into the Deployment. */
export type CarriedPlugin = DeclaredPlugin & {
  /** Pull secrets that must come with its own: those it may have come with before, those that its own would keep away. */
  readonly morePullSecrets?: readonly string[]
}
