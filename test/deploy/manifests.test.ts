/** The install as it lies in the tree: hardened, out of Backups, and with a reason for each right. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { parseAction } from '../../src/api/parse.ts'
import { parseConfig } from '../../src/config.ts'
import { installOf } from '../../src/wiring/install.ts'
import { roleRules } from './generated.ts'

type Setting = { readonly name: string; readonly value: string }
const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
// oxlint-disable-next-line typescript/no-explicit-any -- manifests are looked into, and asserted
const load = (path: string): readonly any[] =>
  parseAllDocuments(read(path), { version: '1.1' }).map((document) => document.toJSON())
const listed: readonly string[] = load('deploy/base/kustomization.yaml')[0].resources
const own = listed.filter((name) => name !== '../crds')
const base = own.flatMap((name) => load(`deploy/base/${name}`))
const dashboard = load('deploy/components/dashboard/kustomization.yaml')[0].resources.flatMap(
  (name: string) => load(`deploy/components/dashboard/${name}`),
)
/** All that the overlays install. */
const installed = [...base, ...dashboard]
// oxlint-disable-next-line typescript/no-explicit-any -- as above
const the = (kind: string): any => base.find((one: { kind: string }) => one.kind === kind)

t.test('every file of the base is part of it', async (t) => {
  const files = readdirSync(join(root, 'deploy/base')).filter((name) => name !== 'kustomization.yaml')
  t.same(files.sort(), [...own].sort())
})

t.test(
  'the webhooks and the guard come first and go first, and the Deployment comes last, after the CRDs',
  async (t) => {
    const at = (name: string) => listed.indexOf(name)
    t.same(listed.slice(0, 3), ['registrations.yaml', 'guard.yaml', 'namespace.yaml'])
    t.equal(listed.at(-1), 'deployment.yaml')
    t.ok(at('../crds') > at('namespace.yaml') && at('../crds') < at('rbac-velero.yaml'))
    for (const overlay of readdirSync(join(root, 'deploy/overlays')))
      t.match(
        load(`deploy/overlays/${overlay}/kustomization.yaml`),
        [{ sortOptions: { order: 'fifo' } }],
        `${overlay} keeps that order`,
      )
  },
)

t.test('no webhook and no policy concerns an object that the install itself creates', async (t) => {
  const asked = base
    .filter(({ kind }: { kind: string }) => /Webhook|AdmissionPolicy$/.test(kind))
    .flatMap((one) => [one.spec?.matchConstraints ?? [], one.webhooks ?? []].flat())
    .flatMap(({ rules, resourceRules, objectSelector }) =>
      [...(rules ?? []), ...(resourceRules ?? [])].flatMap(({ apiGroups }) =>
        apiGroups.map((group: string) => ({ group, labels: objectSelector?.matchLabels ?? {} })),
      ),
    )
  t.same([...new Set(asked.map(({ group }) => group))].sort(), ['apps', 'tidewaiter.io', 'velero.io'])
  const concerned = base.filter(({ apiVersion, metadata }) =>
    asked.some(
      ({ group, labels }) =>
        apiVersion.replace(/\/.*/, '') === group &&
        Object.entries(labels).every(([key, value]) => metadata.labels[key] === value),
    ),
  )
  t.same(
    concerned.map(({ kind }) => kind),
    [],
  )
})

t.test('everything is out of Backups, its pods too, and found by one label', async (t) => {
  const labels = { 'app.kubernetes.io/part-of': 'tidewaiter', 'velero.io/exclude-from-backup': 'true' }
  for (const { kind, metadata, spec } of installed) {
    t.match(metadata.labels, labels, `${kind} ${metadata.name}`)
    if (kind === 'Deployment') t.match(spec.template.metadata.labels, labels)
  }
})

t.test('every right has a reason, and none is a wildcard', async (t) => {
  const rules = roleRules()
  t.ok(rules.length > 15)
  for (const { role, row, reason } of rules) {
    t.ok(reason.length > 20 && reason.endsWith('.'), `${role}: ${row}`)
    t.notMatch(row, '`*`')
  }
})

t.test('what is cluster-wide reads and checks, and writes only our own registrations', async (t) => {
  const [role] = load('deploy/base/rbac-cluster.yaml')
  const writes = role.rules.filter(({ verbs }: { verbs: string[] }) =>
    verbs.some((verb) => !['get', 'list'].includes(verb)),
  )
  t.match(writes, [
    { resourceNames: ['tidewaiter'], verbs: ['get', 'patch'] },
    { resources: ['subjectaccessreviews'], verbs: ['create'] },
  ])
})

t.test('rights that every editor gets do not include to write Actions, to skip or to release', async (t) => {
  for (const role of load('deploy/base/rbac-people.yaml')) {
    const verbs = role.rules.flatMap((rule: { verbs: string[] }) => rule.verbs)
    const given = Object.keys(role.metadata.labels).some((key) => /aggregate-to-(view|edit)$/.test(key))
    t.ok(!given || verbs.every((verb: string) => ['get', 'list', 'watch'].includes(verb)), role.metadata.name)
    t.ok(
      !verbs.includes('skip') ||
        !Object.keys(role.metadata.labels).some((key) => key.includes('aggregate-to')),
    )
  }
})

t.test('the pods run hardened, as the restricted level of their namespace asks', async (t) => {
  t.match(the('Namespace').metadata.labels, { 'pod-security.kubernetes.io/enforce': 'restricted' })
  const deployments = installed.filter(({ kind }) => kind === 'Deployment')
  t.same(
    deployments.map(({ metadata }) => metadata.name),
    ['tidewaiter', 'tidewaiter-dashboard'],
  )
  for (const { spec } of deployments)
    t.match(spec.template.spec, {
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    })
})

t.test(
  'the dashboard is part of the default overlay, reads only, and is reached by a port-forward alone',
  async (t) => {
    t.match(load('deploy/overlays/default/kustomization.yaml'), [
      { components: ['../../components/dashboard'] },
    ])
    const rules = dashboard.flatMap(
      ({ rules = [] }: { rules?: { resources: string[]; verbs: string[] }[] }) => rules,
    )
    for (const { resources, verbs } of rules)
      t.ok(
        verbs.every((verb: string) => ['get', 'list', 'watch'].includes(verb)) ||
          /^(tokenreviews|subjectaccessreviews)$/.test(String(resources)),
        String(resources),
      )
    const { args, ports } = dashboard.find(({ kind }: { kind: string }) => kind === 'Deployment').spec
      .template.spec.containers[0]
    t.notOk(args.includes('--dashboard-listen'), 'on the loopback of its pod')
    t.match(ports, [{ name: 'metrics' }])
    t.equal(ports.length, 1)
  },
)

t.test('one replica always answers, in rollouts and drains', async (t) => {
  t.match(the('Deployment').spec, { replicas: 2, strategy: { rollingUpdate: { maxUnavailable: 0 } } })
  t.match(the('PodDisruptionBudget').spec, { minAvailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' })
})

t.test('a pod has the time of the longest admission to end', async (t) => {
  t.ok(the('Deployment').spec.template.spec.terminationGracePeriodSeconds >= 30 + 8 + 5)
})

t.test('the Service leads to the port that the registrations name', async (t) => {
  const { metadata, spec } = the('Service')
  const ports = the('Deployment').spec.template.spec.containers[0].ports
  t.match(the('ValidatingWebhookConfiguration').webhooks[0].clientConfig, {
    service: { name: metadata.name, namespace: metadata.namespace, port: spec.ports[0].port },
  })
  t.match(ports, [
    { name: spec.ports[0].targetPort, containerPort: 9443 },
    { name: spec.ports[1].targetPort, containerPort: 8080 },
  ])
})

t.test('the option Ignore names the webhooks before Backups and Restores', async (t) => {
  const [{ webhooks }] = load('deploy/overlays/ignore/registrations.yaml')
  t.same(webhooks, [
    { name: 'backups.tidewaiter.io', failurePolicy: 'Ignore' },
    { name: 'restores.tidewaiter.io', failurePolicy: 'Ignore' },
  ])
})

t.test('the overlay for cert-manager gives its files to the service, and renews them in time', async (t) => {
  const folder = 'deploy/overlays/cert-manager'
  t.match(load(`${folder}/kustomization.yaml`), [
    { resources: ['../default', 'certificates.yaml'], patches: [{ path: 'deployment.yaml' }] },
  ])
  const [{ metadata, spec }] = load(`${folder}/deployment.yaml`)
  t.match(the('Deployment').metadata, { name: metadata.name, namespace: metadata.namespace })
  const [{ env, volumeMounts }] = spec.template.spec.containers
  const [{ secret }] = spec.template.spec.volumes
  const [mount] = volumeMounts
  const at = (name: string) => `${mount.mountPath}/${name}`
  const config = parseConfig({}, Object.fromEntries(env.map((one: Setting) => [one.name, one.value])))
  t.match(config, {
    tls: 'files',
    tlsCert: at('tls.crt'),
    tlsKey: at('tls.key'),
    tlsCa: at('ca.crt'),
  })
  t.notOk(mount.subPath, 'the kubelet changes no file that is mounted by itself')
  const kinds = load(`${folder}/certificates.yaml`)
  const labels = { 'app.kubernetes.io/part-of': 'tidewaiter', 'velero.io/exclude-from-backup': 'true' }
  for (const one of kinds) t.match(one.metadata, { namespace: metadata.namespace, labels })
  const [authority, leaf] = kinds
    .filter(({ kind }) => kind === 'Certificate')
    .map((one) => ({ ...one.spec, hours: Number.parseInt(one.spec.duration, 10) }))
  t.match(leaf, {
    secretName: secret.secretName,
    dnsNames: installOf(config).names.slice(0, 1),
    usages: ['digital signature', 'server auth'],
    secretTemplate: { labels },
  })
  t.match(authority, { isCA: true, secretTemplate: { labels } })
  t.equal(Number.parseInt(leaf.renewBefore, 10) * 3, leaf.hours, 'at two thirds of its life')
  t.ok(Number.parseInt(authority.renewBefore, 10) > leaf.hours, 'no authority ends under its certificate')
  t.match(
    kinds.find(
      ({ metadata }) => metadata.name === leaf.issuerRef.name && metadata.name !== 'tidewaiter-root',
    ),
    { kind: 'Issuer', spec: { ca: { secretName: authority.secretName } } },
  )
})

t.test('the overlay for another namespace replaces every mention of velero', async (t) => {
  const [{ replacements }] = load('deploy/overlays/other-namespace/kustomization.yaml')
  const { targets } = replacements[0]
  const mention = /(namespace: |- |\[|, )velero(\]|$|,)/m
  const mentioning = installed.filter((one: unknown) =>
    mention.test(JSON.stringify(one).replaceAll('"velero"', '- velero\n').replaceAll('"', '')),
  )
  t.ok(mentioning.length > 8)
  type Select = { readonly kind: string; readonly name?: string; readonly namespace?: string }
  for (const { kind, metadata } of mentioning)
    t.ok(
      targets.some(
        ({ select }: { select: Select }) =>
          select.kind === kind &&
          [metadata.name, undefined].includes(select.name) &&
          [metadata.namespace, undefined].includes(select.namespace),
      ),
      `${kind} ${metadata.name}`,
    )
  const name = targets.find(({ select }: { select: { kind: string } }) => select.kind === 'ClusterRole')
    .fieldPaths[0]
  t.equal(name, 'rules.1.resourceNames.1')
  t.equal(load('deploy/base/rbac-cluster.yaml')[0].rules[1].resourceNames[1], 'velero')
  for (const { kind, spec } of installed)
    if (kind === 'Deployment') t.equal(spec.template.spec.containers[0].args[2], 'velero')
})

t.test('the Actions of the tour are good', async (t) => {
  for (const action of load('deploy/samples/actions.yaml'))
    t.match(parseAction(action), { ok: { metadata: { namespace: 'velero' } } })
})

t.test('the Dockerfile ends without root, and leaves the sandbox out', async (t) => {
  const text = read('Dockerfile')
  t.match(text, /^USER 65532:65532$/m)
  t.match(text, 'rm -rf dist/sandbox')
  t.match(text, /^COPY --from=compiled --chown=0:0 --chmod=0555 /m)
  t.match(read('.dockerignore'), /^\*$/m)
})

t.test(
  'the option pinned-plugins holds where the guard holds, whatever namespace an overlay put there',
  async (t) => {
    const [component] = load('deploy/components/pinned-plugins/kustomization.yaml')
    const policies = component.resources.flatMap((name: string) =>
      load(`deploy/components/pinned-plugins/${name}`),
    )
    const [{ source, targets }] = component.replacements
    const named =
      (wanted: { kind: string; name: string }) =>
      ({ kind, metadata }: { kind: string; metadata: { name: string } }) =>
        kind === wanted.kind && metadata.name === wanted.name
    const [from, to] = [base.find(named(source)), policies.find(named(targets[0].select))]
    t.equal(source.fieldPath, 'spec.matchResources.namespaceSelector')
    t.same(targets[0].fieldPaths, [source.fieldPath])
    t.same(to.spec.matchResources, from.spec.matchResources)
    for (const { metadata } of policies)
      t.match(metadata.labels, {
        'app.kubernetes.io/part-of': 'tidewaiter',
        'velero.io/exclude-from-backup': 'true',
      })
  },
)
