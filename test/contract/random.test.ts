/** What the comparison of two servers takes away, and what it sees. */
import t from 'tap'
import { normal } from './random-normal.ts'
import { sequence, type Operation, type Sequence } from './random-operations.ts'
import type { Played } from './random-play.ts'
import recordings from './random-recorded.json' with { type: 'json' }
import { report } from './random-report.ts'
import { digestsOf, firstDifference, smallest, type Pair } from './random.ts'
import { startSandbox } from './sandbox.ts'
import { whenThorough } from '../support/runs.ts'

const recorded: Readonly<Record<string, string>> = recordings

const uids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const

const played = (given: {
  ns?: string
  group?: string
  from?: number
  uid?: string
  time?: string
}): Played => {
  const {
    ns = 'ns-1',
    group = 'g.example.com',
    from = 10,
    uid = uids[0],
    time = '2026-01-01T00:00:00Z',
  } = given
  const metadata = { name: 'a', namespace: ns, uid, creationTimestamp: time, resourceVersion: String(from) }
  const message = `record (${from}) of ${uid} in ${group}`
  return {
    ns,
    groups: [group],
    answers: [
      { status: 201, warnings: [], body: { kind: 'Widget', metadata } },
      { status: 200, warnings: [], body: { items: [], metadata: { resourceVersion: String(from + 7) } } },
      { status: 409, warnings: [], body: { kind: 'Status', message } },
    ],
    watches: [[{ type: 'ADDED', object: { metadata } }]],
  }
}

t.test('names of the run, versions, uids and times do not make a difference', async (t) => {
  const other = played({
    ns: 'ns-2',
    group: 'h.example.com',
    from: 900,
    uid: uids[1],
    time: '2027-01-01T00:00:09Z',
  })
  t.same(normal(other), normal(played({})))
})

t.test('the order of versions makes a difference', async (t) => {
  const one = played({})
  const two = played({ from: 5 })
  const both = (first: Played, second: Played) => ({ ...one, answers: [...first.answers, ...second.answers] })
  t.notSame(normal(both(one, two)), normal(both(two, one)))
})

t.test('causes in another order make no difference', async (t) => {
  const status = (causes: readonly object[], message: string): Played => ({
    ...played({}),
    answers: [{ status: 422, warnings: [], body: { kind: 'Status', message, details: { causes } } }],
  })
  const one = status([{ field: 'x' }, { field: 'y' }], 'A "a" is invalid: [x: bad, y: bad]')
  const two = status([{ field: 'y' }, { field: 'x' }], 'A "a" is invalid: [y: bad, x: bad]')
  t.same(normal(one), normal(two))
})

t.test('the first answer that differs is found, then the watches', async (t) => {
  const wanted = normal(played({}))
  t.equal(firstDifference(wanted, wanted), undefined)
  const late = { ...wanted, answers: wanted.answers.with(2, { status: 200 }) }
  t.match(firstDifference(wanted, late), { index: 2, at: 'answer 2', got: { status: 200 } })
  t.match(firstDifference(wanted, { ...wanted, watches: [[]] }), { at: 'watch 0', got: [] })
})

t.test('a seed gives the same sequence again, another seed another', async (t) => {
  t.same(sequence(7), sequence(7))
  t.notSame(sequence(7), sequence(8))
})

t.test(
  'sequences hold every operation on every kind, dry runs, late watches and writes of a status',
  async (t) => {
    const all = Array.from({ length: 400 }, (_, seed) => sequence(seed))
    const operations = all.flatMap((one) => one.operations)
    const pairs = new Set(operations.map((one) => `${one.do} ${one.kind}`))
    t.equal(pairs.size, 10 * 5)
    t.ok(operations.some((one) => one.dryRun === true))
    t.ok(operations.some((one) => 'status' in one && one.status))
    t.ok(all.some(({ watches }) => watches.length > 0))
  },
)

t.test('what has no part in a difference is left out, and what has one is kept', async (t) => {
  const { operations } = sequence(3)
  const others = operations.filter((one) => one.do !== 'list' && one.do !== 'delete')
  const list: Operation = { do: 'list', kind: 'secret', name: 'a' }
  const remove: Operation = {
    do: 'delete',
    kind: 'secret',
    name: 'a',
    precondition: 'none',
    options: {},
    inQuery: false,
  }
  const whole = { operations: [...others, list, ...others, remove], watches: [] }
  // Differs where something is deleted after a list.
  const differs = (given: Sequence): boolean =>
    given.operations.includes(list) && given.operations.at(-1) === remove
  const pair: Pair = {
    compare: async (given) =>
      differs(given) ? { index: given.operations.length - 1, at: 'answer', wanted: 1, got: 2 } : undefined,
    close: async () => {},
  }
  const least = await smallest(pair, whole)
  t.same(least?.sequence.operations, [list, remove])
})

t.test('a report tells sorts, seeds, what was done and how to replay it', async (t) => {
  const at = { at: 'answer 0', index: 0, wanted: { status: 200 }, got: { status: 404 } }
  const told = report([1, 1].map((seed) => ({ seed, sequence: sequence(seed), ...at })))
  t.match(told, /^2 x create \w+: \/status: wanted 200, got 404\nseeds 1, 1;.*\n.*--replay 1\n/)
})

t.test(
  'the sandbox comes to what kube-apiserver 1.36 came to when it was recorded',
  whenThorough,
  async (t) => {
    const sandbox = await startSandbox({ controllers: false })
    t.teardown(() => sandbox.stop())
    const digests = await digestsOf(sandbox.endpoint, Object.keys(recorded).map(Number))
    const differing = [...digests].filter(([seed, digest]) => recorded[String(seed)] !== digest)
    t.ok(digests.size >= 25, `${digests.size} sequences`)
    t.same(
      differing.map(([seed]) => seed),
      [],
      'seeds that differ: replay them on a real server (README.md); if sequences were changed, record anew',
    )
  },
)
