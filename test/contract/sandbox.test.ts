/** Holds the sandbox's API server to the contract. */
import t from 'tap'
import { knownDifferences } from './differences.ts'
import { startSandbox } from './sandbox.ts'
import { runSuite, type Result } from './suite.ts'

const known = await knownDifferences()
const sandbox = await startSandbox()
const results: Result[] = []
await runSuite(sandbox.endpoint, { has: ['controller-manager'] }, (result) => results.push(result))
await sandbox.stop()

for (const { name, failed } of results) {
  const listed = known.has(name)
  t.test(name, { todo: listed && failed !== undefined ? 'see DIFFERENCES.md' : false }, async (t) => {
    if (failed !== undefined) throw failed
    t.notOk(listed, 'holds now: run `node test/contract/differences.ts` to take it out of DIFFERENCES.md')
  })
}

t.test('every listed difference is a case', async (t) => {
  const names = new Set(results.map(({ name }) => name))
  t.same(
    [...known].filter((name) => !names.has(name)),
    [],
  )
})
