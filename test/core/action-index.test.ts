import fc from 'fast-check'
import t from 'tap'
import type { Action } from '../../src/api/action.ts'
import { indexOf } from '../../src/core/action-index.ts'
import { match, matchFacts, type MatchFacts } from '../../src/core/match.ts'
import { inRunOrder } from '../../src/core/order.ts'
import { aBackup, anAction } from '../support/build.ts'

const evaluate = (source: string) => ({ ok: source === 'true' })
const namesOf = (actions: readonly Action[]) => actions.map(({ metadata }) => metadata.name)
const factsOf = (given: { labels?: object; spec?: object; schedules?: readonly string[] }): MatchFacts => {
  const raw = { ...aBackup(), metadata: { labels: given.labels ?? {} }, spec: given.spec ?? {} }
  const facts = matchFacts('Backup', raw, { defaults: { storageLocation: 'default' }, backupSchedule: '' })
  return { ...facts, scheduleNames: given.schedules ?? [] }
}

const isMatched = (spec: Action['spec'], facts: MatchFacts): boolean => {
  const found = match(spec, facts, evaluate)
  return 'matched' in found && found.matched
}
const same = (one: readonly string[], other: readonly string[]) =>
  JSON.stringify(one) === JSON.stringify(other)

// Few words, so that what is asked for and what is there often meet.
const word = fc.constantFrom('a', 'b', 'c', 'd')
const pattern = fc.oneof(word, fc.constantFrom('*', 'a*', '?', '[ab]', 'A', 'x'.repeat(300)))
const some = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: 1, maxLength: 3 })
const requirement = fc.oneof(
  fc.record({ key: word, operator: fc.constantFrom('In', 'NotIn'), values: some(word) }),
  fc.record({ key: word, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
)
const wanted = fc.option(
  fc.record(
    {
      scheduleNames: some(word),
      includedNamespaces: some(pattern),
      selector: fc.record(
        { matchLabels: fc.dictionary(word, word), matchExpressions: fc.array(requirement, { maxLength: 2 }) },
        { requiredKeys: [] },
      ),
      expression: fc.constantFrom('true', 'false'),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
)
const object = fc.record({
  labels: fc.dictionary(word, word),
  schedules: fc.array(word, { maxLength: 2 }),
  spec: fc.record(
    {
      includedNamespaces: fc.array(pattern, { maxLength: 3 }),
      excludedNamespaces: fc.array(pattern, { maxLength: 2 }),
      namespaceMapping: fc.dictionary(word, pattern, { maxKeys: 2 }),
    },
    { requiredKeys: [] },
  ),
})

t.test(
  'whatever Actions and objects there are, nobody who matches is passed over, and all are in run order',
  async () => {
    fc.assert(
      fc.property(fc.array(wanted, { maxLength: 12 }), object, (conditions, given) => {
        const actions = conditions.map((one, i) =>
          anAction({ name: `${(i * 7) % 12}-x`, ...(one === undefined ? {} : { match: one }) }),
        )
        const facts = factsOf(given)
        const index = indexOf(actions, 'PreBackup')
        const looked = index.maybeFor(facts)
        const matching = (among: readonly Action[]) =>
          namesOf(among.filter(({ spec }) => isMatched(spec, facts)))
        return (
          same(matching(looked), matching(inRunOrder(actions))) &&
          same(namesOf(looked), namesOf(inRunOrder(looked))) &&
          new Set(looked).size === looked.length
        )
      }),
      { numRuns: 2_000, seed: 7 },
    )
  },
)

t.test(
  'of a thousand Actions that ask for another Schedule, label or namespace, none is looked at',
  async (t) => {
    const asks = (i: number): object =>
      [
        { scheduleNames: [`s-${i}`] },
        { selector: { matchLabels: { team: `t-${i}` } } },
        { selector: { matchExpressions: [{ key: 'team', operator: 'In', values: [`t-${i}`] }] } },
        { includedNamespaces: [`n-${i}`] },
      ][i % 4] ?? {}
    const actions = Array.from({ length: 1_000 }, (_, i) => anAction({ name: `a-${i}`, match: asks(i) }))
    const index = indexOf(actions, 'PreBackup')
    const given = { labels: { team: 'other' }, schedules: ['other'], spec: { includedNamespaces: ['other'] } }
    t.same(index.maybeFor(factsOf(given)), [])
    t.same(namesOf(index.maybeFor(factsOf({ ...given, labels: { team: 't-5' } }))), ['a-5'])
    t.equal(index.maybeFor(factsOf({ ...given, spec: { includedNamespaces: ['n-3', 'n-7'] } })).length, 2)
    t.equal(index.maybeFor(factsOf({ ...given, spec: {} })).length, 250, 'whoever takes all may touch each')
  },
)

t.test('the index of a list is made once for each stage', async (t) => {
  const actions = [anAction({ name: 'a' })]
  t.equal(indexOf(actions, 'PreBackup'), indexOf(actions, 'PreBackup'))
  t.same(indexOf(actions, 'PostBackup').all, [])
})
