/** Keeps long work from blocking the event loop. */
import { setImmediate } from 'node:timers/promises'

// JSON of this size takes about 3 ms to parse and project (measured: 27 us for 8 KB), a tenth of what a block may take.
const sliceBytes = 256 * 1024

/** Tells how many bytes were worked on; resolves after a turn of the event loop whenever a slice is full. */
export function createSlices(): (bytes: number) => Promise<void> {
  let worked = 0
  return async (bytes) => {
    worked += bytes
    if (worked < sliceBytes) return
    worked = 0
    await setImmediate()
  }
}
