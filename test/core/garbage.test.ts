/** Which runs go: those that are old or too many, and never one that is still needed. */
import t from 'tap'
import type { Stage } from '../../src/api/action.ts'
import type { RunStatus } from '../../src/api/action-run.ts'
import { prunable, type GarbageFacts, type Owner } from '../../src/core/garbage.ts'
import { aPlannedAction, aRun } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const iso = (ms: number) => new Date(ms).toISOString()

/** A run that ended so long ago, of these Actions. */
const ended = (
  name: string,
  msAgo: number,
  {
    actions = ['a'],
    status = {},
    ...spec
  }: {
    readonly actions?: readonly string[]
    readonly status?: Partial<RunStatus>
    readonly stage?: Stage
    readonly scheduleName?: string
    readonly requestedBy?: string
    readonly fingerprint?: string
  } = {},
) =>
  aRun({
    name,
    uid: `uid-of-${name}`,
    creationTimestamp: iso(newYear - msAgo),
    fingerprint: name,
    ...spec,
    actions: actions.map((action) => aPlannedAction({ name: action })),
    status: { phase: 'Succeeded', completionTimestamp: iso(newYear - msAgo), ...status },
  })
const facts = (given: Partial<GarbageFacts> = {}): GarbageFacts => ({
  objectOf: () => undefined,
  owesUndo: () => false,
  keep: { days: 14, perAction: 2 },
  now: newYear,
  ...given,
})
const old = 14 * dayMs + 1
const names = (runs: ReturnType<typeof prunable>) =>
  runs.map(({ run, because }) => `${run.metadata.name} ${because}`)

t.test('what is older than its days goes, the oldest first', async (t) => {
  const runs = [ended('young', old - 2), ended('old', old), ended('older', old + 1)]
  t.same(names(prunable(runs, facts())), ['older age', 'old age'])
})

t.test('of each Action the newest stay', async (t) => {
  const runs = [3, 1, 4, 2].map((hours) => ended(`r${hours}`, hours * hourMs))
  t.same(names(prunable(runs, facts())), ['r4 number', 'r3 number'])
})

t.test('a rare Action keeps its runs beside a busy one', async (t) => {
  const runs = [1, 2, 3, 4, 5, 6].map((hours) =>
    ended(`r${hours}`, hours * hourMs, { actions: hours % 3 === 0 ? ['busy', 'rare'] : ['busy'] }),
  )
  t.same(names(prunable(runs, facts())), ['r5 number', 'r4 number'])
})

t.test('ten thousand runs are looked at once each, and only what goes is looked at closely', async (t) => {
  const runs = Array.from({ length: 10_000 }, (_, i) =>
    ended(`r${i}`, i * 1_000, { actions: [`a${i % 10}`] }),
  )
  let asked = 0
  const objectOf = () => {
    asked += 1
    return undefined
  }
  const spare = prunable(runs, facts({ objectOf, keep: { days: 14, perAction: 990 } }))
  t.equal(spare.length, 100)
  t.equal(asked, 100)
  t.equal(spare[0]?.run.metadata.name, 'r9999')
})

for (const phase of ['Pending', 'Running', 'Undoing'] as const)
  t.test(`a run that is ${phase} stays`, async (t) => {
    t.same(prunable([ended('r', old, { status: { phase } })], facts()), [])
  })

t.test('a run of which something is to be undone stays', async (t) => {
  t.same(prunable([ended('r', old)], facts({ owesUndo: ({ metadata }) => metadata.name === 'r' })), [])
})

const told = (run: string) => JSON.stringify({ phase: 'Succeeded', run })
const owner = (given: Partial<Owner> & { readonly phase?: string } = {}): Owner => {
  const { phase = 'Completed', ...rest } = given
  return { uid: 'u', pre: '', post: '', progress: { status: { phase } }, ...rest }
}
const objects: Readonly<Record<string, { stage: Stage; object: Owner | undefined; want: number }>> = {
  'whose object is gone goes': { stage: 'PostBackup', object: undefined, want: 1 },
  'whose object is another by now goes': {
    stage: 'PostBackup',
    object: owner({ uid: 'another' }),
    want: 1,
  },
  'whose object does not carry its result stays': { stage: 'PostBackup', object: owner(), want: 0 },
  'whose object carries the result of another run stays': {
    stage: 'PostBackup',
    object: owner({ post: told('other') }),
    want: 0,
  },
  'whose object carries its result goes': {
    stage: 'PostBackup',
    object: owner({ post: told('r') }),
    want: 1,
  },
  'before, of which only the annotation after speaks, stays': {
    stage: 'PreBackup',
    object: owner({ post: told('r') }),
    want: 0,
  },
  'before, of which its annotation speaks, goes': {
    stage: 'PreBackup',
    object: owner({ pre: told('r') }),
    want: 1,
  },
  'before, whose object has not ended, stays': {
    stage: 'PreBackup',
    object: owner({ pre: told('r'), phase: 'InProgress' }),
    want: 0,
  },
}
for (const [name, { stage, object, want }] of Object.entries(objects))
  t.test(`an old run ${name}`, async (t) => {
    const run = {
      ...ended('r', old),
      spec: { ...ended('r', old, { stage }).spec, objectRef: { kind: 'Backup', name: 'b1', uid: 'u' } },
    } as const
    t.equal(prunable([run], facts({ objectOf: () => object })).length, want)
  })

const refused = { phase: 'Refused', reason: 'ActionFailed' } as const
t.test('the refusals of a Schedule stay while they hold its cool-down, and go after it', async (t) => {
  const runs = [1, 62, 125].map((minutes) =>
    ended(`r${minutes}`, minutes * 60_000, { scheduleName: 's', requestedBy: 'velero', status: refused }),
  )
  const keep = { days: 14, perAction: 1 }
  t.same(names(prunable(runs, facts({ keep }))), [])
  const later = newYear + 20 * 60_000
  t.same(names(prunable(runs, facts({ keep, now: later }))), ['r125 number', 'r62 number'])
  const [first] = runs
  t.same(names(prunable(runs.slice(1), facts({ keep }))), ['r125 number'], `without ${first?.metadata.name}`)
})

t.test('three identical refusals stay while a person is answered from them', async (t) => {
  const runs = [1, 2, 3].map((minutes) =>
    ended(`r${minutes}`, minutes * 60_000, { fingerprint: 'same', status: refused }),
  )
  const keep = { days: 14, perAction: 1 }
  t.same(names(prunable(runs, facts({ keep }))), [])
  t.same(names(prunable(runs, facts({ keep, now: newYear + 2 * 60_000 }))), ['r3 number', 'r2 number'])
})
