/** How a run by hand is shown: each failure, then a sum and the slowest cases. */
import { stripVTControlCharacters } from 'node:util'
import type { Result } from './suite.ts'

// A Status can be long; what matters is at its head.
const longest = 1500

/** `report` shows a failure as it comes; `sum` shows the end, and says how many failed. */
export function shownResults(): { readonly report: (result: Result) => void; readonly sum: () => number } {
  const results: Result[] = []
  const began = performance.now()
  const report = (result: Result): void => {
    results.push(result)
    if (result.failed === undefined) return
    const text = stripVTControlCharacters(String(result.failed)).slice(0, longest)
    console.log(`FAILED ${result.name} (${result.ms} ms)\n${text}\n`)
  }
  const sum = (): number => {
    const failed = results.filter((result) => result.failed !== undefined).length
    const slow = [...results].sort((a, b) => b.ms - a.ms).slice(0, 5)
    const ms = Math.round(performance.now() - began)
    console.log(`${results.length - failed} of ${results.length} hold, ${ms} ms`)
    console.log(`slowest: ${slow.map(({ name, ms }) => `${name} (${ms} ms)`).join('; ')}`)
    return failed
  }
  return { report, sum }
}
