/** What a check of a plugin's image found: the stuff of a condition, of a line in a table, of a warning. */

/** The checks, named as the conditions are. */
export type ImageCheck =
  | 'ReferenceValid'
  | 'RegistryAllowed'
  | 'PullSecretValid'
  | 'ManifestReachable'
  | 'TagUnmoved'
  | 'PlatformSupported'
  | 'ShapeValid'
  | 'SignatureVerified'

/** One finding. */
export type CheckResult = {
  readonly check: ImageCheck
  /** Undefined: it could not be found out. Never taken for a yes. */
  readonly ok: boolean | undefined
  /** CamelCase, as the reason of a condition. */
  readonly reason: string
  readonly message: string
}
