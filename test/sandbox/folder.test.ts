/** The folder of a sandbox: one living sandbox for each, and nothing of anybody else is touched. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startApiServer } from '../../src/sandbox/apiserver/server.ts'
import { takeFolder } from '../../src/sandbox/folder.ts'

const kubeconfigs = { kubeconfig: 'ours', 'alice.kubeconfig': 'hers' }
const gone = { url: 'https://127.0.0.1:1', ca: 'x' }

t.test('a folder is made, holds the kubeconfigs for the user alone, and is gone afterwards', async (t) => {
  const dir = join(t.testdir(), 'a', 'b')
  const folder = await takeFolder(dir, { ...gone, kubeconfigs })
  t.equal(readFileSync(folder.file('alice.kubeconfig'), 'utf8'), 'hers')
  t.equal(statSync(folder.file('kubeconfig')).mode & 0o777, 0o600)
  await folder.leave()
  t.notOk(existsSync(dir))
})

t.test('a folder that nobody can make is refused at once', { skip: !existsSync('/proc/self') }, async (t) => {
  for (const dir of ['/proc/tidewaiter', '/proc/tidewaiter/a', '/dev/null/a'])
    await t.rejects(takeFolder(dir, { ...gone, kubeconfigs }), {
      code: 'FOLDER_UNUSABLE',
      message: /cannot be made/,
    })
})

t.test('what others keep in it stays', async (t) => {
  const dir = t.testdir({ notes: 'mine' })
  const folder = await takeFolder(dir, { ...gone, kubeconfigs })
  await folder.leave()
  t.same(readdirSync(dir), ['notes'])
})

const remains = {
  'a folder that a killed sandbox left is taken over': JSON.stringify(gone),
  'a note that is cut off is taken over': '{"url":',
  'a note that is nonsense is taken over': '[]',
}
for (const [name, note] of Object.entries(remains)) {
  t.test(name, async (t) => {
    const dir = t.testdir({ 'sandbox.json': note, kubeconfig: 'old' })
    const folder = await takeFolder(dir, { ...gone, kubeconfigs })
    t.equal(readFileSync(folder.file('kubeconfig'), 'utf8'), 'ours')
    await folder.leave()
  })
}

t.test('a kubeconfig that no sandbox wrote is never overwritten', async (t) => {
  const dir = t.testdir({ kubeconfig: 'mine' })
  await t.rejects(takeFolder(dir, { ...gone, kubeconfigs }), { code: 'FOLDER_UNUSABLE' })
  t.equal(readFileSync(join(dir, 'kubeconfig'), 'utf8'), 'mine')
  t.same(readdirSync(dir), ['kubeconfig'])
})

t.test('a folder that a living sandbox has is refused, and its files stay', async (t) => {
  const api = await startApiServer()
  t.teardown(api.stop)
  const dir = t.testdir()
  const first = await takeFolder(dir, { url: api.url, ca: api.ca, kubeconfigs })
  await t.rejects(takeFolder(dir, { ...gone, kubeconfigs: { kubeconfig: 'other' } }), {
    message: `the folder ${dir} is in use by another sandbox (${api.url}): end it, or choose another --dir`,
  })
  t.equal(readFileSync(first.file('kubeconfig'), 'utf8'), 'ours')
})

t.test('another server on the port of one that is gone is not taken for it', async (t) => {
  const other = createServer((socket) =>
    socket
      .on('error', () => undefined)
      .end('hello')
      .resume(),
  )
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => other.close(resolve)))
  const url = `https://127.0.0.1:${(other.address() as AddressInfo).port}`
  const dir = t.testdir({ 'sandbox.json': JSON.stringify({ ...gone, url }), kubeconfig: 'old' })
  await t.resolves(takeFolder(dir, { ...gone, kubeconfigs }))
})

t.test('of many that come at once one gets the folder', async (t) => {
  const api = await startApiServer()
  t.teardown(api.stop)
  const dir = t.testdir({ 'sandbox.json': JSON.stringify(gone), kubeconfig: 'old' })
  const all = await Promise.allSettled(
    Array.from({ length: 8 }, () => takeFolder(dir, { url: api.url, ca: api.ca, kubeconfigs })),
  )
  t.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
})

t.test('a folder that cannot be made is told', async (t) => {
  const dir = t.testdir({ file: '' })
  await t.rejects(
    takeFolder(join(dir, 'file', 'box'), { ...gone, kubeconfigs }),
    /cannot be made .*choose another --dir/,
  )
})
