import t from 'tap'
import { nearest } from '../../src/api/nearest.ts'

const known = [
  'match',
  'stage',
  'http',
  'timeoutSeconds',
  'at',
  'includedNamespaces',
  'excludedNamespaces',
  'ttl',
  'storageLocation',
  'TIDEWAITER_LISTEN',
]

for (const [name, want] of Object.entries({
  includedNamespace: 'includedNamespaces',
  includednamespaces: 'includedNamespaces',
  inculdedNamespaces: 'includedNamespaces',
  excludedNamspaces: 'excludedNamespaces',
  storagelocation: 'storageLocation',
  ttll: 'ttl',
  tlt: 'ttl',
  TIDEWAITER_LISTNE: 'TIDEWAITER_LISTEN',
  zone: undefined,
  '': undefined,
  namespaces: undefined,
  matc: 'match',
  tsage: 'stage',
  timeoutSecnods: 'timeoutSeconds',
  timeoutMillis: undefined,
  zz: undefined,
  a: undefined,
}))
  t.test(`by ${JSON.stringify(name)} ${want ?? 'nothing'} is meant`, async (t) => {
    t.equal(nearest(name, known), want)
  })

t.test('among equally near names the first is meant, and where nothing is known nothing is', async (t) => {
  t.equal(nearest('abcd', ['abce', 'abcf']), 'abce')
  t.equal(nearest('abcd', []), undefined)
})

t.test('no more than three letters are wrong, nor more than a third of a short word', async (t) => {
  t.equal(nearest('excludedNamespXXX', ['excludedNamespace']), 'excludedNamespace')
  t.equal(nearest('excludedNamesXXXX', ['excludedNamespace']), undefined)
  t.equal(nearest('hxxp', ['http']), undefined)
})

t.test('a word longer than any name is not compared at all', async (t) => {
  const known = ['x'.repeat(65)]
  t.equal(nearest('x'.repeat(64), known), known[0])
  t.equal(nearest('x'.repeat(65), known), undefined)
  t.equal(nearest('x'.repeat(1_000_000), ['x'.repeat(1_000_000)]), undefined)
})
