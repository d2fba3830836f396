/** What checking plugins needs from the world. */
import type { Clock } from '../clock.ts'
import type { ImageReference } from '../core/image.ts'
import type { RegistryFailure } from '../core/plugin-check/failure.ts'
import type { Inspection } from '../core/plugin-check/image-config.ts'
import type { Platform } from '../core/plugin-check/platform.ts'
import type { PullSecretNote } from '../core/plugin-check/pull-secret.ts'
import type { Looked } from '../core/plugin-check/reachable.ts'

/** A Secret as far as it is read; `data` as the API server gives it, base64. */
export type PullSecret = {
  /** For messages: `velero/pull`. */
  readonly name: string
  readonly type: string
  readonly data: Readonly<Record<string, string>>
}

/** How long something may take: until `endsAt` (ms since the epoch), when `signal` aborts at the latest. */
export type Within = { readonly signal: AbortSignal; readonly endsAt: number }

/** The digest that a reference has, or why that was not told. */
export type HeadOf = { readonly ok: string } | { readonly failed: RegistryFailure }

/** Registries as the holder of pull secrets (or of none) sees them. Nothing rejects for what a registry does. */
export type RegistryView = {
  /** What somebody who wrote the named pull secret should know. */
  readonly notes: readonly PullSecretNote[]
  /** The digest that a reference has now; costs as little as possible, and no pull of those that Docker Hub counts. */
  readonly digestOf: (image: ImageReference, within: Within) => Promise<HeadOf>
  /** All that the checks look at; of an index the images for these nodes. */
  readonly inspect: (image: ImageReference, nodes: readonly Platform[], within: Within) => Promise<Looked>
}

/** What the kubelet pulls with: the pull secret that a plugin names, and what else Velero's pod has. */
export type PullSecrets = { readonly named: PullSecret | undefined; readonly ofPod: readonly PullSecret[] }

/** Registries by pull secrets; or a sentence about what is wrong with one of them. */
export type Registries = (
  secrets: PullSecrets,
) => { readonly ok: RegistryView } | { readonly problem: string; readonly of: keyof PullSecrets }

/** Images that were looked at, by digest and nodes. What a digest names never changes. */
export type Inspections = {
  readonly get: (key: string) => Inspection | undefined
  readonly keep: (key: string, inspection: Inspection) => void
}

/** The world of the checks of one namespace. */
export type CheckPorts = {
  readonly clock: Clock
  readonly registries: Registries
  /** `host[:port][/path]`: where images may come from; empty: from anywhere. */
  readonly allowed: readonly string[]
  /** The Secret of this name in Velero's namespace; undefined: there is none. Rejects if it could not be found out. */
  readonly secretOf: (name: string, signal: AbortSignal) => Promise<PullSecret | undefined>
  /** Those that Velero's pod has whatever plugins name, as far as they are there. Rejects if it could not be found out. */
  readonly podSecretsOf: (signal: AbortSignal) => Promise<readonly PullSecret[]>
  /** The platforms that Velero may run on. Rejects if it could not be found out. */
  readonly nodesOf: (signal: AbortSignal) => Promise<readonly Platform[]>
  /** Left out: everything is looked at anew. */
  readonly inspections?: Inspections
}
