/** Whether the hold of an object still stands while its actions run. */
import { cutWords, whyCut } from '../core/hold/step.ts'
import type { SeenObject } from '../core/post.ts'
import type { AbortReason } from '../core/run/machine.ts'
import type { ControlPorts } from './ports.ts'

/** What ends so shortly before its hold ended with it, milliseconds: timers may come early. */
const nearMs = 250

/** Watches, while actions run, whether the hold still stands. */
export function watchHold(object: SeenObject, endsAt: number, ports: ControlPorts) {
  // The server's time is known to a second and read anew with each answer: actions were told the end as it was known when they began.
  const endsAtHere = ports.clock.steady() + (endsAt - ports.serverTime())
  const over = new AbortController()
  const done = new AbortController()
  let reason: AbortReason | undefined
  let words: string | undefined
  const look = (): AbortReason | undefined => {
    const seen = ports.objects.seen(object.kind, object.namespace, object.name)
    const why = whyCut(seen, { uid: object.uid, endsAt, now: ports.serverTime() })
    words = cutWords(why, seen?.abort ?? '')
    return why
  }
  const loop = async () => {
    while (!done.signal.aborted && reason === undefined) {
      await ports.clock.sleep(1_000, done.signal).catch(() => undefined)
      if (!done.signal.aborted) reason = look()
    }
    if (reason !== undefined) over.abort()
  }
  void loop()
  const because = (): AbortReason | undefined => {
    const why = reason ?? look()
    return why ?? (ports.clock.steady() >= endsAtHere - nearMs ? 'HeldTooLong' : undefined)
  }
  return { signal: over.signal, because, words: () => words, end: () => done.abort() }
}
