/** Random sequences of operations on the server of TIDEWAITER_E2E_KUBECONFIG and on the sandbox: other ones in each run. */
import t from 'tap'
import { endpointOf } from '../contract/endpoint.ts'
import { report } from '../contract/random-report.ts'
import { differencesOf } from '../contract/random.ts'
import { startSandbox } from '../contract/sandbox.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
const count = 300
const forMs = 30_000
const seed = Math.floor(Date.now() / 1000)

if (kubeconfig === undefined) {
  t.bailout(
    'TIDEWAITER_E2E_KUBECONFIG must name the kubeconfig of a test cluster: see test/contract/README.md',
  )
} else {
  // What is under way after its time still comes to its end, however busy the machine is.
  t.setTimeout(400_000)
  t.test(`up to ${count} sequences from seed ${seed} come to the same on both servers`, async (t) => {
    const sandbox = await startSandbox({ controllers: false })
    t.teardown(() => sandbox.stop())
    const servers = { wanted: await endpointOf(kubeconfig), got: sandbox.endpoint }
    let played = 0
    const onPlayed = (now: number): void => void (played = now)
    const differences = await differencesOf(servers, { count, seed, forMs, onPlayed })
    t.comment(`seed ${seed}: ${played} sequences played`)
    if (differences.length > 0) t.comment(report(differences))
    t.equal(differences.length, 0, 'sequences that differ; what and how to replay it is told above')
    t.ok(played >= 5, `played ${played} sequences: fewer show nothing`)
  })
}
