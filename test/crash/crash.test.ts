/** A few runs of the harness, all its parts real: a process of the service, which dies at a call, and the next one. `npm run crash` is the whole. */
import t from 'tap'
import { lanesOf } from './cluster.ts'
import type { Triple } from './faults.ts'
import type { Harness } from './harness.ts'
import { told } from './history.ts'
import { scenarios } from './scenarios.ts'
import { startHarness } from './start.ts'

const lanes = lanesOf(
  scenarios.filter(({ name }) => name === 'held'),
  1,
)
const sites = new Set<string>()
const harness: Harness = await startHarness({
  lanes,
  // Slow enough for a machine that is busy with other tests.
  speed: 4,
  replicas: 1,
  onSite: ({ site }) => void sites.add(site),
})
t.teardown(() => harness.stop())

const planned: readonly Triple[] = [
  { fault: 'twice', site: 'admit backups', phase: 'absent, no run is open' },
  { fault: 'twice', site: 'create actionruns PostBackup', phase: 'absent, Pre Pending' },
  { fault: 'killed after', site: 'call 10-freeze', phase: 'held, waits, Pre Running' },
  { fault: 'cut after', site: 'call 90-note', phase: 'ended, Post Running' },
]

t.test('what dies, is cut off or is asked twice comes to the promised end all the same', async (t) => {
  for (const lane of lanes) {
    const { wrongs, fired, story } = await harness.play('held-1', lane, { armed: planned })
    const isWell = t.same(wrongs, [], 'nothing is wrong')
    const met = t.same(fired, planned, 'all faults happened')
    if (!isWell || !met) t.comment(story.map(told).join('\n'))
  }
  t.same(harness.late, [])
  t.equal(harness.services.kills, 1)
  t.ok(sites.has('create leases exclusive'))
})
