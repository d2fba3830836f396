/** How a hold ends on the object: merge patches, each for this very object as it was read (uid and resourceVersion). */
import { textAt, type Json, type VeleroKind } from '../velero.ts'

/** The annotation that keeps Velero from starting an object, by the policy hold.tidewaiter.io. */
export const holdAnnotation = 'tidewaiter.io/hold'

/** The value that it has. Its presence is what counts. */
export const holdValue = 'pre-actions'

/** The annotation that makes a held object fail instead of starting; its text says who wants that, and why. */
const abortAnnotation = 'tidewaiter.io/abort'

/** Has the leader fail it. The hold stays until it has: nothing may start it in between. */
export const abortPatch = (live: Json, by: string): Json => ({
  metadata: {
    uid: textAt(live, 'metadata', 'uid'),
    resourceVersion: textAt(live, 'metadata', 'resourceVersion'),
    annotations: { [abortAnnotation]: by },
  },
})

const metadata = (live: Json, annotations: Json): Json => ({
  uid: textAt(live, 'metadata', 'uid'),
  resourceVersion: textAt(live, 'metadata', 'resourceVersion'),
  annotations: { ...annotations, [holdAnnotation]: null },
})

/** Lets Velero start it. */
export const releasePatch = (live: Json, annotations: Json): Json => ({
  metadata: metadata(live, annotations),
})

/** What failing takes. */
export type Failing = {
  readonly kind: VeleroKind
  readonly live: Json
  readonly annotations: Json
  readonly validationErrors: readonly string[]
  /** The storage location that Velero takes by default. */
  readonly storageLocation: string
  readonly now: number
}

/**
 * Fails it as Velero fails what is not valid (backup_controller.go, restore_controller.go). Velero's garbage collector removes
 * a Backup only if it has an expiration and a storage location (gc_controller.go), which Velero sets when it starts one.
 */
export function failPatch({
  kind,
  live,
  annotations,
  validationErrors,
  storageLocation,
  now,
}: Failing): Json {
  const status = { phase: 'FailedValidation', validationErrors }
  const common = { metadata: metadata(live, annotations) }
  if (kind === 'Restore') return { ...common, status }
  const expiration = new Date(now + ttlMs(textAt(live, 'spec', 'ttl'))).toISOString().replace(/\.\d+Z$/, 'Z')
  const location = textAt(live, 'spec', 'storageLocation') || storageLocation
  return { ...common, spec: { storageLocation: location }, status: { ...status, expiration } }
}

// Velero pkg/cmd/server/config/config.go defaultBackupTTL.
const defaultTtlMs = 30 * 24 * 3_600_000
// A Go duration is at most 2562047 h; a date ends sooner than that beside it.
const longestTtlMs = 2_562_047 * 3_600_000
const units: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
}

/** A Go duration (time.ParseDuration) in milliseconds; Velero's default if there is none, or it is not one. */
export function ttlMs(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return defaultTtlMs
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ''] ?? 0), 0)
  return ms > 0 ? Math.min(ms, longestTtlMs) : defaultTtlMs
}
