/** What the room of certificates needs from the world. */

/** The text values of a Secret, by key. */
export type SecretValues = Readonly<Record<string, string>>

/** Our Secret: read, made and changed with optimistic writes. What is expected to happen is a value, anything else a throw. */
export type SecretStore = {
  readonly read: (
    signal: AbortSignal,
  ) => Promise<{ readonly values: SecretValues; readonly resourceVersion: string } | 'missing'>
  readonly create: (values: SecretValues, signal: AbortSignal) => Promise<'created' | 'exists'>
  /** Replaces all values, if the Secret is still the one of `resourceVersion`. */
  readonly update: (change: SecretChange, signal: AbortSignal) => Promise<'updated' | 'conflict' | 'missing'>
}

/** New values in the place of those of one version. */
export type SecretChange = { readonly values: SecretValues; readonly resourceVersion: string }
