/** Which Secrets among manifests are those of Velero's namespace, and what is in them. */
import t from 'tap'
import { secretsIn } from '../../src/plugins/secrets-in-files.ts'

const secret = (name: string, more = '') =>
  `{ apiVersion: v1, kind: Secret, metadata: { name: ${name}${more} } }`
const namesIn = (text: string) => [...secretsIn([{ name: 'a.yaml', text }], 'velero').keys()]

t.test('of its namespace or of none, also in a List, and nothing else', async (t) => {
  const items = [secret('listed'), secret('elsewhere', ', namespace: other'), '{ kind: Secret }'].join(', ')
  const text = [
    secret('here', ', namespace: velero'),
    `{ apiVersion: v1, kind: List, items: [${items}] }`,
    '{ apiVersion: v1, kind: ConfigMap, metadata: { name: map } }',
    '{ apiVersion: external-secrets.io/v1, kind: Secret, metadata: { name: foreign } }',
    'just a text',
  ].join('\n---\n')
  t.same(namesIn(text), ['here', 'listed'])
})

t.test('stringData is written over data, as the API server does it', async (t) => {
  const text = `apiVersion: v1
kind: Secret
metadata: { name: pull }
type: kubernetes.io/dockercfg
data: { a: b2xk, b: a2VwdA== }
stringData: { a: new }
`
  t.same(secretsIn([{ name: 'a.yaml', text }], 'velero').get('pull'), {
    name: 'velero/pull',
    type: 'kubernetes.io/dockercfg',
    data: { a: 'bmV3', b: 'a2VwdA==' },
  })
})

t.test('of two with one name the later counts; a Secret that says no type is Opaque', async (t) => {
  const first = { name: 'a.yaml', text: secret('pull') }
  const later = { name: 'b.yaml', text: `${secret('pull').slice(0, -2)}, stringData: { k: later } }` }
  t.match(secretsIn([first, later], 'velero').get('pull'), {
    type: 'Opaque',
    data: { k: Buffer.from('later').toString('base64') },
  })
})

t.test('a text that is no YAML holds none: what is wrong with it is told by others', async (t) => {
  t.same(namesIn('a: [\n'), [])
})
