/** What must not be there any more at the end of a soak. */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Loose } from '../support/asking.ts'
import type { SoakCluster } from './cluster.ts'
import { leftOver } from './judge.ts'
import type { Stage } from './lane.ts'
import { metricsOf, sumOf, type Metrics } from './sampler.ts'

const quietMs = 60_000

const isBusy = (metrics: Metrics): boolean =>
  ['tidewaiter_queue_length', 'tidewaiter_admission_in_flight', 'tidewaiter_decision_queue_length'].some(
    (name) => sumOf(metrics, name) > 0,
  )

/** Waits until nothing waits any more; what still does after a minute is found by `leftInside`. */
export async function whenQuiet({ cluster }: Stage, port: number): Promise<void> {
  for (let left = quietMs; left > 0; left -= 500) {
    if (!isBusy(await metricsOf(port)) && cluster.runs.list().length === 0) return
    await sleep(500)
  }
}

/** What is left in the cluster, on the other side of the actions, and in the service while it runs. */
export async function leftInside({ cluster, effects }: Stage, metrics: Metrics): Promise<readonly string[]> {
  const { objects, runs, claims } = cluster
  const backups = objects.Backup.list().filter(({ name }) => name !== 'base')
  const counts = Object.keys(await effects.counts(''))
  const waiting = [
    'tidewaiter_queue_length',
    'tidewaiter_admission_in_flight',
    'tidewaiter_decision_queue_length',
  ]
  return [
    ...leftOver('Backups', backups),
    ...leftOver('Restores', objects.Restore.list()),
    ...leftOver('runs', runs.list()),
    ...leftOver('claims', claims.list()),
    ...leftOver(
      'effects that came late',
      counts.map((name) => ({ name })),
    ),
    ...waiting.flatMap((name) => (sumOf(metrics, name) === 0 ? [] : [`${name} is ${sumOf(metrics, name)}`])),
  ]
}

/** What a service that has ended leaves behind. */
export async function leftBehind(
  { request }: SoakCluster,
  { code, temporary }: { readonly code: number | undefined; readonly temporary: string },
): Promise<readonly string[]> {
  const group = '/apis/admissionregistration.k8s.io/v1'
  const registrations = await Promise.all(
    ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations', 'validatingadmissionpolicies'].map(
      async (kind) => (await request({ method: 'GET', path: `${group}/${kind}` })).items as readonly Loose[],
    ),
  )
  return [
    ...(code === 0 ? [] : [`the service ended with ${code ?? 'a signal'} when it was asked to end`]),
    ...leftOver(
      'registrations',
      registrations.flat().map(({ metadata }) => ({ name: metadata.name as string })),
    ),
    ...leftOver(
      'temporary files',
      readdirSync(temporary).map((name) => ({ name })),
    ),
  ]
}

/** How many decisions the newest record says that the service made: its last word. */
export async function decisionsOf({ request }: SoakCluster): Promise<number> {
  const { items } = await request({
    method: 'GET',
    path: '/apis/tidewaiter.io/v1beta1/namespaces/velero/admissiondecisions',
  })
  return Math.max(0, ...(items as readonly Loose[]).map(({ status }) => Number(status?.chain?.seq ?? 0)))
}
