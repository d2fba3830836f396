/** Remembers what images were found to be, the least lately asked for leaving first. */
import type { Inspection } from '../core/plugin-check/image-config.ts'
import type { Inspections } from './ports.ts'

// An inspection has some hundred bytes, and a few KB for an index of many platforms.
const mostKept = 256

/** A memory that is empty. */
export function createInspections(): Inspections {
  const kept = new Map<string, Inspection>()
  const put = (key: string, inspection: Inspection) => {
    kept.delete(key)
    kept.set(key, inspection)
    const [oldest] = kept.keys()
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
  }
  return {
    get: (key) => {
      const found = kept.get(key)
      if (found !== undefined) put(key, found)
      return found
    },
    keep: put,
  }
}
