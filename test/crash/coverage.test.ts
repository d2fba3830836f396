/** Which triple comes next, and what is said of those that did not come. */
import t from 'tap'
import { Coverage, seeded } from './coverage.ts'
import type { Triple } from './faults.ts'

const none = { after: [] }
const well = (fired: readonly Triple[]) => ({ fired, isJudged: true, wrongs: [] })
const put = { scenario: 'held', site: 'update actionruns/status', phase: 'Pre Running' }

t.test(
  'every fault of every site is planned, a kill only while there may be one, and each is covered once',
  async (t) => {
    const coverage = new Coverage()
    coverage.see({ ...put, ...none })
    coverage.see({ ...put, ...none })
    coverage.isTracing = false
    const calm = coverage.next('held', false)
    t.notMatch(calm?.armed[0]?.fault, /killed/)
    const found = new Set([calm?.armed[0]?.fault])
    for (let plan = coverage.next('held', true); plan !== undefined; plan = coverage.next('held', true)) {
      found.add(plan.armed[0]?.fault)
      coverage.played(plan, well(plan.armed))
    }
    t.equal(found.size, 9)
    const { traced } = coverage.summary()
    t.match(traced, { sites: 1, triples: 9, covered: 8 }, 'the first was not played')
  },
)

t.test('what does not happen is tried three times by itself, then together, then named', async (t) => {
  const coverage = new Coverage()
  coverage.see({ ...put, site: 'watch backups', ...none })
  let plans = 0
  for (let plan = coverage.next('held', true); plan !== undefined; plan = coverage.next('held', true)) {
    plans += 1
    coverage.played(plan, well([]))
  }
  t.equal(plans, 5 * 3)
  const random = seeded(1)
  const calm = coverage.any('held', random, false)
  t.notOk(
    calm?.anyOf?.some(({ fault }) => fault.startsWith('killed')),
    'a kill only while there may be one',
  )
  plans = calm === undefined ? 0 : 1
  for (let plan = coverage.any('held', random, true); plan; plan = coverage.any('held', random, true)) {
    plans += 1
    t.equal(plan.anyOf?.length, 5)
    coverage.played(plan, well([]))
  }
  t.equal(plans, 5 * 9)
  t.equal(coverage.summary().traced.missed.length, 5)
})

t.test('a run that goes on tries what was missed, and not what was covered', async (t) => {
  const before = new Coverage()
  before.see({ ...put, ...none })
  const plan = before.next('held', false)
  if (plan === undefined) throw new TypeError('nothing is planned')
  before.played(plan, well(plan.armed))
  const kept = JSON.parse(JSON.stringify(before.entries())) as ReturnType<Coverage['entries']>
  const coverage = new Coverage({ sites: /^/, faults: /^4/ }, kept)
  t.match(coverage.summary().traced, { sites: 1, triples: 9, covered: 1 })
  const tried = []
  for (let next = coverage.next('held', true); next; next = coverage.next('held', true)) {
    coverage.played(next, well(next.armed))
    tried.push(next.armed[0]?.fault)
  }
  t.same(tried.sort(), ['409', '429'], 'only these faults were asked for')
  t.equal(coverage.summary().traced.covered, 3)
})

t.test(
  'what was seen only after a fault, and then by a clean object, needs that fault no more',
  async (t) => {
    const coverage = new Coverage()
    coverage.isTracing = false
    coverage.see({ ...put, after: [{ site: 'get a', phase: 'x', fault: '500' }] })
    coverage.isTracing = true
    coverage.see({ ...put, ...none })
    const { traced, later } = coverage.summary()
    t.same([traced.triples, later.triples], [9, 0])
    t.equal(coverage.next('held', false)?.armed.length, 1)
  },
)

t.test('kills of calls that are about no object have their share beside those of objects', async (t) => {
  const coverage = new Coverage()
  for (let index = 0; index < 20; index += 1) {
    coverage.see({ ...put, site: `update ${index}`, ...none })
    coverage.see({ ...none, scenario: '', site: `get ${index}`, phase: 'leading' })
  }
  const plans = Array.from({ length: 12 }, () => coverage.next('held', true)?.armed[0])
  t.equal(plans.filter((one) => one?.phase === 'leading').length, 4)
})

t.test('a site that shows only after a fault is planned with that fault before it', async (t) => {
  const coverage = new Coverage()
  coverage.isTracing = false
  const first = { site: 'create leases exclusive', phase: 'x', fault: 'killed before' as const }
  coverage.see({ ...put, after: [first] })
  t.equal(coverage.next('held', false), undefined, 'its first fault kills')
  t.same(coverage.next('held', true)?.armed[0], first)
  t.equal(coverage.summary().later.triples, 9)
})

t.test('the same seed gives the same runs', async (t) => {
  const coverage = new Coverage()
  for (const site of ['create a', 'get b', 'call c']) coverage.see({ ...put, site, ...none })
  const runs = (seed: number) =>
    Array.from({ length: 20 }, (_, at) => coverage.random('held', seeded(seed + at), true))
  t.same(runs(7), runs(7))
  t.notSame(runs(7), runs(8))
})

t.test('a run that says nothing, or that was wrong, covers nothing', async (t) => {
  const coverage = new Coverage()
  coverage.see({ ...put, ...none })
  const plan = coverage.next('held', false)
  if (plan === undefined) throw new TypeError('nothing is planned')
  coverage.played(plan, { ...well(plan.armed), isJudged: false })
  coverage.played(plan, { ...well(plan.armed), wrongs: ['it hangs'] })
  t.equal(coverage.summary().traced.covered, 0)
  coverage.played(plan, well(plan.armed))
  t.equal(coverage.summary().traced.covered, 1)
})

t.test(
  'of those that are tried together the one that is meant keeps its try where another came first',
  async (t) => {
    const coverage = new Coverage()
    for (const site of ['get a', 'get b']) coverage.see({ ...put, site, ...none })
    for (let plan = coverage.next('held', true); plan; plan = coverage.next('held', true))
      coverage.played(plan, well([]))
    const plan = coverage.any('held', seeded(1), true)
    const [chosen, other] = plan?.anyOf ?? []
    if (plan === undefined || chosen === undefined || other === undefined) throw new TypeError('too few')
    const triesOf = ({ site, fault }: Triple) =>
      coverage.entries().find(({ triple }) => triple.site === site && triple.fault === fault)?.tries
    t.equal(triesOf(chosen), 4)
    coverage.played(plan, well([other]))
    t.equal(triesOf(chosen), 3)
    coverage.played(plan, well([]))
    t.equal(triesOf(chosen), 3)
  },
)

t.test('where no call fits what was asked for nothing can be met', async (t) => {
  const coverage = new Coverage({ sites: /^nothing$/, faults: /^/ })
  coverage.see({ ...put, ...none })
  t.notOk(coverage.canMeet('held'))
  const known = new Coverage()
  known.see({ ...put, ...none })
  t.ok(known.canMeet('held'))
  t.notOk(new Coverage({ sites: /^/, faults: /^nothing$/ }, known.entries()).canMeet('held'))
})

t.test(
  'a call that objects of several scenarios make is tried by whichever comes first, by one at a time',
  async (t) => {
    const coverage = new Coverage({ sites: /^/, faults: /^4/ })
    for (const scenario of ['held', 'inline']) coverage.see({ ...put, scenario, ...none })
    const [first, second] = [coverage.next('inline', false), coverage.next('held', false)]
    t.same([first?.armed[0]?.fault, second?.armed[0]?.fault], ['409', '429'])
    t.equal(coverage.next('inline', false), undefined, 'both are being tried')
    if (first === undefined) throw new TypeError('nothing is planned')
    coverage.played(first, well([]))
    t.equal(coverage.next('held', false)?.armed[0]?.fault, '409', 'it did not come: the other tries it')
    t.equal(coverage.summary().traced.triples, 2)
  },
)
