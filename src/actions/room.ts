/** Room for the objects that patches keep while they are at work: few large ones at once, the others wait for theirs. */
import { jsonBytesOf } from '../core/bytes.ts'
import { line } from '../until.ts'
import type { KubeObject } from './ports.ts'

/** Most that one patch keeps of the objects it found, bytes of JSON. */
export const mostOfOne = 16 * 1024 * 1024
/** Most that all patches of this process keep together. */
const mostOfAll = 4 * mostOfOne

/** The room of one patch. */
export type Room = {
  /** Counts an object; false if it is more than one patch may keep. */
  readonly hold: (object: KubeObject) => boolean
  /** All were counted: what they leave of the room is for others. */
  readonly settle: () => void
  /** Gives it back. */
  readonly leave: () => void
}

/** Gives rooms, each as large as one may be until it is settled; rejects with the signal's reason if there is none before it aborts. */
export type Enter = (signal: AbortSignal) => Promise<Room>

/** Makes rooms that share so many bytes, in the order in which they are asked for. */
export function rooms(most = mostOfAll): Enter {
  let left = most
  const { wait, next } = line()
  const give = (bytes: number) => {
    left += bytes
    while (left >= mostOfOne && next()) left -= mostOfOne
  }
  return async (signal) => {
    // While there is room for one, nobody waits: it was handed on.
    if (left >= mostOfOne) left -= mostOfOne
    else await wait(signal, () => give(mostOfOne))
    let [taken, held] = [mostOfOne, 0]
    const shrink = (to: number) => {
      give(taken - to)
      taken = to
    }
    return {
      hold: (object) => {
        held += jsonBytesOf(object)
        return held <= mostOfOne
      },
      settle: () => shrink(Math.min(taken, held)),
      leave: () => shrink(0),
    }
  }
}

/** The rooms of this process. */
export const enterRoom = rooms()
