/** `--tls files`: a certificate that someone else keeps in files (cert-manager, an operator), reloaded when they change. */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { FilePair, readPair } from './file-pair.ts'
import { bundleFor, idOf, isOfItsAuthorities, isShownNext, isTrustedBy } from './given.ts'
import { createLasting } from './lasting.ts'
import type { ReadTold, Told } from './ports.ts'

/** What a watcher of files is made of. */
export type FilesOptions = {
  readonly read: () => ReturnType<typeof readPair>
  readonly clock: Clock
  readonly log: Log
  /** The time as API servers see it. */
  readonly now: () => number
  readonly readTold: ReadTold
  /** How long a new authority is registered before a certificate of it is shown, and the former one after that. */
  readonly overlapMs: number
  /** Our own pair, which an install showed before it took to files: it is shown until API servers trust what the files hold. */
  readonly own: () => FilePair
}

/** Holds the pair, and follows the files. */
export type TlsFiles = {
  /** Reads the files; rejects with everything that is wrong with them. Then looks again each 10 s (while the overlap is short: ten times in it) until `signal` aborts. */
  readonly start: (signal: AbortSignal) => Promise<void>
  /** What is shown. */
  readonly current: () => FilePair
  /** What API servers are to trust; undefined leaves the registrations to others. */
  readonly caBundle: () => string | undefined
  /** Hears of each change after it is current; returns how to stop hearing. */
  readonly onChange: (listener: (pair: FilePair) => void) => () => void
}

const longestEveryMs = 10_000
// A read of two registrations takes milliseconds.
const patienceMs = 15_000

/** What the files held last, what is shown of it, and what API servers are told. */
type Held = {
  readonly read: FilePair
  readonly shown: FilePair
  readonly told: readonly Told[] | undefined
  /** For the overlap: every registration trusts what the files hold, and it is shown. */
  readonly isOver: boolean
}

/** Builds the watcher; it reads nothing before `start`. */
export function buildTlsFiles(options: FilesOptions): TlsFiles {
  const { read: readFiles, clock, log, overlapMs } = options
  const listeners = new Set<(pair: FilePair) => void>()
  const everyMs = Math.min(longestEveryMs, overlapMs / 10)
  const readGood = goodPairs(options)
  const hold = holding(options)
  let held: Held | undefined
  async function look(signal: AbortSignal): Promise<void> {
    const read = (await readGood()) ?? held?.read
    if (read === undefined || held === undefined) return
    const before = held.shown
    held = await hold(read, held, signal)
    if (isDeepStrictEqual(held.shown, before)) return
    log.info(
      { expires: new Date(held.shown.expiresAt).toISOString() },
      'serving another certificate from files',
    )
    for (const listener of listeners) listen(listener, held.shown)
  }
  function listen(listener: (pair: FilePair) => void, next: FilePair): void {
    try {
      listener(next)
    } catch (err) {
      log.error({ err }, 'a new certificate could not be put to use')
    }
  }
  async function goOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal)
      await look(signal).catch((err: unknown) =>
        log.error({ err }, 'the certificate files could not be looked at; trying again'),
      )
    }
  }
  function current(): Held {
    if (held === undefined) throw new TypeError('the certificate files were asked for before they were read')
    return held
  }
  return {
    start: async (signal) => {
      const read = await readFiles()
      if ('problems' in read)
        throw new Error(`the certificate files are unusable: ${read.problems.join('; ')}`)
      const shown = await shownFirst(read.ok, options, signal)
      held = await hold(read.ok, { read: read.ok, shown, told: undefined, isOver: false }, signal)
      // It ends by the signal only, which is no failure.
      goOn(signal).catch(() => {})
    },
    current: () => current().shown,
    caBundle: () => bundleFor(current(), options.now()),
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Reads the files; undefined if they are of no use, which is told once and not at each look. */
function goodPairs({ read: readFiles, log }: FilesOptions): () => Promise<FilePair | undefined> {
  let told = ''
  return async () => {
    const read = await readFiles()
    const problems = 'problems' in read ? read.problems : []
    if (problems.length > 0 && told !== problems.join())
      log.error({ problems }, 'the certificate files are unusable; serving the former ones')
    told = problems.join()
    return 'ok' in read ? read.ok : undefined
  }
}

async function shownFirst(read: FilePair, { own, readTold, clock }: FilesOptions, signal: AbortSignal) {
  const told = (read.caBundle && (await answered(readTold, clock, signal))) || []
  return !isTrustedBy(told, read) && isTrustedBy(told, own()) ? own() : read
}

type Hold = (read: FilePair, before: Held, signal: AbortSignal) => Promise<Held>

/** Decides what is shown of what was read: a certificate of another authority only when API servers have trusted that for the overlap. */
function holding({ clock, log, now, readTold, overlapMs }: FilesOptions): Hold {
  const lasting = createLasting(clock, overlapMs / 2)
  const isLong = (thing: string, isSo: boolean | undefined) => lasting.note(thing, isSo) >= overlapMs
  const tellWaiting = waitingTold(log)
  return async (read, before, signal) => {
    // What others register is theirs to get right.
    if (read.caBundle === undefined) return { read, shown: read, told: undefined, isOver: true }
    if (before.isOver && isDeepStrictEqual(read, before.shown)) return before
    const told = await answered(readTold, clock, signal)
    const isTrusted = told && isTrustedBy(told, read)
    const isLongTrusted = isLong(`trusted ${idOf(read)}`, isTrusted)
    const shown = isShownNext({ ...before, read, isLongTrusted, now: now() }) ? read : before.shown
    tellWaiting(shown === read ? undefined : read)
    const isShown = isDeepStrictEqual(shown, read) && isOfItsAuthorities(read)
    const isOver = isLong(`shown ${idOf(read)}`, isTrusted && isShown)
    return { read, shown, told: told ?? before.told, isOver }
  }
}

/** Says once of each certificate that it has to wait. */
function waitingTold(log: Log): (waits: FilePair | undefined) => void {
  let last = ''
  return (waits) => {
    const now = waits === undefined ? '' : idOf(waits)
    if (waits !== undefined && now !== last)
      log.info(
        { expires: new Date(waits.expiresAt).toISOString() },
        'a certificate of another authority waits in the files until API servers trust it',
      )
    last = now
  }
}

/** What API servers are told; undefined if that cannot be found out in time. */
async function answered(readTold: ReadTold, clock: Clock, signal: AbortSignal): ReturnType<ReadTold> {
  const deadline = clock.abortAfter(patienceMs)
  try {
    return await readTold(AbortSignal.any([signal, deadline.signal]))
  } finally {
    deadline.release()
  }
}
