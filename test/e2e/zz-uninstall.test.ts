/** `tidewaiter uninstall` takes everything away, and Backups can be created during and after it. The last of all: nothing of ours is left. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import {
  aBackup,
  aBackupName,
  accepted,
  aMark,
  anAction,
  aName,
  apply,
  backUp,
  call,
  emptyNamespace,
  ended,
  eventually,
  hook,
  image,
  kubeconfig,
  kubectl,
  must,
  run,
  velero,
  veleroMs,
} from './support.ts'
import { ownNamespace, whole } from './z-install.ts'

const ours = 'app.kubernetes.io/part-of=tidewaiter'
const root = join(import.meta.dirname, '../..')

t.test('an uninstall waits for what is in hand, leaves nothing, and refuses no Backup', async (t) => {
  await whole()
  const { mark } = aMark()
  const server = await hook()
  // Not by act(): its teardown would ask for a kind that is gone.
  const action = aName('10-freeze')
  await apply(anAction(action, mark, { http: { url: server.url } }))
  await accepted(action)
  const folder = mkdtempSync(join(root, '.cluster/uninstall-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [name, digest] = image().split('@')
  const kustomization = {
    resources: ['../../deploy/overlays/default'],
    // As the overlays have it: the webhooks go first.
    sortOptions: { order: 'fifo' },
    images: [{ name: 'tidewaiter', newName: name, digest }],
  }
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
  const manifests = parseAllDocuments(must(await run('kubectl', ['kustomize', folder])).stdout).map((one) =>
    one.toJS(),
  )
  t.ok(manifests.length > 20)

  const load = { on: true }
  const refused: string[] = []
  let allowed = 0
  const worker = async () => {
    while (load.on) {
      const { status, body } = await call('POST', '/apis/velero.io/v1/namespaces/velero/backups?dryRun=All', {
        body: aBackup(aName('b'), mark),
      })
      if (status === 201) allowed += 1
      else refused.push(`${status} ${body.message}`)
    }
  }
  const workers = [worker(), worker()]
  // A post action that is under way: it is waited for.
  const slow = aName('90-slow')
  const late = await hook({ status: 200, delayMs: 30_000 })
  await apply(anAction(slow, mark, { stage: 'PostBackup', timeoutSeconds: 60, http: { url: late.url } }))
  await accepted(slow)
  const before = aBackupName()
  must(await backUp(before, mark))
  await eventually(async () => (await late.calls()).length === 1, {
    ms: veleroMs,
    what: 'the post action to begin',
  })
  const main = join(root, 'src/main.ts')
  const uninstall = (...args: readonly string[]) =>
    run(process.execPath, [main, 'uninstall', ...args, '--kubeconfig', kubeconfig])
  const plan = await uninstall('--dry-run')
  t.match(plan.stderr, new RegExp(`in hand: .*PostBackup of Backup ${before}`))
  const began = Date.now()
  const { code, stdout, stderr } = await uninstall('--yes', '--delete-data', '--timeout', '60s')
  load.on = false
  await Promise.all(workers)
  t.equal(code, 0, stderr)
  t.equal(stdout, 'tidewaiter is uninstalled\n')
  t.match(stderr, new RegExp(`waiting for .*PostBackup of Backup ${before}`))
  t.equal((await late.calls()).length, 1, 'it was neither cut off nor begun anew')
  // 30 s for the post action, 12 s for the pods, and a namespace that is empty by then (by hand it took 40 s); a slow machine takes longer.
  t.ok(Date.now() - began < 115_000, `it took ${Date.now() - began} ms`)
  t.ok(allowed > 20)
  t.same(refused, [], 'a Backup may be created while it goes')

  const left = await Promise.all(
    manifests.map(async ({ kind, apiVersion, metadata }) => {
      const group = String(apiVersion).includes('/')
        ? `.${String(apiVersion).split('/')[1]}.${String(apiVersion).split('/')[0]}`
        : ''
      const where = metadata.namespace === undefined ? [] : ['-n', metadata.namespace]
      const { stdout, stderr } = await kubectl([
        ...where,
        'get',
        `${kind}${group}`,
        metadata.name,
        '--ignore-not-found',
        '-o',
        'name',
      ])
      return stdout + (stderr.includes("the server doesn't have a resource type") ? '' : stderr)
    }),
  )
  t.same(
    left.filter((text) => text !== ''),
    [],
  )
  const kinds = must(await run('kubectl', ['api-resources', '--verbs=list', '-o', 'name']))
    .stdout.split('\n')
    .filter((one) => one !== '' && !one.startsWith('events') && !one.includes('metrics.k8s.io'))
  const labelled = await kubectl([
    'get',
    kinds.join(','),
    '-A',
    '-l',
    ours,
    '-o',
    'name',
    '--ignore-not-found',
  ])
  const rest = labelled.stdout.split('\n').filter((line) => line !== '')
  t.same(rest, [], 'nothing with our label is left')
  t.match((await kubectl(['get', 'namespace', ownNamespace])).stderr, /not found/)

  const after = aBackupName()
  must(
    await velero([
      'backup',
      'create',
      after,
      '--include-namespaces',
      emptyNamespace,
      '--labels',
      `e2e=${mark}`,
    ]),
  )
  // Velero goes on asking for kinds that are gone until it looks again (every 5 minutes): then it says PartiallyFailed.
  t.match((await ended('backup', after)).status.phase, /^(Completed|PartiallyFailed)$/)
  t.equal((await ended('backup', after)).metadata.annotations?.['tidewaiter.io/pre'], undefined)
  // What the other tests left in Velero's namespace would have been found by now; the CRDs, and so all Actions and runs, are gone.
  await eventually(async () => (await kubectl(['get', 'actions.tidewaiter.io'])).code !== 0, {
    what: 'the CRDs to be gone',
  })
  t.same(
    (
      await apply({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: aName('c'), namespace: emptyNamespace },
      })
    ).code,
    0,
  )
})
