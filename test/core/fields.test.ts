/** The known fields are those of the CRDs of Velero: the same ones that the sandbox serves. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { knownFields, strangersIn, type Fields } from '../../src/core/fields.ts'

type Schema = { readonly properties?: Readonly<Record<string, Schema>> }
type Crd = {
  readonly spec: {
    readonly names: { readonly kind: string }
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }]
  }
}

const crds = readFileSync('src/sandbox/crds/velero.ndjson', 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Crd)

const fieldsIn = ({ properties }: Schema): Fields | 'any' =>
  properties === undefined
    ? 'any'
    : Object.fromEntries(Object.entries(properties).map(([name, below]) => [name, fieldsIn(below)]))

for (const kind of ['Backup', 'Restore'] as const)
  t.test(`the known fields of a ${kind} are those of its CRD, at every depth`, async (t) => {
    const crd = crds.find(({ spec }) => spec.names.kind === kind)
    const declared = fieldsIn(crd?.spec.versions[0].schema.openAPIV3Schema ?? {})
    const { metadata, ...own } = knownFields[kind === 'Backup' ? 'backup' : 'restore']
    t.same({ ...own, metadata: 'any' }, declared)
    t.match(metadata, { name: 'any', labels: 'any', annotations: 'any' })
  })

t.test('fields that are not known are found at every depth that is known, each with its path', async (t) => {
  const object = {
    spec: { ttll: '1h', hooks: { resource: [] }, labelSelector: null, ttl: { a: 1 } },
    constructor: 1,
  }
  t.same(
    strangersIn(object, knownFields.backup).map(({ path }) => path),
    ['spec.ttll', 'spec.hooks.resource', 'constructor'],
  )
  t.same(strangersIn([], knownFields.backup), [])
})
