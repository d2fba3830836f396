import t from 'tap'
import type { AdmissionDecision } from '../../../src/api/admission-decision.ts'
import { recordText } from '../../../src/core/decision/chain.ts'
import type { Finding } from '../../../src/core/decision/finding.ts'
import { verify, type VerifyInput } from '../../../src/core/decision/verify.ts'
import { hash, isSignedBy, signingKey } from '../../../src/wiring/crypto.ts'
import { ourKey, Replica, start } from '../../support/replicas.ts'

const crypto = { hash, isSignedBy }
const hour = 3_600_000

const check = (records: readonly AdmissionDecision[], given: Partial<VerifyInput> = {}) =>
  verify({
    namespace: 'velero',
    records,
    unreadable: [],
    audited: undefined,
    keys: [ourKey.key],
    now: start + 6 * hour,
    crypto,
    ...given,
  })

const codesOf = (findings: readonly Finding[], sort: Finding['sort'] = 'wrong') =>
  findings.filter((one) => one.sort === sort).map(({ code }) => code)

/** Four decisions of three sorts, each in a record of its own but the two of the Schedule. */
const four = (name?: string) =>
  new Replica(name)
    .decide()
    .decide({ schedule: '', name: 'by-hand', user: 'ann' })
    .decide({ name: 'nightly-2' })
    .decide({ schedule: 'weekly', name: 'weekly-1', verdict: 'Allowed', reason: 'ActionsSucceeded' })

const named = (records: readonly AdmissionDecision[], name: string) =>
  records.findIndex(({ status }) => status.last.name === name)

/** Signs a record again, as somebody with the key could. */
function resigned(record: AdmissionDecision, key = ourKey): AdmissionDecision {
  const spec = { ...record.spec, key: key.key }
  const { signature: _signature, ...status } = record.status
  return {
    ...record,
    spec,
    status: { ...status, signature: key.sign(recordText(record.metadata, spec, status)) },
  }
}

t.test('what nobody touched is intact, and what cannot be seen is said', async (t) => {
  const report = check(four().store())
  t.match(report, { isIntact: true, records: 3, decisions: 4, replicas: 1, keys: [ourKey.key] })
  t.same(codesOf(report.findings, 'unseen'), ['NoEnd', 'NoAuditLog'])
})

t.test('with the audit log, the key and an end nothing is out of sight', async (t) => {
  const replica = four()
  replica.store()
  t.equal(replica.ledger.end(), 0)
  const all = new Map(
    four()
      .store()
      .map((record) => [record.metadata.name, record]),
  )
  for (const record of replica.store()) all.set(record.metadata.name, record)
  t.same(check([...all.values()], { audited: replica.audited }).findings, [])
})

t.test('a removed record is found by its numbers', async (t) => {
  for (const name of ['by-hand', 'nightly-2']) {
    const records = four().store()
    records.splice(named(records, name), 1)
    const report = check(records)
    t.equal(report.isIntact, false)
    t.same(codesOf(report.findings), ['Removed'], name)
  }
})

t.test('the newest record of a replica can be removed unseen, and the audit log shows it', async (t) => {
  const replica = four()
  // The last word about the whole chain was written before.
  const records = new Replica().decide().decide({ schedule: '', name: 'by-hand', user: 'ann' }).store()
  t.same(codesOf(check(records).findings), [])
  t.match(check(records).findings, [{ code: 'NoEnd', message: /after 2$/ }])
  t.same(codesOf(check(records, { audited: replica.audited }).findings), ['Missing'])
  t.match(check(records, { audited: replica.audited }).findings, [
    { message: /^decisions 3-4 are in the audit log/ },
  ])
})

t.test('all records of a replica can be removed unseen, and the audit log shows it', async (t) => {
  const gone = four('gone')
  const report = check(four().store(), { audited: gone.audited })
  t.match(report.findings, [{ code: 'Missing', about: 'replica gone', message: /1-4/ }, { code: 'NoEnd' }])
})

t.test('a removed record that another one still announces is shown by the audit log', async (t) => {
  const replica = four()
  const [first, ...others] = replica.store()
  // The first was written while the others waited, and says so for ever.
  t.ok(others.length > 0)
  t.same(codesOf(check([first!]).findings), [])
  t.same(codesOf(check([first!]).findings, 'unseen'), ['NotYet', 'NoEnd', 'NoAuditLog'])
  const report = check([first!], { audited: replica.audited })
  t.same(codesOf(report.findings), ['Missing'])
  t.same(codesOf(report.findings, 'unseen'), ['NoEnd'])
  const soon = check([first!], { audited: replica.audited, now: start + 3.5 * 60_000 })
  t.same(codesOf(soon.findings), [], 'what is young may still come')
})

t.test('what was decided just now is not missed yet', async (t) => {
  const replica = four()
  const report = check([], { audited: replica.audited, now: start + 5 * 60_000 })
  t.same(codesOf(report.findings, 'unseen'), ['NotYet'])
  t.same(codesOf(report.findings), ['Missing'], 'two of them are old enough')
})

type Change = (record: AdmissionDecision) => AdmissionDecision
const changes: Readonly<Record<string, Change>> = {
  'its verdict': (one) => ({ ...one, spec: { ...one.spec, verdict: 'Allowed' } }),
  'its user': (one) => ({ ...one, spec: { ...one.spec, user: 'bob' } }),
  'its count': (one) => ({ ...one, status: { ...one.status, count: 1 } }),
  'its numbers': (one) => ({ ...one, status: { ...one.status, seqs: '1-3' } }),
  'numbers that cannot be read': (one) => ({ ...one, status: { ...one.status, seqs: '3-1' } }),
  'its message': (one) => ({
    ...one,
    status: { ...one.status, last: { ...one.status.last, message: 'all was well' } },
  }),
  'its time': (one) => ({
    ...one,
    status: { ...one.status, first: { ...one.status.first, time: '2025-01-01T00:00:00.000Z' } },
  }),
  'its groups': (one) => ({ ...one, status: { ...one.status, groups: ['system:masters'] } }),
  'its namespace': (one) => ({ ...one, metadata: { ...one.metadata, namespace: 'other' } }),
  'its name': (one) => ({ ...one, metadata: { ...one.metadata, name: 'other' } }),
  'its replica, to splice it into another chain': (one) => ({
    ...one,
    spec: { ...one.spec, replica: 'other' },
  }),
  'the order of what it holds in short': (one) => ({
    ...one,
    status: { ...one.status, recent: one.status.recent?.toReversed() ?? [] },
  }),
  'a loss that was none': (one) => ({
    ...one,
    status: { ...one.status, chain: { ...one.status.chain, lost: '2' } },
  }),
}

for (const [what, change] of Object.entries(changes))
  t.test(`a changed record is found: ${what}`, async (t) => {
    const replica = new Replica().decide()
    for (let i = 0; i < 3; i += 1) replica.decide({ name: `nightly-${i}` })
    const [record] = replica.store()
    const report = check([change(record!)])
    t.ok(codesOf(report.findings).includes('Changed'), JSON.stringify(report.findings))
    t.match(report.findings, [{ about: /^record / }])
  })

t.test('who has our key can sign a change, and the chain does not close', async (t) => {
  const records = four().store()
  const at = named(records, 'by-hand')
  const event = { ...records[at]!.status.last, digest: hash('other') }
  records[at] = resigned({ ...records[at]!, status: { ...records[at]!.status, first: event, last: event } })
  t.ok(codesOf(check(records).findings).includes('Broken'))
})

t.test('who has our key and makes a whole chain anew is shown by the audit log', async (t) => {
  const truth = four()
  const forged = new Replica()
    .decide({ reason: 'Timeout' })
    .decide({ schedule: '', name: 'by-hand', user: 'bob' })
    .decide({ name: 'nightly-2' })
    .decide({ schedule: 'weekly', name: 'weekly-1', verdict: 'Allowed', reason: 'ActionsSucceeded' })
    .store()
  t.same(codesOf(check(forged).findings), [])
  const codes = codesOf(check(forged, { audited: truth.audited }).findings)
  t.ok(codes.includes('Differs') && codes.includes('Broken'), codes.join())
})

t.test('a record signed by a key of somebody else is found by who knows ours', async (t) => {
  const theirs = signingKey(new Uint8Array(32).fill(9))
  const made = new Replica('made-up', theirs).decide().store()
  t.match(check(made).findings, [{ code: 'Changed', message: /signed by another key/ }])
  t.match(check(made, { keys: [] }), { isIntact: true, keys: [theirs.key] })
  t.ok(codesOf(check(made, { keys: [] }).findings, 'unseen').includes('AnyKey'))
})

t.test('a forged checkpoint is found', async (t) => {
  const replica = four()
  const audited = replica.audited.map((one) =>
    one.checkpoint === undefined ? one : { checkpoint: { ...one.checkpoint, chain: hash('other') } },
  )
  const report = check(four().store(), { audited })
  t.match(report.findings, [{ code: 'Forged', message: /checkpoint 1/ }])
})

t.test('an older copy of a record put back is found by the numbers that it lacks', async (t) => {
  const replica = new Replica().decide()
  const old = replica.store()
  replica.decide({ name: 'nightly-2' }).decide({ schedule: '', name: 'by-hand' })
  const records = replica.store()
  const at = named(records, 'nightly-2')
  t.same(codesOf(check(records.with(at, old[0]!)).findings), ['Removed'])
})

t.test('a record put there twice under two names is found', async (t) => {
  const records = four().store()
  const copy = resigned({ ...records[0]!, metadata: { ...records[0]!.metadata, name: 'copy' } })
  t.match(check([...records, copy]).findings, [{ code: 'Twice', about: 'record copy' }])
})

t.test('two replicas have a chain each, and what is put from one into the other is found', async (t) => {
  const [one, other] = [four('one').store(), four('two').store()]
  t.match(check([...one, ...other]), { isIntact: true, replicas: 2 })
  const spliced = resigned({ ...other[0]!, spec: { ...other[0]!.spec, replica: 'one' } })
  const codes = codesOf(check([...one, spliced]).findings)
  for (const code of ['Changed', 'Twice', 'Broken']) t.ok(codes.includes(code as 'Twice'), codes.join())
})

t.test('what may have left the ring is out of sight, what is too young for that was removed', async (t) => {
  const day = 24 * hour
  const replica = new Replica()
    .decide({ at: start })
    .decide({ at: start + day, name: 'old', schedule: '' })
    .decide({ at: start + 5 * day, schedule: 'weekly' })
    .decide({ at: start + 5 * day, name: 'young', schedule: '' })
    .decide({ at: start + 6 * day, schedule: 'monthly' })
  const left = replica.store().filter(({ spec }) => spec.schedule !== 'nightly' && spec.name === undefined)
  const now = start + 9 * day
  const { findings } = check(left, { now })
  t.match(findings, [
    { code: 'Removed', message: /^decisions 4 are in no record/ },
    { code: 'LeftRing', message: /^decisions 1-2 are in no record/ },
  ])
})

t.test('while the ring is full, its oldest record says what may have left it', async (t) => {
  const replica = new Replica()
  for (let i = 0; i < 511; i += 1)
    replica.decide({ at: start + i * hour, schedule: '', name: `b${i}`, verdict: 'Refused' })
  const all = replica.store()
  const ring = all.slice(11)
  t.same(codesOf(check(ring, { now: start + 511 * hour }).findings), [], 'the first eleven left the ring')
  const later = start + 20 * hour
  const young = all.filter((_, i) => i !== 300)
  t.same(codesOf(check(young, { now: later }).findings), ['Removed'])
})

t.test('what the replica itself lost is said, and is no removal', async (t) => {
  const replica = four()
  const [entry] = replica.ledger.due(1)
  t.equal(replica.ledger.drop(entry!), 2)
  const report = check(replica.store())
  t.equal(report.isIntact, true)
  t.match(report.findings, [{ code: 'Lost', message: /^decisions 1,3 could not be recorded/ }, {}, {}])
})

t.test('what was collapsed is counted, and the audit log fills it in', async (t) => {
  const replica = new Replica()
  for (let i = 0; i < 300; i += 1) replica.decide()
  const records = replica.store()
  t.match(check(records).findings, [
    { code: 'Collapsed', message: /^of 2\d\d of 300 decisions only the number/ },
    {},
    {},
  ])
  const codes = check(records, { audited: replica.audited }).findings.map(({ code }) => code)
  t.same(codes, ['NoEnd'])
  const [, , third, ...rest] = replica.audited
  const lying = { ...third, decision: { ...third!.decision!, digest: hash('other') } }
  t.same(codesOf(check(records, { audited: [...replica.audited.slice(0, 2), lying, ...rest] }).findings), [
    'Broken',
  ])
})

t.test('what is no record is told', async (t) => {
  const unreadable = [{ name: 'x', problem: 'spec must be given' }]
  t.match(check([], { unreadable }), {
    isIntact: false,
    findings: [{ code: 'Unreadable', about: 'record x' }],
  })
})

t.test('many audited decisions and numbers out of this world take seconds at most', async (t) => {
  const replica = four()
  const decision = replica.audited[0]!.decision!
  const audited = Array.from({ length: 100_000 }, (_, i) => ({ decision: { ...decision, seq: i * 3 + 10 } }))
  const [record] = replica.store()
  const huge = resigned({
    ...record!,
    status: { ...record!.status, chain: { ...record!.status.chain, seq: Number.MAX_SAFE_INTEGER } },
  })
  const began = performance.now()
  check([huge], { audited })
  t.ok(performance.now() - began < 15_000)
})
