/** Our reflector, as the service follows Backups. usage: node --expose-gc follow-ours.ts SERVER KUBECONFIG COUNT */
import { setTimeout as sleep } from 'node:timers/promises'
import { seenObjectOf, type SeenObject } from '../../src/core/post.ts'
import { createKubeClient } from '../../src/kube/client.ts'
import { accessOf } from '../../src/wiring/reach.ts'
import { createReflector } from '../../src/kube/reflector.ts'
import { systemClock } from '../../src/system-clock.ts'
import { follow } from './followed.ts'

const [server = '', kubeconfig = '', given = '0'] = process.argv.slice(2)
const count = Number(given)
const silent = { debug: () => {}, info: () => {}, warn: console.error, error: console.error }
const access = await accessOf({ kubeconfig, env: process.env, clock: systemClock })
const client = createKubeClient({ access, clock: systemClock, log: silent, userAgent: 'bench' })
const seen = { changes: 0 }
const reflector = createReflector<SeenObject>({
  client,
  clock: systemClock,
  log: silent,
  path: '/apis/velero.io/v1/namespaces/velero/backups',
  project: (raw) => seenObjectOf('Backup', raw),
  onChange: () => {
    seen.changes += 1
  },
})
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
