/**
 * Bounds what a server may send for one answer, whatever it is. Headers and body have limits of their own, but interim
 * answers, extensions of chunks and chunks of one byte are neither, and a server can send them for ever.
 */
import type { Connection } from './connect.ts'

/** Before the answer has begun: 16 KiB of headers, some interim answers, and what one read can bring along of the body. */
export const mostBefore = 262_144
// A body in chunks of one byte is six times as long on the wire.
const timesBody = 8

/** Watches a connection. */
export type Meter = {
  /** Begins to count: called when the one who reads the connection listens already, so that what was read was looked at. */
  readonly start: () => void
  /** The answer has begun: from here on its body counts. */
  readonly answered: () => void
  /** What was too much; the connection is destroyed then. */
  readonly broken: () => string | undefined
}

/** Watches this connection, for an answer with a body of at most `maxBody` bytes. */
export function meterOn(connection: Connection, maxBody: number): Meter {
  const mostInAll = mostBefore + timesBody * maxBody
  let most = mostBefore
  let broken: string | undefined
  const start = () => {
    const before = connection.bytesRead
    connection.on('readable', () => {
      if (connection.bytesRead - before <= most) return
      broken ??=
        most === mostBefore
          ? `sent more than ${mostBefore} bytes before it answered`
          : `sent more than ${mostInAll} bytes for a body of at most ${maxBody}`
      connection.destroy()
    })
  }
  const answered = () => {
    most = mostInAll
  }
  return { start, answered, broken: () => broken }
}
