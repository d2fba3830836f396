/** Tables and texts by themselves: their widths in columns of a terminal. */
import * as fc from 'fast-check'
import t from 'tap'
import { piecesOf, plain, widthOf } from '../../src/cli/plain.ts'
import { screenOf } from '../../src/cli/screen.ts'
import { table, type Column } from '../../src/cli/table.ts'
import { ageOf } from '../../src/cli/when.ts'
import { anyCharacter } from '../support/any-text.ts'

type Row = { readonly name: string; readonly said: string }
const columns: readonly Column<Row>[] = [
  { head: 'NAME', cell: ({ name }) => name, whole: true },
  { head: 'SAID', cell: ({ said }) => said, spare: true },
]
const style = (width: number | undefined) => ({
  screen: screenOf({ env: { LANG: 'C.UTF-8', NO_COLOR: '1' }, columns: () => width }),
  headers: true,
  wide: false,
})
const anyText = fc.string({ unit: anyCharacter, maxLength: 60 })

t.test('no text, however it is made, breaks a row or drives the terminal', async () => {
  fc.assert(
    fc.property(anyText, anyText, (name, said) => {
      const out = table(columns, [{ name, said }], style(undefined))
      return out.split('\n').length === 3 && !/(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(out)
    }),
  )
})

t.test('every line fits the terminal, and what goes on in the next line is whole', async () => {
  fc.assert(
    fc.property(anyText, anyText, fc.integer({ min: 20, max: 120 }), (name, said, width) => {
      const lines = table(columns, [{ name, said }], style(width)).split('\n')
      const pieces = piecesOf(plain(name), 12)
      return lines.every((line) => widthOf(line) <= width) && pieces.join('') === plain(name)
    }),
  )
})

for (const [text, width] of Object.entries({ abc: 3, é: 1, 'e\u0301': 1, 日本: 4, '🚢': 2, '…': 1 }))
  t.test(`${text} takes ${width} columns`, async (t) => {
    t.equal(widthOf(text), width)
  })

t.test('wide characters are cut at their edge', async (t) => {
  t.same(piecesOf('日本語', 5), ['日本', '語'])
  t.same(piecesOf('', 5), [''])
})

for (const [seconds, want] of [
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [299, '4m59s'],
  [601, '10m'],
  [10_799, '179m'],
  [10_800, '3h'],
  [11_000, '3h3m'],
  [100_000, '27h'],
  [200_000, '2d7h'],
  [700_000, '8d'],
] as const)
  t.test(`${seconds} seconds ago are ${want} ago`, async (t) => {
    t.equal(ageOf(seconds * 1000), want)
  })

t.test('UTF-8 is drawn with only where the locale says so: the first that is set decides', async (t) => {
  const bar = (env: Readonly<Record<string, string>>) => screenOf({ env }).marks.bar
  t.equal(bar({ LANG: 'de_DE.utf8' }), '█')
  t.equal(bar({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }), '#')
  t.equal(bar({ LANG: 'de_DE.UTF-8', LC_ALL: '' }), '█')
  t.equal(bar({}), '#')
})

t.test('colours are for terminals that want them', async (t) => {
  const painted = (env: Readonly<Record<string, string>>, width?: number) =>
    screenOf({ env, columns: () => width }).paint('x', 'bad') !== 'x'
  t.equal(painted({}, 80), true)
  t.equal(painted({}), false)
  t.equal(painted({ NO_COLOR: '1' }, 80), false)
  t.equal(painted({ NO_COLOR: '' }, 80), true)
  t.equal(painted({ TERM: 'dumb' }, 80), false)
})
