/** The thread of texts-apart.ts: reads what it was started with, says what it found, ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { documentsIn, type TextsIn } from './texts.ts'

// Started by texts-apart.ts alone, which gives it exactly this.
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(documentsIn(workerData as TextsIn))
