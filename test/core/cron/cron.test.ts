/** Cron expressions, held to what the library says that Velero uses: robfig.json holds the answers of robfig/cron v3.0.1 itself. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { cronIn } from '../../../src/core/cron.ts'
import { dueAfter } from '../../../src/core/cron-due.ts'

/**
 * By expression the next time after each moment, empty if there is none; null: refused. Left out is what the library never answers, and
 * that it passes over a day on Lord Howe, where summer time is half an hour.
 */
const answers = JSON.parse(readFileSync(new URL('robfig.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, string>> | null>
>

const dueBy = (text: string, after: string): string | undefined => {
  const cron = cronIn(text)
  if (cron === undefined) return 'refused'
  const at = dueAfter(cron, Date.parse(after))
  return at === undefined ? '' : new Date(at).toISOString().replace('.000Z', 'Z')
}

t.test('every expression is taken or refused as Velero does, and comes at the same time', async (t) => {
  t.ok(Object.keys(answers).length > 80)
  for (const [text, want] of Object.entries(answers)) {
    if (want === null) {
      t.equal(cronIn(text), undefined, `${JSON.stringify(text)} is refused`)
      continue
    }
    const got = Object.fromEntries(Object.keys(want).map((after) => [after, dueBy(text, after)]))
    t.same(got, want, text)
  }
})

t.test('an expression on which the library goes on for ever is never due here', async (t) => {
  t.equal(dueBy(', * * * *', '2026-11-21T16:00:00Z'), '')
})
