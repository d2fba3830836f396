/** Cuts long text in its middle: the API server shows a whole object first, and says what is wrong with it in the last words. Pure. */

const ellipsis = '...'

/** The beginning and the end of a text that is longer than so many characters, with `...` between them. */
export function cutInside(text: string, longest: number): string {
  if (text.length <= longest) return text
  const room = Math.max(0, longest - ellipsis.length)
  const last = Math.floor(room / 2)
  // Not through the middle of a surrogate pair.
  const head = text.slice(0, room - last).replace(/[\ud800-\udbff]$/, '')
  const tail = text.slice(text.length - last).replace(/^[\udc00-\udfff]/, '')
  return head + ellipsis + tail
}
