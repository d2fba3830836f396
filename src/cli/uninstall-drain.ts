/** Waits for what tidewaiter has in hand once it admits nothing more. */
import { spell } from '../core/refusal.ts'
import { inHandText, type InHand } from '../core/uninstall/in-hand.ts'
import { isUnanswered } from '../wiring/reach.ts'
import { again, no, type Uninstalled, type UninstallPorts, type UninstallWish } from './uninstall-ports.ts'

const lookEveryMs = 2_000
// An admission has 30 s, and the API server learns within a second or two that a webhook is gone.
const arrivesWithinMs = 35_000
const nobodyReadyMs = 30_000

/** How long was waited, and when there was last somebody to wait for. */
type Waited = { readonly now: number; readonly began: number; readonly readyAt: number }

/** Undefined: nothing is in hand any more, or it is abandoned. What was created after admission stopped is not ours. */
export async function drained(wish: UninstallWish, ports: UninstallPorts): Promise<Uninstalled | undefined> {
  const { clock, signal } = ports
  const look = lookerOf(ports)
  const began = clock.now()
  // Where the Deployment is gone, no replica will ever be ready.
  let readyAt = (await ports.owned('running')).length > 0 ? began : Number.NEGATIVE_INFINITY
  for (;;) {
    await clock.sleep(lookEveryMs, signal)
    const now = clock.now()
    const seen = await look(now - began < arrivesWithinMs)
    if (seen?.left.length === 0) return undefined
    if (seen?.isReady === true && Number.isFinite(readyAt)) readyAt = now
    const because = whyNoLonger(wish, { now, began, readyAt })
    if (because !== undefined) return ended(seen?.left, because, { wish, ports })
  }
}

type Seen = { readonly left: readonly InHand[]; readonly isReady: boolean }

/** Looks what is left of what was in hand when admission stopped, and tells it when it changes. Undefined: nobody answered. */
function lookerOf(ports: UninstallPorts): (isArriving: boolean) => Promise<Seen | undefined> {
  const mine = new Set<string>()
  let told = ''
  const tell = (text: string) => {
    if (text !== told) ports.tell(text)
    told = text
  }
  return async (isArriving) => {
    try {
      const all = await ports.inHand()
      if (isArriving) for (const { uid } of all) mine.add(uid)
      const left = all.filter(({ uid }) => mine.has(uid))
      if (left.length > 0) tell(`waiting for ${inHandText(left)}`)
      return { left, isReady: (await ports.pods()).some(({ isReady }) => isReady) }
    } catch (error) {
      // A wait of hours outlives an API server that restarts.
      if (!isUnanswered(error)) throw error
      tell(`the API server does not answer: ${error.message}`)
      return undefined
    }
  }
}

function whyNoLonger({ timeoutMs }: UninstallWish, { now, began, readyAt }: Waited): string | undefined {
  if (now - readyAt >= nobodyReadyMs) return 'no replica of tidewaiter is ready, so nobody ends it'
  return now - began >= timeoutMs ? `it has not ended within ${spell(timeoutMs)}` : undefined
}

type Course = { readonly wish: UninstallWish; readonly ports: UninstallPorts }

function ended(
  left: readonly InHand[] | undefined,
  because: string,
  { wish, ports }: Course,
): Uninstalled | undefined {
  // What cannot be seen cannot be named, and so not abandoned.
  if (left === undefined)
    return no(`it is not known what is in hand: the API server does not answer. ${again}`)
  if (!wish.force)
    return no(
      `still in hand: ${inHandText(left)}: ${because}. Admission has stopped, the rest of tidewaiter is there and goes on. ` +
        `${again}; with --force what is still in hand is abandoned; or apply the manifests again to keep tidewaiter`,
    )
  for (const { text } of left) ports.tell(`abandoned: ${text}`)
  return undefined
}
