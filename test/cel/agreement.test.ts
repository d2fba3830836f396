import assert from 'node:assert/strict'
import { Environment } from '@marcbachmann/cel-js'
import * as fc from 'fast-check'
import t from 'tap'
import { createCel } from '../../src/cel/cel.ts'
import { runs } from '../support/runs.ts'

const cel = createCel()
const library = new Environment({ homogeneousAggregateLiterals: false })

const number = fc.oneof(fc.integer({ min: -9, max: 9 }).map(String), fc.constantFrom('1.5', '2.0', '-0.25'))
const text = fc.constantFrom("''", "'a'", "'ab'", "'b c'", '"é"')
const value = fc.letrec<{ number: string; flag: string; text: string; list: string }>((tie) => ({
  number: fc.oneof(
    { maxDepth: 3 },
    number,
    fc
      .tuple(tie('number'), fc.constantFrom('+', '-', '*', '/', '%'), tie('number'))
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('text').map((a) => `size(${a})`),
    tie('list').map((a) => `${a}.size()`),
  ),
  flag: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('true', 'false'),
    fc
      .tuple(tie('number'), fc.constantFrom('<', '<=', '>', '>=', '==', '!='), tie('number'))
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie('flag'), fc.constantFrom('&&', '||'), tie('flag')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie('flag'), tie('flag'), tie('flag')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    tie('flag').map((a) => `!${a}`),
    fc.tuple(tie('number'), tie('list')).map(([a, b]) => `(${a} in ${b})`),
    fc
      .tuple(tie('list'), fc.constantFrom('all', 'exists', 'exists_one'), number)
      .map(([a, m, b]) => `${a}.${m}(x, x >= ${b})`),
  ),
  text: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.tuple(tie('text'), tie('text')).map(([a, b]) => `(${a} + ${b})`),
    tie('text').map((a) => `${a}.trim()`),
  ),
  list: fc.oneof(
    { maxDepth: 3 },
    fc.array(number, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    fc.tuple(tie('list'), tie('list')).map(([a, b]) => `(${a} + ${b})`),
    fc.tuple(tie('list'), number).map(([a, b]) => `${a}.filter(x, x > ${b})`),
    tie('list').map((a) => `${a}.map(x, x + x)`),
  ),
}))

const failed = Symbol('failed')

function ofLibrary(source: string): unknown {
  try {
    const result: unknown = library.evaluate(source)
    return JSON.stringify(result, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part))
  } catch {
    return failed
  }
}

t.test('results agree with those of the library, where both have one', async (t) => {
  const sources = fc.oneof(value.number, value.flag, value.text, value.list)
  let compared = 0
  const agree = fc.property(sources, (source) => {
    const ours = cel.evaluate(source, {})
    const theirs = ofLibrary(source)
    if ('error' in ours || theirs === failed) return
    compared += 1
    assert.equal(JSON.stringify(ours.ok), theirs, source)
  })
  fc.assert(agree, { seed: 3, numRuns: runs(2000) })
  t.ok(compared > runs(1000), `${compared} were compared`)
})

t.test('whatever is given as an expression, an answer comes', async (t) => {
  const word = fc.constantFrom(
    'a',
    '.',
    '?',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '1',
    "'",
    '"',
    '+',
    '-',
    '!',
    '==',
    '&&',
    'in',
    ',',
    ':',
    'map',
    'has',
    ' ',
    '\\',
    '//',
    'r',
    'x',
  )
  const any = fc.property(fc.array(word, { maxLength: 20 }), (words) => {
    const source = words.join('')
    const said = cel.check(source, ['a'])
    const got = cel.evaluate(source, { a: { x: [1] } })
    return said === undefined || 'error' in got
  })
  fc.assert(any, { seed: 5, numRuns: runs(5000) })
  t.pass()
})
