/**
 * Looks, at intervals, at what stands outside this process: is the gate open by label, does the guard deny its canary,
 * does a dry-run CREATE reach us through the API server. One look at a time; a failed look is an answer too.
 */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'

/** What looking needs. */
export type WatchmanPorts = {
  readonly clock: Clock
  readonly log: Log
  readonly namespaces: readonly string[]
  /** Whether the label tidewaiter.io/gate=off is on a namespace. */
  readonly gateOff: (namespace: string) => Promise<boolean>
  /** The answer of the API server to a dry-run CREATE of the guard's canary name: a refusal's message, or undefined if it was let through. */
  readonly canary: (namespace: string) => Promise<string | undefined>
  /** The answer to a dry-run CREATE of a probe, which only our own webhook refuses. */
  readonly probe: (namespace: string) => Promise<string | undefined>
  /** What the guard says when it denies its canary. */
  readonly canaryMessage: string
  /** What our webhook says when it is probed. */
  readonly probeMessage: string
  readonly onLook: (look: Look) => void
}

/** What was seen of one namespace; undefined: not looked at. */
export type Look = {
  readonly namespace: string
  readonly gateOff: boolean
  readonly guardClosed: boolean | undefined
  readonly reached: boolean | undefined
}

/** Looks, and remembers. */
export type Watchman = {
  /** Looks until the signal aborts; never rejects. */
  readonly start: (signal: AbortSignal) => Promise<void>
  /** Whether every namespace is guarded, or switched off by its label. */
  readonly closed: () => boolean
  /** Why not, for /readyz. */
  readonly open: () => readonly string[]
}

const soonMs = 2_000
const laterMs = 60_000

/** A watchman over Velero's namespaces. */
export function createWatchman(ports: WatchmanPorts): Watchman {
  const seen = new Map<string, Look>()
  const closedIn = (namespace: string) => {
    const look = seen.get(namespace)
    return look !== undefined && (look.gateOff || look.guardClosed === true)
  }
  const closed = () => ports.namespaces.every(closedIn)
  return {
    closed,
    open: () => ports.namespaces.filter((namespace) => !closedIn(namespace)),
    start: async (signal) => {
      while (!signal.aborted) {
        for (const namespace of ports.namespaces) {
          const look = await lookAt(namespace, closedIn(namespace), ports)
          seen.set(namespace, look)
          ports.onLook(look)
        }
        await ports.clock.sleep(closed() ? laterMs : soonMs, signal).catch(() => undefined)
      }
    },
  }
}

async function lookAt(namespace: string, wasClosed: boolean, ports: WatchmanPorts): Promise<Look> {
  const gateOff = await ask(() => ports.gateOff(namespace), {
    ports,
    namespace,
    what: 'the gate label',
    otherwise: false,
  })
  if (gateOff) return { namespace, gateOff, guardClosed: undefined, reached: undefined }
  const said = await ask(() => ports.canary(namespace), {
    ports,
    namespace,
    what: 'the guard',
    otherwise: undefined,
  })
  const guardClosed = said?.includes(ports.canaryMessage) ?? false
  if (!guardClosed)
    ports.log.warn(
      { namespace, said },
      'the guard did not deny its canary: its policies are missing, or not in force yet',
    )
  // A probe before the first replica is ready would reach nobody: it starts once this one has been closed for a round.
  if (!wasClosed) return { namespace, gateOff, guardClosed, reached: undefined }
  const answer = await ask(() => ports.probe(namespace), {
    ports,
    namespace,
    what: 'the probe',
    otherwise: undefined,
  })
  const reached = answer?.includes(ports.probeMessage) ?? false
  if (!reached)
    ports.log.warn(
      { namespace, said: answer },
      'a dry-run CREATE did not reach tidewaiter through the API server',
    )
  return { namespace, gateOff, guardClosed, reached }
}

type Asking<T> = {
  readonly ports: WatchmanPorts
  readonly namespace: string
  readonly what: string
  readonly otherwise: T
}

async function ask<T>(
  question: () => Promise<T>,
  { ports, namespace, what, otherwise }: Asking<T>,
): Promise<T> {
  try {
    return await question()
  } catch (error) {
    ports.log.warn({ namespace, err: error }, `${what} could not be looked at`)
    return otherwise
  }
}
