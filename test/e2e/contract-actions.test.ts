/** The generated CRDs on a real API server: it takes them, and thinks of Actions as our parser does. */
import t from 'tap'
import { crdOf } from '../../src/api/crd.ts'
import { kinds } from '../../src/api/kinds.ts'
import { aRunObject } from '../support/build.ts'
import { kubeClient, type KubeClient } from '../support/kubeconfig.ts'
import { actionManifests, compareVerdicts, type Answered, type Raw } from '../contract/actions.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
const namespace = 'contract'
const collection = (plural: string) => `/apis/tidewaiter.io/v1beta1/namespaces/${namespace}/${plural}`

async function suite(client: KubeClient) {
  t.teardown(client.close)
  await prepare(client)

  t.test('the API server takes every CRD as it is, without a field that it does not know', async (t) => {
    for (const kind of kinds) {
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${kind.plural}.tidewaiter.io`
      const answer = await apply(client, path, crdOf(kind))
      t.equal(answer.status, 200, JSON.stringify(answer.body))
    }
  })

  t.test('the API server and our parser agree on 1000 Actions, and on their defaults', async (t) => {
    const verdicts = { allowed: 0, refused: 0 }
    const create = async (manifest: Raw): Promise<Answered> => {
      const path = `${collection('actions')}?dryRun=All&fieldValidation=Strict`
      const { status, body } = await client.call({ method: 'POST', path, body: manifest })
      verdicts[status === 201 ? 'allowed' : 'refused'] += 1
      return status === 201
        ? { allowed: true, message: '', stored: body as object }
        : { allowed: false, message: messageOf(body) }
    }
    const differences = await compareVerdicts({ create, manifests: actionManifests() })
    t.same(differences.slice(0, 5), [], `${differences.length} differences`)
    t.ok(verdicts.allowed > 250 && verdicts.refused > 250, JSON.stringify(verdicts))
  })

  t.test('the spec of an ActionRun cannot be changed, not deep in its frozen object either', async (t) => {
    const run = aRunObject({ name: 'frozen', namespace })
    const { name, labels } = run.metadata
    await client.call({ method: 'DELETE', path: `${collection('actionruns')}/${name}` })
    const created = await client.call({
      method: 'POST',
      path: `${collection('actionruns')}?fieldValidation=Strict`,
      body: { ...run, metadata: { name, namespace, labels } },
    })
    t.equal(created.status, 201, messageOf(created.body))
    const merge = (spec: object) =>
      client.call({
        method: 'PATCH',
        path: `${collection('actionruns')}/${name}`,
        body: { spec },
        type: 'application/merge-patch+json',
      })
    for (const spec of [
      { requestedBy: 'eve' },
      { object: { spec: { ttl: '1h' } } },
      { object: null },
      { actions: [] },
    ]) {
      const answer = await merge(spec)
      t.equal(answer.status, 422, JSON.stringify(spec))
      t.match(messageOf(answer.body), 'the spec of an ActionRun is frozen')
    }
    const gone = await client.call({ method: 'DELETE', path: `${collection('actionruns')}/${name}` })
    t.equal(gone.status, 200)
  })
}

const messageOf = (body: unknown): string =>
  typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : String(body)

const apply = (client: KubeClient, path: string, manifest: object) =>
  client.call({
    method: 'PATCH',
    path: `${path}?fieldManager=contract&force=true&fieldValidation=Strict`,
    body: manifest,
    type: 'application/apply-patch+yaml',
  })

/** The namespace (with the gate off: no webhook of ours stands in between) and the CRDs, served. */
async function prepare(client: KubeClient) {
  const labels = { 'tidewaiter.io/gate': 'off' }
  await apply(client, `/api/v1/namespaces/${namespace}`, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels },
  })
  for (const kind of kinds) {
    await apply(
      client,
      `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${kind.plural}.tidewaiter.io`,
      crdOf(kind),
    )
  }
  for (const kind of kinds) await served(client, kind.plural)
}

async function served(client: KubeClient, plural: string, tries = 50): Promise<void> {
  const { status } = await client.call({ method: 'GET', path: collection(plural) })
  if (status === 200) return
  if (tries === 0)
    throw new Error(`${plural} are not served after 10 s: the CRD was refused, or its names are taken`)
  await new Promise((resolve) => setTimeout(resolve, 200))
  await served(client, plural, tries - 1)
}

if (kubeconfig === undefined) t.pass('skipped', { skip: 'TIDEWAITER_E2E_KUBECONFIG names no API server' })
else await suite(kubeClient(kubeconfig))
