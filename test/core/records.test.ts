import t from 'tap'
import { claimName, claimStep } from '../../src/core/claim.ts'
import { keepRunsMs, mostRuns, prunable, type Teller } from '../../src/core/garbage.ts'
import { probed, probeMessage, probeName } from '../../src/core/probe.ts'
import { allow, deny, patched } from '../../src/core/verdict.ts'
import { aBackup, aRun } from '../support/build.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'
import { aRequest } from '../support/fake-gate.ts'

const lease = { holder: 'a', resourceVersion: '1', acquiredAt: newYear }

for (const [name, { given, uid, now, want }] of Object.entries({
  'one own': { given: {}, uid: 'a', now: newYear, want: { do: 'own' } },
  'one held by another': { given: {}, uid: 'b', now: newYear + 60_000, want: { do: 'held', by: 'a' } },
  'one that ran out': { given: {}, uid: 'b', now: newYear + 60_001, want: { do: 'take-over' } },
  'one that nobody holds': { given: { holder: '' }, uid: 'b', now: newYear, want: { do: 'take-over' } },
  'one without a time': {
    given: { acquiredAt: Number.NaN },
    uid: 'b',
    now: newYear,
    want: { do: 'take-over' },
  },
  'one from far ahead': {
    given: { acquiredAt: newYear + 3_600_000 },
    uid: 'b',
    now: newYear,
    want: { do: 'take-over' },
  },
} as const)) {
  t.test(`a claim on a name: ${name}`, async (t) => {
    t.same(claimStep({ ...lease, ...given }, uid, now), want)
  })
}

t.test('a claim is named from kind and name', async (t) => {
  t.equal(
    claimName('Backup', 'b1', (text) => `${text}${'0'.repeat(64)}`),
    `tidewaiter-claim-backup-b1${'0'.repeat(22)}`,
  )
})

t.test('settled runs go when they are old, or the oldest when they are too many; others stay', async (t) => {
  const ended = (name: string, msAgo: number, phase: 'Succeeded' | 'Pending' = 'Succeeded') =>
    aRun({ name, creationTimestamp: new Date(newYear - msAgo).toISOString(), status: { phase } })
  const names = (runs: ReturnType<typeof prunable>) => runs.map(({ metadata }) => metadata.name)
  t.same(
    names(
      prunable(
        [ended('new', 0), ended('old', keepRunsMs + 1), ended('waits', keepRunsMs + 1, 'Pending')],
        () => undefined,
        newYear,
      ),
    ),
    ['old'],
  )
  const many = Array.from({ length: mostRuns + 2 }, (_, i) => ended(`r${i}`, i))
  t.same(names(prunable(many, () => undefined, newYear)), [`r${mostRuns + 1}`, `r${mostRuns}`])
})

const told = (run: string) => JSON.stringify({ phase: 'Succeeded', run })
const carries = (given: Partial<Teller>): Teller => ({ uid: 'u', pre: '', post: '', ...given })
for (const [name, { stage, object, want }] of Object.entries({
  'whose object is gone goes': { stage: 'PostBackup', object: undefined, want: ['r'] },
  'whose object is another by now goes': {
    stage: 'PostBackup',
    object: carries({ uid: 'another' }),
    want: ['r'],
  },
  'whose object does not carry its result stays': { stage: 'PostBackup', object: carries({}), want: [] },
  'whose object carries the result of another run stays': {
    stage: 'PostBackup',
    object: carries({ post: told('other') }),
    want: [],
  },
  'whose object carries its result goes': {
    stage: 'PostBackup',
    object: carries({ post: told('r') }),
    want: ['r'],
  },
  'before, of which only the annotation after speaks, stays': {
    stage: 'PreBackup',
    object: carries({ post: told('r') }),
    want: [],
  },
  'before, of which its annotation speaks, goes': {
    stage: 'PreBackup',
    object: carries({ pre: told('r') }),
    want: ['r'],
  },
} as const))
  t.test(`an old run ${name}`, async (t) => {
    const objectRef = { kind: 'Backup', name: 'b1', uid: 'u' } as const
    const run = aRun({ name: 'r', stage, objectRef, status: { phase: 'Succeeded' } })
    t.same(
      prunable([run], () => object, newYear + keepRunsMs + 1).map(({ metadata }) => metadata.name),
      want,
    )
  })

t.test('a probe is a dry-run CREATE of its name, and nothing else', async (t) => {
  const request = (given: object) =>
    aRequest(aBackup(), new FakeClock(), { name: probeName, dryRun: true, ...given })
  t.match(probed(request({})), { allowed: false, reason: 'Probe', message: probeMessage })
  for (const given of [{ dryRun: false }, { name: 'b1' }, { operation: 'UPDATE' }])
    t.equal(probed(request(given)), undefined)
})

t.test('one constructor for each answer', async (t) => {
  t.match(allow('DryRun', 'm', ['w']), {
    allowed: true,
    code: 200,
    reason: 'DryRun',
    message: 'm',
    warnings: ['w'],
    patch: [],
    audit: {},
  })
  t.match(deny('NoUid', 'm'), { allowed: false, code: 403 })
  t.match(deny('NoUid', 'm', { code: 422, warnings: ['w'] }), { code: 422, warnings: ['w'] })
  t.match(patched('Stamped', [{ op: 'remove', path: '/x' }]), { allowed: true, patch: [{ op: 'remove' }] })
})
