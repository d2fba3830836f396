/** Discovery, OpenAPI and tables. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import type { Json } from '../http.ts'
import { about, inNamespace, rule } from '../case.ts'
import { answered, has, says } from '../expected.ts'
import { configMap, deployment, lease, paths, secret } from '../objects.ts'
import { widgets } from '../widgets.ts'

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const partialType = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'

const table = async (api: Api, path: string, query = {}): Promise<Json> =>
  answered(await api.request('GET', path, { accept: `${tableType},application/json`, query }), 200)
const columnsOf = (shown: Json): readonly string[] => shown.columnDefinitions.map(({ name }: Json) => name)

const resources: Readonly<Record<string, readonly [group: string, resources: readonly object[]]>> = {
  core: [
    '/api/v1',
    [
      {
        name: 'configmaps',
        singularName: 'configmap',
        namespaced: true,
        kind: 'ConfigMap',
        shortNames: ['cm'],
      },
      { name: 'namespaces', namespaced: false, kind: 'Namespace', shortNames: ['ns'] },
      { name: 'pods', namespaced: true, kind: 'Pod', shortNames: ['po'], categories: ['all'] },
      { name: 'secrets', namespaced: true, kind: 'Secret' },
      { name: 'serviceaccounts', namespaced: true, kind: 'ServiceAccount', shortNames: ['sa'] },
      { name: 'events', namespaced: true, kind: 'Event', shortNames: ['ev'] },
    ],
  ],
  apps: [
    '/apis/apps/v1',
    [
      { name: 'deployments', namespaced: true, kind: 'Deployment', shortNames: ['deploy'] },
      {
        name: 'deployments/scale',
        kind: 'Scale',
        group: 'autoscaling',
        version: 'v1',
        verbs: ['get', 'patch', 'update'],
      },
      { name: 'deployments/status', kind: 'Deployment', verbs: ['get', 'patch', 'update'] },
    ],
  ],
  coordination: ['/apis/coordination.k8s.io/v1', [{ name: 'leases', namespaced: true, kind: 'Lease' }]],
  authorization: [
    '/apis/authorization.k8s.io/v1',
    [{ name: 'subjectaccessreviews', namespaced: false, verbs: ['create'] }],
  ],
}
const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** The rules. */
export const cases = about('discovery', [
  rule('/api tells of v1', async (api) => {
    has(answered(await api.get('/api'), 200), { kind: 'APIVersions', versions: ['v1'] })
  }),
  rule('/apis lists groups with their versions', async (api) => {
    const list = answered(await api.get('/apis'), 200)
    has(list, { kind: 'APIGroupList', apiVersion: 'v1' })
    const apps = list.groups.find(({ name }: Json) => name === 'apps')
    has(apps, {
      versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
    })
  }),
  rule('a group is given by itself', async (api) => {
    has(answered(await api.get('/apis/apps'), 200), {
      kind: 'APIGroup',
      name: 'apps',
      preferredVersion: { version: 'v1' },
    })
  }),
  ...Object.entries(resources).map(([name, [path, wanted]]) =>
    rule(`the resources of ${name} are listed as they are`, async (api) => {
      const list = answered(await api.get(path), 200)
      has(list, { kind: 'APIResourceList' })
      for (const one of wanted) {
        const found = list.resources.find(({ name }: Json) => name === (one as { name: string }).name)
        has(found, one)
      }
    }),
  ),
  rule('a resource has its verbs', async (api) => {
    const list = answered(await api.get('/api/v1'), 200)
    const found = list.resources.find(({ name }: Json) => name === 'configmaps')
    assert.deepEqual([...found.verbs].sort(), allVerbs)
  }),
  rule('aggregated discovery is one answer for all groups', async (api) => {
    const answer = await api.request('GET', '/apis', { accept: aggregated })
    assert.equal(answer.headers['content-type'], aggregated)
    const list = answered(answer, 200)
    has(list, { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' })
    const apps = list.items.find(({ metadata }: Json) => metadata.name === 'apps')
    const found = apps.versions[0].resources.find(({ resource }: Json) => resource === 'deployments')
    has(found, {
      responseKind: { kind: 'Deployment' },
      scope: 'Namespaced',
      singularResource: 'deployment',
      shortNames: ['deploy'],
    })
    const status = found.subresources.find(({ subresource }: Json) => subresource === 'status')
    assert.deepEqual(status.verbs, ['get', 'patch', 'update'])
  }),
  rule('aggregated discovery of the core group', async (api) => {
    const list = answered(await api.request('GET', '/api', { accept: aggregated }), 200)
    assert.ok(list.items[0].versions[0].resources.some(({ resource }: Json) => resource === 'configmaps'))
  }),
  rule('aggregated discovery has an ETag that spares the answer', async (api) => {
    const first = await api.request('GET', '/api', { accept: aggregated })
    const etag = String(first.headers.etag)
    assert.match(etag, /^"[0-9A-F]+"$/)
    const second = await api.request('GET', '/api', {
      accept: aggregated,
      headers: { 'if-none-match': etag },
    })
    assert.equal(second.status, 304)
  }),
  rule('a custom kind is discovered, both ways', async (api) => {
    const widget = await widgets(api, {
      properties: { spec: { type: 'object' } },
      subresources: { status: {} },
    })
    await api.eventually(async () => {
      const plain = answered(await api.get(`/apis/${widget.group}/v1`), 200)
      const found = plain.resources.find(({ name }: Json) => name === 'widgets')
      has(found, { kind: 'Widget', singularName: 'widget', shortNames: ['wd'], namespaced: true })
      assert.deepEqual([...found.verbs].sort(), allVerbs)
      assert.ok(plain.resources.some(({ name }: Json) => name === 'widgets/status'))
      const list = answered(await api.request('GET', '/apis', { accept: aggregated }), 200)
      assert.ok(list.items.some(({ metadata }: Json) => metadata.name === widget.group))
    }, 20_000)
  }),
  rule('OpenAPI v3 has an index of documents by group and version', async (api) => {
    const { paths: index } = answered(await api.get('/openapi/v3'), 200)
    assert.match(index['api/v1'].serverRelativeURL, /^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]+$/)
    assert.ok(index['apis/apps/v1'])
    const document = answered(await api.get(index['apis/coordination.k8s.io/v1'].serverRelativeURL), 200)
    assert.match(document.openapi, /^3\.0/)
    const schema = document.components.schemas['io.k8s.api.coordination.v1.Lease']
    has(schema['x-kubernetes-group-version-kind'], [
      { group: 'coordination.k8s.io', kind: 'Lease', version: 'v1' },
    ])
    assert.ok(document.paths['/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases'])
  }),
  rule('OpenAPI v3 has custom kinds', async (api) => {
    const widget = await widgets(api, {
      properties: { spec: { type: 'object', properties: { n: { type: 'integer' } } } },
    })
    await api.eventually(async () => {
      const { paths: index } = answered(await api.get('/openapi/v3'), 200)
      const entry = index[`apis/${widget.group}/v1`]
      assert.ok(entry, 'not yet in the index')
      const document = answered(await api.get(entry.serverRelativeURL), 200)
      const [name] = Object.keys(document.components.schemas).filter((key) => key.endsWith('.v1.Widget'))
      const schema = document.components.schemas[name ?? '']
      has(schema.properties.spec, { type: 'object', properties: { n: { type: 'integer' } } })
    }, 20_000)
  }),
  inNamespace('a table of ConfigMaps has name, data and age', async (api, ns) => {
    answered(
      await api.post(paths.configMaps(ns), configMap('a', { x: '1', y: '2' }, { labels: { l: 'a' } })),
      201,
    )
    const shown = await table(api, paths.configMaps(ns), { labelSelector: 'l=a' })
    has(shown, { kind: 'Table', apiVersion: 'meta.k8s.io/v1' })
    assert.deepEqual(columnsOf(shown), ['Name', 'Data', 'Age'])
    assert.deepEqual(shown.rows[0].cells.slice(0, 2), ['a', 2])
    has(shown.rows[0].object, {
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { name: 'a' },
    })
  }),
  inNamespace('a table of one object has one row', async (api, ns) => {
    answered(await api.post(paths.leases(ns), lease('a', { holderIdentity: 'me' })), 201)
    const shown = await table(api, paths.leases(ns, 'a'))
    assert.deepEqual(columnsOf(shown), ['Name', 'Holder', 'Age'])
    assert.deepEqual(shown.rows[0].cells.slice(0, 2), ['a', 'me'])
  }),
  inNamespace('a table of Secrets has type and count', async (api, ns) => {
    answered(await api.post(paths.secrets(ns), secret('a', { stringData: { x: '1' } })), 201)
    const shown = await table(api, paths.secrets(ns))
    assert.deepEqual(columnsOf(shown), ['Name', 'Type', 'Data', 'Age'])
    assert.deepEqual(shown.rows[0].cells.slice(0, 3), ['a', 'Opaque', 1])
  }),
  inNamespace('a table of Deployments has what kubectl shows', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const shown = await table(api, paths.deployments(ns))
    assert.deepEqual(columnsOf(shown), [
      'Name',
      'Ready',
      'Up-to-date',
      'Available',
      'Age',
      'Containers',
      'Images',
      'Selector',
    ])
    assert.equal(shown.rows[0].cells[0], 'a')
    assert.equal(shown.rows[0].cells[1], '0/0')
  }),
  rule('a table of a namespace has its phase', async (api) => {
    const ns = await api.namespace()
    const shown = await table(api, `/api/v1/namespaces/${ns}`)
    assert.deepEqual(columnsOf(shown), ['Name', 'Status', 'Age'])
    assert.deepEqual(shown.rows[0].cells.slice(0, 2), [ns, 'Active'])
  }),
  inNamespace('includeObject Object gives whole objects, None gives none', async (api, ns) => {
    answered(await api.post(paths.leases(ns), lease('a', { holderIdentity: 'me' })), 201)
    const whole = await table(api, paths.leases(ns), { includeObject: 'Object' })
    assert.equal(whole.rows[0].object.spec.holderIdentity, 'me')
    const none = await table(api, paths.leases(ns), { includeObject: 'None' })
    assert.equal(none.rows[0].object, null)
  }),
  inNamespace('a table of nothing has columns and no rows', async (api, ns) => {
    const shown = await table(api, paths.leases(ns))
    assert.deepEqual(shown.rows, [])
    assert.deepEqual(columnsOf(shown), ['Name', 'Holder', 'Age'])
  }),
  inNamespace('PartialObjectMetadataList is metadata alone', async (api, ns) => {
    answered(await api.post(paths.leases(ns), lease('a', { holderIdentity: 'me' })), 201)
    const list = answered(await api.request('GET', paths.leases(ns), { accept: partialType }), 200)
    has(list, { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' })
    assert.equal(list.items[0].metadata.name, 'a')
    assert.equal(list.items[0].spec, undefined)
  }),
  rule('a table type that does not exist is a 406', async (api) => {
    const accept = 'application/json;as=Chart;v=v1;g=meta.k8s.io'
    says(await api.request('GET', '/api/v1/namespaces', { accept }), 406, ['NotAcceptable', /./])
  }),
  inNamespace('a watch may be of tables', async (api, ns) => {
    answered(await api.post(paths.leases(ns), lease('a')), 201)
    const answer = await api.request('GET', paths.leases(ns), {
      accept: tableType,
      query: { watch: 'true', timeoutSeconds: 1 },
    })
    const [line = ''] = answer.text.split('\n')
    const event = JSON.parse(line)
    has(event, { type: 'ADDED', object: { kind: 'Table' } })
    assert.equal(event.object.rows[0].cells[0], 'a')
  }),
])
