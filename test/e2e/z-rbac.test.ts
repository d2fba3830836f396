/** Each right that the install asks for is needed: taken away alone, something that can be seen fails. Too many rights turn this red. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import {
  aBackup,
  act,
  aBackupName,
  aMark,
  aName,
  anAction,
  backUp,
  call,
  eventually,
  hook,
  kubeconfig,
  kubectl,
  must,
  tryApply,
  veleroAccount,
  type Hook,
  type Loose,
} from './support.ts'
import { logs, ownNamespace, sum, whole } from './z-install.ts'

const root = join(import.meta.dirname, '../..')
const roles: readonly Loose[] = ['cluster', 'velero', 'own']
  .flatMap((name) => parseAllDocuments(readFileSync(join(root, `deploy/base/rbac-${name}.yaml`), 'utf8')))
  .map((one) => one.toJS())
  .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')

const keyOf = (role: Loose, { resources, verbs }: Loose): string =>
  `${role.metadata.namespace ?? 'cluster'}: ${verbs.join(' ')} ${resources.join(' ')}`
const pathOf = ({ kind, metadata }: Loose): string =>
  `/apis/rbac.authorization.k8s.io/v1/${kind === 'Role' ? `namespaces/${metadata.namespace}/roles` : 'clusterroles'}/${metadata.name}`

const { mark } = aMark()
const secret = aName('token')
let server: Hook
let credentials = ''

t.before(async () => {
  await whole()
  server = await hook()
  // The API server answers 429 to the first who asks for a kind.
  await eventually(async () => must(await kubectl(['get', 'veleroplugins'])), { what: 'the VeleroPlugins' })
  const { stdout } = must(await kubectl(['-n', ownNamespace, 'create', 'token', 'tidewaiter']))
  credentials = join(t.testdir({}), 'tidewaiter')
  writeFileSync(
    credentials,
    readFileSync(kubeconfig, 'utf8').replace(/token: [^}\s]+/, `token: ${stdout.trim()}`),
  )
  const labels = { 'tidewaiter.io/for-actions': 'true' }
  must(
    await tryApply([
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret, namespace: 'velero', labels },
        stringData: { a: 'b' },
      },
    ]),
  )
  await act(
    t,
    anAction(aName('10-rbac'), mark, {
      http: {
        url: server.url,
        headers: [{ name: 'X-A', valueFrom: { secretKeyRef: { name: secret, key: 'a' } } }],
      },
    }),
  )
})
t.teardown(() => kubectl(['delete', 'secret', secret]))
t.after(() => whole())

/** What is broken, or undefined when all is well. */
type Scenario = {
  readonly broken: (since: string) => Promise<string | undefined>
  /** How long it may take. */
  readonly ms?: number
  /** Makes ready, and gives what puts it back before the right is given back. */
  readonly prepare?: () => Promise<() => Promise<unknown>>
}

/** A third replica, with the account of the install, does not come up as it should. */
const start = (pattern: RegExp): Scenario => ({
  broken: () =>
    new Promise((resolve, reject) => {
      const args = [
        'serve',
        '--kubeconfig',
        credentials,
        '--roles',
        'webhook',
        '--listen',
        '127.0.0.1:0',
        '--metrics-listen',
        '127.0.0.1:0',
      ]
      const child = spawn(process.execPath, [join(root, 'src/main.ts'), ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        // As in a pod: it is not told where to be called, for it is called by the Service.
        env: { PATH: process.env['PATH'], POD_NAMESPACE: 'tidewaiter', VELERO_PLUGINS_ENABLED: 'true' },
      })
      let text = ''
      let settling: NodeJS.Timeout | undefined
      const end = (found: string | undefined) => {
        clearTimeout(settling)
        child.kill('SIGKILL')
        resolve(found)
      }
      const look = (chunk: Buffer) => {
        text += chunk.toString()
        if (pattern.test(text)) end(text)
        // What it says when something is missing, it says at once.
        if (text.includes('tidewaiter runs')) settling ??= setTimeout(() => end(undefined), 1_500)
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.on('close', () => reject(new Error(`it ended, and said: ${text}`)))
    }),
})

/** A Backup with a matching Action cannot be created. */
const backup: Scenario = {
  broken: async () => {
    const { code, stderr } = await backUp(aBackupName(), mark)
    return code === 0 ? undefined : stderr
  },
}

/** A replica that runs complains, after something was done. */
const log = (pattern: RegExp, provoke: () => Promise<unknown> = () => Promise.resolve()): Scenario => ({
  broken: async (since) => {
    await provoke()
    return eventually(
      async () =>
        (await logs())
          .filter(({ time }) => time >= since)
          .map((line) => JSON.stringify(line))
          .find((line) => pattern.test(line)),
      { ms: since === '' ? 1 : 14_000, what: String(pattern), everyMs: 250 },
    )
  },
})

const backUpOnce = () => backUp(aBackupName(), mark)
const leasePath = `/apis/coordination.k8s.io/v1/namespaces/${ownNamespace}/leases/tidewaiter-leader`
/** Takes the Lease out of the leader's hands, so that one begins to lead. */
const depose = () => call('PATCH', leasePath, { body: { spec: { holderIdentity: null } } })

/** Deletes an object, and makes it again as it was. */
const without = (path: string) => async () => {
  const { body } = await call('GET', path)
  await call('DELETE', path)
  const { name, namespace, labels } = body.metadata
  return () =>
    call('POST', path.slice(0, path.lastIndexOf('/')), {
      body: { ...body, metadata: { name, namespace, labels } },
    })
}

const status = anAction(aName('10-status'), aMark().mark, { http: { url: 'http://hook.e2e.svc:8090/' } })
t.teardown(() => kubectl(['delete', 'action', status.metadata.name]))

/** A Backup whose post action fails, which counts against it. */
const counting = aMark()
const countOnce = async () => {
  const failing = await hook({ status: 500 })
  await act(
    t,
    anAction(aName('10-counts'), counting.mark, {
      stage: 'PostBackup',
      countsAgainstResult: true,
      http: { url: failing.url },
    }),
  )
  return backUp(aBackupName(), counting.mark)
}

const scenarios: Readonly<Record<string, Scenario>> = {
  'cluster: get patch validatingwebhookconfigurations mutatingwebhookconfigurations': log(
    /the webhook configuration could not be kept/,
  ),
  'cluster: get namespaces': start(/needs the rights of .*namespaces \\?"kube-system\\?" is forbidden/),
  'cluster: create subjectaccessreviews': {
    broken: async () => {
      const headers = [{ name: 'X-A', valueFrom: { secretKeyRef: { name: aName('none'), key: 'a' } } }]
      const { stderr } = await tryApply([
        anAction(aName('10-sar'), aMark().mark, { http: { url: server.url, headers } }),
      ])
      return /internal error|cannot create resource|could not be asked/.test(stderr) ? stderr : undefined
    },
  },
  'cluster: list nodes': start(
    /addresses of nodes and API server could not be read.*|cannot list resource \\"nodes\\"/,
  ),
  'default: get endpointslices': start(/cannot get resource \\"endpointslices\\"/),
  'velero: get list watch patch backups restores': backup,
  'velero: update backups/status restores/status': log(
    /status is written by Velero and tidewaiter only/,
    countOnce,
  ),
  'velero: create backups schedules': start(/the guard did not deny its canar/),
  'velero: list watch backupstoragelocations': start(
    /backupstoragelocations.*a watch broke off|a watch broke off.*backupstoragelocations/,
  ),
  'velero: list watch actions': start(/needs the rights of .*actions/),
  'velero: list watch veleroplugins': start(/cannot (list|watch) resource \\"veleroplugins\\"/),
  'velero: list watch deployments': start(/cannot (list|watch) resource \\"deployments\\"/),
  'velero: list watch configmaps': start(/cannot (list|watch) resource \\"configmaps\\"/),
  'velero: get schedules': {
    // A skip that Velero copied is looked for on its Schedule.
    broken: async () => {
      const metadata = {
        labels: { 'velero.io/schedule-name': 'nightly' },
        annotations: { '10-rbac/prebackup': 'skip' },
      }
      const body = aBackup(aBackupName(), mark, { metadata })
      const path = '/apis/velero.io/v1/namespaces/velero/backups?dryRun=All'
      const answer = await call('POST', path, { body, as: veleroAccount.user })
      return answer.status === 201 ? undefined : String(answer.body.message)
    },
  },
  'velero: patch actions/status': log(/cannot patch resource \\"actions\/status\\"/, () =>
    tryApply([status]),
  ),
  'velero: get list watch create delete actionruns': backup,
  'velero: update actionruns/status': backup,
  'velero: get list create update delete admissiondecisions': log(
    /decisions cannot be recorded now|the record of a decision is not taken/,
    backUpOnce,
  ),
  'velero: release actionruns': log(
    /annotations tidewaiter\.io\/\S+ are written by tidewaiter only/,
    backUpOnce,
  ),
  'velero: get list create update delete leases': backup,
  'velero: create patch events': log(/an Event could not be written/, backUpOnce),
  'velero: get secrets': backup,
  'tidewaiter: get update secrets': start(/cannot get resource \\?"secrets\\?"/),
  'tidewaiter: create secrets': {
    ...start(/cannot create resource \\?"secrets\\?"/),
    // It waits 81 s for others to put the Secret back.
    ms: 120_000,
    prepare: without(`/api/v1/namespaces/${ownNamespace}/secrets/tidewaiter-tls`),
  },
  'tidewaiter: get patch leases': log(/the lease cannot be read or written/),
  'tidewaiter: create leases': { ...log(/cannot create resource \\"leases\\"/), prepare: without(leasePath) },
  'tidewaiter: get configmaps': log(
    /cannot get resource \\"configmaps\\".*the work of the leader failed/,
    depose,
  ),
  'tidewaiter: get update configmaps': log(/the public keys of this cluster could not be published/, depose),
  'tidewaiter: create configmaps': {
    ...log(/cannot create resource \\"configmaps\\".*the work of the leader failed/, depose),
    prepare: without(`/api/v1/namespaces/${ownNamespace}/configmaps/tidewaiter-install`),
  },
}

// Needed by a leader whose gate of plugins is open: their scenarios are in z-plugins.test.ts.
const elsewhere = ['velero: patch veleroplugins/status', 'velero: get serviceaccounts']

t.test(
  'every rule of the manifests has a scenario, and the install has those rules and no other',
  async (t) => {
    t.same(
      roles.flatMap((role) => role.rules.map((rule: Loose) => keyOf(role, rule))).sort(),
      [...Object.keys(scenarios), ...elsewhere].sort(),
    )
    for (const role of roles)
      t.same((await call('GET', pathOf(role))).body.rules, role.rules, role.metadata.name)
  },
)

t.test('with all rights nothing of it fails', async (t) => {
  t.equal(await start(/"level":"(warn|error)"|tidewaiter: /).broken(''), undefined)
  t.equal(await backup.broken(''), undefined)
  for (const key of ['cluster: create subjectaccessreviews', 'velero: get schedules'])
    t.equal(await scenarios[key]?.broken(''), undefined, key)
})

for (const role of roles) {
  for (const rule of role.rules) {
    const key = keyOf(role, rule)
    const scenario = scenarios[key]
    if (scenario === undefined) continue
    t.test(`without the right "${key}" something fails`, async (t) => {
      const since = new Date().toISOString()
      await call('PATCH', pathOf(role), { body: { rules: role.rules.filter((one: Loose) => one !== rule) } })
      const putBack = await scenario.prepare?.()
      try {
        const found = await eventually(() => scenario.broken(since), {
          ms: scenario.ms ?? 45_000,
          what: 'something that fails',
        })
        t.comment(found.trim().slice(-300))
        t.ok(found)
      } finally {
        await putBack?.()
        await call('PATCH', pathOf(role), { body: { rules: role.rules } })
      }
    })
  }
}

t.test('with its rights back every replica is well, and reaches itself through the API server', async () => {
  await whole()
  await eventually(async () => (await backup.broken('')) === undefined, { what: 'a Backup' })
  await eventually(async () => (await sum(/^tidewaiter_probe_success\{namespace="velero"\}/)) === 2, {
    ms: 130_000,
    everyMs: 1_000,
    what: 'tidewaiter_probe_success to be 1 in both replicas',
  })
})
