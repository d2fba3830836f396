import t from 'tap'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import type { Decided } from '../../src/core/decision/decided.ts'
import { Undecided } from '../../src/core/decision/undecided.ts'
import { allow, deny, type Verdict } from '../../src/core/verdict.ts'
import { told } from '../../src/observe/decisions.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { aBackup } from '../support/build.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aRequest } from '../support/fake-gate.ts'
import { FakeLog } from '../support/fake-log.ts'

async function tell(handle: () => Promise<Verdict>, given: Partial<AdmissionRequest> = {}) {
  const clock = new FakeClock()
  const log = new FakeLog()
  const metrics = createMetrics('1.2.3')
  t.teardown(() => metrics.registry.clear())
  const decided: Decided[] = []
  const record = (one: Decided) => {
    decided.push(one)
    return { chain: 'c' }
  }
  const handler = told('backups', () => clock.pass(250).then(handle), { clock, log, metrics, record })
  const verdict = await handler(aRequest(aBackup(), clock, given)).catch((error: unknown) => error)
  return { verdict, log, decided, text: await metrics.registry.metrics() }
}

t.test('a decision is one audit line, a count and a duration', async (t) => {
  const { verdict, log, text } = await tell(async () => ({
    ...allow('ActionsSucceeded', 'fine', ['w']),
    audit: { run: 'r1', plugins: 'acme=Ready' },
  }))
  t.match(verdict, { allowed: true, audit: { verdict: 'allowed', reason: 'ActionsSucceeded', run: 'r1' } })
  t.match(log.entries, [
    {
      level: 'info',
      message: 'decision',
      fields: {
        audit: true,
        webhook: 'backups',
        verdict: 'allowed',
        user: 'ann',
        ms: 250,
        warnings: 1,
        run: 'r1',
        plugins: 'acme=Ready',
        name: 'b1',
      },
    },
  ])
  t.match(
    text,
    /admission_requests_total\{webhook="backups",kind="Backup",operation="CREATE",verdict="allowed",reason="ActionsSucceeded",dry_run="false"\} 1/,
  )
  t.match(text, /admission_duration_seconds_bucket\{le="0.25",webhook="backups",verdict="allowed"\} 1/)
  t.match(text, /admission_in_flight 0/)
  t.match(text, /build_info\{version="1.2.3"\} 1/)
})

t.test('a decision is recorded, and its audit annotations carry its place in the chain', async (t) => {
  const { verdict, decided } = await tell(async () => ({
    ...deny('ActionFailed', 'it said no', { warnings: ['w'] }),
    audit: { run: 'r1', action: '10-a' },
    considered: [{ action: '10-a', stage: 'PreBackup', found: 'Matched' }],
  }))
  t.match(verdict, { audit: { verdict: 'refused', chain: 'c', run: 'r1' } })
  t.match(decided, [
    {
      webhook: 'backups',
      operation: 'CREATE',
      apiGroup: 'velero.io',
      kind: 'Backup',
      namespace: 'velero',
      name: 'b1',
      verdict: 'Refused',
      reason: 'ActionFailed',
      action: '10-a',
      user: 'ann',
      ms: 250,
      message: 'it said no',
      warnings: 1,
      run: 'r1',
      considered: [{ action: '10-a' }],
    },
  ])
})

t.test('a dry run is counted and not recorded', async (t) => {
  const { decided, text } = await tell(async () => allow('DryRun'), { dryRun: true })
  t.same(decided, [])
  t.match(text, /dry_run="true"\} 1/)
})

t.test('a mark to hold is told and in no record: the decision to hold is', async (t) => {
  const { verdict, log, decided, text } = await tell(async () => allow('HoldSet'))
  t.same(decided, [])
  t.same(verdict, { ...allow('HoldSet'), audit: { verdict: 'allowed', reason: 'HoldSet' } })
  t.match(log.entries, [{ fields: { audit: true, reason: 'HoldSet' } }])
  t.match(text, /reason="HoldSet"/)
})

t.test('a refusal is told with its words', async (t) => {
  const { log } = await tell(async () => deny('ActionFailed', 'it said no'))
  t.match(log.entries, [{ fields: { verdict: 'refused', reason: 'ActionFailed', said: 'it said no' } }])
})

t.test('a handler that throws made a decision too: told, counted, recorded, and annotated', async (t) => {
  const { verdict, log, decided, text } = await tell(() => Promise.reject(new TypeError('bug')))
  t.match(decided, [{ verdict: 'Error', reason: 'InternalError', message: /see its log/ }])
  t.type(verdict, Undecided)
  t.match(verdict, {
    cause: { message: 'bug' },
    audit: { verdict: 'error', reason: 'InternalError', chain: 'c' },
  })
  t.match(log.entries, [
    { message: 'decision', fields: { audit: true, verdict: 'error', reason: 'InternalError' } },
  ])
  t.match(text, /verdict="error",reason="InternalError",dry_run="false"\} 1/)
  t.match(text, /admission_in_flight 0/)
})

t.test('labels are bounded: a kind that is none of ours is other, and no label holds a name', async (t) => {
  const kind = { group: 'x', version: 'v1', kind: 'x'.repeat(4000) }
  const { text } = await tell(async () => allow('NotOurs'), { kind })
  t.match(text, /kind="other"/)
  t.notOk(text.includes('"b1"'))
})
