/**
 * A whole cluster with tidewaiter in it is lost: Velero brings it back from its object storage into another one, which has an etcd, an
 * API server and a Velero of its own. What docs/disasters.md says of it is what is seen here, in that order.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startClient, type Answer } from './guard-client.ts'
import {
  aBackup,
  accepted,
  act,
  aMark,
  anAction,
  aName,
  apply,
  backUp,
  call as callHere,
  clusterFolder,
  emptyNamespace,
  ended,
  eventually,
  find,
  hook,
  kubectlJson,
  kubectl,
  must,
  run,
  runsOf,
  settledRun,
  velero,
  veleroMs,
  type Loose,
} from './support.ts'
import { asked, freeze as freezing, isHeld } from './held.ts'
import { whole } from './z-install.ts'

// Velero looks at its locations once a minute, and passes over one that was synced less than a minute ago.
const storageMs = 200_000

const root = join(import.meta.dirname, '../..')
const folder = join(clusterFolder(), 'other')
const other = join(folder, 'admin.kubeconfig')
const light = (...args: readonly string[]) => run(join(root, 'test/cluster/light.sh'), args)
const inOther = (program: string, ...args: readonly string[]) =>
  run(program, [...args, '--kubeconfig', other])
const tidewaiter = (...args: readonly string[]) =>
  inOther(process.execPath, join(root, 'src/main.ts'), ...args)
const own = (plural: string, name = '') =>
  `/apis/tidewaiter.io/v1beta1/namespaces/velero/${plural}${name === '' ? '' : `/${name}`}`
const of = (plural: string, name = '') =>
  `/apis/velero.io/v1/namespaces/velero/${plural}${name === '' ? '' : `/${name}`}`

const { mark } = aMark()
const [freeze, slow, gate] = [aName('10-freeze'), aName('90-slow'), aName('10-gate')]
const [before, all, held] = [aName('before'), aName('all'), aName('held')]
const [tell, replay, told] = [aName('10-tell'), aName('10-replay'), aName('told')]

/** The other cluster: its API server, and its Velero on the object storage of the lost one. */
async function startOther() {
  t.teardown(() => light('down', folder))
  must(await light('up', folder))
  must(await light('velero', folder))
  const { call, stop } = await startClient(other)
  t.teardown(stop)
  const { body } = await fetchStorage()
  const spec = { backupSyncPeriod: '2s', config: body.spec.config }
  must2(await call('PATCH', of('backupstoragelocations', 'default'), { body: { spec } }))
  return call
}
const fetchStorage = async () => ({ body: await kubectlJson(['get', 'backupstoragelocation', 'default']) })

function must2(answer: Answer): Loose {
  if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body).slice(0, 500)}`)
  return answer.body
}

/** `velero restore create --wait` in the other cluster; gives the Restore. */
async function restoreInOther(call: Awaited<ReturnType<typeof startOther>>, name: string): Promise<Loose> {
  const ran = await inOther('velero', 'restore', 'create', name, '--from-backup', all, '--wait')
  t.equal(ran.code, 0, ran.stderr + ran.stdout)
  return must2(await call('GET', of('restores', name)))
}

/** A process of tidewaiter that serves the other cluster. */
async function serveOther(trustedKeys: string): Promise<{ readonly out: () => string }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  await new Promise((resolve) => server.close(resolve))
  const at = `127.0.0.1:${port}`
  const flags = [
    '--kubeconfig',
    other,
    '--webhook-url',
    `https://${at}`,
    '--listen',
    at,
    '--metrics-listen',
    '127.0.0.1:0',
    '--trusted-keys',
    trustedKeys,
  ]
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), 'serve', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await once(child, 'close').catch(() => undefined)
  })
  await eventually(async () => out.includes('this process leads'), {
    ms: 60_000,
    what: 'a leader in the other cluster',
  })
  return { out: () => out }
}

t.test('a cluster is lost and comes back', async (t) => {
  await whole()
  // Velero asks once in five minutes which kinds there are (pkg/discovery/helper.go), and here it is older than ours.
  must(await kubectl(['rollout', 'restart', 'deployment/velero']))
  must(await kubectl(['rollout', 'status', 'deployment/velero', '--timeout=120s']))
  const starting = startOther()
  starting.catch(() => undefined)
  const [quick, endless, late, no] = [
    await hook(),
    await hook({ delayMs: 600_000 }),
    await hook({ status: 200, delayMs: 60_000 }),
    await hook({ status: 500, body: 'not here' }),
  ]
  const calls = async () =>
    (await Promise.all([quick, endless, late, no].map(async (one) => (await one.calls()).length))).reduce(
      (a, b) => a + b,
    )
  await act(
    t,
    anAction(freeze, mark, { http: { url: quick.url } }),
    anAction(slow, mark, { stage: 'PostBackup', timeoutSeconds: 120, http: { url: late.url } }),
  )
  const still = aMark().mark
  await act(t, freezing(aName('10-endless'), still, { on: endless, off: quick }, { timeoutSeconds: 600 }))
  // For every Restore, whatever its labels: it would refuse the one that brings the cluster back.
  const blocking = { ...anAction(gate, mark, { stage: 'PreRestore', http: { url: no.url } }) }
  await act(t, { ...blocking, spec: { stage: 'PreRestore', http: { url: no.url } } })
  const plugin = {
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'VeleroPlugin',
    metadata: { name: aName('acme'), namespace: 'velero' },
    spec: { image: 'registry.example.com/acme/velero-plugin:1.0.0' },
  }
  await apply(plugin)
  t.teardown(() => run('kubectl', ['-n', 'velero', 'delete', 'veleroplugin', plugin.metadata.name]))

  must(await backUp(before, mark))
  const settled = await settledRun('backup', before, 'PreBackup')
  const running = await eventually(
    async () =>
      (await runsOf('backup', before)).find(
        ({ status }) => status?.phase === 'Running' && status?.owner !== undefined,
      ),
    { ms: veleroMs, what: 'a post action that is under way' },
  )
  // An output that goes with its Backup, and the keys by which the other cluster may believe it.
  const position = await hook({ status: 200, body: { lsn: '0/16B3748' } })
  const telling = aMark().mark
  const outputs = [{ name: 'lsn', expression: 'response.body.lsn', export: true }]
  await act(t, anAction(tell, telling, { http: { url: position.url }, outputs }))
  must(await backUp(told, telling))
  t.match((await ended('backup', told)).status.phase, 'Completed')
  const shown = must(await run(process.execPath, [join(root, 'src/main.ts'), 'keys', 'show']))
  const trustedKeys = join(folder, 'trusted-keys.json')
  must(await backUp(held, still))
  t.teardown(() => run('kubectl', ['-n', 'velero', 'delete', 'backup', held]))
  await asked(endless)
  const keys = '/apis/coordination.k8s.io/v1/leases?labelSelector=tidewaiter.io/claim=exclusive'
  t.not(must2(await callHere('GET', keys)).items.length, 0, 'it has the key of its action')
  must(await velero(['backup', 'create', all, '--wait']))
  const backup = await ended('backup', all)
  t.match(backup.status.phase, /^(Completed|PartiallyFailed)$/)
  const called = await calls()
  t.equal(called, 3, 'the freeze, the one that is under way, and the one that a Backup is held for')
  t.ok(await isHeld('backup', held), 'what is held when the cluster is lost')

  const call = await starting
  await eventually(async () => (await call('GET', of('backups', all))).status === 200, {
    ms: storageMs,
    what: 'the Backup in the other cluster',
  })
  /** The names of what is there, none where the kind is not. */
  const list = async (path: string, selector = 'app.kubernetes.io/part-of=tidewaiter') => {
    const answer = await call('GET', `${path}?labelSelector=${encodeURIComponent(selector)}`)
    const items: readonly Loose[] = answer.status === 404 ? [] : must2(answer).items
    return items.map(({ metadata }) => metadata.name as string)
  }

  await t.test('the Restore is blocked by nothing of ours, and calls nobody', async (t) => {
    const { status } = await restoreInOther(call, aName('r'))
    t.match(status.phase, /^(Completed|PartiallyFailed)$/, JSON.stringify(status))
    t.same(status.validationErrors ?? [], [])
    t.equal(await calls(), called)
  })

  await t.test('of ours only CRDs and what people wrote come over', async (t) => {
    for (const path of [
      'admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
      'admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
      'admissionregistration.k8s.io/v1/validatingadmissionpolicies',
      'admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
      'coordination.k8s.io/v1/leases',
      'apps/v1/deployments',
      'rbac.authorization.k8s.io/v1/clusterroles',
      'rbac.authorization.k8s.io/v1/rolebindings',
    ])
      t.same(await list(`/apis/${path}`), [], path)
    for (const plural of ['configmaps', 'secrets', 'services', 'pods'])
      t.same(await list(`/api/v1/${plural}`), [], plural)
    const names = await list(own('actions'), '')
    for (const name of [freeze, slow, gate]) t.ok(names.includes(name), name)
    t.ok((await list(own('veleroplugins'), '')).includes(plugin.metadata.name))
    // A run or a decision of another cluster is of no use here.
    t.same(await list(own('actionruns'), ''), [])
    t.same(await list(own('admissiondecisions'), ''), [])
  })

  await t.test(
    'what was held there is not here: neither it nor its key, and there is nothing of it to undo',
    async (t) => {
      t.equal((await call('GET', of('backups', held))).status, 404)
      t.same(must2(await call('GET', keys)).items, [])
    },
  )

  // Velero restores a CRD only where something of its kind was backed up: an install brings them all.
  const crds = ['apply', '--server-side', '-k', join(root, 'deploy/crds')]
  await eventually(async () => (await inOther('kubectl', ...crds)).code === 0, {
    what: 'the CRDs to be applied',
  })
  // As a copy of etcd would have brought it: under way, by an owner that is gone for long.
  const here = must2(await call('GET', '/api/v1/namespaces/kube-system')).metadata.uid
  const carry = async (given: Loose) => {
    const { uid: _uid, resourceVersion: _version, managedFields: _fields, ...metadata } = given.metadata
    const { status: code } = await eventually(
      async () => {
        const answer = await call('POST', own('actionruns'), { body: { ...given, metadata } })
        return answer.status !== 404 && answer
      },
      { what: 'the kind ActionRun to be served' },
    )
    t.equal(code, 201)
    const status = {
      ...given.status,
      phase: 'Running',
      deadline: new Date(Date.now() - 3_600_000).toISOString(),
    }
    must2(await call('PATCH', `${own('actionruns', metadata.name)}/status`, { body: { status } }))
    return metadata.name as string
  }
  const carried = await carry(running)
  // The same, of a Backup of this cluster: it shows that whatever is to be taken up was.
  const { completionTimestamp: _end, ...rest } = settled.status
  const taken = await carry(
    JSON.parse(
      JSON.stringify({ ...settled, status: rest })
        .replaceAll(settled.metadata.name, aName('taken'))
        .replaceAll(settled.spec.objectRef.uid, here)
        .replaceAll(settled.spec.cluster, here),
    ),
  )
  await writeFile(trustedKeys, shown.stdout)
  const serving = await serveOther(trustedKeys)

  await t.test(
    'tidewaiter there runs nothing, and undoes nothing, of what was under way elsewhere',
    async (t) => {
      await eventually(
        async () => {
          const said = (await call('GET', own('actions', gate))).body.status?.conditions?.[0]
          return said?.reason === 'Unadopted'
        },
        { what: 'the leader there to have looked at the Actions' },
      )
      const phaseOf = async (name: string) => (await call('GET', own('actionruns', name))).body.status.phase
      await eventually(async () => (await phaseOf(taken)) !== 'Running', {
        what: 'what is of this cluster to be taken up',
      })
      t.equal(await phaseOf(carried), 'Running')
      t.equal(await calls(), called)
      const errors = serving
        .out()
        .split('\n')
        .filter((line) => /"level":"(error|fatal)"/.test(line))
      // Their stamps are by the key of the lost cluster, and the other run was left over.
      t.same(
        errors.filter((line) => !/not by our key|left over by a replica that ended/.test(line)),
        [],
      )
      await eventually(async () => serving.out().includes('the stamps of these Actions are not by our key'), {
        what: 'the log to say so',
      })
    },
  )

  await t.test('a Restore passes also now, for the Actions wait to be adopted', async (t) => {
    const { status } = await restoreInOther(call, aName('r'))
    t.match(status.phase, /^(Completed|PartiallyFailed)$/)
    t.equal(await calls(), called)
    const { stderr, code } = await tidewaiter('actions', 'list')
    t.equal(code, 0, stderr)
    t.match(stderr, /\d+ Actions are not run until somebody adopts them: tidewaiter actions adopt -n velero /)
    for (const name of [freeze, slow, gate]) t.match(stderr, name)
  })

  await t.test('once adopted they run there', async (t) => {
    const adopted = await tidewaiter('actions', 'adopt', freeze, '--yes')
    t.match(adopted, { code: 0, stdout: new RegExp(`adopted ${freeze}, author `) }, adopted.stderr)
    const created = await eventually(
      async () => {
        const body = aBackup(aName('b'), mark, { spec: { includedNamespaces: [emptyNamespace] } })
        const answer = await call('POST', `${of('backups')}?dryRun=All`, { body })
        return answer.warnings.some((text) => text.includes('dry run, PreBackup action')) && body
      },
      { what: 'the adopted Action to be known' },
    )
    must2(await call('POST', of('backups'), { body: created }))
    t.equal((await quick.calls()).length, 2)
    t.equal((await no.calls()).length, 0)
    t.equal((await late.calls()).length, 1)
  })
  await t.test('what an action learnt before its Backup, an action of a Restore reads there', async (t) => {
    const replayed = await hook()
    const wants = (name: string, backup: string) => ({
      ...anAction(name, mark, {}),
      spec: {
        stage: 'PreRestore',
        match: { expression: `restore.spec.backupName == '${backup}'` },
        http: { url: replayed.url, body: { lsn: `\${exported['${tell}'].lsn}` } },
      },
    })
    must2(await call('POST', own('actions'), { body: wants(replay, told) }))
    must2(await call('POST', own('actions'), { body: wants(`${replay}-none`, all) }))
    const restoreOf = (backup: string) => ({
      apiVersion: 'velero.io/v1',
      kind: 'Restore',
      metadata: { name: aName('r'), namespace: 'velero' },
      spec: { backupName: backup },
    })
    const answered = (backup: string) => call('POST', of('restores'), { body: restoreOf(backup) })
    await eventually(async () => (await answered(all)).status === 403, {
      what: 'a Restore of a Backup that carries no outputs to be refused',
    })
    t.same(await replayed.calls(), [])
    const restore = must2(await answered(told))
    t.match(await replayed.calls(), [{ body: '{"lsn":"0/16B3748"}' }])
    await eventually(
      async () =>
        must2(await call('GET', of('restores', restore.metadata.name))).status?.phase === 'Completed',
      { ms: veleroMs, what: 'the Restore to complete' },
    )
  })
  t.equal((await find('action', freeze))?.metadata.name, freeze)
  await accepted(freeze)
})
