import fc from 'fast-check'
import t from 'tap'
import { asOf } from '../../../../src/sandbox/apiserver/storage/past.ts'
import { Store } from '../../../../src/sandbox/apiserver/storage/store.ts'

const limits = { objects: 100, history: { changes: 1000, bytes: 1_000_000 } }
const write = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  act: fc.constantFrom('put', 'remove'),
  value: fc.nat(9),
})

function act(store: Store, { key, act, value }: { key: string; act: string; value: number }): void {
  const before = store.get('r', key)
  const object = { metadata: { name: key }, value }
  if (act === 'remove') {
    if (before !== undefined) store.remove('r', key, before)
  } else if (before === undefined) store.create('r', key, object)
  else store.replace('r', key, { before, object })
}

t.test('every earlier revision can be seen as it was, as long as its past is known', async (t) => {
  fc.assert(
    fc.property(fc.array(write, { maxLength: 40 }), (writes) => {
      const store = new Store(limits)
      const seen: { revision: number; keys: string }[] = []
      for (const one of writes) {
        act(store, one)
        seen.push({
          revision: store.revision,
          keys: JSON.stringify(store.keys('r').map((key) => store.get('r', key))),
        })
      }
      return seen.every(({ revision, keys }) => {
        const past = asOf(store, 'r', revision)
        return JSON.stringify(past?.keys.map((key) => past.get(key))) === keys
      })
    }),
    { seed: 7, numRuns: 100 },
  )
  t.pass()
})

t.test('a write on what is no more as it was read does not happen', async (t) => {
  const store = new Store(limits)
  const first = store.create('r', 'a', { metadata: {} })
  if (typeof first === 'string') throw new Error(first)
  store.replace('r', 'a', { before: first, object: { metadata: {}, x: 1 } })
  t.equal(store.replace('r', 'a', { before: first, object: { metadata: {} } }), 'conflict')
  t.equal(store.remove('r', 'a', first), 'conflict')
  t.equal(store.create('r', 'a', { metadata: {} }), 'exists')
  t.equal(store.remove('r', 'b', first), 'missing')
})

t.test('the past and the number of objects are bounded', async (t) => {
  const store = new Store({ objects: 3, history: { changes: 2, bytes: 10_000 } })
  for (const key of ['a', 'b', 'c']) store.create('r', key, { metadata: {} })
  t.equal(store.create('r', 'd', { metadata: {} }), 'full')
  t.equal(store.changesAfter('r', 1), undefined)
  t.equal(store.changesAfter('r', 2)?.length, 2)
})
