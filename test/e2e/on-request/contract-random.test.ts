/** Compares the sandbox with the real server of TIDEWAITER_E2E_KUBECONFIG on random sequences of operations. */
import t from 'tap'
import { endpointOf } from '../../contract/endpoint.ts'
import { described, differencesOf, sorts } from '../../contract/random.ts'
import { startSandbox } from '../../contract/sandbox.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
const count = Number(process.env['TIDEWAITER_RANDOM_SEQUENCES'] ?? 300)
const seed = Number(process.env['TIDEWAITER_RANDOM_SEED'] ?? 1)
// Ten a second, and as much again for a slow machine.
const perSequenceMs = 250

if (kubeconfig === undefined) {
  t.bailout(
    'TIDEWAITER_E2E_KUBECONFIG must name the kubeconfig of a test cluster: see test/contract/README.md',
  )
} else {
  t.setTimeout(60_000 + count * perSequenceMs)
  t.test(`${count} sequences from seed ${seed} come to the same on both servers`, async (t) => {
    const sandbox = await startSandbox()
    t.teardown(() => sandbox.stop())
    const endpoints = { wanted: await endpointOf(kubeconfig), got: sandbox.endpoint }
    const differences = await differencesOf(endpoints, { count, seed })
    for (const difference of differences.slice(0, 20)) t.comment(described(difference))
    for (const sort of sorts(differences)) t.comment(sort)
    t.equal(differences.length, 0, 'sequences that differ; seeds above')
  })
}
