import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import t from 'tap'
import { createListScanner } from '../../src/kube/list-scanner.ts'
import { anyCharacter } from '../support/any-text.ts'

const scan = (text: string, size: number, max = 1_000_000) => {
  const scanner = createListScanner(max)
  const bytes = Buffer.from(text)
  const items: unknown[] = []
  for (let at = 0; at < bytes.length; at += size) {
    items.push(...scanner.push(bytes.subarray(at, at + size)).map((item): unknown => JSON.parse(item)))
  }
  return { items, end: scanner.end() }
}

t.test(
  'whatever the items hold and however the page is cut, each item is found, and what stands beside them',
  async () => {
    const item = fc.dictionary(
      fc.string({ unit: anyCharacter, maxLength: 5 }),
      fc.jsonValue({ maxDepth: 3 }),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    )
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        (items, size, itemsFirst) => {
          const metadata = { resourceVersion: '7', continue: 'to"ken[{' }
          const page = itemsFirst
            ? { apiVersion: 'v1', items, kind: 'items', metadata }
            : { kind: 'items', metadata, items }
          assert.deepEqual(scan(JSON.stringify(page), size), {
            items: JSON.parse(JSON.stringify(items)),
            end: { resourceVersion: '7', next: 'to"ken[{' },
          })
        },
      ),
      { seed: 1, numRuns: 200 },
    )
  },
)

const cases = {
  'a page without items (null) is empty': {
    given: '{"metadata":{"resourceVersion":"1"},"items":null}',
    want: 0,
  },
  'items of something else are not the items of the list': {
    given: '{"metadata":{"resourceVersion":"1","x":{"items":[{}]}},"items":[{"items":[{}]}]}',
    want: 1,
  },
}
for (const [name, { given, want }] of Object.entries(cases)) {
  t.test(name, async (t) => t.equal(scan(given, 3).items.length, want))
}

t.test('a page that was cut off is no list', async (t) => {
  const whole = '{"metadata":{"resourceVersion":"1"},"items":[{"a":1},{"b":2}]}'
  for (let length = 0; length < whole.length; length++)
    t.throws(() => scan(whole.slice(0, length), 9), { code: 'BAD_ANSWER' })
})

t.test('a page without a resourceVersion is no list', async (t) => {
  t.throws(() => scan('{"items":[]}', 9), { code: 'BAD_ANSWER' })
})

t.test('an item beyond the limit is given up, not collected', async (t) => {
  t.throws(() => scan(`{"items":[{"a":"${'x'.repeat(200)}"}]}`, 50, 100), { code: 'TOO_LARGE' })
})
