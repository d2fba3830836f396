/** `node suite-main.ts api|velero PATTERN`: runs the cases of one suite whose names match on the sandbox beside it, and writes a line of JSON for each case. For main.ts. */
import { startSandbox } from '../sandbox.ts'
import { runSuite, type Result } from '../suite.ts'
import { startStandIn } from '../velero/sandbox.ts'
import { runVeleroSuite } from '../velero/suite.ts'

const write = ({ name, failed }: Result): void =>
  console.log(JSON.stringify({ name, failed: failed?.message }))

const [suite, pattern = ''] = process.argv.slice(2)
const [velero, only] = [suite === 'velero', new RegExp(pattern)]
const { endpoint, stop } = await (velero ? startStandIn() : startSandbox())
if (velero) await runVeleroSuite({ endpoint, namespace: 'velero', only }, write)
else await runSuite(endpoint, { has: ['controller-manager'], only }, write)
await stop()
