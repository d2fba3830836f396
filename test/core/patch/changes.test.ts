/** What a patch changed, and how it is put back: over what others did since nothing is written. */
import t from 'tap'
import { changesAgain, changesBetween, putBack, wasMade } from '../../../src/core/patch/changes.ts'
import { keptAs, keptIn } from '../../../src/core/patch/kept.ts'
import { mergeBetween, textOf, type Tree } from '../../../src/core/patch/tree.ts'

const object = (spec: object, more: object = {}): Tree => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', uid: 'u1', resourceVersion: '1', generation: 1 },
  spec,
  status: { replicas: 3 },
  ...more,
})
const between = (before: Tree, after: Tree) => changesBetween(before, after, { status: false })
const paths = (before: Tree, after: Tree) => between(before, after).map(({ path }) => textOf(path))
const web = { name: 'web', image: 'web:1', env: [{ name: 'MODE', value: 'rw' }] }
const side = { name: 'side', image: 'side:1' }

const cases: Readonly<Record<string, { before: Tree; after: Tree; paths: readonly string[] }>> = {
  'a field': {
    before: object({ replicas: 3, paused: false }),
    after: object({ replicas: 0, paused: false }),
    paths: ['spec.replicas'],
  },
  'a field that was not there': {
    before: object({}),
    after: object({ paused: true }),
    paths: ['spec.paused'],
  },
  'a field that is not there any more': {
    before: object({ paused: true, deep: { a: 1 } }),
    after: object({}),
    paths: ['spec.paused', 'spec.deep'],
  },
  'a field below some that were not there, each by itself': {
    before: object({}),
    after: object({}, { metadata: { name: 'web', annotations: { 'a.b/c': '1', d: '2' } } }),
    paths: ['metadata.uid', 'metadata.annotations["a.b/c"]', 'metadata.annotations.d'],
  },
  'an item by its name, wherever it stands in its list': {
    before: object({ containers: [side, web] }),
    after: object({ containers: [side, { ...web, env: [{ name: 'MODE', value: 'ro' }] }] }),
    paths: ['spec.containers[name=web].env[name=MODE].value'],
  },
  'an item that came, and one that went': {
    before: object({ containers: [web, side] }),
    after: object({ containers: [web, { name: 'new', image: 'new:1' }] }),
    paths: ['spec.containers[name=side]', 'spec.containers[name=new]'],
  },
  'a list without names as a whole': {
    before: object({ args: ['a', 'b'] }),
    after: object({ args: ['a', 'c'] }),
    paths: ['spec.args'],
  },
  'a list whose order changed as a whole': {
    before: object({ containers: [web, side] }),
    after: object({ containers: [side, web] }),
    paths: ['spec.containers'],
  },
  'nothing of what the API server writes itself': {
    before: object({}),
    after: {
      ...object({}),
      metadata: { name: 'web', uid: 'u1', resourceVersion: '2', generation: 2 },
      status: {},
    },
    paths: [],
  },
}
for (const [name, { before, after, paths: want }] of Object.entries(cases)) {
  t.test(`a patch changed ${name}`, async (t) => {
    t.same([...paths(before, after)].sort(), [...want].sort())
    const back = putBack(after, between(before, after))
    t.same(between(before, back.object), [], 'and it is put back')
    t.same([back.left, [...back.restored].sort()], [[], [...want].sort()])
    t.same(between(before, { ...after, ...mergeOf(after, back.object) }), [], 'by a merge patch too')
  })
}

/** What RFC 7396 makes of an object: as the API server would. */
function mergeOf(from: Tree, to: Tree): Tree {
  const merge = (target: unknown, patch: unknown): unknown => {
    if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
    const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
    const merged: Record<string, unknown> = { ...base }
    for (const [key, value] of Object.entries(patch))
      if (value === null) delete merged[key]
      else merged[key] = merge(merged[key], value)
    return merged
  }
  const merged = merge(from, mergeBetween(from, to)) as Tree
  return merged
}

t.test('a status counts only where it is what was patched', async (t) => {
  const [before, after] = [object({}), object({}, { status: { replicas: 4 } })]
  t.same(changesBetween(before, after, { status: true }), [
    { path: ['status', 'replicas'], before: 3, after: 4, stood: 1 },
  ])
  t.same(between(before, after), [])
})

t.test('what somebody else changed since is left alone, and the rest is put back', async (t) => {
  const before = object({ replicas: 3, paused: false })
  const after = object({ replicas: 0, paused: true })
  const current = object({ replicas: 5, paused: true, strategy: { type: 'Recreate' } })
  t.match(putBack(current, between(before, after)), {
    object: { spec: { replicas: 5, paused: false, strategy: { type: 'Recreate' } } },
    restored: ['spec.paused'],
    left: ['spec.replicas'],
  })
})

t.test('what is as it was before needs nothing, and is no conflict', async (t) => {
  const [before, after] = [object({ replicas: 3 }), object({ replicas: 0 })]
  t.match(putBack(before, between(before, after)), { restored: [], left: [], object: before })
})

t.test('what was made on the way to a field goes with it, unless somebody else uses it now', async (t) => {
  const before = object({})
  const after = object({ a: { b: { c: 1 } } })
  t.same(putBack(after, between(before, after)).object['spec'], {})
  const used = object({ a: { b: { c: 1 }, other: 2 } })
  t.same(putBack(used, between(before, after)).object['spec'], { a: { other: 2 } })
  const empty = object({ a: {} })
  const filled = object({ a: { b: 1 } })
  t.same(putBack(filled, between(empty, filled)).object['spec'], { a: {} }, 'what was empty stays')
})

t.test('an item that was taken out comes back at the end, and one that was put in goes', async (t) => {
  const [before, after] = [object({ containers: [web, side] }), object({ containers: [side] })]
  t.same(putBack(after, between(before, after)).object['spec'], { containers: [side, web] })
  const rolled = object({ containers: [{ ...side, image: 'side:2' }] })
  t.same(putBack(rolled, between(before, after)).object['spec'], {
    containers: [{ ...side, image: 'side:2' }, web],
  })
})

t.test('whether a patch was made is told by the fields that it changes', async (t) => {
  const [before, after] = [object({ a: 1, b: 1 }), object({ a: 2, b: 2 })]
  const changes = between(before, after)
  t.equal(wasMade(after, changes), 'yes')
  t.equal(wasMade(object({ a: 2, b: 3 }), changes), 'yes', 'one that stands is enough')
  t.equal(wasMade(before, changes), 'no')
  t.equal(wasMade(object({ a: 1, b: 3 }), changes), 'unclear')
  t.equal(wasMade(after, []), 'no', 'a patch that changed nothing is told by nothing')
})

t.test(
  'a patch that is made again keeps the first of what still stands, and the last of all else',
  async (t) => {
    const wanted = { a: 1, b: 1, c: 1 }
    const kept = between(object({ a: 0, b: 0, c: 1 }), object(wanted))
    const current = object({ a: 1, b: 5, c: 5 })
    const again = changesAgain(current, kept, between(current, object(wanted)))
    t.same(putBack(object(wanted), again).object['spec'], { a: 0, b: 5, c: 5 })
    t.same(changesAgain(object(wanted), again, []), again, 'once more it is the same')
    t.same(changesAgain(current, [], between(current, object(wanted))), between(current, object(wanted)))
    const other = changesAgain(current, kept, between(current, object({ ...wanted, a: 2 })))
    t.same(
      putBack(object({ ...wanted, a: 2 }), other).object['spec'],
      { a: 0, b: 5, c: 5 },
      'a value that is new',
    )
  },
)

t.test(
  'what the first patch made on the way to a field goes with it, also when another added to it',
  async (t) => {
    const first = between(object({}), object({ a: { b: 1 } }))
    const wanted = object({ a: { b: 1, c: 1 } })
    const again = changesAgain(object({ a: { b: 1 } }), first, between(object({ a: { b: 1 } }), wanted))
    t.same(putBack(wanted, again).object['spec'], {})
  },
)

t.test('a key __proto__ is a key like any other', async (t) => {
  const before = JSON.parse('{"spec":{"__proto__":{"a":1}}}') as Tree
  const after = JSON.parse('{"spec":{"__proto__":{"a":2}}}') as Tree
  const changes = between(before, after)
  t.same(changes, [{ path: ['spec', '__proto__', 'a'], before: 1, after: 2, stood: 2 }])
  t.equal(JSON.stringify(putBack(after, changes).object), JSON.stringify(before))
})

t.test('what is kept is read as it was, and what is kept otherwise is not guessed at', async (t) => {
  const changes = between(
    object({ containers: [web] }),
    object({ containers: [{ ...web, image: 'web:2' }], b: 1 }),
  )
  const objects = [{ name: 'web', uid: 'u1', changes }]
  t.same(keptIn(JSON.parse(JSON.stringify(keptAs(objects)))), objects)
  t.same(keptIn(undefined), [])
  for (const broken of [
    {},
    { objects: [{ name: 'web' }] },
    { objects: [{ name: 'web', uid: 'u', changes: [{ path: 'spec', stood: 0 }] }] },
    { objects: [{ name: 'web', uid: 'u', changes: [{ path: [1], stood: 0 }] }] },
    { objects: ['web'] },
  ])
    t.equal(keptIn(broken), undefined, JSON.stringify(broken))
})
