import fc from 'fast-check'
import t from 'tap'
import { authorOf, isOurs, stamp } from '../../src/core/author.ts'
import { canonical } from '../../src/core/canonical.ts'
import { hash, signer } from '../../src/wiring/crypto.ts'

const tools = { hash, sign: signer(new Uint8Array(32).fill(7)) }
const ann = { username: 'ann', groups: ['shop', 'dev'] }
const at = {
  namespace: 'velero',
  name: '10-a',
  spec: { stage: 'PreBackup', http: { url: 'https://a.example/' } },
}
const stamped = stamp(ann, at, tools)
const bent = (change: object) => JSON.stringify({ ...(JSON.parse(stamped) as object), ...change })

t.test('a stamp names its author', async (t) => {
  t.same(authorOf(stamped, at, tools), ann)
  t.same(
    authorOf(stamped, { ...at, spec: { http: { url: 'https://a.example/' }, stage: 'PreBackup' } }, tools),
    ann,
    'keys in any order',
  )
})

for (const [name, { text, where }] of Object.entries({
  'is missing': { text: undefined, where: at },
  'is not JSON': { text: 'ann', where: at },
  'is no object': { text: 'null', where: at },
  'lacks a field': { text: '{"user":"ann"}', where: at },
  'names another user': { text: bent({ user: 'root' }), where: at },
  'names other groups': { text: bent({ groups: ['system:masters'] }), where: at },
  'is for another spec': { text: stamped, where: { ...at, spec: { stage: 'PostBackup' } } },
  'was bent to another spec': { text: bent({ spec: hash(canonical({})) }), where: { ...at, spec: {} } },
  'was copied to another Action': { text: stamped, where: { ...at, name: '20-b' } },
  'was copied to another namespace': { text: stamped, where: { ...at, namespace: 'other' } },
})) {
  t.test(`a stamp that ${name} names nobody`, async (t) => {
    t.equal(authorOf(text, where, tools), undefined)
  })
}

t.test('whose key made a stamp is told without the spec', async (t) => {
  const { sign } = tools
  t.ok(isOurs(stamped, at, sign))
  t.ok(isOurs(bent({ more: 1 }), at, sign))
  for (const text of [undefined, '', 'ann', bent({ user: 'root' }), bent({ spec: 'x' }), bent({ mac: 'x' })])
    t.notOk(isOurs(text, at, sign), String(text))
  t.notOk(isOurs(stamped, { ...at, name: '20-b' }, sign))
  t.notOk(isOurs(stamped, at, signer(new Uint8Array(32))))
})

t.test('a stamp of another key names nobody', async (t) => {
  t.equal(authorOf(stamped, at, { ...tools, sign: signer(new Uint8Array(32)) }), undefined)
})

t.test('the canonical text of what is deep is made in time that grows with its size alone', async (t) => {
  let value: unknown = 'x'.repeat(1_000_000)
  for (let level = 0; level < 1_500; level += 1) value = level % 2 === 0 ? [value, 1] : { a: value }
  const began = performance.now()
  t.equal(canonical(value).length, JSON.stringify(value).length)
  // Copying the text at each level takes some seconds.
  t.ok(performance.now() - began < 1_000)
})

t.test('equal values have equal canonical texts, and only they', async (t) => {
  const shuffled = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shuffled)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, item]) => [key, shuffled(item)]),
          )
        : value
  fc.assert(
    fc.property(fc.jsonValue(), (value) => canonical(value) === canonical(shuffled(value))),
    { seed: 1, numRuns: 200 },
  )
  const same = (a: unknown, b: unknown) =>
    JSON.stringify(JSON.parse(canonical(a))) === JSON.stringify(JSON.parse(canonical(b)))
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => (canonical(a) === canonical(b)) === same(a, b)),
    { seed: 1, numRuns: 200 },
  )
  t.equal(canonical({ b: undefined, a: [undefined] }), '{"a":[null]}')
})
