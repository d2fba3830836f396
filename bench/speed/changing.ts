/**
 * A cluster of the sandbox that has so many Backups, of which all change while it is told to: between two SIGUSR2. They are made and
 * changed where they are stored, so that it costs as little beside the load generator as it can.
 * usage: node changing.ts FOLDER BACKUPS PHASE CHANGES-PER-SECOND
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crdOf } from '../../src/api/crd.ts'
import { kinds } from '../../src/api/kinds.ts'
import { startCluster } from '../../src/sandbox/start.ts'
import { hookOf } from './reviews.ts'

const [folder = '', backups = '0', phase = '', perSecond = '0'] = process.argv.slice(2)
const users = [{ name: 'tidewaiter', token: 'token-of-tidewaiter', groups: ['system:masters'] }]
const { api } = await startCluster({ users, objects: kinds.map(crdOf) })

const began = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
const ended = phase === 'Completed' ? { completionTimestamp: began } : {}
const backup = (i: number, itemsBackedUp: number): object => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name: `backup-${i}`, namespace: 'velero' },
  spec: { includedNamespaces: ['shop'], hooks: { resources: [0, 1, 2, 3, 4, 5].map(hookOf) } },
  status: { phase, startTimestamp: began, ...ended, progress: { totalItems: 1_000_000, itemsBackedUp } },
})
const count = Number(backups)
api.seed(Array.from({ length: count }, (_, i) => backup(i, 0)))

let turn: { readonly since: number; made: number; readonly timer: NodeJS.Timeout } | undefined
process.on('SIGUSR2', () => {
  if (turn === undefined) {
    const since = performance.now()
    turn = { since, made: 0, timer: setInterval(() => catchUp(since), 2) }
    return
  }
  clearInterval(turn.timer)
  console.log(`made ${Math.round(turn.made / ((performance.now() - turn.since) / 1000))} changes a second`)
  turn = undefined
})

/** Makes those that are due; never so many together that the others would wait. */
function catchUp(since: number): void {
  if (turn === undefined) return
  const due = Math.floor(((performance.now() - since) / 1000) * Number(perSecond)) - turn.made
  for (let i = 0; i < Math.min(due, 10); i += 1) {
    turn.made += 1
    api.seed([backup(turn.made % count, turn.made)])
  }
}

mkdirSync(folder, { recursive: true })
for (const [file, user] of [
  ['kubeconfig', 'admin'],
  ['tidewaiter.kubeconfig', 'tidewaiter'],
] as const)
  writeFileSync(join(folder, file), api.kubeconfig(user, 'velero'))
console.log('the cluster runs')
