/** Runs the contract by hand: `node test/contract/main.ts sandbox|KUBECONFIG [PATTERN]`. */
import { endpointOf } from './endpoint.ts'
import { startSandbox } from './sandbox.ts'
import { shownResults } from './shown.ts'
import { hasControllers, runSuite } from './suite.ts'

const [target = '', pattern = ''] = process.argv.slice(2)
const sandbox = target === 'sandbox' ? await startSandbox() : undefined
const endpoint = sandbox?.endpoint ?? (await endpointOf(target))
const controllers = sandbox !== undefined || (await hasControllers(endpoint))
const selection = {
  has: controllers ? (['controller-manager'] as const) : [],
  only: new RegExp(pattern),
}
const { report, sum } = shownResults()
await runSuite(endpoint, selection, report)
await sandbox?.stop()
process.exitCode = sum() === 0 ? 0 : 1
