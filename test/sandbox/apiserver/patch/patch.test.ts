import fc from 'fast-check'
import t from 'tap'
import type { Loose } from '../client.ts'
import { same } from '../../../../src/sandbox/apiserver/json.ts'
import { jsonPatch } from '../../../../src/sandbox/apiserver/patch/json-patch.ts'
import { mergePatch } from '../../../../src/sandbox/apiserver/patch/merge-patch.ts'
import { strategicMergePatch } from '../../../../src/sandbox/apiserver/patch/strategic.ts'
import { nodeOfDefinition } from '../../../../src/sandbox/apiserver/schema/definitions.ts'

const runs = { seed: 7, numRuns: 200 }
const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })) as fc.Arbitrary<Loose>

t.test('a merge patch with the whole target changes nothing, and an empty one neither', async (t) => {
  const nullFree = object.filter((one) => !JSON.stringify(one).includes('null'))
  fc.assert(
    fc.property(nullFree, (one) => same(mergePatch(one, one), one) && same(mergePatch(one, {}), one)),
    runs,
  )
  t.pass()
})

t.test('what a JSON patch adds it can test and remove', async (t) => {
  const escaped = (key: string): string => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
  fc.assert(
    fc.property(
      object,
      fc.string(),
      fc.jsonValue({ maxDepth: 1 }) as fc.Arbitrary<Loose>,
      (one, key, value) => {
        const added = jsonPatch(one, [{ op: 'add', path: escaped(key), value }])
        const removed: Loose = jsonPatch(added, [
          { op: 'test', path: escaped(key), value },
          { op: 'remove', path: escaped(key) },
        ])
        return !Object.hasOwn(removed, key)
      },
    ),
    runs,
  )
  t.pass()
})

t.test('a JSON patch that does not apply changes nothing and is 422', async (t) => {
  for (const patch of [
    [{ op: 'test', path: '/a', value: 2 }],
    [{ op: 'remove', path: '/b' }],
    [{ op: 'replace', path: '/b/c', value: 1 }],
    [{ op: 'jump', path: '/a' }],
  ]) {
    t.throws(() => jsonPatch({ a: 1 }, patch), { code: 422 })
  }
})

t.test('a strategic merge patch merges lists by key, deletes items and orders them', async (t) => {
  const pod = nodeOfDefinition('io.k8s.api.core.v1.PodSpec')
  const target = { containers: [{ name: 'x', image: 'a' }] }
  const names = (value: Loose): string[] => value.containers.map((one: Loose) => one.name)
  t.same(strategicMergePatch(pod, target, { containers: [{ name: 'x', image: 'b' }] }), {
    containers: [{ name: 'x', image: 'b' }],
  })
  t.same(names(strategicMergePatch(pod, target, { containers: [{ name: 'y' }] })), ['y', 'x'])
  t.same(
    names(
      strategicMergePatch(pod, target, {
        containers: [{ name: 'y' }],
        '$setElementOrder/containers': [{ name: 'x' }, { name: 'y' }],
      }),
    ),
    ['x', 'y'],
  )
  t.same(names(strategicMergePatch(pod, target, { containers: [{ name: 'x', $patch: 'delete' }] })), [])
  t.throws(() => strategicMergePatch(pod, target, { containers: [{ image: 'b' }] }), { code: 400 })
})
