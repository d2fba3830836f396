/** Times on record, which another clock may have written. */

// Two clocks may differ by so much.
const aheadMs = 5_000

/**
 * When something that is on record happened, milliseconds. What lies ahead was written by a clock that was set forth and back since:
 * nobody waits for it to come, it counts as long ago.
 */
export function recordedAt(text: string | undefined, now: number): number {
  const at = Date.parse(text ?? '')
  return at > now + aheadMs ? 0 : at
}
