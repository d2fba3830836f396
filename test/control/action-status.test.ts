import t from 'tap'
import { acceptedCondition, resultsOf, type ActionFacts } from '../../src/control/action-status.ts'
import { anAction, aRow, aRun } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'

type Condition = NonNullable<ReturnType<typeof acceptedCondition>>

const later = newYear + 60_000

for (const [name, { facts, want }] of Object.entries({
  adopted: { facts: { action: anAction(), adopted: true }, want: { status: 'True', reason: 'Accepted' } },
  'that is doubted': {
    facts: { action: anAction(), adopted: true, doubts: () => ['one', 'two'] },
    want: { status: 'True', reason: 'Accepted', message: 'it runs where it matches; one; two' },
  },
  suspended: {
    facts: { action: anAction({ suspend: true }), adopted: true },
    want: { status: 'False', reason: 'Suspended' },
  },
  unadopted: {
    facts: { action: anAction(), adopted: false },
    want: {
      status: 'False',
      reason: 'Unadopted',
      message: /tidewaiter actions adopt -n velero \S+ \(or kubectl .* tidewaiter.io\/adopt=/,
    },
  },
  'not understood': {
    facts: { problem: 'spec.http must be given', adopted: true },
    want: { status: 'False', reason: 'Invalid', message: /^spec.http/ },
  },
  'not understood, and not adopted': {
    facts: { problem: 'spec.http must be given', adopted: false },
    want: { status: 'False', reason: 'Unadopted', message: /refuses nothing; .*: spec.http must be given$/ },
  },
})) {
  t.test(`whether an Action can run: ${name}`, async (t) => {
    t.match(acceptedCondition(facts, newYear), {
      type: 'Accepted',
      lastTransitionTime: '2026-01-01T00:00:00.000Z',
      ...want,
    })
  })

  t.test(`what stands already is not written again: ${name}`, async (t) => {
    const condition = acceptedCondition(facts, newYear)
    const conditions = condition === undefined ? [] : [condition]
    const again: ActionFacts =
      'action' in facts
        ? { ...facts, action: { ...facts.action, status: { conditions } } }
        : { ...facts, status: { conditions } }
    t.equal(acceptedCondition(again, later), undefined)
  })
}

t.test(
  'a condition keeps its time while it holds, and speaks of the generation it was seen at',
  async (t) => {
    const old = acceptedCondition({ action: anAction(), adopted: true }, newYear)
    const conditions = old === undefined ? [] : [old]
    const changed = { ...anAction({ generation: 2 }), status: { conditions } }
    t.match(acceptedCondition({ action: changed, adopted: true }, later), {
      observedGeneration: 2,
      lastTransitionTime: old?.lastTransitionTime,
    })
    t.match(acceptedCondition({ action: changed, adopted: false }, later), {
      status: 'False',
      lastTransitionTime: new Date(later).toISOString(),
    })
  },
)

t.test('doubts are looked for once for each generation, and only of an Action that runs', async (t) => {
  let looks = 0
  const doubts = () => [`look ${++looks}`]
  let conditions: readonly Condition[] = []
  const see = (spec: Parameters<typeof anAction>[0], adopted = true) => {
    const action = { ...anAction(spec), status: { conditions } }
    const said = acceptedCondition({ action, adopted, doubts }, newYear)
    if (said !== undefined) conditions = [said]
    return said?.message
  }
  see({ generation: 1 }, false)
  t.equal(looks, 0)
  t.equal(see({ generation: 1 }), 'it runs where it matches; look 1', 'adopted, as it was written')
  t.equal(see({ generation: 1 }), undefined)
  t.equal(looks, 1)
  t.equal(see({ generation: 2 }), 'it runs where it matches; look 2')
  see({ generation: 3, suspend: true })
  t.equal(looks, 2)
  t.equal(see({ generation: 4 }), 'it runs where it matches; look 3')
})

t.test('how actions ended: not those that were skipped or still run', async (t) => {
  const at = '2026-01-01T00:00:00Z'
  const rows = [
    aRow({ name: 'a', phase: 'Succeeded', completionTimestamp: at }),
    aRow({ name: 'b', phase: 'Skipped', completionTimestamp: at }),
    aRow({ name: 'c', phase: 'Running' }),
  ]
  t.same(resultsOf(aRun({ status: { actions: rows } })), [{ name: 'a', at, result: 'Succeeded' }])
  t.same(resultsOf({ ...aRun(), status: {} }), [])
})
