/** Cursors: where a page ends, in a text that others hand back to us and may have changed. */
import { HistoryError } from './store.ts'

/** A place between two positions, and the direction in which to go on. */
export type Place = { readonly towards: 'older' | 'newer'; readonly position: number }

// "o" or "n", then the position: milliseconds in base 36 have at most 11 digits (36^11 > 2^53).
const shape = /^([on])([0-9a-z]{1,11})$/

/** The text of a place. */
export const cursorOf = ({ towards, position }: Place): string =>
  `${towards === 'older' ? 'o' : 'n'}${position.toString(36)}`

/** The place of a text; a BAD_QUERY if it is none. */
export function placeOf(cursor: string): Place {
  const [, letter, digits = ''] = shape.exec(cursor) ?? []
  const position = Number.parseInt(digits, 36)
  if (letter === undefined || !Number.isSafeInteger(position))
    throw new HistoryError(
      'BAD_QUERY',
      'the cursor must be one that an earlier page gave, got another text; leave it out to begin at the newest page',
    )
  return { towards: letter === 'o' ? 'older' : 'newer', position }
}
