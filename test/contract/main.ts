/** Runs the contract by hand: `node test/contract/main.ts sandbox|KUBECONFIG [PATTERN]`. */
import { stripVTControlCharacters } from 'node:util'
import { endpointOf } from './endpoint.ts'
import { startSandbox } from './sandbox.ts'
import { hasControllers, runSuite, type Result } from './suite.ts'

// A Status can be long; what matters is at its head.
const longest = 1500
const [target = '', pattern = ''] = process.argv.slice(2)
const sandbox = target === 'sandbox' ? await startSandbox() : undefined
const endpoint = sandbox?.endpoint ?? (await endpointOf(target))
const controllers = sandbox !== undefined || (await hasControllers(endpoint))
const selection = {
  has: controllers ? (['controller-manager'] as const) : [],
  only: new RegExp(pattern),
}
const results: Result[] = []
const began = performance.now()
await runSuite(endpoint, selection, (result) => {
  results.push(result)
  if (result.failed === undefined) return
  const text = stripVTControlCharacters(String(result.failed)).slice(0, longest)
  console.log(`FAILED ${result.name} (${result.ms} ms)\n${text}\n`)
})
await sandbox?.stop()
const failed = results.filter((result) => result.failed !== undefined).length
const slow = [...results].sort((a, b) => b.ms - a.ms).slice(0, 5)
console.log(
  `${results.length - failed} of ${results.length} hold, ${Math.round(performance.now() - began)} ms`,
)
console.log(`slowest: ${slow.map(({ name, ms }) => `${name} (${ms} ms)`).join('; ')}`)
process.exitCode = failed === 0 ? 0 : 1
