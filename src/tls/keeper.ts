/** Keeps our own certificates in a Secret: whichever replica finds something missing makes it, the others adopt it. */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { materialOf, type Material, type Renewal } from './material.ts'
import { createObserver, type Observer } from './observe.ts'
import { createOthers, type Others } from './others.ts'
import type { ReadTold, SecretStore, StoredSecret } from './ports.ts'
import { renewed } from './renew.ts'
import { isGood, renewalOf } from './renewal.ts'
import type { Standing } from './standing.ts'
import { isTurning, nothingKnown, type Judging, type Known } from './turning.ts'

/** What a keeper is made of. */
export type KeeperOptions = {
  readonly store: SecretStore
  /** The DNS names and addresses that API servers call us by. */
  readonly names: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** The time as API servers see it: it is they who judge certificates. */
  readonly now: () => number
  readonly readTold: ReadTold
  /** How long a new authority is registered before it signs, and a new path accepted before it is registered. */
  readonly overlapMs: number
  /** False where others keep the certificate that is shown: then no API server has to learn of our authority, and only the path turns with them. */
  readonly isServed?: boolean
  /** Hears of where a turn stands, at each look. */
  readonly onStanding?: (standing: Standing) => void
}

/** Holds the material, and keeps it good. */
export type Keeper = {
  /** Resolves once there is material; goes on reading the Secret each minute (while the overlap is short: ten times in it) until `signal` aborts. Rejects only if that came first. */
  readonly start: (signal: AbortSignal) => Promise<void>
  /** What to serve now. Throws before `start` has resolved. */
  readonly current: () => Material
  /** The path that API servers are to call by: a new one only after all replicas have learned to accept it. */
  readonly pathToken: () => string
  /** Hears of each change after it is current; returns how to stop hearing. */
  readonly onChange: (listener: (material: Material) => void) => () => void
}

const longestEveryMs = 60_000
// Replicas that began together need not look together.
const [leastShare, jitterShare] = [0.9, 0.2]
// A read and a write of one Secret take milliseconds.
const patienceMs = 15_000
const mostRounds = 8
const firstWaitMs = 500
const longestWaitMs = 30_000
// What others bring back is to be seen soon.
const othersLookMs = 2_000
// A pod's certificates begin an hour before they were made.
const clockOffMs = 5 * 60_000

/** Builds a keeper; it does nothing before `start`. */
export function buildKeeper(options: KeeperOptions): Keeper {
  const listeners = new Set<(material: Material) => void>()
  const { clock, log, overlapMs, isServed = true } = options
  const everyMs = Math.min(longestEveryMs, overlapMs / 10)
  const observer = createObserver({ clock, overlapMs, isServed })
  // The longest that a look of another replica takes to come, and to end.
  const others = createOthers(options, everyMs * (leastShare + jitterShare) + patienceMs)
  const compareClocks = clockCheck(options)
  const tellStanding = standingTold(options)
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
  function currentMaterial(): Material {
    if (material === undefined) throw new TypeError('the certificates were asked for before they were read')
    return material
  }
  /** One look; what failed is logged. */
  async function look(signal: AbortSignal): Promise<'good' | 'waiting' | 'failed'> {
    const deadline = clock.abortAfter(patienceMs)
    try {
      const looking = { ...options, observer, others, shown: material }
      const settled = await settle(looking, AbortSignal.any([signal, deadline.signal]))
      if (settled === 'waiting') return settled
      adopt(settled)
      compareClocks()
      tellStanding(observer.standing())
      return 'good'
    } catch (err) {
      if (!signal.aborted)
        log.warn({ err }, 'the Secret with our certificates could not be read or renewed; trying again')
      return 'failed'
    } finally {
      deadline.release()
    }
  }
  async function goOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(everyMs * (leastShare + clock.random() * jitterShare), signal)
      await look(signal)
    }
  }
  return {
    start: async (signal) => {
      let wait = firstWaitMs
      for (let found = await look(signal); found !== 'good'; found = await look(signal)) {
        await clock.sleep(found === 'waiting' ? othersLookMs : wait * (0.5 + clock.random() * 0.5), signal)
        wait = found === 'waiting' ? firstWaitMs : Math.min(wait * 2, longestWaitMs)
      }
      // It ends by the signal only, which is no failure.
      goOn(signal).catch(() => {})
    },
    current: currentMaterial,
    pathToken: () => {
      const { pathTokens } = currentMaterial()
      const wanted = observer.pathToken()
      return pathTokens.includes(wanted) ? wanted : (pathTokens[0] ?? '')
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Says once when this clock and that of the API servers have come apart. */
function clockCheck({ clock, now, log }: KeeperOptions): () => void {
  let isOff = false
  return () => {
    const aheadMs = Math.round(clock.now() - now())
    const was = isOff
    isOff = Math.abs(aheadMs) > clockOffMs
    if (isOff && !was)
      log.warn(
        { aheadMs },
        "the clock of this machine differs from the API server's, by which certificates are judged: set it right",
      )
  }
}

/** Says each step of a turn once: an operator sees where it stands, and what it waits for. */
function standingTold({ log, onStanding }: KeeperOptions): (standing: Standing) => void {
  let last: Standing = { authority: 'done', path: 'done' }
  return (standing) => {
    onStanding?.(standing)
    if (!isDeepStrictEqual(standing, last)) log.info(standing, 'the turn of the certificates goes on')
    last = standing
  }
}

type Looking = KeeperOptions & {
  readonly observer: Observer
  readonly others: Others
  readonly shown: Material | undefined
}

/** Reads the Secret, makes it good if it is not, and answers what it then holds: what another replica wrote first, if one did. */
async function settle(looking: Looking, signal: AbortSignal): Promise<Material | 'waiting'> {
  const { store, names, now, log, others, shown } = looking
  for (let round = 0; round < mostRounds; round += 1) {
    const found = await store.read(signal)
    const values = found === 'missing' ? {} : found.values
    const judging = { names, now: now(), known: await knownOf(found, looking, signal) }
    const material = materialOf(values, names, judging.now)
    const why = renewalOf(values, judging)
    if (material !== undefined && isGood(why)) return material
    if (others.mayHaveLost(values, judging.known)) return 'waiting'
    try {
      // What was written is read again: only what is stored is served.
      await renew(looking, { found, judging }, signal)
    } catch (err) {
      const served = servedMeanwhile(why, material, shown)
      if (served === undefined) throw err
      log.warn(
        { err },
        'the Secret with our certificates is due and could not be renewed; serving what it holds',
      )
      return served
    }
  }
  throw new Error(
    `the Secret must be good after ${mostRounds} rounds of reading and writing it; is something else writing it?`,
  )
}

/** Due, but good for now: a Secret that may not be written must not keep us from serving, nor take from us what it lost. */
function servedMeanwhile(
  why: Renewal,
  material: Material | undefined,
  shown: Material | undefined,
): Material | undefined {
  const served = why.leaf?.startsWith('not trusted') === true ? shown : material
  return served && { ...served, outputsKeys: served.outputsKeys ?? shown?.outputsKeys }
}

type Found = StoredSecret | 'missing'

/** What API servers are told is asked for only where it matters: not while nothing turns. */
async function knownOf(
  found: Found,
  { names, now, shown, observer, readTold }: Looking,
  signal: AbortSignal,
): Promise<Known> {
  const values = found === 'missing' ? {} : found.values
  const isTurnAsked = found !== 'missing' && found.isTurnAsked
  const material = materialOf(values, names, now())
  const isCalm =
    material !== undefined &&
    isDeepStrictEqual(material, shown) &&
    !isTurnAsked &&
    !isTurning(values) &&
    isGood(renewalOf(values, { names, now: now(), known: nothingKnown }))
  const told = isCalm ? undefined : await readTold(signal)
  return { shown, told, isTurnAsked, ...observer.look(values, told) }
}

async function renew(
  { store, clock, log }: Looking,
  { found, judging }: { readonly found: Found; readonly judging: Judging },
  signal: AbortSignal,
): Promise<void> {
  const values = found === 'missing' ? {} : found.values
  const next = await renewed(values, judging)
  const written =
    found === 'missing'
      ? await store.create(next, signal)
      : await store.update(
          {
            values: next,
            resourceVersion: found.resourceVersion,
            // While something turns, another turn waits.
            isTurnAsked: found.isTurnAsked && isTurning(values),
          },
          signal,
        )
  if (written !== 'created' && written !== 'updated') return clock.sleep(firstWaitMs * clock.random(), signal)
  tellRenewed(log, renewalOf(values, judging), judging.known.shown !== undefined)
}

const gone: ReadonlySet<string | undefined> = new Set(['missing', 'garbage'])

/** What a Secret lost while it was in use is nothing that happens by itself, but for a key that is taken away to get another. */
function tellRenewed(log: Log, renewal: Renewal, wasShown: boolean): void {
  const { outputsKey, ...others } = renewal
  const isLost = wasShown && (outputsKey === 'garbage' || Object.values(others).some((why) => gone.has(why)))
  if (!isLost) return log.info({ renewal }, 'renewed the Secret with our certificates')
  log.warn(
    { renewal },
    'the Secret with our certificates was deleted or damaged: the keys that this process knew were put back, the rest was made anew',
  )
}
