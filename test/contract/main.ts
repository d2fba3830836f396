/** Runs the contract by hand: `node test/contract/main.ts KUBECONFIG [PATTERN] [controller-manager]`. */
import { endpointOf } from './endpoint.ts'
import { runSuite, type Result } from './suite.ts'

const [kubeconfig = '', pattern = '', ...has] = process.argv.slice(2)
// A Status can be long; what matters is at its head.
const longest = 1500
const results: Result[] = []
const controllers = has.includes('controller-manager') ? (['controller-manager'] as const) : []
const began = performance.now()
await runSuite(await endpointOf(kubeconfig), { has: controllers, only: new RegExp(pattern) }, (result) => {
  results.push(result)
  if (result.failed !== undefined)
    console.log(`FAILED ${result.name} (${result.ms} ms)\n`, String(result.failed).slice(0, longest), '\n')
})
const failed = results.filter((result) => result.failed !== undefined).length
const slow = [...results].sort((a, b) => b.ms - a.ms).slice(0, 5)
console.log(
  `${results.length - failed} of ${results.length} hold, ${Math.round(performance.now() - began)} ms`,
)
console.log(`slowest: ${slow.map(({ name, ms }) => `${name} (${ms} ms)`).join('; ')}`)
process.exitCode = failed === 0 ? 0 : 1
