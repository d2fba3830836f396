/** Starts a harness: cluster, balancer, effects, and the first processes of the service. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callerOf } from '../support/asking.ts'
import { startAdmission } from './admission.ts'
import { pacedClock } from './clock.ts'
import { furnish, startHarnessCluster } from './cluster.ts'
import { startEffects } from './effects.ts'
import { Harness, type HarnessOptions } from './harness.ts'

/** Starts everything; the Actions are known when this resolves. `prepare` is called before the first process begins. */
export async function startHarness(
  options: HarnessOptions,
  prepare: (harness: Harness) => void = () => {},
): Promise<Harness> {
  const pace = { beganAt: Date.now(), speed: options.speed }
  const clock = pacedClock(pace)
  const cluster = await startHarnessCluster(clock, options.lanes)
  const { api } = cluster
  const teardowns: (() => unknown)[] = []
  const call = callerOf({ teardown: (end: () => unknown) => teardowns.push(end) }, api)
  const folder = mkdtempSync(join(tmpdir(), 'crash-'))
  const balancer = await startAdmission({
    ports: () => harness.services.ready().map(({ webhookPort }) => webhookPort),
    shown: () => harness.cases.shown(),
    onCall: (port, one) => harness.onAdmission(port, one),
  })
  const effects = await startEffects((one) => harness.onAction(one))
  const harness: Harness = new Harness(
    { options, clock, cluster, call, balancer, effects, folder, teardowns },
    {
      folder,
      log: options.log ?? join(folder, 'service.log'),
      kubeconfig: api.kubeconfig('tidewaiter', 'velero'),
      api,
      pace,
      webhookUrl: `https://127.0.0.1:${balancer.port}`,
    },
  )
  prepare(harness)
  try {
    await harness.services.fill()
    await harness.services.whenReady()
    await furnish(cluster, call, { lanes: options.lanes, effects: effects.url })
  } catch (error) {
    await harness.stop()
    throw error
  }
  return harness
}
