/**
 * VeleroPlugin and the patch of the Velero Deployment on a real API server: it takes the CRD, thinks of every text of the grammar
 * table as our parser does, and what it fills into a patched Deployment asks for no second patch.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { crdOf } from '../../src/api/crd.ts'
import { parse } from '../../src/api/parse.ts'
import { veleroPluginKind } from '../../src/api/velero-plugin.ts'
import { pinned, type DeclaredPlugin } from '../../src/core/plugin/declared.ts'
import { readPodTemplate } from '../../src/core/plugin/deployment.ts'
import { pluginPatch } from '../../src/core/plugin/patch.ts'
import { hash } from '../../src/wiring/crypto.ts'
import { kubeClient, type KubeClient } from '../support/kubeconfig.ts'
import { aPlugin, charted, installed, withPodSpec, type Tree } from '../support/velero-deployments.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
const namespace = 'contract-plugins'
const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/veleroplugins.tidewaiter.io'
const objects = `/apis/tidewaiter.io/v1beta1/namespaces/${namespace}/veleroplugins`
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`
const deployment = `${deployments}/velero`

const plugins = [
  aPlugin('registry.example.com/acme/plugin:1.0', { imagePullSecret: 'acme' }),
  pinned(aPlugin('ghcr.io/other/thing:2'), `sha256:${'d'.repeat(64)}`),
  aPlugin('gcr.io/a/b:1'),
  aPlugin('quay.io/a/b:1'),
]

const apply = (client: KubeClient, path: string, body: object) =>
  client.call({
    method: 'PATCH',
    path: `${path}?fieldManager=contract&force=true&fieldValidation=Strict`,
    body,
    type: 'application/apply-patch+yaml',
  })

async function get(client: KubeClient): Promise<Tree> {
  const { status, body } = await client.call({ method: 'GET', path: deployment })
  if (status !== 200) throw new Error(`the Deployment must be there, got ${status}`)
  return body as Tree
}

async function patchFor(client: KubeClient, list: readonly DeclaredPlugin[]) {
  const template = readPodTemplate(await get(client))
  if (template === undefined) throw new Error('the Deployment must be one of Velero, and is none')
  return pluginPatch(template, list, hash).operations
}

async function put(client: KubeClient, list: readonly DeclaredPlugin[]): Promise<void> {
  const body = await patchFor(client, list)
  if (body.length === 0) return
  const answer = await client.call({
    method: 'PATCH',
    path: `${deployment}?fieldValidation=Strict`,
    body,
    type: 'application/json-patch+json',
  })
  if (answer.status !== 200) throw new Error(`the patch must be taken, got ${JSON.stringify(answer.body)}`)
}

const namesIn = ({ spec }: Tree): readonly string[] =>
  (spec.template.spec.initContainers ?? []).map(({ name }: Tree) => name)

async function suite(client: KubeClient) {
  t.teardown(client.close)
  t.teardown(() => client.call({ method: 'DELETE', path: definition }))
  const labels = { 'tidewaiter.io/gate': 'off' }
  const metadata = { name: namespace, labels }
  await apply(client, `/api/v1/namespaces/${namespace}`, { apiVersion: 'v1', kind: 'Namespace', metadata })

  t.test('the API server takes the CRD as it is, and agrees with our parser on every text', async (t) => {
    const taken = await apply(client, definition, crdOf(veleroPluginKind))
    t.ok([200, 201].includes(taken.status), JSON.stringify(taken.body).slice(0, 500))
    await served(client)
    const lines = readFileSync(join(import.meta.dirname, '../core/image-verdicts.ndjson'), 'utf8').trimEnd()
    const texts = lines.split('\n').map((line) => (JSON.parse(line) as [string])[0])
    const differences: string[] = []
    for (const image of texts) {
      const { status } = await client.call({
        method: 'POST',
        path: `${objects}?dryRun=All&fieldValidation=Strict`,
        body: {
          apiVersion: 'tidewaiter.io/v1beta1',
          kind: 'VeleroPlugin',
          metadata: { name: 'a', namespace },
          spec: { image },
        },
      })
      const ours = 'ok' in parse(veleroPluginKind.spec, { image }, 'spec')
      if (status !== (ours ? 201 : 422)) differences.push(`${image}: ${status}`)
    }
    t.same(differences, [])
    t.ok(texts.length > 1000)
  })

  const withoutList = withPodSpec(installed, ({ serviceAccountName }) => ({
    serviceAccountName,
    containers: [{ name: 'velero', image: 'velero/velero:v1.18.3' }],
  }))
  for (const [name, given] of Object.entries({ installed, charted, withoutList })) {
    t.test(`${name}: patched once it needs no second patch, nor after it was applied again`, async (t) => {
      const original = { ...given, metadata: { ...(given['metadata'] as object), namespace } }
      await client.call({ method: 'DELETE', path: deployment })
      t.equal((await client.call({ method: 'POST', path: deployments, body: original })).status, 201)
      const before = namesIn(await get(client))
      await put(client, plugins)
      const there = await get(client)
      t.same(await patchFor(client, plugins), [])
      t.match(namesIn(there), [...before, 'acme-plugin', 'other-thing', 'a-b', /^a-b-[0-9a-f]{5}$/])
      t.equal((await client.call({ method: 'PUT', path: deployment, body: original })).status, 200)
      await put(client, plugins)
      t.same((await get(client))['spec'], there['spec'], 'replaced and patched it is what it was')
      await put(client, [])
      t.same(namesIn(await get(client)), before)
      t.same(await patchFor(client, []), [])
    })
  }
}

async function served(client: KubeClient, tries = 50): Promise<void> {
  const { status } = await client.call({ method: 'GET', path: objects })
  if (status === 200) return
  if (tries === 0)
    throw new Error('VeleroPlugins must be served after 10 s, and are not: the CRD was refused')
  await new Promise((resolve) => setTimeout(resolve, 200))
  await served(client, tries - 1)
}

if (kubeconfig === undefined) t.pass('skipped', { skip: 'TIDEWAITER_E2E_KUBECONFIG names no API server' })
else await suite(kubeClient(kubeconfig))
