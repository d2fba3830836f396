import t from 'tap'
import { createCel } from '../../src/cel/cel.ts'

const cel = createCel()
const variables = ['object', 'objects']

for (const [name, { source, want }] of Object.entries({
  'a field': { source: "object.status.phase == 'Bound'", want: ['status/phase'] },
  'two fields in order, each once': {
    source: 'object.status.readyReplicas == object.spec.replicas && object.spec.replicas > 0',
    want: ['status/readyReplicas', 'spec/replicas'],
  },
  'fields that may be absent': {
    source: 'has(object.status) && object.?status.?ready.orValue(0) > 0',
    want: ['status', 'status/ready'],
  },
  'a key': {
    source: "object.metadata.labels['a/b'] + object.metadata[?'x'].orValue('') == ''",
    want: ['metadata/labels/a/b', 'metadata/x'],
  },
  'the list that a comprehension runs over': {
    source: "object.status.conditions.exists(c, c.type == 'Ready' && c.status == object.spec.wanted)",
    want: ['status/conditions', 'spec/wanted'],
  },
  'not what a comprehension calls by the same name': {
    source: 'objects.all(object, object.a == 1)',
    want: [],
  },
  'not another variable': { source: 'objects.size() > 1', want: [] },
  'not the whole object': { source: 'object == objects[0]', want: [] },
  'up to an index that is not literal': { source: 'object.a[object.b] == 1', want: ['a', 'b'] },
}))
  t.test(`what is read: ${name}`, async (t) => {
    t.equal(cel.check(source, variables), undefined)
    t.same(
      cel.selections(source, 'object', variables).map((way) => way.join('/')),
      want,
    )
  })

t.test('an expression that may not be used reads nothing', async (t) => {
  t.same(cel.selections('object.a ==', 'object', variables), [])
})
