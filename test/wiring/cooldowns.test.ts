/** The cool-downs of Schedules as Prometheus sees them. */
import t from 'tap'
import type { RunGiven } from '../support/build.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { gaugeCooldowns } from '../../src/wiring/cooldowns.ts'
import { aRun } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { FakeWorld } from '../support/fake-world.ts'

const velero = 'system:serviceaccount:velero:velero'
const minute = 60_000

function world(...given: readonly (readonly [minutesAgo: number, given: RunGiven])[]) {
  const made = new FakeWorld()
  const metrics = createMetrics('1')
  for (const [minutesAgo, one] of given) {
    const completionTimestamp = new Date(newYear - minutesAgo * minute).toISOString()
    const status = { phase: 'Refused', reason: 'ActionFailed', completionTimestamp, ...one.status } as const
    const run = aRun({ requestedBy: velero, name: `${one.scheduleName}-${minutesAgo}`, ...one, status })
    made.runs.put(run.metadata, run)
  }
  let annotations: Readonly<Record<string, string>> | Error = {}
  const find = async () => {
    if (annotations instanceof Error) throw annotations
    return { metadata: { annotations } }
  }
  const whole = made.world()
  const config = { ...whole.config, veleroServiceAccounts: ['velero'] }
  const calls = { ...whole.calls, velero: () => ({ find }) } as unknown as typeof whole.calls
  const read = async () => {
    await gaugeCooldowns({ ...whole, config, calls, metrics })
    const text = await metrics.registry.metrics()
    return text.split('\n').filter((line) => line.startsWith('tidewaiter_schedule_'))
  }
  return { made, read, annotate: (now: typeof annotations) => void (annotations = now) }
}
const seconds = (ms: number) => ms / 1000

t.test('a Schedule that waits has a time and a number, which go when nothing comes of it', async (t) => {
  const { read, made } = world(
    [1, { scheduleName: 'nightly' }],
    [8, { scheduleName: 'nightly' }],
    [1, { scheduleName: 'by-hand', requestedBy: 'ann' }],
    [1, { scheduleName: 'fine', status: { phase: 'Succeeded' } }],
  )
  t.same(await read(), [
    `tidewaiter_schedule_cooldown_until_timestamp_seconds{namespace="velero",schedule="nightly"} ${seconds(newYear + 9 * minute)}`,
    'tidewaiter_schedule_refused_in_a_row{namespace="velero",schedule="nightly"} 2',
  ])
  await made.clock.pass(10 * minute)
  t.same(await read(), ['tidewaiter_schedule_refused_in_a_row{namespace="velero",schedule="nightly"} 2'])
  await made.clock.pass(60 * minute)
  t.same(await read(), [])
})

t.test('after a reset nothing is shown; where it cannot be asked, what is known is', async (t) => {
  const { read, annotate, made } = world([1, { scheduleName: 'nightly' }])
  annotate(new Error('no answer'))
  t.equal((await read()).length, 2)
  t.match(made.log.lines, [/^warn whether a cool-down was reset could not be asked/])
  annotate({ 'tidewaiter.io/cooldown-reset': new Date(newYear - minute).toISOString() })
  t.same(await read(), [])
})
