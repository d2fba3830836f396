/** Holds the stand-in for Velero to its contract. */
import t from 'tap'
import type { Result } from '../suite.ts'
import { allCases } from './all-cases.ts'
import { startStandIn } from './sandbox.ts'
import { runVeleroSuite } from './suite.ts'

const standIn = await startStandIn()
const results: Result[] = []
await runVeleroSuite({ endpoint: standIn.endpoint, namespace: 'velero' }, (result) => results.push(result))
await standIn.stop()

for (const { name, failed } of results) {
  t.test(name, async () => {
    if (failed !== undefined) throw failed
  })
}

t.test('every case was tried, and has a name of its own', async (t) => {
  t.equal(new Set(results.map(({ name }) => name)).size, allCases.length)
  t.ok(allCases.length >= 70, `got ${allCases.length}`)
})
