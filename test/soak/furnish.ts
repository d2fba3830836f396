/** Furnishes the cluster of a soak: how many Backups Velero works on, one to restore, and the Actions of every lane. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pathOf } from '../support/asking.ts'
import type { SoakCluster } from './cluster.ts'
import { actionsOf } from './kinds.ts'

/** The name of a lane. */
export const laneName = (at: number): string => `l${String(at).padStart(2, '0')}`

const concurrent = 64
const waitMs = 60_000

/** Does it; resolves when the leader has seen all of it. */
export async function furnish(
  cluster: SoakCluster,
  { lanes, effects }: { readonly lanes: number; readonly effects: string },
): Promise<void> {
  const args = { op: 'replace', path: '/spec/template/spec/containers/0/args' }
  await cluster.request({
    method: 'PATCH',
    path: '/apis/apps/v1/namespaces/velero/deployments/velero',
    contentType: 'application/json-patch+json',
    body: [{ ...args, value: ['server', `--concurrent-backups=${concurrent}`] }],
  })
  const base = { apiVersion: 'velero.io/v1', kind: 'Backup', metadata: { name: 'base', namespace: 'velero' } }
  await cluster.request({
    method: 'POST',
    path: pathOf('backups'),
    body: { ...base, spec: { includedNamespaces: ['base'] } },
  })
  for (let at = 0; at < lanes; at += 1) {
    // Two lanes share what they quieten: one waits for the other.
    const pair = `pair-${Math.floor(at / 2)}`
    for (const body of actionsOf({ lane: laneName(at), pair, effects }))
      await cluster.request({ method: 'POST', path: pathOf('actions'), body })
  }
  for (let left = waitMs; !(await isSeen(cluster)); left -= 200) {
    if (left <= 0) throw new Error(`waited ${waitMs / 1000} s, and the Actions are not all accepted`)
    await sleep(200)
  }
}

async function isSeen({ request, objects }: SoakCluster): Promise<boolean> {
  const { items } = await request({ method: 'GET', path: pathOf('actions') })
  const isAccepted = ({ status }: { readonly status?: Status }) => status?.conditions?.[0]?.status === 'True'
  return items.every(isAccepted) && objects.Backup.get('velero', 'base')?.phase === 'Completed'
}

type Status = { readonly conditions?: readonly { readonly status: string }[] }
