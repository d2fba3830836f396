import t from 'tap'
import { nearest } from '../../src/core/nearest.ts'

const known = ['includedNamespaces', 'excludedNamespaces', 'ttl', 'storageLocation', 'TIDEWAITER_LISTEN']

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
}))
  t.test(`by ${JSON.stringify(name)} ${want ?? 'nothing'} is meant`, async (t) => {
    t.equal(nearest(name, known), want)
  })

t.test('among equally near names the first is meant, and where nothing is known nothing is', async (t) => {
  t.equal(nearest('abcd', ['abce', 'abcf']), 'abce')
  t.equal(nearest('abcd', []), undefined)
})
