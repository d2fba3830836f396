/** Our copy of Backups, as the service has it; what is done about a change is not part of it. usage: node --expose-gc follow-ours.ts SERVER KUBECONFIG COUNT */
import { setTimeout as sleep } from 'node:timers/promises'
import { createKubeClient } from '../../src/kube/client.ts'
import { createCaches } from '../../src/wiring/caches.ts'
import { accessOf } from '../../src/wiring/reach.ts'
import { systemClock } from '../../src/system-clock.ts'
import { follow } from './followed.ts'

const [server = '', kubeconfig = '', given = '0'] = process.argv.slice(2)
const count = Number(given)
const silent = { debug: () => {}, info: () => {}, warn: console.error, error: console.error }
const access = await accessOf({ kubeconfig, env: process.env, clock: systemClock })
const client = createKubeClient({ access, clock: systemClock, log: silent, userAgent: 'bench' })
const seen = { changes: 0 }
const { objects } = createCaches('velero', {
  client,
  clock: systemClock,
  log: silent,
  onObject: () => {
    seen.changes += 1
  },
  onAction: () => {},
})
const reflector = objects.Backup
const { signal } = new AbortController()
await follow({
  count,
  server,
  sync: async () => {
    void reflector.start(signal)
    await reflector.whenSynced(signal)
  },
  events: async () => {
    while (seen.changes < 2 * count) await sleep(5)
  },
})
