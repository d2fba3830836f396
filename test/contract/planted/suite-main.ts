/** `node suite-main.ts api|velero`: runs one suite on the sandbox beside it, and writes a line of JSON for each case. For main.ts. */
import { startSandbox } from '../sandbox.ts'
import { runSuite, type Result } from '../suite.ts'
import { startStandIn } from '../velero/sandbox.ts'
import { runVeleroSuite } from '../velero/suite.ts'

const write = ({ name, failed }: Result): void =>
  console.log(JSON.stringify({ name, failed: failed?.message }))

const velero = process.argv[2] === 'velero'
const { endpoint, stop } = await (velero ? startStandIn() : startSandbox())
if (velero) await runVeleroSuite({ endpoint, namespace: 'velero' }, write)
else await runSuite(endpoint, { has: ['controller-manager'] }, write)
await stop()
