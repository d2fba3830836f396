/** Room for the objects of patches: who waits, in which order, and what is given back. */
import t from 'tap'
import { mostOfOne, rooms, type Room } from '../../src/actions/room.ts'

const forEver = new AbortController().signal
const half = { text: 'x'.repeat(mostOfOne / 2) }

t.test(
  'each has all that one may have until its objects are counted, and those that wait come in order',
  async (t) => {
    const enter = rooms(2 * mostOfOne)
    const first = await enter(forEver)
    const second = await enter(forEver)
    const came: string[] = []
    const come = (name: string) => enter(forEver).then((room): Room => (came.push(name), room))
    const [third, fourth] = [come('third'), come('fourth')]
    t.ok(first.hold({ text: 'x' }))
    first.settle()
    await Promise.resolve()
    t.same(came, [], 'a few bytes are missing')
    second.leave()
    const room = await third
    t.same(came, ['third'])
    room.leave()
    first.leave()
    ;(await fourth).leave()
    t.same(came, ['third', 'fourth'])
  },
)

t.test('one that is small leaves its room to others', async (t) => {
  const enter = rooms(2 * mostOfOne)
  const small = await enter(forEver)
  t.ok(small.hold(half))
  small.settle()
  const other = await enter(forEver)
  t.ok(other.hold({ text: 'x' }))
  other.settle()
  const third = await enter(AbortSignal.timeout(5_000))
  for (const room of [small, other, third]) room.leave()
  const all = await Promise.all([enter(forEver), enter(forEver)])
  for (const room of all) room.leave()
})

t.test('no more than one may keep is held', async (t) => {
  const room = await rooms()(forEver)
  t.same([room.hold(half), room.hold(half)], [true, false])
  room.settle()
  room.leave()
  room.leave()
})

t.test('who gives up leaves nothing behind, also in the moment in which it is its turn', async (t) => {
  const enter = rooms(mostOfOne)
  const first = await enter(forEver)
  const given = new AbortController()
  const waiting = enter(given.signal)
  given.abort(new Error('no time'))
  await t.rejects(waiting, { message: 'no time' })
  const late = new AbortController()
  const turned = enter(late.signal)
  first.leave()
  late.abort(new Error('too late'))
  await turned.then(
    (room) => room.leave(),
    () => undefined,
  )
  const next = await enter(AbortSignal.timeout(1_000))
  next.leave()
})
