/**
 * The cluster that a dashboard is measured against, as a process of its own: the sandbox with Velero's namespaces, people with rights,
 * Actions, Schedules, Backups with their runs, and as many decisions as a ring keeps. Its kubeconfig comes into FOLDER.
 * usage: node bench/history-cluster.ts FOLDER BACKUPS
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crdOf } from '../src/api/crd.ts'
import { kinds } from '../src/api/kinds.ts'
import { runName } from '../src/core/run/names.ts'
import { newToken } from '../src/sandbox/people.ts'
import { startCluster } from '../src/sandbox/start.ts'
import { aBackup, aPlannedAction, aRow, aRunObject, anActionObject } from '../test/support/build.ts'
import { decisionOf, namespaces, schedules } from './history-decisions.ts'

const [folder = '', backups = ''] = process.argv.slice(2)
const rbac = 'rbac.authorization.k8s.io'
const perNamespace = 500
const newcomers = 100

const named = (name: string, namespace?: string) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
})
const account = (name: string, namespace: string) => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: named(name, namespace),
})
const subjectOf = (name: string, namespace: string) => ({ kind: 'ServiceAccount', name, namespace })
const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name: 'looker' }

/** One who sees all namespaces, one who sees one, and people who come for the first time. */
const people = [
  account('all', 'velero'),
  account('lab', 'velero'),
  ...Array.from({ length: newcomers }, (_, n) => account(`new-${n}`, 'newcomers')),
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: named('looker'),
    rules: [{ apiGroups: ['tidewaiter.io', 'velero.io'], resources: ['*'], verbs: ['list'] }],
  },
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: named('lookers'),
    roleRef,
    subjects: [
      subjectOf('all', 'velero'),
      { apiGroup: rbac, kind: 'Group', name: 'system:serviceaccounts:newcomers' },
    ],
  },
  {
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata: named('lab', 'velero-lab'),
    roleRef,
    subjects: [subjectOf('lab', 'velero')],
  },
]

const actionNames = Array.from({ length: 9 }, (_, n) => `${10 * (n + 1)}-quiesce-shop`)
const actions = namespaces.flatMap((namespace) =>
  actionNames.map((name) => anActionObject({ name, namespace, uid: `${namespace}-${name}` })),
)
const scheduleObjects = Array.from({ length: schedules }, (_, n) => ({
  apiVersion: 'velero.io/v1',
  kind: 'Schedule',
  metadata: named(`shop-${n}-nightly`, 'velero'),
  spec: { schedule: '0 1 * * *', paused: true, template: {} },
}))

/** A Backup of some days ago, with the runs before and after it. */
function story(n: number): readonly object[] {
  const began = Date.now() - 3_600_000 - n * 1_200_000
  const at = (seconds: number) => new Date(began + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
  const schedule = `shop-${n % schedules}-nightly`
  const name = `${schedule}-${at(0).replaceAll(/\D/g, '')}`
  const uid = `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`
  const metadata = { name, uid, creationTimestamp: at(0) }
  const status = { phase: 'Completed', startTimestamp: at(2), completionTimestamp: at(300) }
  const object = aBackup({ ...metadata, schedule, status })
  const run = (stage: 'PreBackup' | 'PostBackup', from: number) => {
    const times = { startTimestamp: at(from), completionTimestamp: at(from + 2) }
    const rows = actionNames
      .slice(0, 3)
      .map((one) => aRow({ name: one, phase: 'Succeeded', attempts: 1, ...times }))
    return aRunObject({
      name: runName({ name, uid }, stage),
      uid: `${uid.slice(0, 8)}-${stage}`,
      creationTimestamp: at(from),
      stage,
      objectRef: { kind: 'Backup', name, uid },
      scheduleName: schedule,
      object,
      actions: rows.map((row) => aPlannedAction({ name: row.name, stage })),
      status: { phase: 'Succeeded', ...times, actions: rows },
    })
  }
  return [object, run('PreBackup', 0), run('PostBackup', 301)]
}

// Numbers that no earlier measurement with the same file has taken.
const first = Date.now()
const decisions = Array.from({ length: perNamespace * namespaces.length }, (_, i) => {
  const n = first + i
  const { metadata, ...rest } = decisionOf(n, { all: n, end: first - (2000 - i) * 1000 })
  const namespace = namespaces[i % namespaces.length]
  return {
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'AdmissionDecision',
    metadata: { ...metadata, namespace },
    ...rest,
  }
})

const cluster = await startCluster({
  users: [{ name: 'tidewaiter', token: newToken(), groups: ['system:masters'] }],
  objects: [
    ...kinds.map(crdOf),
    ...people,
    ...actions,
    ...scheduleObjects,
    ...Array.from({ length: Number(backups) }, (_, n) => story(n)).flat(),
    ...decisions,
  ],
})
writeFileSync(join(folder, 'kubeconfig'), cluster.api.kubeconfig('tidewaiter', 'velero'))
process.once('SIGINT', () => void cluster.stop().then(() => process.exit(0)))
console.log('the cluster runs')
