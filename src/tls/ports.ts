/** What the room of certificates needs from the world. */

/** The text values of a Secret, by key. */
export type SecretValues = Readonly<Record<string, string>>

/** What is stored; `isTurnAsked`: by an annotation somebody asks to turn everything. */
export type StoredSecret = {
  readonly values: SecretValues
  readonly resourceVersion: string
  readonly isTurnAsked: boolean
}

/** Our Secret: read, made and changed with optimistic writes. What is expected to happen is a value, anything else a throw. */
export type SecretStore = {
  readonly read: (signal: AbortSignal) => Promise<StoredSecret | 'missing'>
  readonly create: (values: SecretValues, signal: AbortSignal) => Promise<'created' | 'exists'>
  /** Replaces all values and whether a turn is asked for, if the Secret is still the one of `resourceVersion`. */
  readonly update: (change: SecretChange, signal: AbortSignal) => Promise<'updated' | 'conflict' | 'missing'>
}

/** What is to stand in the place of one version. */
export type SecretChange = StoredSecret

/** How one registered webhook tells API servers to call us: whom to trust, and the random part of the path ('' if there is none). */
export type Told = { readonly caBundle: string; readonly token: string }

/** Reads what API servers are told, one for each webhook that is registered; undefined if it cannot be found out now. */
export type ReadTold = (signal: AbortSignal) => Promise<readonly Told[] | undefined>
