/** kubectl delete -k takes everything away, and Backups can be created during and after it. The last of all: nothing of ours is left. */
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
  call,
  emptyNamespace,
  ended,
  eventually,
  hook,
  image,
  kubectl,
  must,
  run,
  velero,
} from './support.ts'
import { ownNamespace, whole } from './z-install.ts'

t.setTimeout(180_000)

const ours = 'app.kubernetes.io/part-of=tidewaiter'
const root = join(import.meta.dirname, '../..')

t.test('an uninstall leaves nothing, and refuses no Backup but what was in the air', async (t) => {
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
  // What was sent to a webhook before it went may be asked about when the rights are gone already: at most one each.
  const { code, stderr } = await run('kubectl', [
    'delete',
    '--ignore-not-found',
    '-k',
    folder,
    '--timeout=100s',
  ])
  load.on = false
  must(await kubectl(['delete', 'lease', '-l', ours]))
  await Promise.all(workers)
  t.equal(code, 0, stderr)
  t.ok(allowed > 20)
  t.ok(refused.length <= workers.length, `a Backup may be created while it goes: ${refused.join('\n')}`)
  for (const one of refused) t.match(one, /tidewaiter cannot decide: .* answered (401|403|404)/)

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
