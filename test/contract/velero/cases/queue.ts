/** The queue: who waits for whom, and which phases Velero leaves alone. */
import assert from 'node:assert/strict'
import type { Json } from '../../http.ts'
import { about, rule } from '../case.ts'
import { ended, phaseOf } from '../velero.ts'

/** The rules. */
export const cases = about('queue', [
  rule('Backups of one namespace never run at once', async (velero) => {
    const { spec } = await velero.cargo()
    const watch = await velero.watch('backups', {
      labelSelector: `of=${spec.includedNamespaces[0]}`,
    })
    const labels = { of: spec.includedNamespaces[0] }
    // Only the stand-in heeds it: its Backups have nothing to do, and would be done before the next is looked at.
    const annotations = { 'sandbox.velero.io/duration': '6s' }
    await Promise.all([1, 2, 3].map(() => velero.make('backups', { spec, labels, annotations })))
    const seen = new Map<string, Json>()
    while (seen.size < 3 || ![...seen.values()].every(ended)) {
      const event = await watch.next(45_000)
      seen.set(event?.object.metadata.name, event?.object)
      const running = [...seen.values()].filter((one) => phaseOf(one) === 'InProgress')
      assert.ok(running.length <= 1, `${running.length} run at once`)
    }
    assert.deepEqual([...seen.values()].map(phaseOf), ['Completed', 'Completed', 'Completed'])
  }),
  rule('one that is made InProgress is nobody’s: it stays so', async (velero) => {
    const { spec } = await velero.cargo()
    const { metadata } = await velero.make('backups', { spec, status: { phase: 'InProgress' } })
    await velero.passed()
    assert.equal(phaseOf(await velero.read('backups', metadata.name)), 'InProgress')
    await velero.remove('backups', metadata.name)
  }),
  rule(
    'one that is made ReadyToStart waits for an update, and then runs as it is by then',
    async (velero) => {
      const { spec } = await velero.cargo()
      const { metadata } = await velero.make('backups', { spec, status: { phase: 'ReadyToStart' } })
      await velero.passed()
      assert.equal(phaseOf(await velero.read('backups', metadata.name)), 'ReadyToStart')
      await velero.patch('backups', metadata.name, { spec: { ttl: '2h0m0s' } })
      const done = await velero.until('backups', metadata.name, ended)
      assert.equal(phaseOf(done), 'Completed')
      assert.equal(done.spec.ttl, '2h0m0s')
    },
  ),
  rule('one that is made FailedValidation or Failed stays so', async (velero) => {
    const names: string[] = []
    for (const phase of ['FailedValidation', 'Failed'])
      names.push((await velero.make('backups', { status: { phase } })).metadata.name)
    await velero.passed()
    const found = await Promise.all(names.map((name) => velero.read('backups', name)))
    assert.deepEqual(found.map(phaseOf), ['FailedValidation', 'Failed'])
  }),
  rule('one that is made Finalizing is finished without having run', async (velero) => {
    const { spec } = await velero.cargo()
    const { metadata } = await velero.make('backups', {
      spec: { ...spec, storageLocation: 'default' },
      status: { phase: 'Finalizing' },
    })
    const done = await velero.until('backups', metadata.name, ended)
    assert.equal(phaseOf(done), 'Completed')
    assert.equal(done.status.startTimestamp, undefined)
    assert.match(done.status.completionTimestamp, /Z$/)
  }),
])
