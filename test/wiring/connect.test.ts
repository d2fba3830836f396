import t from 'tap'
import { KubeError } from '../../src/kube/errors.ts'
import { whenInstalled } from '../../src/wiring/connect.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'

const missing = new KubeError('NOT_FOUND', 'the server could not find the requested resource')

function world(waitMs: number, answers: readonly Error[]) {
  const clock = new FakeClock()
  const log = new FakeLog()
  const stop = new AbortController()
  let asked = 0
  const ask = async () => {
    const error = answers[asked]
    asked += 1
    if (error !== undefined) throw error
  }
  const ended = whenInstalled(ask, { clock, log, waitMs, signal: stop.signal }).then(
    () => 'installed',
    (error: unknown) => error,
  )
  return { clock, log, stop, ended, asked: () => asked }
}

t.test('a start waits until the API server serves our kinds, and says so once', async (t) => {
  const { clock, log, ended } = world(60_000, [missing, missing, missing])
  await clock.pass(3_000)
  t.equal(await ended, 'installed')
  t.same(log.lines, ['warn waiting for the CRDs of tidewaiter: deploy/crds'])
  t.equal(clock.waiting, 0)
})

t.test('it waits no longer than told, and gives what the API server said', async (t) => {
  const { clock, ended, asked } = world(
    3_000,
    Array.from({ length: 99 }, () => missing),
  )
  await clock.pass(3_000)
  t.equal(await ended, missing)
  t.equal(asked(), 4)
  t.equal(await world(0, [missing]).ended, missing, 'not at all where somebody watches it start')
})

t.test('any other answer ends it at once, and so does a stop', async (t) => {
  const forbidden = new KubeError('FORBIDDEN', 'no')
  t.equal(await world(60_000, [forbidden]).ended, forbidden)
  const { stop, ended, clock } = world(60_000, [missing, missing])
  await clock.pass(0)
  stop.abort(new Error('stopped'))
  t.match(await ended, { message: 'stopped' })
})
