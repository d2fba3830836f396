/** What the controller is told of runs that this version cannot understand. */
import t from 'tap'
import { keptRun } from '../../src/wiring/caches.ts'
import { controlPorts } from '../../src/wiring/control.ts'
import type { World } from '../../src/wiring/world.ts'
import { aRun, aRunObject } from '../support/build.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { aDone } from '../support/outcomes.ts'

t.test(
  'a run that cannot be understood is found by its name alone, and is never one of its object',
  async (t) => {
    const log = new FakeLog()
    const broken = keptRun({ metadata: { name: 'broken' }, spec: { future: true } }, log)
    const good = keptRun(aRunObject(), log)
    const kept = { good, broken }
    const runs = {
      get: (_namespace: string, name: 'good' | 'broken') => kept[name],
      list: () => [good, broken],
      byIndex: () => [good, broken],
    }
    // Asking for runs needs no more of the world.
    const config = { holdMaxSeconds: 1, stuckAfterSeconds: 1 }
    const caches = new Map([['velero', { runs }]])
    const world = { clock: new FakeClock(), log, cel: {}, config, caches }
    const leading = new AbortController().signal
    const led = { leading, holds: () => true, formers: () => new Set<string>() }
    const term = { installedAt: 0, unwatchedSince: 0, lookedUntil: 0, ...led }
    const ports = controlPorts(world as unknown as World, term, {
      perform: async () => aDone(),
      keys: { take: async () => ({ ok: true }), free: async () => {} },
      slots: { backups: () => 1 },
    })
    t.match(ports.runs.unread('velero', 'broken'), /spec/)
    t.equal(ports.runs.unread('velero', 'good'), undefined)
    t.equal(ports.runs.unread('velero', 'none'), undefined)
    t.equal(ports.runs.unread('elsewhere', 'broken'), undefined)
    const { uid } = aRun().spec.objectRef
    t.same(ports.runs.ofObject(uid), [good])
    t.same(ports.runs.ofNamespace('velero'), [good])
  },
)
