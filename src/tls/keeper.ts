/** Keeps our own certificates in a Secret: whichever replica finds something missing makes it, the others adopt it. */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { isGood, materialOf, renewalOf, type Material } from './material.ts'
import type { SecretStore } from './ports.ts'
import { renewed } from './renew.ts'

/** What a keeper is made of. */
export type KeeperOptions = {
  readonly store: SecretStore
  /** The DNS names and addresses that API servers call us by. */
  readonly names: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** Holds the material, and keeps it good. */
export type Keeper = {
  /** Resolves once there is material; goes on reading the Secret each minute until `signal` aborts. Rejects only if that came first. */
  readonly start: (signal: AbortSignal) => Promise<void>
  /** What to serve now. Throws before `start` has resolved. */
  readonly current: () => Material
  /** Hears of each change after it is current; returns how to stop hearing. */
  readonly onChange: (listener: (material: Material) => void) => () => void
}

const everyMs = 60_000
// A read and a write of one Secret take milliseconds.
const patienceMs = 15_000
const mostRounds = 8
const firstWaitMs = 500
const longestWaitMs = 30_000

/** Builds a keeper; it does nothing before `start`. */
export function buildKeeper(options: KeeperOptions): Keeper {
  const listeners = new Set<(material: Material) => void>()
  const { clock, log } = options
  let material: Material | undefined
  function adopt(next: Material): void {
    if (isDeepStrictEqual(next, material)) return
    material = next
    log.info({ expires: new Date(next.expiresAt).toISOString() }, 'serving a certificate from the Secret')
    for (const listener of listeners) listen(listener, next)
  }
  function listen(listener: (material: Material) => void, next: Material): void {
    try {
      listener(next)
    } catch (err) {
      log.error({ err }, 'a new certificate could not be put to use')
    }
  }
  /** One look; false if it failed, which is logged. */
  async function look(signal: AbortSignal): Promise<boolean> {
    const deadline = clock.abortAfter(patienceMs)
    try {
      adopt(await settle(options, AbortSignal.any([signal, deadline.signal])))
      return true
    } catch (err) {
      if (!signal.aborted)
        log.warn({ err }, 'the Secret with our certificates could not be read or renewed; trying again')
      return false
    } finally {
      deadline.release()
    }
  }
  async function goOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Replicas that began together need not look together.
      await clock.sleep(everyMs * (0.9 + clock.random() * 0.2), signal)
      await look(signal)
    }
  }
  return {
    start: async (signal) => {
      for (let wait = firstWaitMs; !(await look(signal)); wait = Math.min(wait * 2, longestWaitMs)) {
        await clock.sleep(wait * (0.5 + clock.random() * 0.5), signal)
      }
      // It ends by the signal only, which is no failure.
      goOn(signal).catch(() => {})
    },
    current: () => {
      if (material === undefined) throw new TypeError('the certificates were asked for before they were read')
      return material
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Reads the Secret, makes it good if it is not, and answers what it then holds: what another replica wrote first, if one did. */
async function settle(options: KeeperOptions, signal: AbortSignal): Promise<Material> {
  const { store, names, clock, log } = options
  for (let round = 0; round < mostRounds; round += 1) {
    const found = await store.read(signal)
    const values = found === 'missing' ? {} : found.values
    const material = materialOf(values, names, clock.now())
    if (material !== undefined && isGood(renewalOf(values, names, clock.now()))) return material
    try {
      // What was written is read again: only what is stored is served.
      await renew(options, found, signal)
    } catch (err) {
      // Due, but good for now: a Secret that may not be written must not keep us from serving.
      if (material === undefined) throw err
      log.warn(
        { err },
        'the Secret with our certificates is due and could not be renewed; serving what it holds',
      )
      return material
    }
  }
  throw new Error(
    `the Secret must be good after ${mostRounds} rounds of reading and writing it; is something else writing it?`,
  )
}

type Found = Awaited<ReturnType<SecretStore['read']>>

async function renew(
  { store, names, clock, log }: KeeperOptions,
  found: Found,
  signal: AbortSignal,
): Promise<void> {
  const values = found === 'missing' ? {} : found.values
  const next = await renewed(values, names, clock.now())
  const written =
    found === 'missing'
      ? await store.create(next, signal)
      : await store.update({ values: next, resourceVersion: found.resourceVersion }, signal)
  if (written !== 'created' && written !== 'updated') return clock.sleep(firstWaitMs * clock.random(), signal)
  log.info({ renewal: renewalOf(values, names, clock.now()) }, 'renewed the Secret with our certificates')
}
