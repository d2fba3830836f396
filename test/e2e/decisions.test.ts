/**
 * What the audit log of a real API server keeps of our decisions, and what `decisions verify` makes of it once somebody was at the records.
 * TIDEWAITER_E2E_KUBECONFIG: an administrator; TIDEWAITER_E2E_DIR: where the API server writes audit.log, as test/cluster/audit.yaml says.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { cli } from '../support/cli.ts'
import { eventually } from '../support/asking.ts'
import { standingAt } from '../support/kept-cluster.ts'
import { must, pathOf, startClient, type Loose } from './guard-client.ts'
import { freePort } from '../support/free-port.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG'] ?? ''
const dir = process.env['TIDEWAITER_E2E_DIR'] ?? ''
if (kubeconfig === '' || dir === '') {
  t.pass('skipped', { skip: 'TIDEWAITER_E2E_KUBECONFIG and TIDEWAITER_E2E_DIR name no API server' })
  process.exit(0)
}

const root = join(import.meta.dirname, '../..')
// Its own for each run: the former one may still be going.
const namespace = `tidewaiter-e2e-decisions-${process.pid}`
const client = await startClient(kubeconfig)
t.teardown(client.stop)
const collection = `/apis/tidewaiter.io/v1beta1/namespaces/${namespace}/admissiondecisions`
const backups = `/apis/velero.io/v1/namespaces/${namespace}/backups`

for (const file of ['actions', 'actionruns', 'admissiondecisions'])
  for (const one of parseAllDocuments(readFileSync(join(root, `deploy/crds/${file}.yaml`), 'utf8')))
    await must(client.call('POST', pathOf(one.toJS()), { body: one.toJS() }), [409])
await must(
  client.call('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  }),
)
t.teardown(() => client.call('DELETE', `/api/v1/namespaces/${namespace}`))

/** `tidewaiter serve` as a process, ready; `stop` ends it as a Deployment does. */
async function serve(t: Test): Promise<{ readonly stop: () => Promise<void> }> {
  const [webhook, metrics] = [await freePort(), await freePort()]
  const flags = {
    kubeconfig,
    'velero-namespace': namespace,
    'webhook-url': `https://127.0.0.1:${webhook}`,
    listen: `127.0.0.1:${webhook}`,
    'metrics-listen': `127.0.0.1:${metrics}`,
  }
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), 'serve', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => void child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(child, 'close')
  const ready = () =>
    fetch(`http://127.0.0.1:${metrics}/readyz`).then(
      ({ ok }) => ok || undefined,
      () => undefined,
    )
  await eventually('tidewaiter is ready', ready, { seconds: 30 })
  return {
    stop: async () => {
      child.kill('SIGTERM')
      t.same((await ended)[0], 0, said)
    },
  }
}

const backup = (name: string): Loose => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name, namespace },
  spec: { includedNamespaces: ['nothing'] },
})

/** The lines of the audit log that carry a decision in this namespace, oldest first. */
const logged = (): readonly string[] =>
  readFileSync(join(dir, 'audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('.tidewaiter.io/chain') && line.includes(namespace))

const annotation = (line: string, key: string): Loose => {
  const { annotations } = JSON.parse(line)
  const found = Object.keys(annotations).find((name) => name.endsWith(`.tidewaiter.io/${key}`))
  return found === undefined ? undefined : JSON.parse(annotations[found])
}

t.test('the audit log of a real API server shows what was done to records', async (t) => {
  const service = await serve(t)
  const stop = new AbortController()
  const seen = { out: '', err: '', code: -1 }
  const watching = cli(['decisions', 'watch', '-n', namespace, '--kubeconfig', kubeconfig, '-o', 'name'], {
    stop: stop.signal,
    seen,
  })
  const made = 20
  for (let i = 0; i < made; i += 1)
    await eventually('a Backup is admitted', async () => {
      const { status } = await client.call('POST', backups, { body: backup(`b${i}`) })
      return status === 201 || undefined
    })
  await service.stop()
  const records: readonly Loose[] = (await must(client.call('GET', collection))).body.items
  const lines = await eventually('the audit log has them all', () =>
    logged().length >= records.length ? logged() : undefined,
  )
  t.ok(records.length >= made, 'one for each name')
  const names = records.map(({ metadata }) => `admissiondecision.tidewaiter.io/${metadata.name}`)
  await eventually(
    'a watch shows them all',
    () => names.every((name) => seen.out.includes(name)) || undefined,
  )
  stop.abort()
  t.match(await watching, { code: 0, err: '' })
  t.same(seen.out.trimEnd().split('\n').toSorted(), names.toSorted(), 'each of them once')
  const checkpoints = lines.flatMap((line) => annotation(line, 'checkpoint') ?? [])
  t.match(
    checkpoints.map(({ seq }) => seq),
    [1, 17],
    'the first decision and the seventeenth are signed',
  )
  const { key } = checkpoints[0]

  const folder = t.testdir()
  const later = standingAt(Date.now() + 600_000)
  const verify = async (log: readonly string[] | 'none' = lines, keys: readonly string[] = [key]) => {
    const file = join(folder, 'audit.log')
    if (log !== 'none') writeFileSync(file, `${log.join('\n')}\n`)
    const about = log === 'none' ? [] : ['--audit-log', file]
    const args = ['decisions', 'verify', '-n', namespace, '--kubeconfig', kubeconfig, '-o', 'json', ...about]
    const { out, err, code } = await cli([...args, ...keys.flatMap((one) => ['--key', one])], {
      clock: later,
    })
    t.equal(err, '')
    const { findings, isIntact, decisions } = JSON.parse(out)
    t.equal(code, isIntact ? 0 : 1)
    const codes: readonly string[] = findings.map((one: Loose) => one.code)
    return { codes: [...new Set(codes)], isIntact, decisions }
  }
  const path = (record: Loose) => `${collection}/${record.metadata.name}`
  const put = async ({ metadata, ...record }: Loose) => {
    const { uid, resourceVersion } = (await must(client.call('GET', path({ metadata })))).body.metadata
    const body = { ...record, metadata: { ...metadata, uid, resourceVersion } }
    await must(client.call('PUT', path(body), { body }))
  }
  const remove = (record: Loose) => must(client.call('DELETE', path(record)))
  const create = ({ metadata: { name, labels }, ...record }: Loose) =>
    must(client.call('POST', collection, { body: { ...record, metadata: { name, namespace, labels } } }))
  const bySeq = records.toSorted((a, b) => a.status.first.seq - b.status.first.seq)
  const [one, other] = [bySeq[3], bySeq[8]]

  t.same(await verify(), { codes: [], isIntact: true, decisions: lines.length }, 'as they were written')
  await t.test('a changed one', async (t) => {
    await put({ ...one, status: { ...one.status, last: { ...one.status.last, message: 'all was well' } } })
    const { codes } = await verify()
    t.match(codes, ['Changed'])
    await put(one)
  })
  await t.test('one that was removed', async (t) => {
    await remove(one)
    t.same((await verify()).codes, ['Removed'])
    t.same((await verify('none')).codes, ['Removed', 'NoAuditLog'])
    await create(one)
  })
  await t.test('two whose places were changed', async (t) => {
    await put({ ...one, status: other.status })
    await put({ ...other, status: one.status })
    t.match((await verify()).codes, ['Changed'])
    await put(one)
    await put(other)
  })
  await t.test('one that is there twice', async (t) => {
    const copy = { ...one, metadata: { ...one.metadata, name: 'copy' } }
    await create(copy)
    t.match((await verify()).codes.toSorted(), ['Changed', 'Twice'])
    await remove(copy)
  })
  await t.test('an audit log in which a digest, or a checkpoint, was changed', async (t) => {
    const { digest } = annotation(lines[5] ?? '', 'chain')
    const other = lines.with(5, (lines[5] ?? '').replaceAll(digest, 'f'.repeat(64)))
    t.match((await verify(other)).codes, ['Differs'])
    const forged = lines.map((line) => line.replaceAll(checkpoints[1].chain, 'f'.repeat(64)))
    t.match((await verify(forged)).codes, ['Forged'])
    t.match((await verify(lines, ['x'.repeat(43)])).codes, ['Changed', 'Forged'], 'and by another key')
  })
  await t.test('an audit log that was read in another order says the same', async (t) => {
    t.same((await verify(lines.toReversed())).codes, [])
  })
  await t.test('all that were removed, which the audit log alone shows', async (t) => {
    for (const record of records) await remove(record)
    t.same((await verify()).codes, ['Missing'])
    t.equal((await verify('none')).isIntact, true)
  })
})
