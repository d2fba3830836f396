import t from 'tap'
import { fenced, fenceOf } from '../../src/actions/fence.ts'
import type { Actor, Call, CallAnswer, Change } from '../../src/actions/ports.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'

const aFence = (isOurs?: () => boolean) => {
  const clock = new FakeClock()
  return { clock, fence: fenceOf({ clock, isOurs, endsAt: newYear + 10_000 }) }
}

t.test('it is open until the end of the time', async (t) => {
  const { clock, fence } = aFence()
  await clock.pass(9_999)
  t.equal(fence.isOpen(), true)
  await clock.pass(1)
  t.equal(fence.isOpen(), false)
  t.equal((fence.signal.reason as DOMException).name, 'TimeoutError')
})

t.test('a clock that is set back gives no more time', async (t) => {
  const { clock, fence } = aFence()
  clock.step(-3_600_000)
  await clock.pass(9_999)
  t.equal(fence.isOpen(), true)
  await clock.pass(1)
  t.equal(fence.isOpen(), false)
})

t.test(
  'a clock that went on while the timers stood still, as of a suspended machine, closes it',
  async (t) => {
    const { clock, fence } = aFence()
    clock.step(10_000)
    t.equal(fence.isOpen(), false)
  },
)

t.test('once another leads it is closed, for good', async (t) => {
  let ours = true
  const { fence } = aFence(() => ours)
  t.equal(fence.isOpen(), true)
  ours = false
  t.equal(fence.isOpen(), false)
  t.not((fence.signal.reason as Error).name, 'TimeoutError', 'it is not out of time: whoever leads does it')
  ours = true
  t.equal(fence.isOpen(), false)
})

t.test('calls and patches carry it to where they are written', async (t) => {
  const asked: ((() => boolean) | undefined)[] = []
  const answer = async ({ isWanted }: Pick<Call | Change, 'isWanted'>) => {
    asked.push(isWanted)
    return { failed: 'aborted', message: '', sent: false } as const
  }
  const send: (call: Call) => Promise<CallAnswer> = answer
  const actor = { patch: (_aim, _name, change) => answer(change) } as Actor
  const isWanted = () => false
  const behind = fenced({ send }, actor, isWanted)
  await behind.ports.send({} as Call)
  await behind.actor.patch({ apiVersion: 'v1', kind: 'Pod' }, 'a', {} as Change)
  t.same(asked, [isWanted, isWanted])
})
