/**
 * The API server and the Velero of a soak, in a process of its own: `node test/soak/cluster-main.ts FOLDER`. It writes kubeconfigs into the
 * folder, and says `ready`. What is deleted leaves its bucket too, as with Velero's own deletion.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crdOf } from '../../src/api/crd.ts'
import { kinds } from '../../src/api/kinds.ts'
import { newToken } from '../../src/sandbox/people.ts'
import { startCluster } from '../../src/sandbox/start.ts'
import { targetObjects } from '../crash/targets.ts'
import { laneName } from './furnish.ts'
import { mostLanes } from './options.ts'

const [folder = '.'] = process.argv.slice(2)
const never = 1e9
const { api, velero, stop } = await startCluster({
  users: [{ name: 'tidewaiter', token: newToken(), groups: ['system:masters'] }],
  // One lane more is that of the Restores.
  objects: [
    ...kinds.map(crdOf),
    ...targetObjects(Array.from({ length: mostLanes + 1 }, (_, at) => laneName(at))),
  ],
  // The bucket would bring back what was deleted.
  velero: { settings: { runMs: 5, concurrentBackups: 64, syncMs: never, collectMs: never } },
})
api.onRequest(({ method, code, info: { resource, name } }) => {
  const isObject = resource === 'backups' || resource === 'restores'
  if (method === 'DELETE' && code < 300 && isObject) velero.store.removeFolder(`${resource}/${name}`)
})
for (const user of ['admin', 'tidewaiter'])
  writeFileSync(join(folder, `${user}.kubeconfig`), api.kubeconfig(user, 'velero'), { mode: 0o600 })
console.log('ready')

let ending = false
async function end(): Promise<void> {
  if (ending) return
  ending = true
  await stop()
  process.exit(0)
}
// Whoever started it is gone.
process.stdin.resume().once('end', () => void end())
process.once('SIGTERM', () => void end())
