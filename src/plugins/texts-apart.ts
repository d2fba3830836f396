/**
 * Reads texts of a ConfigMap in a thread of its own, with a deadline: the YAML parser takes 10 ms for each KiB of hostile text, and
 * whoever may write a ConfigMap must not stop the webhooks with it.
 */
import { Worker } from 'node:worker_threads'
import { bareThread } from '../bare-thread.ts'
import type { Clock } from '../clock.ts'
import type { PluginDocument } from '../core/plugin/sources.ts'
import { unlessAborted } from '../until.ts'
import { documentsIn, unreadable, type TextsIn } from './texts.ts'

// Below this even the worst text takes less than 50 ms (measured), which is what starting a thread costs.
const shortText = 4096
const deadlineMs = 10_000
/**
 * Most text of one ConfigMap. Of the worst, 1 MiB takes 400 MB and more to read (measured): that is all that the pod may have, and a
 * thread that comes to its own limit may take the process with it.
 */
export const longestApart = 128 * 1024
const mostMegabytes = 160

/** Reads them; what cannot be read in time is a problem of the ConfigMap. Rejects only with the signal's reason. */
export async function documentsApart(
  given: TextsIn,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<readonly PluginDocument[]> {
  signal.throwIfAborted()
  const length = given.texts.reduce((sum, { text }) => sum + text.length, 0)
  if (length <= shortText) return documentsIn(given)
  if (length <= longestApart) return alone(signal, () => inThread(given, { clock, signal }))
  const want = `have at most ${longestApart} characters in what declares plugins: make it smaller`
  return [unreadable(given.label, [{ path: pathOf(given), want, got: length }])]
}

const pathOf = ({ texts }: TextsIn): string => texts[0]?.path ?? 'data'

let before: Promise<unknown> = Promise.resolve()

/** One after another: the memory for one is there. */
async function alone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const turn = before
  const { promise, resolve } = Promise.withResolvers<void>()
  before = promise
  try {
    await unlessAborted(signal, turn)
    signal.throwIfAborted()
    return await work()
  } finally {
    void turn.then(() => resolve())
  }
}

async function inThread(
  given: TextsIn,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<readonly PluginDocument[]> {
  const limit = clock.abortAfter(deadlineMs)
  const worker = new Worker(new URL(import.meta.url.replace('texts-apart', 'texts-apart-worker')), {
    workerData: given,
    ...bareThread,
    resourceLimits: { maxOldGenerationSizeMb: mostMegabytes, maxYoungGenerationSizeMb: 16 },
  })
  const { promise, resolve, reject } = Promise.withResolvers<readonly PluginDocument[]>()
  const tell = (want: string) => resolve([unreadable(given.label, [{ path: pathOf(given), want }])])
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  limit.signal.addEventListener('abort', () => tell(`be read within ${deadlineMs / 1000} s: make it smaller`))
  worker.on('message', resolve)
  worker.on('error', ({ message }) => tell(`be read without an error: ${message}`))
  worker.on('exit', () => tell('be read, but the thread that read it ended'))
  try {
    return await promise
  } finally {
    limit.release()
    signal.removeEventListener('abort', stop)
    await worker.terminate()
  }
}
