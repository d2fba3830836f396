/** Holds the contract to the real API server: the server of the kubeconfig in TIDEWAITER_E2E_KUBECONFIG. */
import t from 'tap'
import { endpointOf } from '../contract/endpoint.ts'
import { hasControllers, runSuite, type Result } from '../contract/suite.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
if (kubeconfig === undefined) {
  t.bailout(
    'TIDEWAITER_E2E_KUBECONFIG must name the kubeconfig of a test cluster: see test/contract/README.md',
  )
} else {
  const endpoint = await endpointOf(kubeconfig)
  const has = (await hasControllers(endpoint)) ? (['controller-manager'] as const) : []
  const results: Result[] = []
  await runSuite(endpoint, { has }, (result) => results.push(result))
  for (const { name, failed } of results) {
    t.test(name, async () => {
      if (failed !== undefined) throw failed
    })
  }
}
