/**
 * Compares by hand: `node test/contract/random-main.ts KUBECONFIG [COUNT] [SEED] [same] [unmanaged]` plays on that server
 * and on a sandbox. same: on that server twice, which shows that only what may differ is taken away. unmanaged: without
 * managed fields.
 */
import { endpointOf } from './endpoint.ts'
import { described, differencesOf, sorts } from './random.ts'
import { startSandbox } from './sandbox.ts'

const [kubeconfig = '', count = '50', seed = '1', ...words] = process.argv.slice(2)
const sandbox = words.includes('same') ? undefined : await startSandbox()
const wanted = await endpointOf(kubeconfig)
const began = performance.now()
const differences = await differencesOf(
  { wanted, got: sandbox?.endpoint ?? wanted },
  { count: Number(count), seed: Number(seed), managedFields: !words.includes('unmanaged') },
)
await sandbox?.stop()
for (const difference of differences.slice(0, 5)) console.log(described(difference), '\n')
console.log(sorts(differences).join('\n'))
console.log(`${differences.length} of ${count} sequences differ, ${Math.round(performance.now() - began)} ms`)
process.exitCode = differences.length === 0 ? 0 : 1
