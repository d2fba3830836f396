/** 5,000 random sequences of operations on the server of TIDEWAITER_E2E_KUBECONFIG and on the sandbox. */
import t from 'tap'
import { endpointOf } from '../../contract/endpoint.ts'
import { report } from '../../contract/random-report.ts'
import { differencesOf } from '../../contract/random.ts'
import { startSandbox } from '../../contract/sandbox.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
const count = Number(process.env['TIDEWAITER_RANDOM_SEQUENCES'] ?? 5000)
const seed = Number(process.env['TIDEWAITER_RANDOM_SEED'] ?? 1)
// Ten a second, and twice as much again for a slow machine.
const perSequenceMs = 300

if (kubeconfig === undefined) {
  t.bailout(
    'TIDEWAITER_E2E_KUBECONFIG must name the kubeconfig of a test cluster: see test/contract/README.md',
  )
} else {
  t.setTimeout(60_000 + count * perSequenceMs)
  t.test(`${count} sequences from seed ${seed} come to the same on both servers`, async (t) => {
    const sandbox = await startSandbox({ controllers: false })
    t.teardown(() => sandbox.stop())
    const servers = { wanted: await endpointOf(kubeconfig), got: sandbox.endpoint }
    const differences = await differencesOf(servers, { count, seed })
    if (differences.length > 0) t.comment(report(differences))
    t.equal(differences.length, 0, 'sequences that differ; what and how to replay it is told above')
  })
}
