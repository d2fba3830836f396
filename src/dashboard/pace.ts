/** How often somebody may call: a bucket for each, that fills with time. */
import type { Clock } from '../clock.ts'

/** How many at once, and how many a second for long. */
export type Pace = { readonly burst: number; readonly perSecond: number }

const mostKept = 10_000

/** Takes one out of the bucket of a key: 0 if that was possible, else after how many seconds to try again. */
export function createPace(clock: Clock, { burst, perSecond }: Pace): (key: string) => number {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>()
  return (key) => {
    const now = clock.now()
    const { left, at } = buckets.get(key) ?? { left: burst, at: now }
    const filled = Math.min(burst, left + (Math.max(0, now - at) / 1000) * perSecond)
    buckets.delete(key)
    buckets.set(key, { left: filled >= 1 ? filled - 1 : filled, at: now })
    const [oldest] = buckets.keys()
    if (buckets.size > mostKept && oldest !== undefined) buckets.delete(oldest)
    return filled >= 1 ? 0 : Math.ceil((1 - filled) / perSecond)
  }
}
