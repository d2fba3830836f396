import t from 'tap'
import { createLanes } from '../../src/images/lanes.ts'
import { Sessions } from '../../src/images/sessions.ts'
import { mostSessions } from '../../src/images/limits.ts'
import { FakeClock } from '../support/fake-clock.ts'

const never = new AbortController().signal

/** Work that ends when it is told. */
function works() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => async () => {
    begun.push(name)
    await new Promise<void>((resolve) => ends.set(name, resolve))
    return name
  }
  return { begun, work, end: (name: string) => ends.get(name)?.() }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

t.test('to one host only so many go at once, in their order; another host does not wait', async (t) => {
  const lanes = createLanes(2)
  const { begun, work, end } = works()
  const all = ['a1', 'a2', 'a3', 'a4', 'b1'].map((name) => lanes(name.charAt(0), never, work(name)))
  await settled()
  t.same(begun, ['a1', 'a2', 'b1'])
  end('a2')
  await settled()
  t.same(begun, ['a1', 'a2', 'b1', 'a3'])
  for (const name of ['a1', 'a3', 'b1']) end(name)
  await settled()
  end('a4')
  t.same(await Promise.all(all), ['a1', 'a2', 'a3', 'a4', 'b1'])
})

t.test('whoever gives up leaves the line, and the next one is not forgotten', async (t) => {
  const lanes = createLanes(1)
  const { begun, work, end } = works()
  const first = lanes('a', never, work('1'))
  const controller = new AbortController()
  const second = lanes('a', controller.signal, work('2'))
  const third = lanes('a', never, work('3'))
  controller.abort(new Error('enough'))
  await t.rejects(second, { message: 'enough' })
  await t.rejects(lanes('a', controller.signal, work('4')), { message: 'enough' })
  end('1')
  await first
  await settled()
  t.same(begun, ['1', '3'])
  end('3')
  await third
})

t.test('work that fails makes room as well', async (t) => {
  const lanes = createLanes(1)
  await t.rejects(
    lanes('a', never, async () => {
      throw new Error('no')
    }),
  )
  t.equal(await lanes('a', never, async () => 'yes'), 'yes')
})

t.test('so many sessions are kept, the oldest leaving first, none beyond its end', async (t) => {
  const clock = new FakeClock()
  const sessions = new Sessions(clock)
  const key = (i: number) => ({ origin: `https://${i}.test`, repository: 'a', credential: undefined })
  const session = { authorization: 'Bearer x', secrets: [], endsAt: clock.now() + 1000 }
  for (let i = 0; i <= mostSessions; i += 1) sessions.keep(key(i), session)
  t.equal(sessions.get(key(0)), undefined)
  t.same(sessions.get(key(1)), session)
  await clock.pass(1000)
  t.equal(sessions.get(key(1)), undefined)
  sessions.keep(key(2), session)
  t.equal(sessions.get(key(2)), undefined, 'one that has ended is not kept')
})

t.test('none and an empty credential are two', async (t) => {
  const sessions = new Sessions(new FakeClock())
  const key = { origin: 'https://a.test', repository: 'a', credential: undefined }
  sessions.keep(key, { authorization: 'x', secrets: [], endsAt: Infinity })
  t.equal(sessions.get({ ...key, credential: { username: '', password: '', from: '' } }), undefined)
  t.ok(sessions.get(key))
  sessions.drop(key)
  t.equal(sessions.get(key), undefined)
})
