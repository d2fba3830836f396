import t from 'tap'
import { selectorProblems, selectorText } from '../../src/core/label-selector.ts'

t.test('a selector is written as the API server takes it in a query', async (t) => {
  t.equal(
    selectorText({
      matchLabels: { tier: 'db', 'example.org/app': '' },
      matchExpressions: [
        { key: 'app', operator: 'In', values: ['a', 'b'] },
        { key: 'zone', operator: 'NotIn', values: ['c'] },
        { key: 'x', operator: 'Exists' },
        { key: 'y', operator: 'DoesNotExist' },
      ],
    }),
    'tier=db,example.org/app=,app in (a,b),zone notin (c),x,!y',
  )
})

t.test('an empty selector is for everything', async (t) => {
  t.equal(selectorText({}), '')
})

t.test('labels as they can be have no problems', async (t) => {
  t.same(
    selectorProblems(
      {
        matchLabels: { a: '', 'velero.io/b_c': 'A.b-c_1' },
        matchExpressions: [{ key: 'x', operator: 'In', values: ['y'] }],
      },
      'spec.wait.selector',
    ),
    [],
  )
})

t.test('what cannot be a label is named: in a query it would mean something else', async (t) => {
  const problems = selectorProblems(
    {
      matchLabels: { a: 'b,c=d', '!e': 'f' },
      matchExpressions: [{ key: 'g)', operator: 'In', values: ['ok', 'h) or (i'] }],
    },
    'spec.wait.selector',
  )
  t.same(
    problems.map(({ path }) => path),
    [
      'spec.wait.selector.matchLabels[a]',
      'spec.wait.selector.matchLabels',
      'spec.wait.selector.matchExpressions[0].key',
      'spec.wait.selector.matchExpressions[0].values[1]',
    ],
  )
})
