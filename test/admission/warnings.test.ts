import * as fc from 'fast-check'
import t from 'tap'
import { cut, messageText, warningLine, warningLines } from '../../src/admission/warnings.ts'
import { anyCharacter } from '../support/any-text.ts'

const seed = { seed: 7, numRuns: 120 }
const length = (text: string): number => Array.from(text).length
// Surrogates alone, emoji, control characters and marks that reorder text among them.
const anyText = fc.string({
  unit: fc.oneof(
    fc.string({ unit: anyCharacter, maxLength: 3 }),
    fc.constantFrom('\n', '\u001b', '\u202e', '\ud83d', '😀', ' '),
  ),
  maxLength: 600,
})

t.test('a warning is one line of at most 250 characters without control characters', async () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const line = warningLine(text)
      return length(line) <= 250 && line.isWellFormed() && !/[\p{Cc}\u2028\u2029\u202a-\u202e]/u.test(line)
    }),
    seed,
  )
})

t.test('a short warning of plain text arrives as it is', async () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[!-~]{1,250}$/), (text) => warningLine(text) === text),
    seed,
  )
})

t.test('a long warning is cut and ends in …', async (t) => {
  t.equal(warningLine('a'.repeat(251)), `${'a'.repeat(249)}…`)
  t.equal(warningLine('😀'.repeat(251)), `${'😀'.repeat(249)}…`)
  t.equal(cut('abc', 3), 'abc')
})

t.test(
  'all warnings together have at most 4,096 characters, and the last says how many were left out',
  async (t) => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 60 }), (texts) => {
        const lines = warningLines(texts)
        const wanted = texts.map(warningLine).filter((line) => line !== '')
        if (lines.reduce((sum, line) => sum + length(line), 0) > 4096) return false
        const told = / (\d+) more warnings? left out/.exec(lines.at(-1) ?? '')?.[1]
        return told === undefined
          ? lines.length === wanted.length
          : lines.length - 1 + Number(told) === wanted.length
      }),
      { ...seed, numRuns: 50 },
    )
    t.match(
      warningLines(Array.from({ length: 40 }, () => 'w'.repeat(250))).at(-1),
      /^tidewaiter: 24 more warnings left out/,
    )
  },
)

t.test('as many warnings as fit are kept', async (t) => {
  const sixteen = Array.from({ length: 16 }, () => 'w'.repeat(250))
  t.equal(warningLines([...sixteen, 'w'.repeat(96)]).length, 17)
  t.match(warningLines([...sixteen, 'w'.repeat(97)]).at(-1), /: 1 more warning left out/)
})

t.test('an empty warning is none', async (t) => {
  t.same(warningLines(['', ' \n ', 'x']), ['x'])
})

t.test('a message keeps its lines and loses what drives a terminal', async (t) => {
  t.equal(messageText('a\r\nb\u001b[31mc\u202ed'), 'a\nb [31mc d')
  t.equal(length(messageText('x'.repeat(100_000))), 16_384)
})
