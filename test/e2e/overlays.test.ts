/** Every overlay and component of deploy, as the API server and the kubectl of this cluster take them: no field unknown, every expression compiles. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { apply, call, eventually, kubectl, must } from './support.ts'

const root = join(import.meta.dirname, '../..')
const within = (folder: string) =>
  readdirSync(join(root, 'deploy', folder)).map((name) => `${folder}/${name}`)

const kustomizations: Readonly<Record<string, object>> = {
  ...Object.fromEntries(within('overlays').map((one) => [one, { resources: [`../../deploy/${one}`] }])),
  ...Object.fromEntries(
    within('components')
      // Every overlay has it already.
      .filter((one) => one !== 'components/dashboard')
      .map((one) => [
        one,
        { resources: ['../../deploy/overlays/default'], components: [`../../deploy/${one}`] },
      ]),
  ),
}

/** A kind of an operator, whose fields are its own business. */
const operatorKind = (group: string, kind: string, plural: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
})
const operator = [
  // promtool reads the rules (alerts.test.ts).
  operatorKind('monitoring.coreos.com', 'PodMonitor', 'podmonitors'),
  operatorKind('monitoring.coreos.com', 'PrometheusRule', 'prometheusrules'),
  operatorKind('cert-manager.io', 'Issuer', 'issuers'),
  operatorKind('cert-manager.io', 'Certificate', 'certificates'),
]
await apply(...operator)
t.teardown(() => kubectl(['delete', 'crd', ...operator.map(({ metadata }) => metadata.name), '--wait=false']))
for (const { metadata } of operator) {
  must(await kubectl(['wait', '--for=condition=Established', `crd/${metadata.name}`, '--timeout=60s']))
  // The API server tells of a kind a moment after it is established.
  await eventually(async () => must(await kubectl(['get', metadata.name, '-A'])), {
    what: `${metadata.name} to be served`,
  })
}

// An overlay for a Velero elsewhere, and an account for a namespace of an application: a dry run makes no namespace.
for (const name of ['openshift-adp', 'shop']) {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
  const { status } = await call('POST', '/api/v1/namespaces', { body })
  if (status === 201) t.teardown(() => call('DELETE', `/api/v1/namespaces/${name}`))
}

for (const [name, kustomization] of Object.entries(kustomizations)) {
  t.test(`${name} is taken as it is`, async (t) => {
    mkdirSync(join(root, '.cluster'), { recursive: true })
    const folder = mkdtempSync(join(root, '.cluster/overlay-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
    const dry = ['--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict']
    const { code, stdout, stderr } = await kubectl(['apply', ...dry, '-k', folder])
    t.equal(code, 0, stderr)
    t.match(stdout, /\(server dry run\)/)
    t.notMatch(stderr, /unknown field|deprecated/i)
  })
}
