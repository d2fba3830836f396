/** What the service decides is recorded in the cluster, and nobody else may touch it. */
import t from 'tap'
import { parseAdmissionDecision } from '../../src/api/parse.ts'
import { verify } from '../../src/core/decision/verify.ts'
import { hash, isSignedBy } from '../../src/wiring/crypto.ts'
import { eventually, type Loose } from '../support/asking.ts'
import { startCluster } from '../support/cluster.ts'
import { act, action, backup, create } from '../support/scenes.ts'

const collection = '/apis/tidewaiter.io/v1beta1/namespaces/velero/admissiondecisions'

t.test('decisions are recorded, explained and chained; people may not write or delete them', async (t) => {
  const system = await startCluster(t)
  await act(system, action('10-a', {}), action('20-weekly', { match: { scheduleNames: ['weekly'] } }))
  system.hooks.behave('/10-a', { status: 503, body: 'replica lag' })
  for (const name of ['b1', 'b1']) t.equal((await create(system, backup(name))).status, 403)
  t.equal((await create(system, backup('b2', { metadata: { labels: { x: 'y' } } }))).status, 403)
  const list = async () => (await system.call('GET', collection)).body.items
  const ofName = (items: Loose, name: string) => items.find((one: Loose) => one.spec.name === name)
  const items = await eventually('they are recorded', async () => {
    const all = await list()
    // Also what was decided about Actions.
    const action = all.find(({ spec }: Loose) => spec.kind === 'Action' && spec.reason === 'ActionAccepted')
    const isThere = ofName(all, 'b2') !== undefined && ofName(all, 'b1')?.status.count === 2
    return isThere && action !== undefined ? all : undefined
  })
  t.match(ofName(items, 'b1'), {
    spec: { verdict: 'Refused', reason: 'ActionFailed', action: '10-a', kind: 'Backup', operation: 'CREATE' },
    status: {
      count: 2,
      last: { run: /^b1-.*-prebackup$/, message: /replica lag/ },
      considered: [
        { action: '10-a', found: 'Matched' },
        { action: '20-weekly', found: 'NotMatched', because: /scheduleNames/ },
      ],
      calls: [{ action: '10-a', phase: 'Failed', request: /^POST / }],
    },
  })
  const path = `${collection}/${ofName(items, 'b1').metadata.name}`
  const record = (await system.call('GET', path)).body
  const forged = { ...record, status: { ...record.status, count: 1 } }
  t.match(await system.call('PUT', path, { body: forged }), {
    status: 403,
    body: { message: /written by tidewaiter only/ },
  })
  t.match(await system.call('DELETE', path), { status: 403, body: { message: /deleted by tidewaiter only/ } })
  await system.service.stop()
  const records = (await list()).map((raw: Loose) => parseAdmissionDecision(raw)).map((one: Loose) => one.ok)
  const report = verify({
    namespace: 'velero',
    records,
    unreadable: [],
    audited: undefined,
    keys: [],
    now: system.clock.now(),
    crypto: { hash, isSignedBy },
  })
  t.match(report.findings, [{ code: 'NoAuditLog' }, { code: 'AnyKey' }])
  t.equal(report.keys.length, 1)
})
