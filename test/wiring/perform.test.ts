/** Performing for a run, where the API server does not answer. */
import t from 'tap'
import { createGate } from '../../src/admission/gate.ts'
import { createCel } from '../../src/cel/cel.ts'
import { KubeError } from '../../src/kube/errors.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { performerOf } from '../../src/wiring/perform.ts'
import type { World } from '../../src/wiring/world.ts'
import { aBackup, aPlannedAction, aRun, anAction } from '../support/build.ts'
import { aRequest, FakeGate, veleroUser } from '../support/fake-gate.ts'

const never = new AbortController().signal

/** A performer whose API server cannot list storage locations; what it sends is noted. */
function broken({ clock, log }: FakeGate) {
  const list = async () => Promise.reject(new KubeError('TIMEOUT', 'no answer'))
  const metrics = createMetrics('0.0.0')
  const parts = { clock, log, metrics, cel: createCel(), version: '0.0.0', caches: new Map() }
  const sent: string[] = []
  const send = async ({ url }: { readonly url: string }) => {
    sent.push(url)
    return { failed: 'network', message: 'no route', sent: false } as const
  }
  // Performing an action without secrets needs no more of the world.
  const world = { ...parts, calls: { velero: () => ({ list }) } } as unknown as World
  return { perform: performerOf(world, { send }, { take: async () => ({ ok: true }) }), sent, metrics }
}

t.test('what is thrown before an action begins is an outcome: nothing was sent', async (t) => {
  const made = new FakeGate()
  const { perform, sent, metrics } = broken(made)
  const performing = {
    run: aRun(),
    action: aPlannedAction(),
    object: aBackup(),
    renderOnly: false,
    endsAt: made.clock.now() + 9_000,
    signal: never,
  }
  t.match(await perform(performing), {
    status: 'failed',
    cause: 'internal',
    mayHaveHadEffect: false,
    attempts: 0,
    message: /BackupStorageLocations of namespace velero could not be read/,
  })
  t.same(sent, [])
  t.match((await metrics.actions.get()).values, [{ labels: { result: 'internal' }, value: 1 }])
  t.match(made.log.lines, [/^warn an action was not begun/, /^warn action failed/])
})

t.test(
  'at the gate it ends the stage as refused, with the reason, and leaves no run without owner',
  async (t) => {
    const made = new FakeGate()
    made.actions = [anAction({ name: 'a', mode: 'Refuse' })]
    const { perform } = broken(made)
    const backup = aBackup({ schedule: 'nightly' })
    const gate = createGate('Backup', { ...made.ports(), perform })
    t.match(await gate(aRequest(backup, made.clock, { username: veleroUser })), {
      allowed: false,
      reason: 'ActionFailed',
      message: /"a" failed after 0 attempts.*BackupStorageLocations.*could not be read/,
    })
    t.match(made.runs.all(), [{ status: { phase: 'Refused', reason: 'ActionFailed' } }])
  },
)
