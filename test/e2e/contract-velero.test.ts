/**
 * Holds the real Velero to the contract that its stand-in keeps: one of its own, in a namespace of its own, for cases forge phases.
 * About a minute, for a storage location is synced once a minute. The oldest promised Velero keeps the same rules but those named in
 * ../contract/velero/oldest.ts. TIDEWAITER_E2E_DIR: a light cluster (test/cluster/light.sh).
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { endpointOf } from '../contract/endpoint.ts'
import type { Result } from '../contract/suite.ts'
import { otherwise } from '../contract/velero/oldest.ts'
import { flags, queueFlags, runVeleroSuite } from '../contract/velero/suite.ts'

const folder = process.env['TIDEWAITER_E2E_DIR']
if (folder === undefined) {
  t.bailout('TIDEWAITER_E2E_DIR must name the folder of a light cluster: see test/contract/README.md')
} else {
  const oldest = process.env['TIDEWAITER_CLUSTER_VERSIONS'] === 'oldest'
  const light = fileURLToPath(new URL('../cluster/light.sh', import.meta.url))
  const namespace = `contract-${process.pid}`
  // Ended with the cluster.
  await promisify(execFile)('bash', [light, 'velero', folder, namespace, ...(oldest ? flags : queueFlags)])
  const endpoint = await endpointOf(join(folder, 'admin.kubeconfig'))
  const results: Result[] = []
  await runVeleroSuite({ endpoint, namespace, oldest }, (result) => results.push(result))
  for (const { name, failed } of results) {
    const reason = oldest ? otherwise[name] : undefined
    t.test(name, async (t) => {
      if (reason !== undefined) t.ok(failed, `Velero 1.14 does otherwise: ${reason}`)
      else if (failed !== undefined) throw failed
    })
  }
}
