/** An informer of client-node and our reflector follow the sandbox without loss; `followers/main.ts` does it for 100,000 events. */
import t from 'tap'
import { whenThorough } from '../../support/runs.ts'
import { openAccount } from './account.ts'
import { follow } from './run.ts'

t.test(
  'an informer and a reflector follow 300 events without loss',
  { timeout: 110_000, ...whenThorough },
  async (t) => {
    const { written, followers, troubles, compactions } = await follow({
      events: 300,
      seed: 1,
      troubleEvery: 10,
    })
    t.equal(written, 300)
    t.ok(troubles > 20 && compactions > 5, 'things went wrong meanwhile')
    for (const { who, lists } of followers) t.ok(lists > 1, `${who} had to list again`)
  },
)

t.test('what a follower is told wrongly is noticed', async (t) => {
  const wrongOf = (...told: readonly (readonly ['add' | 'update' | 'delete', string, number])[]) => {
    const account = openAccount('x')
    account.exactFrom(0)
    for (const [type, name, version] of told) account.note({ type, name, version })
    return account.wrong()
  }
  t.same(wrongOf(['add', 'a', 1], ['update', 'a', 2], ['delete', 'a', 3], ['add', 'a', 4]), [])
  t.match(wrongOf(['add', 'a', 1], ['add', 'a', 2]), [/added twice/])
  t.match(wrongOf(['update', 'a', 1]), [/was not there/])
  t.match(wrongOf(['add', 'a', 1], ['update', 'a', 3]), [/after version 1 came 3/])
  t.match(wrongOf(['add', 'a', 1], ['update', 'a', 1]), [/went from 1 to 1/, /after version 1 came 1/])
})
