/**
 * Compares a real server and a sandbox by hand: `node test/contract/random-main.ts KUBECONFIG` with
 *   --count 5000 --seed 1 --at-once 16   which sequences, and how many of them at a time
 *   --replay SEED                        one, and then the smallest part of it that still differs
 *   --same                               that server and itself: shows that only what may differ is taken away
 *   --unmanaged                          without managed fields
 *   --record 25                          writes what that server comes to for these first seeds to random-recorded.json
 * Without a KUBECONFIG two sandboxes are compared: what depends on chance, or on what else is played at the time, differs.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { endpointOf } from './endpoint.ts'
import type { Endpoint } from './http.ts'
import { described, report } from './random-report.ts'
import { sequence } from './random-operations.ts'
import { differencesOf, digestsOf, openPair, smallest, type Servers } from './random.ts'
import { startSandbox, type Sandbox } from './sandbox.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '16' },
    replay: { type: 'string' },
    same: { type: 'boolean', default: false },
    unmanaged: { type: 'boolean', default: false },
    record: { type: 'string' },
  },
})
const [kubeconfig] = positionals
if (kubeconfig === undefined && values.record !== undefined)
  throw new TypeError('wanted: the kubeconfig of a test cluster to record; see the usage above')
const managedFields = !values.unmanaged
const sandboxes: Sandbox[] = []
const wanted = kubeconfig === undefined ? await aSandbox() : await endpointOf(kubeconfig)
const servers: Servers = { wanted, got: values.same ? wanted : await aSandbox() }
const differ = await work()
for (const sandbox of sandboxes) await sandbox.stop()
process.exitCode = differ ? 1 : 0

async function aSandbox(): Promise<Endpoint> {
  const sandbox = await startSandbox({ controllers: false })
  sandboxes.push(sandbox)
  return sandbox.endpoint
}

async function compareMany(): Promise<boolean> {
  const began = performance.now()
  const [count, seed, atOnce] = [Number(values.count), Number(values.seed), Number(values['at-once'])]
  const onPlayed = (played: number): void => {
    if (played % 500 === 0) console.error(`${played} of ${count}`)
  }
  const differences = await differencesOf(servers, { count, seed, atOnce, managedFields, onPlayed })
  if (differences.length > 0) console.log(`${report(differences)}\n`)
  const seconds = Math.round((performance.now() - began) / 1000)
  console.log(`${differences.length} of ${count} sequences from seed ${seed} on differ, ${seconds} s`)
  return differences.length > 0
}

async function compareOne(seed: number): Promise<boolean> {
  const pair = await openPair(servers, { managedFields })
  const least = await smallest(pair, sequence(seed))
  await pair.close()
  console.log(least === undefined ? `seed ${seed}: no difference` : described(least.sequence, least.found))
  return least !== undefined
}

function work(): Promise<boolean> {
  if (values.record !== undefined) return record(Number(values.record))
  return values.replay === undefined ? compareMany() : compareOne(Number(values.replay))
}

async function record(count: number): Promise<boolean> {
  const seeds = Array.from({ length: count }, (_, index) => index + 1)
  const digests = await digestsOf(wanted, seeds)
  const file = new URL('random-recorded.json', import.meta.url)
  await writeFile(file, `${JSON.stringify(Object.fromEntries(digests), undefined, 2)}\n`)
  return false
}
