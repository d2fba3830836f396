/**
 * Looks, at intervals, at what stands outside this process: is the gate open by label, does the guard deny its canary,
 * does a dry-run CREATE reach us through the API server. One look at a time; a failed look is an answer too.
 */
import { agoMs, momentOf, type Clock, type Moment } from '../clock.ts'
import type { Log } from '../log.ts'

/** What looking needs. */
export type WatchmanPorts = {
  readonly clock: Clock
  readonly log: Log
  readonly namespaces: readonly string[]
  /** Whether the label tidewaiter.io/gate=off is on a namespace. */
  readonly gateOff: (namespace: string) => Promise<boolean>
  /**
   * The answers of the API server to dry-run CREATEs of the guard's canary name, one for each policy: a refusal's message,
   * or undefined if it was let through. Throws if the API server could not be asked.
   */
  readonly canaries: (namespace: string) => Promise<readonly (string | undefined)[]>
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
  /** Whether the guard is closed in a namespace, by a look of this moment: what is held there stays where it is. */
  readonly guards: (namespace: string) => Promise<boolean>
  /**
   * Where it was never closed, for /readyz. Where it opens later, what should be held is refused and says so; without replicas
   * that are ready all else would be refused too, and nobody would be told why.
   */
  readonly unseen: () => readonly string[]
}

const soonMs = 2_000
const laterMs = 60_000
/** A look at the guard is of this moment for so long: a thousand Backups at once ask a few times. */
const momentMs = 2_000
/** While the API server cannot be asked, a closed guard is believed to be closed for this long: policies need no pod. */
const believedMs = 5 * 60_000

/** A watchman over Velero's namespaces. */
export function createWatchman(ports: WatchmanPorts): Watchman {
  const seen = new Map<string, Look>()
  /** When the guard was last seen closed. */
  const closedAt = new Map<string, Moment>()
  const closedIn = (namespace: string) => {
    const look = seen.get(namespace)
    return look !== undefined && (look.gateOff || look.guardClosed === true)
  }
  const closed = () => ports.namespaces.every(closedIn)
  /** Where it was closed once, or switched off. */
  const everClosed = new Set<string>()
  const keep = (look: Look, asked: boolean) => {
    const { namespace } = look
    seen.set(namespace, look)
    if (asked && look.guardClosed === true) closedAt.set(namespace, momentOf(ports.clock))
    if (closedIn(namespace)) everClosed.add(namespace)
    ports.onLook(look)
  }
  const closedWithin = (ms: number, namespace: string) => {
    const at = closedAt.get(namespace)
    return at !== undefined && agoMs(ports.clock, at) < ms
  }
  const look = async (namespace: string) => {
    const believed = closedWithin(believedMs, namespace)
    const before = { wasClosed: closedIn(namespace), believed, before: seen.get(namespace) }
    const found = await lookAt(namespace, before, ports)
    keep(found.look, found.asked)
  }
  const asking = new Map<string, Promise<boolean>>()
  const lookNow = async (namespace: string) => {
    const guard = await lookAtGuard(namespace, closedWithin(believedMs, namespace), ports)
    const before = seen.get(namespace) ?? { namespace, gateOff: false, reached: undefined }
    keep({ ...before, guardClosed: guard.closed }, guard.asked)
    return guard.closed
  }
  const guards = async (namespace: string) => {
    if (closedWithin(momentMs, namespace) && seen.get(namespace)?.guardClosed === true) return true
    const looking = asking.get(namespace) ?? lookNow(namespace).finally(() => void asking.delete(namespace))
    asking.set(namespace, looking)
    return looking
  }
  return {
    closed,
    guards,
    unseen: () => ports.namespaces.filter((namespace) => !everClosed.has(namespace)),
    start: async (signal) => {
      while (!signal.aborted) {
        for (const namespace of ports.namespaces) await look(namespace)
        await ports.clock.sleep(closed() ? laterMs : soonMs, signal).catch(() => undefined)
      }
    },
  }
}

type Before = { readonly wasClosed: boolean; readonly believed: boolean; readonly before: Look | undefined }
type Found = { readonly look: Look; readonly asked: boolean }

async function lookAt(namespace: string, before: Before, ports: WatchmanPorts): Promise<Found> {
  const gate = await ask(() => ports.gateOff(namespace), { ports, namespace, what: 'the gate label' })
  const gateOff = 'ok' in gate ? gate.ok : (before.before?.gateOff ?? false)
  if (gateOff)
    return { look: { namespace, gateOff, guardClosed: undefined, reached: undefined }, asked: true }
  const guard = await lookAtGuard(namespace, before.believed, ports)
  // A probe before the first replica is ready would reach nobody: it starts once this one has been closed for a round.
  const reached = before.wasClosed ? await isReached(namespace, ports) : undefined
  return { look: { namespace, gateOff, guardClosed: guard.closed, reached }, asked: guard.asked }
}

async function lookAtGuard(namespace: string, believed: boolean, ports: WatchmanPorts) {
  const said = await ask(() => ports.canaries(namespace), { ports, namespace, what: 'the guard' })
  if (!('ok' in said)) return { closed: believed, asked: false }
  const closed = said.ok.every((one) => one?.includes(ports.canaryMessage) === true)
  if (!closed)
    ports.log.warn(
      { namespace, said: said.ok },
      'the guard did not deny its canaries: its policies are missing, or not in force yet',
    )
  return { closed, asked: true }
}

async function isReached(namespace: string, ports: WatchmanPorts): Promise<boolean> {
  const answer = await ask(() => ports.probe(namespace), { ports, namespace, what: 'the probe' })
  if (!('ok' in answer)) return false
  const reached = answer.ok?.includes(ports.probeMessage) === true
  if (!reached)
    ports.log.warn(
      { namespace, said: answer.ok },
      'a dry-run CREATE did not reach tidewaiter through the API server',
    )
  return reached
}

type Asking = { readonly ports: WatchmanPorts; readonly namespace: string; readonly what: string }

async function ask<T>(
  question: () => Promise<T>,
  { ports, namespace, what }: Asking,
): Promise<{ readonly ok: T } | { readonly failed: true }> {
  try {
    return { ok: await question() }
  } catch (error) {
    ports.log.warn({ namespace, err: error }, `${what} could not be looked at`)
    return { failed: true }
  }
}
