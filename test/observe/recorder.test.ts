import t from 'tap'
import { verify } from '../../src/core/decision/verify.ts'
import type { Decided } from '../../src/core/decision/decided.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { createRecorder } from '../../src/observe/recorder.ts'
import { hash, isSignedBy } from '../../src/wiring/crypto.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeDecisions } from '../support/fake-decisions.ts'
import { FakeLog } from '../support/fake-log.ts'
import { aDecided, asRead, ourKey } from '../support/replicas.ts'
import { whenThorough } from '../support/runs.ts'

function recording({ store = new FakeDecisions(), clock = new FakeClock(), replica = 'r' } = {}) {
  const log = new FakeLog()
  const metrics = createMetrics('1')
  t.teardown(() => metrics.registry.clear())
  const recorder = createRecorder({
    clock,
    log,
    metrics,
    hash,
    replica,
    store,
    namespaces: ['velero'],
    signing: () => ourKey,
  })
  const stop = new AbortController()
  const done = recorder.start(stop.signal)
  t.teardown(() => stop.abort())
  const decide = (given: Partial<Decided> = {}) => recorder.record(aDecided({ at: clock.now(), ...given }))
  const check = () =>
    verify({
      namespace: 'velero',
      records: store.records().map(asRead),
      unreadable: [],
      audited: undefined,
      keys: [ourKey.key],
      now: clock.now(),
      crypto: { hash, isSignedBy },
    })
  const text = () => metrics.registry.metrics()
  /** Closes while time passes. */
  const close = async () => {
    const closed = recorder.close()
    await clock.pass(10_000)
    await closed
  }
  return { recorder, store, clock, log, decide, check, text, stop, done, close }
}

t.test('a decision is written within a second, and not in the request', async (t) => {
  const { decide, store, clock, check } = recording()
  const annotations = decide()
  t.match(JSON.parse(annotations['chain'] ?? ''), { replica: 'r', namespace: 'velero', seq: 1 })
  t.match(JSON.parse(annotations['checkpoint'] ?? ''), { seq: 1, key: ourKey.key })
  t.same(store.calls, [])
  await clock.pass(1_000)
  t.match(store.records(), [{ kind: 'AdmissionDecision', status: { count: 1 } }])
  t.match(check(), { isIntact: true, decisions: 1 })
})

t.test('the signed checkpoint comes with every sixteenth decision', async (t) => {
  const { decide } = recording()
  const withOne = Array.from({ length: 40 }, () => 'checkpoint' in decide())
  t.same(
    withOne.flatMap((has, i) => (has ? [i + 1] : [])),
    [1, 17, 33],
  )
})

t.test('repeats are counted in memory, and written once a second', async (t) => {
  const { decide, store, clock, check } = recording()
  for (let i = 0; i < 100; i += 1) decide()
  await clock.pass(1_000)
  for (let i = 0; i < 100; i += 1) decide()
  await clock.pass(5_000)
  t.same(
    store.calls.map((call) => call.do),
    ['create', 'replace'],
  )
  t.match(check(), { isIntact: true, decisions: 200 })
})

t.test('elsewhere than in the namespaces of Velero nothing is recorded', async (t) => {
  const { decide, store, clock } = recording()
  t.same(decide({ namespace: 'shop' }), {})
  await clock.pass(2_000)
  t.same(store.calls, [])
})

t.test('while the API server is away it is asked less and less often, and nothing is lost', async (t) => {
  const { decide, store, clock, check, log } = recording()
  store.faults.push(...Array.from({ length: 12 }, () => 'away' as const))
  decide()
  await clock.pass(10_000)
  const early = store.calls.length
  for (let i = 0; i < 30; i += 1) {
    decide()
    await clock.pass(10_000)
  }
  t.ok(early <= 4, `${early} calls in ten seconds`)
  t.equal(store.calls.length > 8 && store.calls.length < 20, true, `${store.calls.length} calls`)
  await clock.pass(600_000)
  t.match(check(), { isIntact: true, decisions: 31 })
  t.equal(log.entries.filter(({ message }) => /cannot be recorded now/.test(message)).length, 1)
  t.ok(log.entries.some(({ message }) => /are recorded again/.test(message)))
})

t.test('a write whose answer was lost is found again, and counts once', async (t) => {
  const { decide, store, clock, check } = recording()
  store.faults.push('lost')
  decide()
  decide()
  await clock.pass(10_000)
  decide()
  store.faults.push('lost')
  await clock.pass(20_000)
  t.match(check(), { isIntact: true, decisions: 3, records: 1 })
})

t.test('a record that was written by another is written again, and told', async (t) => {
  const { decide, store, clock, check, log } = recording()
  decide()
  await clock.pass(1_000)
  const [body] = store.records()
  store.touch(body!.metadata.name)
  decide()
  await clock.pass(3_000)
  t.match(check(), { isIntact: true, decisions: 2 })
  t.match(log.entries, [{ level: 'warn', message: /written by another/ }])
})

t.test('a record that was deleted is written again when it counts up', async (t) => {
  const { decide, store, clock, check } = recording()
  decide()
  await clock.pass(1_000)
  store.stored.clear()
  decide()
  await clock.pass(3_000)
  t.match(check(), { isIntact: true, decisions: 2, records: 1 })
})

t.test('a record that is not taken is lost in the end, said in the chain, and holds up none', async (t) => {
  const { decide, store, clock, check, log, text } = recording()
  store.refuses = ({ spec }) => spec.name === 'bad'
  decide({ schedule: '', name: 'bad' })
  decide()
  await clock.pass(10_000)
  decide()
  await clock.pass(2_000)
  const report = check()
  t.match(report, { isIntact: true, decisions: 2 })
  t.match(report.findings, [{ code: 'Lost', message: /^decisions 1 could not/ }, {}, {}])
  t.match(log.entries, [{ level: 'error', fields: { why: 'a policy says no' } }])
  t.match(await text(), /decisions_dropped_total\{reason="refused"\} 1/)
})

t.test(
  'a fault of ours in writing one record costs that record, and neither the others nor the process',
  async (t) => {
    const { decide, store, clock, check, log, close, done } = recording()
    store.refuses = ({ spec }) => {
      if (spec.name === 'bad') throw new TypeError('a fault of ours')
      return false
    }
    decide({ schedule: '', name: 'bad' })
    decide()
    await clock.pass(10_000)
    decide()
    await clock.pass(2_000)
    t.match(check(), { isIntact: true, decisions: 2 })
    t.match(check().findings, [{ code: 'Lost', message: /^decisions 1 could not/ }, {}, {}])
    t.match(log.entries, [{ level: 'error', fields: { why: 'TypeError: a fault of ours' } }])
    decide({ schedule: '', name: 'bad', user: 'ann' })
    await close()
    await done
  },
)

t.test(
  '10,000 decisions in a burst: few writes, bounded memory, and the lost ones are said',
  whenThorough,
  async (t) => {
    const { decide, store, clock, check, text } = recording()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 10_000; i += 1) {
      decide({ schedule: '', name: `b${i}`, uid: `u${i}`, request: `r${i}`, message: 'x'.repeat(600) })
      if (i % 1000 === 999) await clock.pass(1_000)
    }
    t.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024)
    t.ok(store.calls.length <= 110, `${store.calls.length} writes in ten seconds`)
    await clock.pass(60_000)
    const report = check()
    t.equal(report.isIntact, true)
    t.ok(report.decisions >= 512 && report.decisions < 1000, `${report.decisions} are recorded`)
    t.ok(report.findings.some(({ code }) => code === 'Lost'))
    const dropped = /decisions_dropped_total\{reason="full"\} (\d+)/.exec(await text())?.[1]
    t.equal(Number(dropped), 10_000 - report.decisions)
  },
)

t.test('a flood of what is allowed leaves room for what is refused, which is written first', async (t) => {
  const { decide, store, clock } = recording()
  for (let i = 0; i < 1000; i += 1) decide({ schedule: '', name: `b${i}`, verdict: 'Allowed' })
  decide({ reason: 'Timeout' })
  await clock.pass(1_000)
  t.match(store.records()[0], { spec: { verdict: 'Refused' } })
})

t.test('between two writes nothing looks removed: what still waits is said', async (t) => {
  const { decide, store, clock, check } = recording()
  for (let i = 0; i < 25; i += 1) decide({ schedule: '', name: `b${i}` })
  await clock.pass(1_000)
  t.equal(store.records().length, 10)
  t.match(check(), {
    isIntact: true,
    decisions: 10,
    findings: [{ code: 'NotYet', message: /^decisions 11-25 / }, {}, {}],
  })
  await clock.pass(2_000)
  t.match(check(), { isIntact: true, decisions: 25, findings: [{ code: 'NoEnd' }, {}] })
})

t.test(
  'of a burst every record is missed when it is removed, but the one that was written last',
  async (t) => {
    const { decide, store, clock, check } = recording()
    for (let i = 0; i < 5; i += 1) decide({ schedule: '', name: `b${i}` })
    await clock.pass(2_000)
    for (const [name, stored] of [...store.stored].slice(0, -1)) {
      store.stored.delete(name)
      t.match(check(), { isIntact: false, findings: [{ code: 'Removed' }, {}, {}] })
      store.stored.set(name, stored)
    }
  },
)

t.test('at the end everything is written, and that it was the end', async (t) => {
  const { decide, check, close, store } = recording()
  decide()
  decide({ schedule: '', name: 'by-hand' })
  await close()
  t.match(check(), { isIntact: true, decisions: 2, findings: [{ code: 'NoAuditLog' }] })
  t.equal(store.records().filter(({ status }) => status.chain.ended === true).length, 1)
})

t.test('the end does not wait for an API server that is away, and what is lost is told', async (t) => {
  const { decide, recorder, clock, store, log, text } = recording()
  decide()
  await clock.pass(1_000)
  decide({ schedule: '', name: 'by-hand' })
  decide({ schedule: '', name: 'by-hand' })
  store.faults.push('never', 'never', 'never')
  const closed = recorder.close()
  await clock.pass(5_000)
  await closed
  t.match(log.entries.at(-1), { level: 'warn', fields: { lost: 2 } })
  t.match(await text(), /decisions_dropped_total\{reason="stopped"\} 2/)
  t.same(decide(), {}, 'nothing comes after the last word')
})

t.test(
  'a replica that is killed leaves a chain without an end, and the next one a chain of its own',
  async (t) => {
    const store = new FakeDecisions()
    const clock = new FakeClock()
    const killed = recording({ store, clock, replica: 'before' })
    killed.decide()
    await clock.pass(1_000)
    killed.decide()
    killed.stop.abort()
    const next = recording({ store, clock, replica: 'after' })
    next.decide()
    await clock.pass(1_000)
    const { findings, replicas } = next.check()
    t.equal(replicas, 2)
    t.match(findings, [
      { code: 'NoEnd', about: 'replica after' },
      { code: 'NoEnd', about: 'replica before', message: /after 1$/ },
      { code: 'NoAuditLog' },
    ])
  },
)

t.test('two replicas decide the same: each counts in a record of its own, and nothing is lost', async (t) => {
  const store = new FakeDecisions()
  const clock = new FakeClock()
  const both = ['one', 'two'].map((replica) => recording({ store, clock, replica }))
  for (let i = 0; i < 50; i += 1) {
    for (const { decide } of both) decide()
    await clock.pass(300)
  }
  await clock.pass(2_000)
  t.match(both[0]!.check(), { isIntact: true, decisions: 100, records: 2, replicas: 2 })
  t.equal(store.calls.filter((call) => call.do === 'create').length, 2)
})

t.test('a fault in recording costs no answer', async (t) => {
  const { recorder, log } = recording()
  const bad = { ...aDecided(), at: Number.NaN }
  t.same(recorder.record(bad), {})
  t.match(log.entries, [{ level: 'error', message: /could not be recorded/ }])
})
