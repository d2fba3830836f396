/** A few runs of the harness, all its parts real: a process of the service, which dies at a call, and the next one. `npm run crash` is the whole. */
import t from 'tap'
import { lanesOf } from './cluster.ts'
import type { Triple } from './faults.ts'
import type { Harness } from './harness.ts'
import { told } from './history.ts'
import { scenarios } from './scenarios.ts'
import { startHarness } from './start.ts'

const lanes = lanesOf(
  scenarios.filter(({ name }) => ['inline', 'held'].includes(name)),
  1,
)
const sites = new Set<string>()
const harness: Harness = await startHarness({
  lanes,
  speed: 10,
  replicas: 1,
  onSite: ({ site }) => void sites.add(site),
})
t.teardown(() => harness.stop())

const planned: Readonly<Record<string, readonly Triple[]>> = {
  inline: [
    { fault: 'twice', site: 'create actionruns PostBackup', phase: 'absent, no run is open' },
    { fault: 'cut after', site: 'call 90-note', phase: 'ended, Post Running' },
  ],
  held: [{ fault: 'killed after', site: 'call 10-freeze', phase: 'held, waits, Pre Running' }],
}

t.test('what dies, is cut off or is asked twice comes to the promised end all the same', async (t) => {
  const all = await Promise.all(
    lanes.map((lane) => harness.play(`${lane.scenario.name}-1`, lane, planned[lane.scenario.name] ?? [])),
  )
  for (const [index, played] of all.entries()) {
    const isWell = t.same(played.wrongs, [], `${played.name}: nothing is wrong`)
    const met = t.same(
      played.fired,
      planned[lanes[index]?.scenario.name ?? ''],
      `${played.name}: its faults happened`,
    )
    if (!isWell || !met) t.comment(played.story.map(told).join('\n'))
  }
  t.same(harness.late, [])
  t.equal(harness.services.kills, 1)
  t.ok(sites.has('create leases exclusive'))
})
