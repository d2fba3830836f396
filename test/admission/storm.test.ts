/** A thousand Backups at once: as many as may be are admitted, each in its order, and the others are told at once. */
import t from 'tap'
import { createGate } from '../../src/admission/gate.ts'
import { mostInFlight } from '../../src/admission/stage.ts'
import { aBackup, anAction } from '../support/build.ts'
import { aRequest, FakeGate } from '../support/fake-gate.ts'
import { aDone } from '../support/outcomes.ts'

t.test(
  'a thousand at once: a bounded number is in flight, the others are refused and leave no trace',
  async (t) => {
    const made = new FakeGate()
    made.actions = ['10-a', '9-b'].map((name) => anAction({ name }))
    const order = new Map<string, string[]>()
    let [now, most] = [0, 0]
    const open = Promise.withResolvers<void>()
    made.act = async ({ run, action }) => {
      now += 1
      most = Math.max(most, now)
      await open.promise
      now -= 1
      const { name } = run.spec.objectRef
      order.set(name, [...(order.get(name) ?? []), action.name])
      return aDone()
    }
    const gate = createGate('Backup', made.ports())
    const ask = (i: number) => gate(aRequest(aBackup({ name: `b${i}`, uid: `uid-${i}` }), made.clock))
    const answers = Array.from({ length: 1_000 }, (_, i) => ask(i))
    const early = await Promise.race(answers)
    t.match(early, {
      allowed: false,
      code: 500,
      reason: 'Busy',
      message: /256 other Backups are being admitted .* was not created\. Nothing was run\. Try again/,
    })
    const again = ask(0)
    open.resolve()
    const verdicts = await Promise.all(answers)
    t.match(await again, { allowed: true }, 'one that is in flight is joined, however many there are')
    const admitted = verdicts.filter(({ allowed }) => allowed)
    t.equal(admitted.length, mostInFlight)
    t.ok(verdicts.every(({ allowed, reason }) => allowed || reason === 'Busy'))
    t.equal(most, mostInFlight)
    t.equal(made.runs.all().length, mostInFlight, 'who is refused leaves no run')
    t.equal(made.claims.size, mostInFlight, 'and no claim on its name')
    t.ok([...order.values()].every((names) => names.join() === '10-a,9-b'))
    t.match(await ask(999), { allowed: true }, 'when there is room again, the same request passes')
  },
)
