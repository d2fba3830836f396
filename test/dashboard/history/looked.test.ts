/** How many records are unpacked to answer: what makes the difference between milliseconds and minutes in a history of a million. */
import { join } from 'node:path'
import t from 'tap'
import type { AdmissionDecision } from '../../../src/api/admission-decision.ts'
import { exportSome, type Exported } from '../../../src/dashboard/history/export.ts'
import { openToWrite } from '../../../src/dashboard/history/file.ts'
import { insertBatch } from '../../../src/dashboard/history/insert.ts'
import { readPage } from '../../../src/dashboard/history/page.ts'
import { Statements } from '../../../src/dashboard/history/statements.ts'
import { everything, record } from './support.ts'

const folder = t.testdir()

/** A file with these records: filling it takes longer than all that is asked of it. */
function filled(name: string, batch: readonly AdmissionDecision[]): Statements {
  const { db } = openToWrite(join(folder, name), 2 ** 30)
  t.teardown(() => db.close())
  db.function('goes_on', { varargs: true }, () => 1)
  const statements = new Statements(db)
  insertBatch(statements, batch, 0)
  return statements
}

/** A count of the records that are looked into. */
function counted() {
  let looked = 0
  return { goesOn: () => void looked++, looked: () => looked }
}

const every = (part: number, text: string) =>
  Array.from({ length: 1300 }, (_, n) => record(n, { last: { message: n % part === 0 ? text : 'plain' } }))
const ofHundreds = filled('hundreds.db', every(100, 'lock held'))
const ofThirds = filled(
  'thirds.db',
  every(3, 'lock held').map((one, n) => (n < 1000 ? one : { ...one, spec: { ...one.spec, user: 'rare' } })),
)

for (const [how, frequent, want] of [
  ['is found by the index', false, 13],
  ['is looked for in each record where the index would find too many', true, 1300],
] as const)
  t.test(`what an export of a text wants ${how}, and is there once and in order`, async (t) => {
    const { goesOn, looked } = counted()
    const query = { sight: 'every', filter: { text: 'held lock' }, form: 'csv' } as const
    let [text, written] = ['', 0]
    let step: Partial<Exported> = { after: 0, frequent }
    while (step.after !== undefined) {
      const done = exportSome(ofHundreds, { ...query, ...step, after: step.after, written }, goesOn)
      text += done.text
      written += done.records
      t.equal(done.frequent, frequent)
      step = done
    }
    const ids = [...text.matchAll(/uid-(\d+)\r\n/g)].map(([, n]) => Number(n))
    t.same(
      ids,
      Array.from({ length: 13 }, (_, n) => n * 100),
    )
    t.equal(looked(), want)
  })

t.test('a text within the few records of a rare word is looked for in those, not in the index', async (t) => {
  const { goesOn, looked } = counted()
  const filter = { user: 'rare', text: 'lock held' }
  const { rows, total } = readPage(ofThirds, { ...everything, size: 100, filter }, goesOn)
  t.equal(rows.length, 100)
  t.same(total, { count: 100, is: 'exactly' })
  t.equal(looked(), 300)
})

t.test('a text on a page beyond the oldest record has no records, and says so', async (t) => {
  const { goesOn } = counted()
  const { rows, total } = readPage(
    ofThirds,
    { ...everything, filter: { text: 'held' }, cursor: 'o0' },
    goesOn,
  )
  t.same(rows, [])
  t.equal(total.count, 0)
})
