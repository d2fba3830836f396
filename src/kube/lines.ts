/** Cuts a stream of bytes into lines: a character or an event may be split anywhere. */
import { KubeError } from './errors.ts'

/** Takes chunks, gives the lines that are complete with each. */
export type Lines = { readonly push: (chunk: Uint8Array) => readonly string[] }

const lineFeed = 0x0a

/** A cutter that refuses lines of more than `maxBytes`, so that a server that never ends one cannot fill our memory. */
export function createLines(maxBytes: number): Lines {
  let pieces: Uint8Array[] = []
  let size = 0
  const take = (piece: Uint8Array) => {
    size += piece.length
    if (size > maxBytes)
      throw new KubeError('TOO_LARGE', `a line of a watch must have at most ${maxBytes} bytes, got more`)
    pieces.push(piece)
  }
  return {
    push: (chunk) => {
      const lines: string[] = []
      let from = 0
      // Whole lines are decoded, never pieces: a multi-byte character may end in the next chunk.
      for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
        take(chunk.subarray(from, at))
        const line =
          pieces.length === 1 ? textOf(chunk.subarray(from, at)) : Buffer.concat(pieces).toString('utf8')
        if (line.trim() !== '') lines.push(line)
        pieces = []
        size = 0
        from = at + 1
      }
      // A copy, because a chunk is a window on a far larger buffer that would be kept alive with it.
      if (from < chunk.length) take(Buffer.from(chunk.subarray(from)))
      return lines
    },
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
