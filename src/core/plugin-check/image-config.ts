/** What the config of an image says, as far as the checks need it. */
import type { Platform } from './platform.ts'

/** The start of a container of this image, and what it is built for. */
export type ImageConfig = {
  readonly platform: Platform
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
}

/** One image that a reference leads to: the only one, or one of an index. */
export type InspectedImage = {
  readonly digest: string
  /** Undefined for what is no container image: a chart, a signature, an attestation. */
  readonly config: ImageConfig | undefined
  /** What it is instead of a container image. */
  readonly artifactType?: string
}

/** What was found at a reference. */
export type Inspection = {
  /** Of the manifest or index that the reference names: what is to be pinned. */
  readonly digest: string
  readonly mediaType: string
  /** All that are offered, attestations left out. */
  readonly platforms: readonly Platform[]
  /** The images for the platforms that were asked about; the only image if there is no index. */
  readonly images: readonly InspectedImage[]
}
