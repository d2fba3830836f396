import t from 'tap'
import { createCel } from '../../src/cel/cel.ts'
import { knownFields, responseFields } from '../../src/core/fields.ts'

const cel = createCel()
const unknown = (source: string) => {
  t.equal(cel.check(source, ['backup', 'outputs', 'stage']), undefined, source)
  return cel.unknownFields(source, ['backup', 'outputs', 'stage'], knownFields).map(({ path }) => path)
}

for (const [name, { source, want }] of Object.entries({
  'a typo in a field of the spec': {
    source: "backup.spec.includedNamespace == ['a']",
    want: ['backup.spec.includedNamespace'],
  },
  'a typo high up, once': { source: 'backup.sepc.ttl == backup.sepc.ttl', want: ['backup.sepc'] },
  'a typo deep down': {
    source: 'backup.spec.uploaderConfig.parallel > 1',
    want: ['backup.spec.uploaderConfig.parallel'],
  },
  'a typo in metadata': { source: 'backup.metadata.label.size() > 0', want: ['backup.metadata.label'] },
  'two of them, in order': { source: 'backup.a == 1 || backup.b == 2', want: ['backup.a', 'backup.b'] },
  'asked for with has()': { source: 'has(backup.spec.tll)', want: ['backup.spec.tll'] },
  'asked for with .?': { source: "backup.?spec.?tll.orValue('')", want: ['backup.spec.tll'] },
  'asked for by index': {
    source: "backup['spec']['tll'] == backup.spec[?'a'].orValue('')",
    want: ['backup.spec.tll', 'backup.spec.a'],
  },
  'asked for with in': { source: "'tll' in backup.spec", want: ['backup.spec.tll'] },
  'within a comprehension': {
    source: 'backup.spec.includedNamespaces.all(n, n in backup.spec.excluded)',
    want: ['backup.spec.excluded'],
  },
  'in what a comprehension runs over': {
    source: 'backup.spec.includes.exists(n, true)',
    want: ['backup.spec.includes'],
  },
  'named as an object of JavaScript has it': {
    source: 'backup.spec.constructor',
    want: ['backup.spec.constructor'],
  },
  'a field that is known': { source: "backup.spec.storageLocation == 'eu'", want: [] },
  'any label or annotation': {
    source: "backup.metadata.labels['x'] + backup.metadata.annotations.y",
    want: [],
  },
  'what is below a list or a map': { source: 'backup.spec.hooks.resources[0].anything', want: [] },
  'an index that is not literal': { source: 'backup.spec[stage]', want: [] },
  'what an action before gave': { source: "outputs['10-a'].anything.at.all", want: [] },
  'an element of a list': { source: 'backup.spec.includedNamespaces.map(backup, backup.anything)', want: [] },
  'what is chosen when it runs': { source: "(stage == 'a' ? outputs : backup).anything", want: [] },
}))
  t.test(`${name}: ${want.length === 0 ? 'nothing is unknown' : want.join(', ')}`, async (t) => {
    t.same(unknown(source), want)
  })

t.test('the name and what is known there are told', async (t) => {
  t.match(cel.unknownFields('response.boddy', ['response'], { response: responseFields.http }), [
    { name: 'boddy', known: ['status', 'headers', 'body', 'durationMs'] },
  ])
})

t.test('of an expression that may not be used nothing more is said', async (t) => {
  t.same(cel.unknownFields('backup.spec.tll ==', ['backup'], knownFields), [])
})

t.test(
  'an expression names a variable where it reads it, and not where a text or a macro has the name',
  async (t) => {
    const variables = ['backup', 'outputs', 'stage']
    for (const [source, want] of [
      ["outputs['10-a'].lsn", true],
      ['backup.spec.ttl + string(outputs.size())', true],
      ['[1].map(i, outputs.a)', true],
      ['[outputs].map(outputs, outputs.a)', true],
      ["backup.metadata.labels['outputs']", false],
      ['backup.outputs', false],
      ['[1].map(outputs, outputs)', false],
      ['outputs ==', false],
      ['nobody.knows(outputs)', false],
    ] as const)
      t.equal(cel.names(source, 'outputs', variables), want, source)
  },
)
