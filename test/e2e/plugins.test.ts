/**
 * The webhooks about plugins on a real API server that runs where this test does, in a namespace of its own.
 * TIDEWAITER_E2E_KUBECONFIG: an administrator.
 */
import t from 'tap'
import type { Ask } from '../support/plugin-webhooks.ts'
import { pluginsSuite } from '../system/plugins-suite.ts'
import { must, startClient } from './guard-client.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']

t.test(
  'plugins go into the Velero Deployment as it is written',
  kubeconfig === undefined ? { skip: 'TIDEWAITER_E2E_KUBECONFIG names no API server' } : {},
  async (t) => {
    const client = await startClient(kubeconfig ?? '')
    t.teardown(client.stop)
    // Its own for each run: the former one may still be going.
    const namespace = `tidewaiter-e2e-plugins-${process.pid}`
    const ask: Ask = (method, path, about) => client.call(method, path, about)
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    await must(ask('POST', '/api/v1/namespaces', { body: object }))
    t.teardown(() => ask('DELETE', `/api/v1/namespaces/${namespace}`))
    await pluginsSuite(t, ask, namespace)
  },
)
