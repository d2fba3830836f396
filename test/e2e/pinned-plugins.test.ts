/**
 * The option pinned-plugins on a real API server, in a namespace of its own.
 * TIDEWAITER_E2E_KUBECONFIG: an administrator.
 */
import t from 'tap'
import { pinnedPluginsSuite, type Ask } from '../deploy/pinned-plugins-suite.ts'
import { must, startClient } from './guard-client.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']

t.test(
  'the option pinned-plugins',
  kubeconfig === undefined ? { skip: 'TIDEWAITER_E2E_KUBECONFIG names no API server' } : {},
  async (t) => {
    const client = await startClient(kubeconfig ?? '')
    t.teardown(client.stop)
    // Its own for each run: the former one may still be going.
    const namespace = `tidewaiter-e2e-pinned-${process.pid}`
    const ask: Ask = (method, path, body) => client.call(method, path, { body })
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    await must(client.call('POST', '/api/v1/namespaces', { body: object }))
    t.teardown(() => ask('DELETE', `/api/v1/namespaces/${namespace}`))
    await pinnedPluginsSuite(t, ask, namespace)
  },
)
