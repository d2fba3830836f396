/** Runs Velero's contract by hand: `node test/contract/velero/main.ts sandbox|KUBECONFIG [NAMESPACE] [PATTERN]`. */
import { endpointOf } from '../endpoint.ts'
import { shownResults } from '../shown.ts'
import { startStandIn } from './sandbox.ts'
import { runVeleroSuite } from './suite.ts'

const [target = '', namespace = 'velero', pattern = ''] = process.argv.slice(2)
const standIn = target === 'sandbox' ? await startStandIn() : undefined
const endpoint = standIn?.endpoint ?? (await endpointOf(target))
const { report, sum } = shownResults()
await runVeleroSuite({ endpoint, namespace, only: new RegExp(pattern) }, report)
await standIn?.stop()
process.exitCode = sum() === 0 ? 0 : 1
