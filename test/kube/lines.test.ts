import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import t from 'tap'
import { createLines } from '../../src/kube/lines.ts'
import { anyCharacter } from '../support/any-text.ts'

/** The bytes cut at the given places. */
const cutAt = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

t.test('however a stream is cut into chunks, the lines are the same', async () => {
  const line = fc
    .string({ unit: anyCharacter, minLength: 1, maxLength: 30 })
    .filter((text) => !text.includes('\n') && text.trim() !== '')
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 10 }),
      fc.array(fc.nat(400), { maxLength: 20 }),
      (wanted, places) => {
        const lines = createLines(10_000)
        const got = cutAt(Buffer.from(wanted.map((one) => `${one}\n`).join('')), places).flatMap((chunk) =>
          lines.push(chunk),
        )
        assert.deepEqual(
          got,
          wanted.map((one) => Buffer.from(one).toString()),
        )
      },
    ),
    { seed: 1, numRuns: 200 },
  )
})

t.test('a character that is split between two chunks is whole', async (t) => {
  const lines = createLines(100)
  const bytes = Buffer.from('ä€😀\n')
  t.same(
    [...bytes].flatMap((byte) => lines.push(Uint8Array.of(byte))),
    ['ä€😀'],
  )
})

t.test('a line without an end is given up at the limit, not collected for ever', async (t) => {
  const lines = createLines(100)
  lines.push(Buffer.alloc(60, 'x'))
  t.throws(() => lines.push(Buffer.alloc(60, 'x')), { code: 'TOO_LARGE' })
})

t.test('a piece of a line does not keep the chunk that it came with', async (t) => {
  const lines = createLines(100)
  const chunk = Buffer.from('half')
  lines.push(chunk)
  chunk.fill('X')
  t.same(lines.push(Buffer.from(' a line\n')), ['half a line'])
})

t.test('an empty line is nothing', async (t) => {
  t.same(createLines(100).push(Buffer.from('\n \r\na\n')), ['a'])
})
