import fc from 'fast-check'
import t from 'tap'
import { bytesOf, cutToBytes, jsonBytesOf, toldWithin } from '../../src/core/bytes.ts'
import { anyCharacter } from '../support/any-text.ts'
import { runs } from '../support/runs.ts'

t.test('a size is counted in bytes of UTF-8', async (t) => {
  t.equal(bytesOf('aäαxx'), 7)
  t.equal(jsonBytesOf({ a: '€' }), 11)
})

t.test('what fits stays as it is; what is longer is cut between two characters, and says so', async (t) => {
  t.equal(cutToBytes('Καλημέρα', 16), 'Καλημέρα')
  t.equal(cutToBytes('Καλημέρα', 15), 'Καλημέ...')
  t.equal(cutToBytes('a😀b😀', 8), 'a😀...')
  t.equal(cutToBytes('a😀b😀', 7), 'a...')
})

t.test('a cut text never has more bytes than asked for', async () => {
  fc.assert(
    fc.property(
      fc.string({ unit: anyCharacter, maxLength: 40 }),
      fc.integer({ min: 3, max: 60 }),
      (text, most) => {
        const cut = cutToBytes(text, most)
        return (
          bytesOf(cut) <= most && (cut === text || (cut.endsWith('...') && text.startsWith(cut.slice(0, -3))))
        )
      },
    ),
    { seed: 11, numRuns: runs(2000) },
  )
})

t.test('many sentences are told within a size: all of them, or as many as say something', async (t) => {
  t.equal(toldWithin(['a', 'b'], 1024), 'a; b')
  t.equal(toldWithin(['x'.repeat(300), 'y'.repeat(300)], 200), `${'x'.repeat(95)}...; ${'y'.repeat(95)}...`)
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 400 }), { maxLength: 80 }), (sentences) => {
      const told = toldWithin(sentences, 1024)
      const [, more = '0'] = /; and (\d+) more, see the log$/.exec(told) ?? []
      return bytesOf(told) <= 1024 && Number(more) <= sentences.length
    }),
    { seed: 11, numRuns: 300 },
  )
})
