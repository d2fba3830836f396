import fc from 'fast-check'
import t from 'tap'
import { actionKind } from '../../src/api/action.ts'
import { minimal } from '../../src/api/minimal.ts'
import { parse } from '../../src/api/parse.ts'

const small = (spec: unknown) => minimal(actionKind.spec, spec)
const given = { stage: 'PreBackup', http: { url: 'https://a.example/' } }

t.test('what the declaration fills in by itself is left out, at every depth', async (t) => {
  const full = parse(actionKind.spec, { ...given, retry: { limit: 3 } }, 'spec')
  t.same(small('ok' in full ? full.ok : full), { ...given, retry: { limit: 3 } })
})

t.test('what was said stays, also where nobody declared it', async (t) => {
  const spec = {
    ...given,
    timeoutSeconds: 11,
    dryRun: true,
    unknown: { a: 1 },
    outputs: [{ name: 'a', expression: 'x', new: 1 }],
  }
  t.same(small(spec), spec)
})

t.test('a value of another shape than declared is left as it is', async (t) => {
  for (const odd of [null, 'text', 7, [], { http: 'x', outputs: {}, match: [{ selector: 1 }] }])
    t.same(small(odd), odd)
  const proto: unknown = JSON.parse('{"__proto__":{"dryRun":false},"constructor":1}')
  t.same(Object.keys(small(proto) as object), ['__proto__', 'constructor'])
})

t.test('it does not matter whether defaults were filled in before', async (t) => {
  const spec = fc.record({
    stage: fc.constant('PreBackup'),
    http: fc.record({
      url: fc.constant('https://a.example/'),
      method: fc.option(fc.constantFrom('POST', 'PUT'), { nil: undefined }),
    }),
    retry: fc.option(fc.record({ limit: fc.nat(3), factor: fc.constantFrom(2, 3) }), { nil: undefined }),
    timeoutSeconds: fc.option(fc.constantFrom(10, 11), { nil: undefined }),
    suspend: fc.option(fc.boolean(), { nil: undefined }),
  })
  const property = fc.property(spec, (value) => {
    const json: unknown = JSON.parse(JSON.stringify(value))
    const full = parse(actionKind.spec, json, 'spec')
    const sorted = (one: unknown) =>
      JSON.stringify(Object.entries(small(one) as object).sort(([a], [b]) => (a < b ? -1 : 1)))
    return (
      'ok' in full &&
      sorted(full.ok).length === sorted(json).length &&
      JSON.stringify(small(small(full.ok))) === JSON.stringify(small(full.ok))
    )
  })
  fc.assert(property, { seed: 1, numRuns: 200 })
  t.pass()
})

t.test('it does not matter whether a status was written as a number', async (t) => {
  const of = (retryOn: readonly unknown[], expectStatus: readonly unknown[]) =>
    small({ ...given, retry: { limit: 1, retryOn }, http: { ...given.http, expectStatus } })
  t.same(of([429, '503'], [200]), of(['429', 503], ['200']))
  t.same(of([429, '429'], ['2xx']), of(['429'], ['2xx']))
  const usual = of(['5xx', 429, 'network', 'timeout'], ['2xx'])
  t.same(usual, { ...given, retry: { limit: 1 } }, 'the default is the default, however it is written')
  const raw = {
    ...given,
    retry: { retryOn: [429, '429', '5xx'] },
    http: { ...given.http, expectStatus: [204] },
  }
  const read = parse(actionKind.spec, raw, 'spec')
  t.same(small(raw), small('ok' in read ? read.ok : read))
})
