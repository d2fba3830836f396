/** Records of decisions against an API server that fails in every way it can. */
import t, { type Test } from 'tap'
import { parseAdmissionDecision } from '../../src/api/parse.ts'
import { verify } from '../../src/core/decision/verify.ts'
import type { Effect } from '../../src/sandbox/apiserver/faults/faults.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { createRecorder } from '../../src/observe/recorder.ts'
import { hash, isSignedBy } from '../../src/wiring/crypto.ts'
import { decisionsBy, pruneDecisions } from '../../src/wiring/decisions.ts'
import { systemClock } from '../../src/system-clock.ts'
import { reach } from '../../src/wiring/reach.ts'
import type { World } from '../../src/wiring/world.ts'
import { callerOf } from '../support/asking.ts'
import { fastClock } from '../support/fast-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { startKept } from '../support/kept-cluster.ts'
import { aDecided, ourKey } from '../support/replicas.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 6
const collection = '/apis/tidewaiter.io/v1beta1/namespaces/velero/admissiondecisions'

// Fast enough that backoffs pass, slow enough that the last word of a recorder (3 s) has time to be written.
const speed = 8
const patienceMs = 30_000

/** Looks until it is as wanted, and gives what was seen last. */
async function eventually<T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  const end = systemClock.now() + patienceMs
  for (;;) {
    const seen = await look()
    if (wanted(seen) || systemClock.now() > end) return seen
    await systemClock.sleep(25)
  }
}

async function recording(t: Test) {
  const { api, kubeconfig } = await startKept(t, [])
  const clock = fastClock(speed)
  const log = new FakeLog()
  const access = { kubeconfig: kubeconfig(), env: {}, clock, log, userAgent: 'test' }
  const { client, calls } = await reach(access)
  t.teardown(() => client.close())
  const recorderOf = (replica: string) => {
    const metrics = createMetrics('1')
    t.teardown(() => metrics.registry.clear())
    const recorder = createRecorder({
      clock,
      log,
      metrics,
      hash,
      replica,
      namespaces: ['velero'],
      signing: () => ourKey,
      store: decisionsBy(calls),
    })
    const stop = new AbortController()
    void recorder.start(stop.signal)
    t.teardown(() => stop.abort())
    return { recorder, kill: () => stop.abort() }
  }
  const call = callerOf(t, api)
  const check = async () => {
    const { body } = await call('GET', collection)
    const read = body.items.map((raw: unknown) => parseAdmissionDecision(raw))
    return verify({
      namespace: 'velero',
      records: read.flatMap((one: { ok?: unknown }) => ('ok' in one ? [one.ok] : [])),
      unreadable: read.flatMap((one: object) =>
        'problems' in one ? [{ name: '?', problem: JSON.stringify(one) }] : [],
      ),
      audited: undefined,
      keys: [ourKey.key],
      now: clock.now(),
      crypto: { hash, isSignedBy },
    })
  }
  return { api, clock, log, calls, call, recorderOf, check }
}

const decided = (i: number, at: number) =>
  aDecided({ at, schedule: '', name: `b${i % 4}`, uid: `u${i}`, user: 'ann', run: `b${i}-prebackup` })

const effects: Readonly<Record<string, Effect>> = {
  '429 with Retry-After': { kind: 'answer', code: 429, reason: 'TooManyRequests', retryAfterSeconds: 1 },
  '409': { kind: 'answer', code: 409, reason: 'Conflict' },
  '500': { kind: 'answer', code: 500 },
  '503': { kind: 'answer', code: 503 },
  '403': { kind: 'answer', code: 403, reason: 'Forbidden' },
  'a connection that closes before': { kind: 'cut' },
  'a connection that closes instead of an answer': { kind: 'cut-answer' },
  // Of the time of the API server, which runs slower here.
  'an answer that takes 3 seconds': { kind: 'delay', ms: 150 },
  'an answer that takes longer than anybody waits': { kind: 'delay', ms: 400 },
}

const worst = ['429 with Retry-After']
const oftenIf = (what: string) => (worst.includes(what) ? {} : whenThorough)

for (const [what, effect] of Object.entries(effects))
  t.test(
    `what is decided while the API server answers with ${what} is recorded once`,
    oftenIf(what),
    async (t) => {
      const { api, clock, recorderOf, check } = await recording(t)
      for (const verb of ['create', 'update'])
        api.faults.add({ match: { verb, resource: 'admissiondecisions' }, times: 4, effect })
      const { recorder } = recorderOf('one')
      for (let i = 0; i < 24; i += 1) {
        recorder.record(decided(i, clock.now()))
        await clock.sleep(200)
      }
      const report = await eventually(check, ({ decisions }) => decisions === 24)
      t.match(report, { isIntact: true, decisions: 24, records: 4 })
      // The last word has a few seconds of this clock: too little for a fault before it.
      api.faults.clear()
      await recorder.close()
      t.same(
        (await check()).findings.map(({ code }) => code),
        ['NoAuditLog'],
      )
    },
  )

t.test('an API server that restarts gets what was decided meanwhile, from both replicas', async (t) => {
  const { api, clock, recorderOf, check } = await recording(t)
  const both = ['one', 'two'].map(recorderOf)
  for (let i = 0; i < 40; i += 1) {
    for (const { recorder } of both) recorder.record(decided(i, clock.now()))
    if (i === 15) await api.restart()
    await clock.sleep(200)
  }
  for (const { recorder } of both) await recorder.close()
  t.match(await check(), { isIntact: true, decisions: 80, replicas: 2 })
})

t.test('what somebody changed in a record is found, and written right when it counts up', async (t) => {
  const { clock, recorderOf, check, call } = await recording(t)
  const { recorder } = recorderOf('one')
  recorder.record(decided(1, clock.now()))
  await eventually(check, ({ decisions }) => decisions === 1)
  const { body } = await call('GET', collection)
  const [record] = body.items
  record.status.last.message = 'all was well'
  const changed = await call('PUT', `${collection}/${record.metadata.name}`, { body: record })
  t.equal(changed.status, 200)
  t.match(await check(), { isIntact: false, findings: [{ code: 'Changed' }] })
  const spec = { ...changed.body, spec: { ...record.spec, user: 'bob' } }
  t.match(await call('PUT', `${collection}/${record.metadata.name}`, { body: spec }), { status: 422 })
  recorder.record(decided(1, clock.now()))
  const report = await eventually(check, ({ decisions }) => decisions === 2)
  t.match(report, { isIntact: true, decisions: 2 })
})

t.test('the leader prunes what is too old and what is too many, and leaves the rest', async (t) => {
  const { clock, calls, recorderOf, check, call, log } = await recording(t)
  const { recorder } = recorderOf('one')
  const day = 24 * 3_600_000
  recorder.record(aDecided({ at: clock.now() - 8 * day, schedule: 'old' }))
  recorder.record(aDecided({ at: clock.now(), schedule: 'new' }))
  await eventually(check, ({ decisions }) => decisions === 2)
  const leading = new AbortController()
  const caches = new Map([['velero', {}]]) as unknown as World['caches']
  const pruned = pruneDecisions({ calls, clock, log, caches }, leading.signal)
  await eventually(check, ({ decisions }) => decisions === 1)
  leading.abort()
  await pruned
  t.match(
    (await call('GET', collection)).body.items.map((one: { spec: object }) => one.spec),
    [{ schedule: 'new' }],
  )
  t.match(await check(), { isIntact: true, findings: [{ code: 'LeftRing' }, {}, {}] })
})

t.test('where the kind is not installed it is tried again, slower and slower', async (t) => {
  const { clock, recorderOf, check, call, log } = await recording(t)
  const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/admissiondecisions.tidewaiter.io'
  const { body } = await call('GET', crd)
  await call('DELETE', crd)
  const { recorder } = recorderOf('one')
  recorder.record(decided(1, clock.now()))
  await eventually(
    () => Promise.resolve(log.entries.length),
    (count) => count > 0,
  )
  t.match(log.entries, [{ message: /cannot be recorded now/ }])
  const { resourceVersion: _r, uid: _u, ...metadata } = body.metadata
  t.equal((await call('POST', crd.replace(/\/[^/]*$/, ''), { body: { ...body, metadata } })).status, 201)
  const report = await eventually(check, ({ decisions }) => decisions === 1)
  t.match(report, { isIntact: true, decisions: 1 })
})
