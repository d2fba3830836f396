/**
 * Reads texts of a ConfigMap in a thread of its own, with a deadline: the YAML parser takes 10 ms for each KiB of hostile text, and
 * whoever may write a ConfigMap must not stop the webhooks with it.
 */
import { Worker } from 'node:worker_threads'
import type { Clock } from '../clock.ts'
import type { PluginDocument } from '../core/plugin/sources.ts'
import { documentsIn, unreadable, type TextsIn } from './texts.ts'

// Below this even the worst text takes less than 50 ms (measured), which is what starting a thread costs.
const shortText = 4096
const deadlineMs = 10_000
// 1 MiB of text is some 50 MB as a tree.
const mostMegabytes = 256

/** Reads them; what cannot be read in time is a problem of the ConfigMap. Rejects only with the signal's reason. */
export async function documentsApart(
  given: TextsIn,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<readonly PluginDocument[]> {
  signal.throwIfAborted()
  if (given.texts.reduce((sum, { text }) => sum + text.length, 0) <= shortText) return documentsIn(given)
  const limit = clock.abortAfter(deadlineMs)
  const worker = new Worker(new URL(import.meta.url.replace('texts-apart', 'texts-apart-worker')), {
    workerData: given,
    resourceLimits: { maxOldGenerationSizeMb: mostMegabytes },
  })
  const { promise, resolve, reject } = Promise.withResolvers<readonly PluginDocument[]>()
  const tell = (want: string) =>
    resolve([unreadable(given.label, [{ path: given.texts[0]?.path ?? 'data', want }])])
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
