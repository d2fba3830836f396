import t from 'tap'
import { semaphore } from '../../src/net/semaphore.ts'

t.test('so many run at once, the others in order, and a failure gives its place back', async (t) => {
  const limited = semaphore(2)
  const begun: number[] = []
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
  const all = gates.map((gate, i) =>
    limited(async () => {
      begun.push(i)
      await gate.promise
    }),
  )
  await Promise.resolve()
  t.same(begun, [0, 1])
  gates[0]?.reject(new Error('no'))
  await t.rejects(all[0] ?? Promise.resolve())
  t.same(begun, [0, 1, 2])
  for (const gate of gates) gate.resolve()
  await Promise.allSettled(all)
  t.same(begun, [0, 1, 2, 3, 4])
  t.equal(await limited(async () => 'free'), 'free')
})
