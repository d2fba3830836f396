import t from 'tap'
import type { ActionSpec } from '../../src/api/action.ts'
import { match, matchFacts, unmetRequirement, type Evaluate } from '../../src/core/match.ts'
import { aBackup, anActionSpec } from '../support/build.ts'

const evaluate: Evaluate = (source) =>
  source === 'broken' ? { error: 'no such key' } : { ok: JSON.parse(source) as unknown }
const object = aBackup({ labels: { tier: 'prod' } })
const asked = { defaults: { storageLocation: 'default' }, backupSchedule: 'nightly' }
const facts = matchFacts('Backup', object, asked)
const matching = (wanted: NonNullable<ActionSpec['match']>) =>
  match(anActionSpec({ match: wanted }), facts, evaluate)

for (const [name, { given, want }] of Object.entries({
  'no condition': { given: {}, want: { matched: true } },
  'the Schedule': { given: { scheduleNames: ['nightly', 'weekly'] }, want: { matched: true } },
  'another Schedule': {
    given: { scheduleNames: ['weekly'] },
    want: { matched: false, because: 'scheduleNames: it comes from the Schedule nightly, wanted weekly' },
  },
  'a namespace': { given: { includedNamespaces: ['sh*'] }, want: { matched: true } },
  'another namespace': {
    given: { includedNamespaces: ['bank'] },
    want: { matched: false, because: 'includedNamespaces: it touches shop, wanted bank' },
  },
  'a label': { given: { selector: { matchLabels: { tier: 'prod' } } }, want: { matched: true } },
  'another label': {
    given: { selector: { matchLabels: { tier: 'dev' } } },
    want: { matched: false, because: 'selector: the label tier must be In dev, got "prod"' },
  },
  'an expression that holds': { given: { expression: 'true' }, want: { matched: true } },
  'one that does not': {
    given: { expression: 'false' },
    want: { matched: false, because: 'expression: it is false' },
  },
  'one that fails': { given: { expression: 'broken' }, want: { error: 'no such key' } },
  'one that gives no truth': {
    given: { expression: '1' },
    want: { error: 'must give true or false, got number' },
  },
  'all must hold': {
    given: { scheduleNames: ['nightly'], includedNamespaces: ['bank'], expression: 'true' },
    want: { matched: false, because: 'includedNamespaces: it touches shop, wanted bank' },
  },
  'what is ruled out already is not evaluated': {
    given: { scheduleNames: ['weekly'], expression: 'broken' },
    want: { matched: false, because: 'scheduleNames: it comes from the Schedule nightly, wanted weekly' },
  },
} as const)) {
  t.test(`an Action matches by its conditions: ${name}`, async (t) => {
    t.same(matching(given), want)
  })
}

t.test('an Action without match is for every object', async (t) => {
  t.same(match(anActionSpec(), facts, evaluate), { matched: true })
})

for (const [name, { operator, key, values, want }] of Object.entries({
  'In, there': { operator: 'In', key: 'tier', values: ['prod'], want: true },
  'In, another': { operator: 'In', key: 'tier', values: ['dev'], want: false },
  'In, absent': { operator: 'In', key: 'zone', values: ['dev'], want: false },
  'NotIn, another': { operator: 'NotIn', key: 'tier', values: ['dev'], want: true },
  'NotIn, there': { operator: 'NotIn', key: 'tier', values: ['prod'], want: false },
  'NotIn, absent': { operator: 'NotIn', key: 'zone', values: ['dev'], want: true },
  Exists: { operator: 'Exists', key: 'tier', values: [], want: true },
  'Exists, absent': { operator: 'Exists', key: 'toString', values: [], want: false },
  DoesNotExist: { operator: 'DoesNotExist', key: 'zone', values: [], want: true },
  'DoesNotExist, there': { operator: 'DoesNotExist', key: 'tier', values: [], want: false },
} as const)) {
  t.test(`a selector is one of apimachinery's: ${name}`, async (t) => {
    const matchExpressions = [{ operator, key, values: [...values] }]
    t.equal(unmetRequirement({ matchExpressions }, { tier: 'prod' }) === undefined, want)
    t.equal(
      unmetRequirement({ matchLabels: { tier: 'dev' }, matchExpressions }, { tier: 'prod' }),
      'the label tier must be In dev, got "prod"',
    )
  })
}
