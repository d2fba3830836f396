/** Where the log of a process goes. */
import { pino } from 'pino'

// So much is never kept: it goes out in the middle of a turn.
const mostBytes = 64 * 1024

/**
 * Standard output, where what is logged in one turn of the event loop is written at its end, in one go: no answer waits for its own line. What
 * dies in the middle of a turn (SIGKILL, out of memory) takes the lines of that turn along; whatever else ends it does not.
 */
export function linesOfTurns(): pino.DestinationStream {
  // One write takes all that is kept.
  const out = pino.destination({ dest: 1, sync: true, minLength: mostBytes, maxWrite: 2 * mostBytes })
  let isDue = false
  const flush = () => {
    isDue = false
    out.flush()
  }
  process.once('exit', flush)
  return {
    write: (line) => {
      out.write(line)
      if (isDue) return
      isDue = true
      setImmediate(flush)
    },
  }
}
