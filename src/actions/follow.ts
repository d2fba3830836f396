/**
 * Follows objects until they are as they should be: lists them, watches from there, and lists again whenever the watch ends, breaks
 * or has lived for a while. Any trouble that may pass is waited out: there is a time after which the action ends.
 */
import type { Clock } from '../clock.ts'
import type { Actor, ActorEvent, Aim, Unacted } from './ports.ts'
import type { Watched } from './watched.ts'

/** What is followed, and as whom. */
export type Following = {
  readonly actor: Pick<Actor, 'list' | 'watch'>
  readonly clock: Clock
  readonly aim: Aim
  readonly name?: string | undefined
  readonly selector: string
  readonly watched: Watched
  readonly most: number
  readonly signal: AbortSignal
}

/** How it ended: as it should be, in a way that waiting cannot mend, or out of time (then what went wrong last, if anything did). */
export type Followed =
  | { readonly end: 'holds' }
  | { readonly end: 'refused'; readonly because: string; readonly cause: Unacted['failed'] }
  | { readonly end: 'over'; readonly trouble: string | undefined }

// A list of at most 500 objects twice a minute costs little, and what a silent connection or a lost event hides comes to light.
const watchMs = 30_000
// A watch that lived so long was well: what ended it is no reason to wait longer the next time.
const wellMs = 5_000
const firstWaitMs = 1_000
const longestWaitMs = 10_000
// Work of this length keeps other requests of this process waiting.
const breathMs = 10

/** Follows. It rejects only if a tool of ours is broken. */
export async function follow(following: Following): Promise<Followed> {
  const { clock, signal } = following
  let trouble: string | undefined
  for (let failures = 0; !signal.aborted; failures += 1) {
    const beganAt = clock.steady()
    const round = await once(following)
    if (round.end !== 'again') return round
    trouble = round.trouble
    const well = clock.steady() - beganAt >= wellMs
    if (well) failures = 0
    if (!well || trouble !== undefined) await pause(round.askedMs, failures, following)
  }
  return { end: 'over', trouble }
}

type Round =
  | Exclude<Followed, { readonly end: 'over' }>
  | { readonly end: 'again'; readonly trouble: string | undefined; readonly askedMs: number }

const ended: Round = { end: 'again', trouble: undefined, askedMs: 0 }
const refused = (because: string): Round => ({ end: 'refused', because, cause: 'answer' })

/** What a call that failed means: the end, where asking again cannot help. */
const failedBy = (unacted: Unacted): Round =>
  isFinal(unacted)
    ? { end: 'refused', because: unacted.message, cause: unacted.failed }
    : { end: 'again', trouble: unacted.message, askedMs: unacted.retryAfterMs ?? 0 }

/** One list, and the watch from there. */
async function once(following: Following): Promise<Round> {
  const { actor, aim, name, selector, most, watched, signal } = following
  const listed = await actor.list(aim, { name, selector, limit: most, signal })
  if (!('ok' in listed)) return failedBy(listed)
  const { items, more, resourceVersion } = listed.ok
  watched.replace(items)
  if (more) return refused(`more than ${most} objects carry these labels; select fewer`)
  const judged = await judge(following)
  return judged.end === 'again' ? watch(resourceVersion, following) : judged
}

async function judge(following: Following): Promise<Round> {
  const because = following.watched.tooMany()
  if (because !== undefined) return refused(because)
  return (await slowly(following.watched.judged(), following)) ? { end: 'holds' } : ended
}

/** Watches until they are as they should be, or the watch has lived for long enough. */
async function watch(resourceVersion: string, following: Following): Promise<Round> {
  const { actor, aim, name, selector, watched, clock, signal } = following
  const limit = clock.abortAfter(watchMs)
  const found = new AbortController()
  const changes = new Changes(async () => {
    const round = await judge(following)
    if (round.end !== 'again') found.abort()
    return round
  })
  const told = await actor.watch(aim, {
    name,
    selector,
    resourceVersion,
    signal: AbortSignal.any([signal, limit.signal, found.signal]),
    onEvent: (event: ActorEvent) => {
      if (watched.take(event)) changes.note()
    },
  })
  limit.release()
  const judged = await changes.settled()
  const cut = signal.aborted || limit.signal.aborted
  return judged.end !== 'again' || cut || 'ok' in told ? judged : failedBy(told)
}

/** Judges after each change, one judgement at a time; what changes meanwhile is judged by the next. */
class Changes {
  readonly #judge: () => Promise<Round>
  #dirty = false
  #last: Round = ended
  #judging: Promise<void> = Promise.resolve()
  #busy = false

  constructor(judge: () => Promise<Round>) {
    this.#judge = judge
  }

  note(): void {
    this.#dirty = true
    if (this.#busy) return
    this.#busy = true
    this.#judging = this.#run()
    // It is awaited by settled; until then a rejection must not count as one that nobody sees.
    this.#judging.catch(() => {})
  }

  /** The last judgement, once none is under way. */
  async settled(): Promise<Round> {
    await this.#judging
    return this.#last
  }

  async #run(): Promise<void> {
    try {
      while (this.#dirty && this.#last.end === 'again') {
        this.#dirty = false
        this.#last = await this.#judge()
      }
    } finally {
      this.#busy = false
    }
  }
}

/** Runs it to its end, and lets others have their turn in between. */
async function slowly<T>(steps: Generator<undefined, T>, { clock, signal }: Following): Promise<T | false> {
  let since = clock.steady()
  for (let next = steps.next(); ; next = steps.next()) {
    if (next.done === true) return next.value
    if (clock.steady() - since < breathMs) continue
    await orAborted(clock.sleep(0, signal))
    if (signal.aborted) return false
    since = clock.steady()
  }
}

/** Whether an answer stays the same however often it is asked for. */
function isFinal({ failed, status }: Unacted): boolean {
  if (failed === 'account') return true
  if (failed !== 'answer') return false
  return status === undefined || (status >= 400 && status < 500 && ![408, 409, 410, 429].includes(status))
}

async function pause(askedMs: number, failures: number, { clock, signal }: Following): Promise<void> {
  const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** failures) * (0.5 + clock.random() / 2)
  await orAborted(clock.sleep(Math.max(waitMs, Math.min(askedMs, watchMs)), signal))
}

async function orAborted(wait: Promise<void>): Promise<void> {
  try {
    await wait
  } catch {
    return // The signal aborted; the loop sees it.
  }
}
