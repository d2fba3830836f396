/** Server-sent events: what changed, told to the pages that are open. Who reads too slowly is cut off; there are only so many. */
import type { ServerResponse } from 'node:http'
import type { AdmissionDecision } from '../api/admission-decision.ts'
import type { Clock } from '../clock.ts'

/** What changed. */
export type Change =
  | { readonly type: 'decision'; readonly record: AdmissionDecision }
  /** A run, Backup, Restore, Action, Schedule or plugin of a namespace. */
  | { readonly type: 'state'; readonly namespace: string }

/** One who listens. */
export type Listener = {
  readonly response: Pick<ServerResponse, 'write' | 'end' | 'destroy' | 'writableLength' | 'once'>
  /** Whose it is: one visitor has a few at most. */
  readonly owner: string
  /** Whether the listener asked for it and may see it. */
  readonly wants: (change: Change) => boolean
  /** Asked at every heartbeat; false ends the stream (the session is over, a right was taken away). */
  readonly goesOn: () => Promise<boolean>
  /** The id of the last event that was got before. */
  readonly lastId: string | undefined
}

/** The stream of one process. */
export type Stream = {
  readonly tell: (change: Change) => void
  /** Listens until the connection ends; false: there is no room. */
  readonly listen: (listener: Listener) => boolean
  /** Beats until the signal aborts, then ends every connection. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

const mostListeners = 200
const mostOfOne = 8
const mostKept = 500
// An event has some 150 bytes: who has not read 400 of them does not read.
const mostUnreadBytes = 64 * 1024
const beatMs = 15_000

type Kept = { readonly number: number; readonly change: Change }

/** A stream; `epoch` tells the events of this process from those of an earlier one. */
export function createStream(clock: Clock, epoch: string): Stream {
  const listeners = new Set<Listener>()
  const kept: Kept[] = []
  let number = 0
  const drop = (listener: Listener) => {
    listeners.delete(listener)
    listener.response.destroy()
  }
  const write = (listener: Listener, text: string) => {
    listener.response.write(text)
    if (listener.response.writableLength > mostUnreadBytes) drop(listener)
  }
  const send = (listener: Listener, { number, change }: Kept) => {
    if (listener.wants(change)) write(listener, eventText(`${epoch}-${number}`, change))
  }
  const replay = (listener: Listener, lastId: string) => {
    const [from, count] = [lastId.slice(0, lastId.lastIndexOf('-')), Number(lastId.split('-').at(-1))]
    const isKnown = from === epoch && Number.isSafeInteger(count) && count <= number
    const isWhole = isKnown && count >= number - kept.length
    // What is not known any more cannot be told: the page is to be read again.
    if (!isWhole) return write(listener, `id: ${epoch}-${number}\nevent: again\ndata: {}\n\n`)
    for (const one of kept) if (one.number > count) send(listener, one)
  }
  const beatOne = async (listener: Listener) => {
    const goesOn = await listener.goesOn().catch(() => false)
    if (!goesOn) {
      listeners.delete(listener)
      listener.response.end('event: over\ndata: {}\n\n')
    } else if (listeners.has(listener)) write(listener, ': still here\n\n')
  }
  // All at once: an API server that is slow about one must not let the others listen for longer than they may.
  const beat = () => Promise.all(Array.from(listeners, beatOne))
  return {
    tell: (change) => {
      number += 1
      kept.push({ number, change })
      if (kept.length > mostKept) kept.shift()
      for (const listener of listeners) send(listener, { number, change })
    },
    listen: (listener) => {
      const ofOne = [...listeners].filter(({ owner }) => owner === listener.owner).length
      if (listeners.size >= mostListeners || ofOne >= mostOfOne) return false
      listeners.add(listener)
      listener.response.once('close', () => listeners.delete(listener))
      write(listener, `retry: 3000\nid: ${epoch}-${number}\nevent: hello\ndata: {}\n\n`)
      if (listener.lastId !== undefined) replay(listener, listener.lastId)
      return true
    },
    run: async (signal) => {
      while (!signal.aborted) {
        await clock.sleep(beatMs, signal).catch(() => undefined)
        if (!signal.aborted) await beat()
      }
      for (const listener of listeners) drop(listener)
    },
  }
}

function eventText(id: string, change: Change): string {
  const data =
    change.type === 'decision'
      ? {
          id: change.record.metadata.uid,
          count: change.record.status.count,
          verdict: change.record.spec.verdict,
        }
      : { namespace: change.namespace }
  return `id: ${id}\nevent: ${change.type}\ndata: ${JSON.stringify(data)}\n\n`
}
