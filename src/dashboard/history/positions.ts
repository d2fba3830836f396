/** The order of time as whole numbers that are all different: the key of decisions, of their indexes and of cursors. */
import type { Statements } from './statements.ts'

// Times up to the year 2248 stay apart; what claims to be later has its place there.
const latest = 2 ** 43

/**
 * The place of a moment: its milliseconds, or the next ones that are free. The numbers lie close together, because the
 * search index keeps the distances, and the smaller they are the smaller it is.
 */
export function placeFor(statements: Statements, ms: number): number {
  let place = Math.min(Math.max(0, ms), latest)
  const taken = 'SELECT position FROM decision WHERE position >= ? ORDER BY position'
  for (const row of statements.of(taken).iterate(place)) {
    if (row['position'] !== place) break
    place++
  }
  return place
}
