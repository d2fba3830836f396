import t from 'tap'
import { pluginStatus } from '../../src/core/plugin/status.ts'
import { keptPlugin } from '../../src/wiring/plugin-sources.ts'
import { newYear } from '../support/fake-clock.ts'

const digest = `sha256:${'a'.repeat(64)}`

/** A VeleroPlugin of which this tidewaiter does not know every field: after a rollback its CRD may be the newer one. */
const fromTomorrow = (status: object) => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'VeleroPlugin',
  metadata: { name: 'acme', namespace: 'velero', generation: 2 },
  spec: { image: 'registry.example.com/acme/plugin:v1', ofTomorrow: true },
  status,
})

t.test('the status of a VeleroPlugin that cannot be used is written once, and not for ever', async (t) => {
  const known = { problems: ['spec.ofTomorrow must not be given'] }
  const facts = { namespace: 'velero', generation: 2, known, deployments: [] }
  const before = keptPlugin(fromTomorrow({ observedGeneration: 2, digest }))
  const written = pluginStatus({ ...facts, status: before?.status }, newYear)
  t.match(written, { digest, conditions: [{ reason: 'Invalid' }] }, 'what was pinned stays pinned')
  const after = keptPlugin(fromTomorrow({ ...written }))
  t.equal(pluginStatus({ ...facts, status: after?.status }, newYear + 1000), undefined)
})
