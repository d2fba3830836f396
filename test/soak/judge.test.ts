/** The judge of a soak: one that went well has nothing wrong, and each planted loss, double and leak is found and named. */
import t from 'tap'
import { growing, leftOver, unbalanced } from './judge.ts'
import { kindOfName } from './kinds.ts'
import type { Metrics, Sample } from './sampler.ts'
import { add, Tally } from './tally.ts'

const kinds = [
  'plain',
  'inline',
  'refused',
  'held',
  'held-refused',
  'acting',
  'post-failed',
  'invalid',
  'restore',
]

/** Of each kind one that went well. */
function tallyOf(ended: readonly string[] = kinds): Tally {
  const tally = new Tally()
  for (const name of kinds) {
    const kind = kindOfName(name)
    add(tally.asked, name)
    add(tally.answers, kind.ends === undefined ? 'refused' : 'admitted')
    if (ended.includes(name)) tally.end(kind, { effects: kind.effects.length, ms: 100 })
  }
  return tally
}

const run = (stage: string, phase: string) => `tidewaiter_runs_total{stage="${stage}",phase="${phase}"}`
const request = (verdict: string, reason: string, dryRun = false) =>
  `tidewaiter_admission_requests_total{webhook="backups",verdict="${verdict}",reason="${reason}",dry_run="${dryRun}"}`
const action = (result: string) => `tidewaiter_action_runs_total{result="${result}"}`

const counted: Readonly<Record<string, number>> = {
  [run('PreBackup', 'Succeeded')]: 4,
  [run('PreBackup', 'Refused')]: 2,
  [run('PreRestore', 'Succeeded')]: 1,
  [run('PostBackup', 'Succeeded')]: 3,
  [run('PostBackup', 'Skipped')]: 1,
  [run('PostBackup', 'Failed')]: 1,
  [run('PostRestore', 'Succeeded')]: 1,
  [action('done')]: 23,
  [action('answer')]: 3,
  [action('exclusive')]: 4,
  [request('allowed', 'ActionsSucceeded')]: 7,
  [request('refused', 'ActionFailed')]: 1,
  [request('allowed', 'NothingToHold')]: 6,
  [request('allowed', 'HoldSet')]: 2,
  [request('allowed', 'Preview', true)]: 9,
}
const metricsWith = (more: Readonly<Record<string, number>> = {}): Metrics =>
  new Map(Object.entries({ ...counted, ...more }))
const balanced = { tally: tallyOf(), metrics: metricsWith(), decisions: 8 }

t.test('what balances is not wrong', async (t) => {
  t.same(unbalanced(balanced), [])
})

const wrong: Readonly<Record<string, readonly [Partial<typeof balanced>, RegExp]>> = {
  'an object never came to its end': [
    { tally: tallyOf(kinds.slice(1)) },
    /objects that came to their end: 9 wanted, 8 counted/,
  ],
  'a run is missing in the metrics': [
    { metrics: metricsWith({ [run('PreBackup', 'Refused')]: 1 }) },
    /the metric of runs, PreBackup Refused: 2 wanted, 1 counted/,
  ],
  'a run is counted that nobody made': [
    { metrics: metricsWith({ [run('PostBackup', 'Unknown')]: 1 }) },
    /the metric of runs, all: 13 wanted, 14 counted/,
  ],
  'an action is done once more than it is recorded': [
    { metrics: metricsWith({ [action('done')]: 24 }) },
    /actions that were done: 23 wanted, 24 counted/,
  ],
  'a decision is lost': [{ decisions: 7 }, /decisions in the chain: 8 wanted, 7 counted/],
  'an error is told as a decision': [
    { metrics: metricsWith({ [request('error', 'Fault')]: 1 }) },
    /the metric of errors: 0 wanted, 1 counted/,
  ],
}
for (const [name, [books, want]] of Object.entries(wrong))
  t.test(`found: ${name}`, async (t) => {
    t.match(unbalanced({ ...balanced, ...books }).join('\n'), want)
  })

t.test('found: an effect is heard that no record has', async (t) => {
  const tally = tallyOf()
  tally.effects += 1
  t.match(unbalanced({ ...balanced, tally }).join('\n'), /effects that were heard: 21 wanted, 22 counted/)
})

/** Hundred looks at a process that breathes, and grows from the second fifth on by these parts of what it has. */
const looks = (grows: Partial<Record<keyof Sample, number>> = {}): readonly Sample[] =>
  Array.from({ length: 100 }, (_, at) => {
    const breath = 1 + Math.sin(at) / 50
    const grown = (what: keyof Sample, from: number) =>
      (at < 20 ? from * 0.6 : from * (1 + ((grows[what] ?? 0) * (at - 20)) / 80)) * breath
    return {
      atMs: at * 10_000,
      done: at * 300,
      rss: grown('rss', 200),
      heap: grown('heap', 60),
      buffers: grown('buffers', 20),
      sockets: grown('sockets', 40),
      timers: grown('timers', 60),
      queue: 3,
    }
  })

t.test('memory that breathes is flat, however caches filled in the first fifth', async (t) => {
  t.same(growing(looks()), [])
})

t.test('buffers that wait to be given back are no growth', async (t) => {
  const busier = looks().map((one, at) => ({ ...one, buffers: 20 + (at % 5) * (at < 60 ? 1 : 15) }))
  t.same(growing(busier), [])
})

t.test('of a short soak memory is not judged', async (t) => {
  t.same(growing(looks({ heap: 2 }).slice(0, 59)), [])
})

for (const [what, by] of Object.entries({ rss: 0.2, heap: 0.2, buffers: 0.4, sockets: 1, timers: 1 }))
  t.test(`found: ${what} that grow by ${by * 100} %`, async (t) => {
    const found = growing(looks({ [what]: by }))
    t.equal(found.length, 1)
    t.match(found[0], new RegExp(`^${what} grows`))
  })

t.test('found: what is left over is named, some of many', async (t) => {
  const many = Array.from({ length: 7 }, (_, at) => ({ name: `b${at}` }))
  t.same(leftOver('runs', []), [])
  t.same(leftOver('runs', many), ['7 runs are left over: b0, b1, b2, b3, b4'])
})
