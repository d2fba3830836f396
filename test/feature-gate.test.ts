/** Feature gates: what a variable can do at each stage. */
import t from 'tap'
import { ConfigError, parseConfig } from '../src/config.ts'
import { featureStages, gateState, type FeatureStage } from '../src/core/feature-gate.ts'

const cases: Readonly<Record<FeatureStage, Readonly<Record<'unset' | 'true' | 'false', boolean | RegExp>>>> =
  {
    Alpha: { unset: false, true: true, false: false },
    Beta: { unset: true, true: true, false: false },
    GA: { unset: true, true: true, false: /always on now/ },
  }

for (const [stage, answers] of Object.entries(cases)) {
  for (const [given, want] of Object.entries(answers)) {
    t.test(`${stage}, ${given}: ${String(want)}`, async (t) => {
      const state = gateState(stage as FeatureStage, given === 'unset' ? undefined : given)
      t.match(state, want instanceof RegExp ? { want } : { isOn: want })
    })
  }
}

t.test('a variable is read as people write it; an empty one is not set', async (t) => {
  for (const yes of ['1', 'True', ' on ', 'YES']) t.same(gateState('Alpha', yes), { isOn: true }, yes)
  for (const no of ['0', 'FALSE', 'off', 'no']) t.same(gateState('Beta', no), { isOn: false }, no)
  t.same(gateState('Beta', ' '), { isOn: true })
})

t.test('a word that means neither is refused at every stage, never guessed', async (t) => {
  for (const stage of ['Alpha', 'Beta', 'GA'] as const)
    t.match(gateState(stage, 'enabled'), { want: 'be true or false' })
})

t.test('plugins are alpha: off in the configuration unless switched on', async (t) => {
  t.equal(featureStages.VELERO_PLUGINS_ENABLED, 'Alpha')
  t.equal(parseConfig({}, {}).veleroPlugins, false)
  t.equal(parseConfig({}, { VELERO_PLUGINS_ENABLED: 'true' }).veleroPlugins, true)
  t.throws(
    () => parseConfig({}, { VELERO_PLUGINS_ENABLED: 'enabled' }),
    new ConfigError(['VELERO_PLUGINS_ENABLED must be true or false, got "enabled"']),
  )
})
