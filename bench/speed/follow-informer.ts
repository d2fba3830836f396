/** The informer of client-node. usage: node --expose-gc follow-informer.ts SERVER KUBECONFIG COUNT */
import { setTimeout as sleep } from 'node:timers/promises'
import { CustomObjectsApi, KubeConfig, makeInformer, type KubernetesObject } from '@kubernetes/client-node'
import { follow } from './followed.ts'

const [server = '', kubeconfig = '', given = '0'] = process.argv.slice(2)
const count = Number(given)
const config = new KubeConfig()
config.loadFromFile(kubeconfig)
const api = config.makeApiClient(CustomObjectsApi)
const seen = { added: 0, updated: 0 }
const informer = makeInformer<KubernetesObject>(
  config,
  '/apis/velero.io/v1/namespaces/velero/backups',
  async () =>
    api.listNamespacedCustomObject({
      group: 'velero.io',
      version: 'v1',
      namespace: 'velero',
      plural: 'backups',
    }),
)
informer.on('add', () => {
  seen.added += 1
})
informer.on('update', () => {
  seen.updated += 1
})
informer.on('error', (error) => console.error(error))
await follow({
  count,
  server,
  sync: async () => {
    await informer.start()
    while (seen.added < count) await sleep(5)
    // Its watch begins after that.
    await sleep(500)
  },
  events: async () => {
    while (seen.updated < count) await sleep(5)
  },
})
