/** What is known of the Actions of a namespace where some cannot be understood. */
import t from 'tap'
import { stamp } from '../../src/core/author.ts'
import { keptAction, type KeptAction } from '../../src/wiring/caches.ts'
import { controlPorts } from '../../src/wiring/control.ts'
import { hash, signer } from '../../src/wiring/crypto.ts'
import { knownActions } from '../../src/wiring/gate.ts'
import { isUnreadAdopted, type World } from '../../src/wiring/world.ts'
import { anActionObject } from '../support/build.ts'
import { FakeWorld } from '../support/fake-world.ts'
import { aDone } from '../support/outcomes.ts'

const ours = new Uint8Array(32)
const theirs = new Uint8Array(32).fill(1)

/** An Action of a newer tidewaiter, stamped with this key. */
function newer(name: string, key?: Uint8Array): KeptAction {
  const spec = { stage: 'MidBackup' }
  const at = { namespace: 'velero', name, spec }
  const author = { username: 'ann', groups: [] }
  const annotations =
    key === undefined ? {} : { 'tidewaiter.io/author': stamp(author, at, { hash, sign: signer(key) }) }
  return keptAction({ ...anActionObject({ name, annotations }), spec })
}

const good = keptAction(anActionObject({ name: 'good' }))

/** What the gate and the leader know of these Actions. */
function asked(...kept: readonly KeptAction[]) {
  const world = new FakeWorld().world()
  const actions = { list: () => kept, synced: () => true, silentMs: () => 0 }
  const caches = new Map([['velero', { actions, runs: actions, locations: actions }]])
  const whole = { ...world, caches } as unknown as World
  const leading = new AbortController().signal
  const led = { leading, holds: () => true, formers: () => new Set<string>() }
  const term = { installedAt: 0, unwatchedSince: 0, lookedUntil: 0, ...led }
  const ports = controlPorts(whole, term, {
    perform: async () => aDone(),
    keys: { take: async () => ({ ok: true }), free: async () => {} },
    slots: { backups: () => 1 },
  })
  return {
    gate: knownActions(kept, (one) => isUnreadAdopted(whole, 'velero', one)),
    unsure: ports.unsure('velero'),
  }
}

for (const [name, one] of Object.entries({
  'without a stamp': newer('new'),
  'with the stamp of another key': newer('new', theirs),
}))
  t.test(`an Action ${name} that cannot be understood is left out, and named`, async (t) => {
    const { gate, unsure } = asked(good, one)
    t.match(gate, { ok: [{ metadata: { name: 'good' } }], unadopted: ['new'] })
    t.equal(unsure, undefined)
  })

t.test('one that somebody adopted, and that cannot be understood, makes all unknown', async (t) => {
  const { gate, unsure } = asked(good, newer('other'), newer('new', ours))
  t.match(gate, { unknown: /^the Action new cannot be understood \(spec\.stage/ })
  t.match(unsure, /^the Action new cannot be understood/)
})

t.test('what is made of a list of Actions lasts as long as the list', async (t) => {
  const kept = [good, newer('new')]
  const [one, two] = [knownActions(kept, () => false), knownActions(kept, () => false)]
  t.ok('ok' in one && 'ok' in two && one.ok === two.ok)
  t.match(
    knownActions(kept, () => true),
    { unknown: /the Action new/ },
  )
})
