import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseAdmissionDecision } from '../../../src/api/parse.ts'
import { jsonBytesOf } from '../../../src/core/bytes.ts'
import type { Decided } from '../../../src/core/decision/decided.ts'
import { anyCharacter } from '../../support/any-text.ts'
import { Replica, start } from '../../support/replicas.ts'
import { runs } from '../../support/runs.ts'

t.test(
  'the same decision again is counted in one record, with the first, the newest and those between',
  async (t) => {
    const replica = new Replica()
    for (const i of [1, 2, 3, 4])
      replica.decide({ name: `nightly-${i}`, request: `r${i}`, message: `no ${i}` })
    const [record, ...others] = replica.store()
    t.same(others, [])
    t.match(record, {
      spec: {
        schedule: 'nightly',
        verdict: 'Refused',
        reason: 'ActionFailed',
        replica: 'tidewaiter-0-1a2b3c4d',
      },
      status: {
        count: 4,
        seqs: '1-4',
        first: { seq: 1, name: 'nightly-1', request: 'r1', message: 'no 1' },
        last: { seq: 4, name: 'nightly-4', message: 'no 4', milliseconds: 1400 },
        recent: [{ seq: 2 }, { seq: 3, name: 'nightly-3' }],
        chain: { seq: 4, since: '2026-01-01T00:01:00.000Z' },
      },
    })
    t.equal(record?.status.chain.chain, record?.status.last.chain)
  },
)

for (const [what, other] of Object.entries({
  'another webhook': { webhook: 'restores' },
  'another operation': { operation: 'UPDATE' },
  'another kind': { kind: 'Restore' },
  'another verdict': { verdict: 'Allowed' },
  'another reason': { reason: 'Timeout' },
  'another Schedule': { schedule: 'weekly' },
  'another action that failed': { action: '20-b' },
  'another user': { user: 'ann' },
  'another namespace': { namespace: 'oadp' },
} as Readonly<Record<string, Partial<Decided>>>))
  t.test(`${what} makes another decision`, async (t) => {
    t.equal(new Replica().decide().decide(other).store().length, 2)
  })

for (const [what, other] of Object.entries({
  'its name, where a Schedule gives it': { name: 'nightly-2' },
  'its message': { message: 'it said no again' },
  'its time': { ms: 9 },
  'its run': { run: 'r' },
} as Readonly<Record<string, Partial<Decided>>>))
  t.test(`${what} makes none`, async (t) => {
    t.equal(new Replica().decide().decide(other).store().length, 1)
  })

t.test('without a Schedule the name counts, or what the API server makes it from', async (t) => {
  const byName = new Replica().decide({ schedule: '', name: 'a' }).decide({ schedule: '', name: 'b' })
  t.equal(byName.store().length, 2)
  const generated = { schedule: '', generateName: 'ci-' }
  const byPrefix = new Replica().decide({ ...generated, name: 'ci-1' }).decide({ ...generated, name: 'ci-2' })
  t.match(byPrefix.store(), [{ spec: { generateName: 'ci-' }, status: { count: 2 } }])
})

t.test('a record has its day: what comes later opens another', async (t) => {
  const replica = new Replica()
  const day = 24 * 3_600_000
  replica
    .decide({ at: start })
    .decide({ at: start + day - 1 })
    .decide({ at: start + day })
  t.match(
    replica.store().map(({ status }) => status.seqs),
    ['1-2', '3'],
  )
})

t.test('a stuck Schedule makes one record a day', async (t) => {
  const replica = new Replica()
  for (let i = 0; i < 1440; i += 1) replica.decide({ name: `nightly-2026010100${i}`, uid: `uid-${i}` })
  const [record, ...others] = replica.store()
  t.equal(others.length, 0)
  t.match(record?.status, { count: 1440, seqs: '1-1440', last: { seq: 1440 } })
  t.ok(jsonBytesOf(record ?? {}) <= 8192 + 200, 'metadata of the API server apart')
  t.ok((record?.status.recent?.length ?? 0) > 10)
})

t.test('two stuck Schedules take turns: each number is kept, in as many records as that needs', async (t) => {
  const replica = new Replica()
  for (let i = 0; i < 2000; i += 1) replica.decide({ schedule: `s${i % 2}`, at: start + i })
  const records = replica.store()
  t.equal(
    records.reduce((sum, { status }) => sum + status.count, 0),
    2000,
  )
  for (const { status } of records) t.ok(status.seqs.length <= 1000)
})

const text = fc.string({ unit: anyCharacter, maxLength: 6000 })
const hostile = fc.record({
  webhook: text,
  operation: fc.constant('CREATE'),
  apiGroup: text,
  kind: text,
  schedule: text,
  generateName: text,
  name: text,
  verdict: fc.constantFrom('Allowed' as const, 'Refused' as const),
  reason: text,
  action: text,
  user: text,
  groups: fc.array(text, { maxLength: 40 }),
  request: text,
  uid: text,
  message: text,
  run: text,
  considered: fc.array(
    fc.record({
      action: fc.string({ maxLength: 253 }),
      stage: fc.constant('PreBackup'),
      found: fc.constantFrom('Matched' as const, 'NotMatched' as const),
      because: text,
    }),
    { maxLength: 80 },
  ),
  calls: fc.array(
    fc.record({
      action: fc.string({ maxLength: 253 }),
      phase: fc.constant('Failed'),
      attempts: fc.nat(),
      request: text,
      answer: text,
    }),
    { maxLength: 70 },
  ),
})

t.test(
  'whatever comes, a record fits its schema and 8 KiB, and is named as the API server wants',
  async () => {
    fc.assert(
      fc.property(hostile, (given) => {
        const replica = new Replica(`${'r'.repeat(253)}-1a2b3c4d`)
        for (let i = 0; i < 3; i += 1) replica.decide(given)
        for (const entry of replica.ledger.due(10)) {
          const body = replica.ledger.bodyOf(entry)
          const read = parseAdmissionDecision(body)
          assert.ok('ok' in read, JSON.stringify(read).slice(0, 300))
          assert.ok(jsonBytesOf(body) <= 8192, `${jsonBytesOf(body)} bytes`)
        }
      }),
      { numRuns: runs(200) },
    )
  },
)

t.test('the largest record that there can be fits too', async (t) => {
  const wide = (length: number) => '"'.repeat(length)
  const replica = new Replica(`${'r'.repeat(253)}-1a2b3c4d`)
  const given: Partial<Decided> = {
    webhook: 'w'.repeat(63),
    apiGroup: 'g'.repeat(253),
    kind: 'k'.repeat(63),
    schedule: 's'.repeat(253),
    name: 'n'.repeat(253),
    action: 'a'.repeat(253),
    reason: 'r'.repeat(64),
    user: wide(4000),
    run: 'u'.repeat(253),
    message: wide(5000),
    groups: [wide(4000), wide(4000)],
    calls: [{ action: 'a'.repeat(253), phase: 'Failed', request: wide(9000), answer: wide(9000) }],
    considered: [{ action: 'a'.repeat(253), stage: 'PreBackup', found: 'Matched', because: wide(4000) }],
    unconsidered: 1_000_000,
  }
  for (let i = 0; i < 1200; i += 1) replica.decide({ at: start + i, ...(i % 2 === 0 ? given : {}) })
  for (const entry of replica.ledger.due(1000)) {
    const bytes = jsonBytesOf(replica.ledger.bodyOf(entry))
    t.ok(bytes <= 8192, `${bytes} bytes`)
  }
})

t.test('what has no room in the detail is named, with where the rest is', async (t) => {
  const calls = Array.from({ length: 20 }, (_, i) => ({
    action: `a${i}`,
    phase: 'Succeeded',
    request: 'x'.repeat(5000),
    answer: 'y'.repeat(5000),
  }))
  const [record] = new Replica().decide({ calls, run: 'nightly-1-prebackup' }).store()
  t.match(
    record?.status.cut,
    /No room for \d+ calls\. The ActionRun nightly-1-prebackup has every call in full\./,
  )
  t.match(record?.status.calls, [{ action: 'a0', request: /^x{400,}\.\.\.$/ }])
})

t.test('no credential of a request or an answer is kept', async (t) => {
  const calls = [
    {
      action: 'a',
      phase: 'Failed',
      request: 'POST https://x/y\nAuthorization: Bearer s3cr3t-t0ken',
      answer: '{"token":"s3cr3t-t0ken"}',
    },
  ]
  const message = 'GET https://ann:s3cr3t-t0ken@x/ failed'
  const text = JSON.stringify(new Replica().decide({ calls, message }).store())
  t.notMatch(text, 's3cr3t')
  t.match(text, 'Bearer ***')
})

t.test('users whose long names begin alike stay two', async (t) => {
  const long = 'u'.repeat(2000)
  t.equal(
    new Replica()
      .decide({ user: `${long}a` })
      .decide({ user: `${long}b` })
      .store().length,
    2,
  )
})

t.test('a decision needs no name', async (t) => {
  const [record] = new Replica().decide({ schedule: '', name: '', uid: '' }).store()
  t.match(record, { metadata: { name: /^backup-refused-[0-9a-f]{12}$/ }, status: { last: { name: '' } } })
})

t.test('how many Actions were passed over is said beside what has no room', async (t) => {
  const [record] = new Replica().decide({ unconsidered: 992 }).store()
  t.equal(
    record?.status.cut,
    '992 Actions more ask for other Schedules, labels or namespaces: tidewaiter plan tells what each asks for.',
  )
  t.equal(new Replica().decide({ unconsidered: 0 }).store()[0]?.status.cut, undefined)
})
