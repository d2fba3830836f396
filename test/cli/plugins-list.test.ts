/** `tidewaiter plugins list`, against a real API server: each format as a whole. */
import t from 'tap'
import { parse } from 'yaml'
import { cli } from '../support/cli.ts'
import { aVeleroPlugin, startVeleroCluster } from '../support/velero-cluster.ts'

const cluster = await startVeleroCluster(t)
const acme = aVeleroPlugin('acme', 'registry.example.com/acme:1.0', {
  Ready: 'True',
  Injected: 'True',
  RolledOut: 'True',
})
const digest = `sha256:${'a'.repeat(64)}`
cluster.seed(
  { ...acme, status: { ...acme.status, digest, initContainer: 'acme' } },
  aVeleroPlugin('broken', 'registry.example.com/broken:2', {
    RegistryAllowed: 'True',
    ManifestReachable: ['False', 'NotFound'],
    Ready: ['False', 'ChecksFailed'],
  }),
)
const list = (...args: readonly string[]) =>
  cli(['plugins', 'list', '--kubeconfig', cluster.kubeconfig(), ...args])

t.test('as a table: each with what is wrong first', async (t) => {
  t.same(await list(), {
    code: 0,
    err: '',
    out: `NAME     IMAGE                           READY   INJECTED   ROLLEDOUT   REASON
acme     registry.example.com/acme:1.0   True    True       True        -
broken   registry.example.com/broken:2   False   Unknown    Unknown     NotFound
`,
  })
})

t.test('wide, and of all namespaces', async (t) => {
  const { out } = await list('-o', 'wide', '-A')
  t.equal(
    out,
    `NAMESPACE   NAME     IMAGE                           READY   INJECTED   ROLLEDOUT   REASON     INITCONTAINER   DIGEST                                                                    MESSAGE
velero      acme     registry.example.com/acme:1.0   True    True       True        -          acme            ${digest}   -
velero      broken   registry.example.com/broken:2   False   Unknown    Unknown     NotFound   -               -                                                                         the reason is NotFound
`,
  )
})

t.test('as names, JSON and YAML', async (t) => {
  t.equal(
    (await list('-o', 'name')).out,
    'veleroplugin.tidewaiter.io/acme\nveleroplugin.tidewaiter.io/broken\n',
  )
  const items = [{ apiVersion: 'tidewaiter.io/v1beta1', kind: 'VeleroPlugin', status: { digest } }, {}]
  t.match(JSON.parse((await list('-o', 'json')).out), { kind: 'List', items })
  t.match(parse((await list('-o', 'yaml')).out), { kind: 'List', items })
})

t.test('what a condition says of an earlier spec is unknown', async (t) => {
  const changed = { ...acme, metadata: { ...acme.metadata, namespace: 'other', generation: 2 } }
  cluster.seed(changed)
  t.match((await list('-n', 'other')).out, /acme +registry\S+ +Unknown +Unknown +Unknown/)
})

t.test('what nobody looked at is told beside the output, with what to look at', async (t) => {
  const unseen = { ...acme, metadata: { name: 'new', namespace: 'unseen' }, status: {} }
  cluster.seed(unseen)
  t.match(await list('-n', 'unseen'), {
    code: 0,
    err: /^Nothing is known of new: .*VELERO_PLUGINS_ENABLED=true.*\n$/,
    out: /new +registry\S+ +Unknown +Unknown +Unknown +-\n/,
  })
})

t.test('where Ready is unknown, why', async (t) => {
  const { status, ...rest } = aVeleroPlugin('acme', 'registry.example.com/acme:1.0', {
    TagUnmoved: ['False', 'TagMoved'],
    Ready: ['Unknown', 'NodesUnknown'],
    Injected: ['False', 'NotReady'],
  })
  cluster.seed({ ...rest, status, metadata: { ...rest.metadata, namespace: 'unknown' } })
  t.match((await list('-n', 'unknown')).out, /Unknown +False +Unknown +NodesUnknown\n/)
})

t.test('none: said beside the output, which stays what its format says', async (t) => {
  const err = 'No VeleroPlugin in namespace empty.\n'
  t.same(await list('-n', 'empty'), { code: 0, err, out: '' })
  t.same(JSON.parse((await list('-n', 'empty', '-o', 'json')).out), {
    apiVersion: 'v1',
    kind: 'List',
    items: [],
  })
})

t.test('a format that there is none of is usage: 2', async (t) => {
  t.match(await list('-o', 'csv'), { code: 2, err: /-o must be table, wide, json, yaml or name, got "csv"/ })
})

t.test('who may not list is told so: 4; no cluster: 3; the kind is not there: 4', async (t) => {
  t.match(await list('--kubeconfig', cluster.kubeconfig('nobody')), {
    code: 4,
    err: /must let this user look/,
  })
  t.match(await list('--kubeconfig', '/nowhere'), { code: 4, err: /no file at \/nowhere/ })
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/veleroplugins.tidewaiter.io'
  await cluster.call('DELETE', path)
  t.match(await list(), { code: 4, err: /must know VeleroPlugins.*kubectl apply -k deploy\/crds/ })
})
