/** Sizes as etcd and the API server count them: bytes of UTF-8, not UTF-16 units, of which a text in Greek has half as many. */

/** How many bytes a text has. */
export const bytesOf = (text: string): number => Buffer.byteLength(text)

/** How many bytes a value has as JSON. */
export const jsonBytesOf = (value: object): number => bytesOf(JSON.stringify(value))

/** The longest message of an Event, bytes: pkg/apis/core/validation/events.go, NoteLengthLimit. */
export const longestEvent = 1024

const ellipsis = '...'

/** The text, or its beginning and `...` if it has more bytes than that; no character is cut in two. */
export function cutToBytes(text: string, most: number): string {
  // A UTF-16 unit is at most three bytes: most texts need no count.
  if (text.length * 3 <= most || bytesOf(text) <= most) return text
  const room = new Uint8Array(Math.max(0, most - ellipsis.length))
  return text.slice(0, new TextEncoder().encodeInto(text, room).read) + ellipsis
}

/** As many of the sentences as go into so many bytes, each cut to its share; and how many there are beyond that. */
export function toldWithin(sentences: readonly string[], most: number): string {
  const all = sentences.join('; ')
  if (bytesOf(all) <= most) return all
  // Fewer bytes than this of a sentence say nothing.
  const shortest = 100
  const more = (count: number) => (count === 0 ? '' : `; and ${count} more, see the log`)
  const fit = Math.floor(most / shortest)
  const shown =
    fit >= sentences.length
      ? sentences.length
      : Math.max(1, Math.floor((most - bytesOf(more(9999))) / shortest))
  const rest = more(sentences.length - shown)
  const share = Math.floor((most - bytesOf(rest)) / shown) - 2
  return (
    sentences
      .slice(0, shown)
      .map((one) => cutToBytes(one, share))
      .join('; ') + rest
  )
}
