import t from 'tap'
import type { EventNote } from '../../src/control/ports.ts'
import { writeEvent } from '../../src/wiring/events.ts'
import { KubeError } from '../../src/kube/errors.ts'
import type { Calls } from '../../src/wiring/kinds.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { FakeResource } from '../support/fake-resource.ts'

const note: EventNote = {
  regarding: { kind: 'Schedule', namespace: 'velero', name: 'nightly', uid: 'u1' },
  type: 'Warning',
  reason: 'BackupRefused',
  message: 'refused',
}
const series = (count: number) => ({ cause: 'c', count, firstAt: newYear, lastAt: newYear + count * 1000 })

function writing() {
  const events = new FakeResource()
  const log = new FakeLog()
  const calls = { events: () => events } as unknown as Calls
  const world = { calls, clock: new FakeClock(), log, owner: 'one' }
  return { events, log, write: (given: Partial<EventNote> = {}) => writeEvent(world, { ...note, ...given }) }
}

t.test('an Event names its object as kubectl describe looks for it, and is out of Backups', async (t) => {
  const { events, write } = writing()
  await write()
  t.match(
    [...events.objects.values()],
    [
      {
        metadata: { namespace: 'velero', labels: { 'velero.io/exclude-from-backup': 'true' } },
        involvedObject: { apiVersion: 'velero.io/v1', kind: 'Schedule', name: 'nightly', uid: 'u1' },
        type: 'Warning',
        reason: 'BackupRefused',
        count: 1,
      },
    ],
  )
})

t.test('the same again is one Event; other words are another, unless they are of one series', async (t) => {
  const { events, write } = writing()
  await write()
  await write()
  t.equal(events.objects.size, 1)
  await write({ message: 'refused otherwise' })
  t.equal(events.objects.size, 2)
  await write({ message: 'first', series: series(1) })
  await write({ message: 'second', series: series(2) })
  t.equal(events.objects.size, 3)
  t.match([...events.objects.values()].at(-1), {
    message: 'second',
    count: 2,
    firstTimestamp: new Date(newYear).toISOString(),
    lastTimestamp: new Date(newYear + 2000).toISOString(),
  })
})

t.test('an Event that cannot be written or brought up to date is logged, and nothing fails', async (t) => {
  const { events, log, write } = writing()
  events.fail('create', new KubeError('FORBIDDEN', 'may not'))
  await write()
  t.same(log.lines, ['warn an Event could not be written'])
  await write({ series: series(1) })
  events.fail('mergePatch', new KubeError('FORBIDDEN', 'may not patch'))
  await write({ series: series(2) })
  t.equal(log.lines.length, 2)
})
