import t from 'tap'
import { createStore } from '../../src/kube/store.ts'
import type { Change } from '../../src/kube/store.ts'

type Thing = { readonly colours: readonly string[] }

const aStore = () => {
  const changes: string[] = []
  const store = createStore<Thing>({ colour: (one) => one.colours }, (change: Change<Thing>) => {
    changes.push(`${change.type} ${change.key} ${change.object.colours.join()}`)
  })
  const put = (
    key: string,
    [resourceVersion, uid = 'u']: readonly [string, string?],
    colours: readonly string[],
  ) => store.put(key, { uid, resourceVersion, object: { colours } })
  return { store, changes, put }
}

t.test('a state that is known already is no change', async (t) => {
  const { changes, put } = aStore()
  put('a', ['1'], ['red'])
  put('a', ['1'], ['red'])
  put('a', ['2'], ['blue'])
  t.same(changes, ['added a red', 'modified a blue'])
})

t.test('an object that was deleted and created again under its name is told as both', async (t) => {
  const { changes, put } = aStore()
  put('a', ['1', 'one'], ['red'])
  put('a', ['5', 'two'], ['blue'])
  t.same(changes, ['added a red', 'deleted a red', 'added a blue'])
})

t.test('an index follows every change and forgets what is gone', async (t) => {
  const { store, put } = aStore()
  put('a', ['1'], ['red', 'blue'])
  put('b', ['1'], ['red'])
  t.equal(store.byIndex('colour', 'red').length, 2)
  put('a', ['2'], ['blue'])
  t.same(store.byIndex('colour', 'red'), [{ colours: ['red'] }])
  store.remove('b')
  t.same(store.byIndex('colour', 'red'), [])
  t.throws(() => store.byIndex('shape', 'x'), TypeError)
})

t.test('what is not among the keys that were seen is deleted', async (t) => {
  const { store, changes, put } = aStore()
  put('a', ['1'], [])
  put('b', ['1'], [])
  store.keepOnly(new Set(['b']))
  t.same(changes.slice(2), ['deleted a '])
  t.equal(store.size(), 1)
  store.remove('a')
  t.equal(changes.length, 3, 'removing what is not there is no change')
})

t.test('a deletion tells the last state if it is known', async (t) => {
  const { store, changes, put } = aStore()
  put('a', ['1'], ['red'])
  store.remove('a', { colours: ['grey'] })
  t.same(changes.at(-1), 'deleted a grey')
})
