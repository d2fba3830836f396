/** A Lease of coordination.k8s.io as the leader election reads and writes it (its port is control/leader.ts: LeasePort). */
import type { KubeClient } from './client.ts'
import { isKubeError, objectIn, textIn } from './errors.ts'
import type { KubeErrorCode } from './errors.ts'
import { resource } from './resource.ts'

/** A Lease, its times in milliseconds since the Unix epoch. */
export type LeaseObject = {
  readonly holder: string
  readonly durationSeconds: number
  readonly acquiredAt: number
  readonly renewedAt: number
  readonly transitions: number
  /** Of the object as it was read; empty for one that is to be created. */
  readonly resourceVersion: string
  /** Until when its holder had looked at everything; absent: not said, and left as it is by a write. */
  readonly lookedUntil?: number
  /** What its holder says of its certificates; absent: not said, and left as it is by a write. */
  readonly certificates?: string
}

const lookedUntil = 'tidewaiter.io/looked-until'
/** Where the holder says what it serves. */
export const certificatesAnnotation = 'tidewaiter.io/certificates'

/** What became of a write; a conflict (another was first) is a value. */
export type LeaseWrite = { readonly ok: LeaseObject } | { readonly conflict: true }

/** One Lease by name. Times out on its own; everything but a conflict is thrown. */
export type LeaseAccess = {
  readonly read: (signal: AbortSignal) => Promise<LeaseObject | undefined>
  readonly create: (lease: LeaseObject, signal: AbortSignal) => Promise<LeaseWrite>
  readonly update: (lease: LeaseObject, signal: AbortSignal) => Promise<LeaseWrite>
}

/** What the Lease is called and labelled. */
export type LeaseName = {
  readonly namespace: string
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
}

/** Reads and writes one Lease; every write carries the resourceVersion of what was read. */
export function leaseAccess(client: KubeClient, lease: LeaseName): LeaseAccess {
  const leases = resource<LeaseObject>(client, {
    group: 'coordination.k8s.io',
    version: 'v1',
    plural: 'leases',
    namespace: lease.namespace,
    parse: parseLease,
  })
  return {
    read: (signal) => leases.find(lease.name, { signal }),
    create: (state, signal) => orConflict(leases.create(written(lease, state), { signal }), 'ALREADY_EXISTS'),
    // A patch, not a replace: labels and annotations that others put there stay. NOT_FOUND: deleted since it was read.
    update: (state, signal) =>
      orConflict(leases.mergePatch(lease.name, written(lease, state), { signal }), 'NOT_FOUND'),
  }
}

async function orConflict(write: Promise<LeaseObject>, alsoConflict: KubeErrorCode): Promise<LeaseWrite> {
  try {
    return { ok: await write }
  } catch (error) {
    if (isKubeError(error, 'CONFLICT', alsoConflict)) return { conflict: true }
    throw error
  }
}

function written({ namespace, name, labels }: LeaseName, state: LeaseObject): unknown {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...annotationsOf(state),
      ...(state.resourceVersion === '' ? {} : { resourceVersion: state.resourceVersion }),
    },
    spec: {
      holderIdentity: state.holder,
      leaseDurationSeconds: state.durationSeconds,
      acquireTime: microTime(state.acquiredAt),
      renewTime: microTime(state.renewedAt),
      leaseTransitions: state.transitions,
    },
  }
}

function annotationsOf(state: LeaseObject): { readonly annotations?: Readonly<Record<string, string>> } {
  const annotations = {
    ...(state.lookedUntil === undefined ? {} : { [lookedUntil]: new Date(state.lookedUntil).toISOString() }),
    ...(state.certificates === undefined ? {} : { [certificatesAnnotation]: state.certificates }),
  }
  return Object.keys(annotations).length === 0 ? {} : { annotations }
}

/** MicroTime demands six digits: apimachinery/pkg/apis/meta/v1/micro_time.go. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}

/** Reads what anybody with the right may have written: what is missing or odd counts as a free Lease. */
function parseLease(raw: unknown): LeaseObject {
  const spec = objectIn(objectIn(raw)?.['spec']) ?? {}
  const metadata = objectIn(objectIn(raw)?.['metadata'])
  return {
    holder: textIn(spec['holderIdentity']) ?? '',
    durationSeconds: wholeIn(spec['leaseDurationSeconds']),
    acquiredAt: timeIn(spec['acquireTime']),
    renewedAt: timeIn(spec['renewTime']),
    transitions: wholeIn(spec['leaseTransitions']),
    resourceVersion: textIn(metadata?.['resourceVersion']) ?? '',
    ...lookedIn(objectIn(metadata?.['annotations'])?.[lookedUntil]),
  }
}

// The epoch is said of who looked at nothing yet; what is no time says nothing.
function lookedIn(value: unknown): Pick<LeaseObject, 'lookedUntil'> {
  const ms = Date.parse(textIn(value) ?? '')
  return Number.isNaN(ms) ? {} : { lookedUntil: ms }
}

function wholeIn(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

function timeIn(value: unknown): number {
  const ms = Date.parse(textIn(value) ?? '')
  return Number.isNaN(ms) ? 0 : ms
}
