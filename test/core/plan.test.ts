import t from 'tap'
import { matchFacts } from '../../src/core/match.ts'
import { actionsHashOf, mostActions, planStage, secondsOf, type PlanInput } from '../../src/core/plan.ts'
import { aBackup, anAction, aPlannedAction, type ActionGiven } from '../support/build.ts'

const object = aBackup()
const ann = { username: 'ann', groups: ['shop'] }
const plan = (actions: readonly ActionGiven[], given: Partial<PlanInput> = {}) =>
  planStage({
    stage: 'PreBackup',
    actions: actions.map((one) => anAction(one)),
    facts: matchFacts('Backup', object, { defaults: { storageLocation: 'default' }, backupSchedule: '' }),
    skips: {},
    authorOf: () => ann,
    evaluate: (source) => (source === 'broken' ? { error: 'no such key' } : { ok: source === 'true' }),
    ...given,
  })
const namesOf = (actions: readonly { readonly name: string }[]) => actions.map(({ name }) => name)
const broken = { match: { expression: 'broken' } }

t.test(
  'a plan holds the matching actions of its stage in byte order, frozen with uid, generation and author',
  async (t) => {
    const { actions, problems, unadopted, leftOut } = plan([
      { name: '9-b' },
      { name: '10-a', generation: 7 },
      { name: 'p', stage: 'PostBackup' },
      { name: 'x', match: { expression: 'false' } },
    ])
    t.same(namesOf(actions), ['10-a', '9-b'])
    t.match(actions[0], { uid: 'uid-of-10-a', generation: 7, author: ann, spec: { stage: 'PreBackup' } })
    t.same([problems, unadopted], [[], []])
    t.same(leftOut, [{ name: 'x', reason: 'NotMatched', because: 'expression: it is false' }])
  },
)

t.test('a suspended action matches nothing, also if its expression fails', async (t) => {
  t.match(plan([{ suspend: true, ...broken }]), {
    actions: [],
    problems: [],
    leftOut: [{ reason: 'Suspended' }],
  })
})

t.test('an expression that fails refuses, unless the action is skipped', async (t) => {
  t.match(plan([{ name: 'a', ...broken }]).problems, [/PreBackup action "a" failed: no such key/])
  t.match(plan([{ name: 'a', ...broken }], { skips: { 'a/prebackup': 'skip' } }), {
    actions: [],
    problems: [],
  })
})

t.test('a skipped action stays in the plan, with why', async (t) => {
  t.match(plan([{ name: 'a' }], { skips: { 'a/prebackup': 'skip' } }).actions, [
    { name: 'a', skip: /a\/prebackup=skip/ },
  ])
})

t.test('an action whose spec came in another way is not run, refuses nothing, and is named', async (t) => {
  const nobody = { authorOf: () => undefined }
  t.match(
    plan([{ name: 'a' }, { name: 'b', ...broken }, { name: 'c', match: { expression: 'false' } }], nobody),
    {
      actions: [],
      problems: [],
      unadopted: ['a', 'b'],
    },
  )
})

t.test('more actions than a record holds are a problem, and never more are planned', async (t) => {
  const many = Array.from({ length: mostActions + 1 }, (_, i) => ({ name: `a${i}` }))
  const { actions, problems } = plan(many)
  t.equal(actions.length, mostActions)
  t.match(problems, [/65 actions match, at most 64/])
  t.same(plan(many.slice(1)).problems, [])
})

t.test('the seconds of a stage are those of the actions that will run', async (t) => {
  const skipped = { ...aPlannedAction({ timeoutSeconds: 20 }), skip: 'why' }
  t.equal(
    secondsOf([aPlannedAction({ timeoutSeconds: 3 }), aPlannedAction({ timeoutSeconds: 4 }), skipped]),
    7,
  )
  t.equal(secondsOf([{ ...aPlannedAction(), spec: {} }]), 10)
})

t.test('the hash of the actions changes with any of them', async (t) => {
  const text = (value: string) => value
  const of = (...generations: readonly number[]) =>
    actionsHashOf(
      generations.map((generation) => ({ ...aPlannedAction(), generation })),
      text,
    )
  t.equal(of(1, 2), of(1, 2))
  t.not(of(1, 2), of(1, 3))
  t.not(of(1), of(1, 1))
})
