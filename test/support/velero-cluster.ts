/** An API server with Velero's Deployment and VeleroPlugins for tests of commands; the test itself plays the kubelet. */
import { join } from 'node:path'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Test } from 'tap'
import { crdOf } from '../../src/api/crd.ts'
import { veleroPluginKind } from '../../src/api/velero-plugin.ts'
import { readPodTemplate } from '../../src/core/plugin/deployment.ts'
import { pluginPatch } from '../../src/core/plugin/patch.ts'
import type { DeclaredPlugin } from '../../src/core/plugin/declared.ts'
import { startApiServer, type ApiServer } from '../../src/sandbox/apiserver/server.ts'
import { veleroCrds } from '../../src/sandbox/velero/install.ts'
import { hash } from '../../src/wiring/crypto.ts'
import { certificate, serve } from '../net/servers.ts'
import { callerOf, type Call, type Loose } from './asking.ts'
import { installed } from './velero-deployments.ts'

/** A cluster, a kubeconfig for each user, and what a kubelet would write. */
export type VeleroCluster = {
  readonly api: ApiServer
  readonly call: Call
  readonly kubeconfig: (user?: string) => string
  readonly deployment: () => Promise<Loose>
  /** Writes the status of the Deployment as it is when all its pods are new and ready, or as told. */
  readonly rollsOut: (status?: object) => Promise<void>
  /** The one pod is of the template as it is now, with this status. */
  readonly pod: (status: object) => void
  readonly seed: (...objects: readonly object[]) => void
}

const users = [
  {
    name: 'reader',
    token: 'token-of-reader',
    grants: [
      {
        verbs: ['get', 'list', 'watch'],
        groups: ['apps', '', 'velero.io', 'tidewaiter.io'],
        resources: ['*'],
      },
    ],
  },
  { name: 'nobody', token: 'token-of-nobody', grants: [] },
]

/** Where a Deployment is. */
export const deploymentPath = '/apis/apps/v1/namespaces/velero/deployments/velero'

/** What a server of Velero that runs says of itself. */
export const running = { containerStatuses: [{ name: 'velero', state: { running: {} } }] }

/** Starts it; Velero runs as `velero install` makes it, all rolled out. */
export async function startVeleroCluster(t: Test): Promise<VeleroCluster> {
  const api = await startApiServer({ users })
  t.teardown(() => api.stop())
  api.seed([...veleroCrds(), crdOf(veleroPluginKind), installed])
  const call = callerOf(t, api)
  // Not the testdir, which is the test's own.
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const kubeconfig = (user = 'admin') => {
    const file = join(folder, user)
    writeFileSync(file, api.kubeconfig(user))
    return file
  }
  const deployment = async () => (await call('GET', deploymentPath)).body
  const rollsOut = async (status?: object) => {
    const { metadata } = await deployment()
    const whole = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 }
    const body = { status: { observedGeneration: metadata.generation, ...(status ?? whole) } }
    await call('PATCH', `${deploymentPath}/status`, { body, type: 'application/merge-patch+json' })
  }
  const pod = (status: object) => {
    const { template } = (api.read('apps/deployments', 'velero', 'velero') as Loose).spec
    const metadata = { ...template.metadata, name: 'velero-1', namespace: 'velero' }
    api.seed([{ apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec, status }])
  }
  await rollsOut()
  pod(running)
  return { api, call, kubeconfig, deployment, rollsOut, pod, seed: (...objects) => api.seed(objects) }
}

/** A VeleroPlugin with conditions, `True` or as told with a reason. */
export const aVeleroPlugin = (
  name: string,
  image: string,
  conditions: Readonly<Record<string, 'True' | readonly ['False' | 'Unknown', string]>> = {},
) => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'VeleroPlugin',
  metadata: { name, namespace: 'velero', generation: 1 },
  spec: { image },
  status: {
    observedGeneration: 1,
    conditions: Object.entries(conditions).map(([type, said]) => ({
      type,
      status: typeof said === 'string' ? said : said[0],
      reason: typeof said === 'string' ? type : said[1],
      message: `the reason is ${typeof said === 'string' ? type : said[1]}`,
      lastTransitionTime: '2026-11-21T00:00:00Z',
    })),
  },
})

/** Serves the webhook that puts these plugins into Velero's Deployment, or refuses every change of it. */
export async function startDeploymentWebhook(
  t: Test,
  { api }: VeleroCluster,
  answer: readonly DeclaredPlugin[] | { readonly refusal: string },
  warnings: readonly string[] = [],
): Promise<void> {
  const pair = certificate({ name: '127.0.0.1' })
  const port = await serve(
    t,
    (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString())
        response.setHeader('content-type', 'application/json')
        response.end(
          JSON.stringify({ ...review, response: { uid: review.request.uid, ...said(review.request) } }),
        )
      })
    },
    pair,
  )
  const said = (request: Loose) => {
    if ('refusal' in answer)
      return { allowed: false, status: { code: 403, message: answer.refusal }, warnings }
    const template = readPodTemplate(request.object)
    const operations = template === undefined ? [] : pluginPatch(template, answer, hash).operations
    const patch = Buffer.from(JSON.stringify(operations)).toString('base64')
    return { allowed: true, patchType: 'JSONPatch', patch, warnings }
  }
  api.seed([
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'tidewaiter' },
      webhooks: [
        {
          name: 'deployments.tidewaiter.io',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          clientConfig: {
            url: `https://127.0.0.1:${port}/`,
            caBundle: Buffer.from(pair.cert).toString('base64'),
          },
          rules: [
            { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['deployments'] },
          ],
        },
      ],
    },
  ])
}
