import t from 'tap'
import { csvCell, csvHead, csvLine, csvPart } from '../../../src/core/decision/csv.ts'
import { aDecision } from '../../support/decisions.ts'

for (const [given, want] of Object.entries({
  '=1': `"'=1"`,
  '+1': `"'+1"`,
  '-1': `"'-1"`,
  '@x': `"'@x"`,
  '\tx': `"'\tx"`,
  '\rx': `"'\rx"`,
  'a,b': '"a,b"',
  'a"b': '"a""b"',
  'a\nb': '"a\nb"',
  'a=b': 'a=b',
  ' =1': `"' =1"`,
  'a\u0000b': 'a b',
  '': '',
}))
  t.test(`the cell ${JSON.stringify(given)} is harmless`, async (t) => t.equal(csvCell(given), want))

t.test('a line has a cell for each column, and says of which record it is', async (t) => {
  const record = aDecision({ name: 'r1' })
  const [columns, whole, part] = [csvHead, csvLine(record), csvPart({ record: 'r2' })].map((text) =>
    text.trimEnd().split(','),
  )
  t.equal(whole?.length, columns?.length)
  t.equal(part?.length, columns?.length)
  const at = (columns ?? []).indexOf('record')
  t.same([whole?.[at], part?.[at]], ['r1', 'r2'])
})
