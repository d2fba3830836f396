/** `tidewaiter uninstall` against an API server that holds the manifests of deploy/: what it waits for, takes away, keeps and tells. */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { crdOf } from '../../src/api/crd.ts'
import { kinds } from '../../src/api/kinds.ts'
import { ownLabels } from '../../src/core/registration.ts'
import { people } from '../../src/sandbox/people.ts'
import { startApiServer, type ApiServer } from '../../src/sandbox/apiserver/server.ts'
import { veleroCrds, veleroInstall } from '../../src/sandbox/velero/install.ts'
import { callerOf, eventually, pathOf, type Loose } from '../support/asking.ts'
import { anActionObject, aRunObject, type RunGiven } from '../support/build.ts'
import { cli, type CliSetting, type Said } from '../support/cli.ts'
import { fastClock } from '../support/fast-clock.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 4

const cluster = 'uid-of-this-cluster'
const mergePatch = 'application/merge-patch+json'
const meta = (name: string, more: Loose = {}): Loose => ({
  name,
  namespace: 'tidewaiter',
  labels: ownLabels,
  ...more,
})

// The sandbox does not know PriorityClasses: what a cluster does not know is passed over.
const manifests: readonly Loose[] = globSync('deploy/{base,components/dashboard}/*.yaml')
  .flatMap((file) => parseAllDocuments(readFileSync(file, 'utf8')).map((one) => one.toJS()))
  .filter(({ kind }) => !['Kustomization', 'Component', 'PriorityClass'].includes(kind))
const made: readonly Loose[] = [
  { apiVersion: 'v1', kind: 'Secret', metadata: meta('tidewaiter-tls') },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('tidewaiter-install') },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-root-ca.crt', namespace: 'tidewaiter' } },
  {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: meta('tidewaiter-claim', { namespace: 'velero' }),
  },
]
const ready = { conditions: [{ type: 'Ready', status: 'True' }] }
const pod: Loose = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: meta('tidewaiter-1', { labels: { ...ownLabels, 'app.kubernetes.io/name': 'tidewaiter' } }),
  spec: { containers: [{ name: 'tidewaiter', image: 'tidewaiter' }] },
  status: ready,
}
const podPath = '/api/v1/namespaces/tidewaiter/pods/tidewaiter-1'

const aBackup = (name: string, more: Loose = {}): Loose => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name, namespace: 'velero', uid: `uid-of-${name}`, ...more.metadata },
  spec: {},
  status: { phase: 'New' },
})
const held = aBackup('b-held', { metadata: { annotations: { 'tidewaiter.io/hold': 'pre' } } })
const aKey: Loose = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: {
    name: 'tidewaiter-exclusive-1',
    namespace: 'velero',
    labels: { ...ownLabels, 'tidewaiter.io/claim': 'exclusive' },
    annotations: {
      'tidewaiter.io/exclusive-key': 'shop',
      'tidewaiter.io/held-by': 'Backup velero/b0 (run b0-prebackup)',
    },
  },
}
const aRun = (name: string, more: RunGiven = {}) =>
  aRunObject({
    name,
    cluster,
    objectRef: { kind: 'Backup', name: 'b1', uid: `uid-of-${name}` },
    status: { phase: 'Running' },
    ...more,
  })

/** Where the API server of the sandbox keeps an object. */
const keptIn = ({ apiVersion, kind }: Loose): string => {
  const plural = /[^e]Policy$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
  return `${group}/${plural.toLowerCase()}`
}
const isThere = ({ read }: ApiServer, one: Loose): boolean =>
  read(keptIn(one), one.metadata.namespace ?? '', one.metadata.name) !== undefined

/** An API server with an install, one pod of it, and these objects. */
async function installed(t: Test, ...objects: readonly unknown[]) {
  const api = await startApiServer({ users: people() })
  t.teardown(() => api.stop())
  api.seed([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: cluster } },
    ...veleroCrds(),
    ...veleroInstall(),
    ...kinds.map(crdOf),
    ...manifests,
    ...made,
    pod,
    ...objects,
  ])
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const call = callerOf(t, api)
  const ask = (line: string, { as = 'admin', ...setting }: CliSetting & { readonly as?: string } = {}) => {
    const kubeconfig = join(folder, as)
    writeFileSync(kubeconfig, api.kubeconfig(as))
    return cli(['uninstall', ...line.split(' '), '--kubeconfig', kubeconfig], {
      clock: fastClock(10),
      ...setting,
    })
  }
  /** What is there of ours, by kind and name. */
  const left = (): readonly string[] =>
    [...manifests, ...made].flatMap((one) => (isThere(api, one) ? [`${one.kind} ${one.metadata.name}`] : []))
  /** Ends the pod when its Deployment is gone, as the kubelet does. */
  const kubelet = async () => {
    await eventually(
      'the Deployment is deleted',
      () => api.read('apps/deployments', 'tidewaiter', 'tidewaiter') === undefined || undefined,
    )
    await call('DELETE', podPath)
  }
  return { api, call, ask, left, kubelet }
}

const said = (seen: Said, text: string) =>
  eventually(`it says ${text}`, () => (seen.err + seen.out).includes(text) || undefined)
const nothing = (): Said => ({ out: '', err: '', code: 0 })

t.test(
  'all of ours goes, CRDs and what is of our kinds stay, and a second run has nothing to do',
  async (t) => {
    const { ask, left, kubelet, api } = await installed(
      t,
      anActionObject({ name: '10-freeze' }),
      aRun('done', {
        status: { phase: 'Succeeded' },
      }),
    )
    const before = left()
    t.ok(before.length > 25, `${before.length} objects`)
    const seen = await ask('--dry-run')
    t.match(seen, { code: 0, out: /^dry run/, err: /^- MutatingWebhookConfiguration tidewaiter\n/ })
    for (const text of [
      'Secret tidewaiter/tidewaiter-tls',
      'Lease velero/tidewaiter-claim',
      'Role velero/tidewaiter',
    ])
      t.match(seen.err, `- ${text}\n`)
    t.same(left(), before, 'a dry run takes nothing away')
    const no = await ask('--timeout 1m', { terminals: ['stdin'], answer: 'no' })
    t.match(no, {
      code: 1,
      err: /Take tidewaiter out of this cluster\? \[y\/N\] tidewaiter: nothing was done/,
    })
    t.same(left(), before)

    const [done] = await Promise.all([ask('--yes'), kubelet()])
    t.equal(done.code, 0, done.err)
    t.match(
      done.out,
      /^tidewaiter is uninstalled\nkept: 1 actionruns\.tidewaiter\.io, 1 actions\.tidewaiter\.io/,
    )
    // The ConfigMap of Kubernetes went with the namespace.
    t.same(left(), [])
    t.ok(api.read('tidewaiter.io/actions', 'velero', '10-freeze'))
    t.match(await ask('--yes'), { code: 0, out: /^nothing of tidewaiter is installed\nkept: / })
    const last = await ask('--delete-data', { terminals: ['stdin'], answer: 'yes' })
    t.match(last, {
      code: 0,
      err: /delete for ever 1 actionruns.*\? \[y\/N\]/s,
      out: 'tidewaiter is uninstalled\n',
    })
    t.match(await ask('--yes --delete-data'), { code: 0, out: 'nothing of tidewaiter is installed\n' })
  },
)

t.test(
  'admission stops first, the guard last; what is in hand is waited for, what another cluster ran is not',
  async (t) => {
    const other = aRun('restored', { cluster: 'another' })
    const { api, call, ask, left, kubelet } = await installed(t, aRun('running'), other, held)
    const seen = nothing()
    const ended = ask('--yes', { seen })
    await said(
      seen,
      'waiting for Backup velero/b-held (held), run velero/running (Running, PreBackup of Backup b1)',
    )
    t.notMatch(seen.err, 'restored')
    const now = left()
    t.notOk(now.some((one) => one.includes('WebhookConfiguration')))
    t.ok(now.includes('ValidatingAdmissionPolicyBinding hold.tidewaiter.io'))
    t.ok(now.includes('Deployment tidewaiter'))

    await call('PATCH', pathOf('backups', 'b-held'), {
      body: { metadata: { annotations: { 'tidewaiter.io/hold': null } } },
      type: mergePatch,
    })
    await said(seen, 'waiting for run velero/running (Running, PreBackup of Backup b1)\n')
    api.seed([aBackup('b-later')])
    // By seeding: the guard lets nobody else write it.
    api.seed([aRun('running', { status: { phase: 'Succeeded' } })])
    await said(seen, 'waiting for the pods to end: tidewaiter/tidewaiter-1')
    t.ok(left().includes('ClusterRoleBinding tidewaiter'), 'they have their rights until they have ended')
    await kubelet()
    t.equal((await ended).code, 0, seen.err)
    t.match(seen.err, 'created meanwhile, without any action: Backup velero/b-later\n')
    t.same(left(), [])
  },
)

t.test(
  'when the time is up it says what is left and how to go on; --force names what it abandons',
  whenThorough,
  async (t) => {
    const { api, ask, left, kubelet } = await installed(t, aRun('running'), held, aKey)
    t.match((await ask('--dry-run')).err, /^- Lease .* \(exclusive key "shop" of Backup velero\/b0 \(run /m)
    const late = await ask('--yes --timeout 20s')
    t.equal(late.code, 1)
    t.match(
      late.err,
      /still in hand: .*b-held.*velero\/running.*: it has not ended within 20 s\. Admission has stopped/,
    )
    t.match(late.err, /Run this again to go on from here; with --force/)
    t.ok(left().includes('ValidatingAdmissionPolicy hold.tidewaiter.io'))

    const [forced] = await Promise.all([ask('--yes --force --timeout 4s'), kubelet()])
    t.equal(forced.code, 0, forced.err)
    t.match(forced.err, 'abandoned: run velero/running (Running, PreBackup of Backup b1)\n')
    t.match(forced.err, 'ended as FailedValidation: Backup velero/b-held (held)\n')
    t.match(forced.err, 'given up: exclusive key "shop" of Backup velero/b0 (run b0-prebackup)\n')
    const ended = api.read('velero.io/backups', 'velero', 'b-held') as Loose
    t.notOk('tidewaiter.io/hold' in (ended.metadata.annotations ?? {}))
    t.match(ended.status, {
      phase: 'FailedValidation',
      validationErrors: [/^tidewaiter refused Backup velero\/b-held: .*uninstalled while this was held/],
      // Velero's garbage collector asks for both.
      expiration: /^\d{4}-/,
    })
    t.equal(ended.spec.storageLocation, 'default')
    t.same(left(), [])
  },
)

t.test('where no replica is ready nobody is waited for', whenThorough, async (t) => {
  const { call, ask } = await installed(t, aRun('running'))
  await call('DELETE', podPath)
  t.match(await ask('--yes --timeout 2h'), {
    code: 1,
    err: /velero\/running.*: no replica of tidewaiter is ready, so nobody ends it/,
  })
})

t.test('a run that was cut off at any point is finished by the next one', whenThorough, async (t) => {
  const { call, ask, left } = await installed(t)
  const gone = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration', 'Deployment', 'Pod']
  for (const { apiVersion, kind, metadata } of [...manifests, pod].filter(({ kind }) =>
    gone.includes(kind),
  )) {
    const where = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    await call('DELETE', `${base}${where}/${kind.toLowerCase()}s/${metadata.name}`)
  }
  t.match(await ask('--yes'), { code: 0, out: /^tidewaiter is uninstalled/ })
  t.same(left(), [])
})

t.test(
  'a held object that nobody is left to look at keeps the guard where it is',
  whenThorough,
  async (t) => {
    const { call, ask, left, kubelet } = await installed(t)
    const seen = nothing()
    const ended = ask('--yes', { seen })
    await said(seen, 'waiting for the pods to end')
    await call('POST', pathOf('backups'), { body: held })
    await kubelet()
    t.equal((await ended).code, 1)
    t.match(seen.err, /b-held \(held\): it came at the last moment, and would start without its pre actions/)
    t.ok(left().includes('ValidatingAdmissionPolicyBinding hold.tidewaiter.io'))
  },
)

t.test(
  'a namespace that holds what is not ours stays, and what is in it is named',
  whenThorough,
  async (t) => {
    const { ask, left, kubelet } = await installed(t, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'regcred', namespace: 'tidewaiter' },
    })
    const [done] = await Promise.all([ask('--yes'), kubelet()])
    t.equal(done.code, 0)
    t.match(
      done.err,
      /Namespace tidewaiter stays, because not all in it is ours: secrets\/regcred\. kubectl delete/,
    )
    t.same(left(), ['Namespace tidewaiter', 'ConfigMap kube-root-ca.crt'])
  },
)

t.test('what somebody makes again meanwhile is told', whenThorough, async (t) => {
  const { api, ask, kubelet } = await installed(t)
  const again = manifests.find(({ kind }) => kind === 'ValidatingWebhookConfiguration')
  const seen = nothing()
  const ended = ask('--yes', { seen })
  await said(seen, 'waiting for the pods to end')
  api.seed([again])
  await kubelet()
  t.equal((await ended).code, 1)
  t.match(seen.err, /made again by somebody .*: ValidatingWebhookConfiguration tidewaiter\. .*GitOps/)
})

t.test('a right that is lacking is named before anything is done', whenThorough, async (t) => {
  const { api, ask, left } = await installed(t)
  const all = { verbs: ['*'], groups: ['*'] }
  const grants = [
    { ...all, resources: ['*'], verbs: ['get', 'list'] },
    { ...all, resources: ['deployments', 'secrets', 'leases', 'namespaces', 'roles', 'rolebindings'] },
  ]
  api.addUser({ name: 'half', token: 'token-of-half', grants })
  const before = left()
  const { code, out, err } = await ask('--yes', { as: 'half' })
  t.same({ code, out }, { code: 4, out: '' })
  t.match(
    err,
    /must be allowed, in all namespaces: delete mutatingwebhookconfigurations\.admissionregistration\.k8s\.io, /,
  )
  t.notMatch(err, 'delete deployments')
  t.notMatch(err, /release actionruns|status/, 'nothing that is held is to be ended')
  t.same(left(), before)
  // What the guard asks of whoever ends what is held.
  const ending =
    'patch backups.velero.io, patch restores.velero.io, update backups.velero.io/status, ' +
    'update restores.velero.io/status, release actionruns.tidewaiter.io'
  t.match((await ask('--yes --force', { as: 'half' })).err, ending)
  t.same(left(), before)
})

t.test('what a process outside the cluster has registered is its own', whenThorough, async (t) => {
  const name = 'tidewaiter-dev-1a2b3c4d'
  const dev = {
    ...manifests.find(({ kind }) => kind === 'ValidatingWebhookConfiguration'),
    metadata: { name, labels: ownLabels },
  }
  const { ask, kubelet, call } = await installed(t, dev)
  const [done] = await Promise.all([ask('--yes'), kubelet()])
  t.equal(done.code, 0, done.err)
  const path = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${name}`
  t.equal((await call('GET', path)).status, 200)
})

t.test('a command line of uninstall that cannot be meant is usage', async (t) => {
  t.match(await cli(['uninstall']), { code: 2, err: /--yes must be given where nobody can be asked/ })
  t.match(await cli(['uninstall', '--yes', '--timeout', 'soon']), {
    code: 2,
    err: /--timeout must be a duration/,
  })
  t.match(await cli(['uninstall', 'velero', '--yes']), { code: 2, err: /uninstall takes options only/ })
})
