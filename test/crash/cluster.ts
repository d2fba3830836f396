/** The cluster of the harness: the sandbox's API server and Velero, and an Action for every role of every lane. */
import { crdOf } from '../../src/api/crd.ts'
import { kinds } from '../../src/api/kinds.ts'
import type { Clock as SandboxClock } from '../../src/sandbox/apiserver/clock.ts'
import { startCluster as startSandbox, type Cluster } from '../../src/sandbox/start.ts'
import { claimName } from '../../src/core/claim.ts'
import { keyLeaseName } from '../../src/core/hold/exclusive.ts'
import { keyOf } from '../../src/core/hold/keys.ts'
import { hash } from '../../src/wiring/crypto.ts'
import { eventually, pathOf, type Call, type Loose } from '../support/asking.ts'
import type { Role, Scenario } from './scenarios.ts'
import { actingBody, targetObjects } from './targets.ts'

/** A row of objects, one after another, that all go through the same. */
export type Lane = { readonly name: string; readonly scenario: Scenario }

const token = 'token-of-tidewaiter'

/** Starts API server and Velero. */
export const startHarnessCluster = (clock: SandboxClock, lanes: readonly Lane[]): Promise<Cluster> =>
  startSandbox({
    users: [{ name: 'tidewaiter', token, groups: ['system:masters'] }],
    clock,
    objects: [...kinds.map(crdOf), ...targetObjects(lanes.map(({ name }) => name))],
    // The bucket would bring back what was deleted.
    velero: { settings: { runMs: 400, concurrentBackups: 64, syncMs: 1e9, collectMs: 1e9 } },
  })

/** So many lanes of each scenario. */
export function lanesOf(scenarios: readonly Scenario[], each: number): readonly Lane[] {
  const row = Array.from({ length: each }, () => scenarios).flat()
  // Velero does one Restore after another.
  const most = (one: Scenario, at: number) => one.kind !== 'Restore' || row.indexOf(one) === at
  return row.filter(most).map((scenario, at) => ({ name: `l${String(at).padStart(2, '0')}`, scenario }))
}

/** The name of a role's Action in a lane. */
export const actionName = ({ role }: Role, lane: Lane): string => `${role}-${lane.name}`

/** What the lane of an action is called, by its name. */
export const laneOfAction = (name: string): string => /-(l\d+)$/.exec(name)?.[1] ?? ''

function actionOf(role: Role, lane: Lane, effects: string): Loose {
  const url = `${effects}/${lane.name}/${role.role}`
  const answers = [
    ...(role.status === undefined ? [] : [`status=${role.status}`]),
    ...(role.first === undefined ? [] : [`first=${role.first}`]),
  ].join('&')
  const undo = role.hasUndo === true ? { undo: { http: { url: `${url}/undo` } } } : {}
  return {
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'Action',
    metadata: { name: actionName(role, lane), namespace: 'velero' },
    spec: {
      stage: role.stage,
      match: { selector: { matchLabels: { lane: lane.name } } },
      timeoutSeconds: 12,
      ...(role.on === undefined
        ? { http: { url: answers === '' ? url : `${url}?${answers}` }, ...undo }
        : actingBody(role.on, lane.name)),
      ...role.spec,
    },
  }
}

/** The Leases of a lane's exclusive keys. */
export const keyLeasesOf = (lane: Lane): readonly string[] =>
  lane.scenario.roles.flatMap((role) => {
    const undo = role.hasUndo === true ? { undo: {} } : {}
    const key = keyOf(actionName(role, lane), { exclusive: role.spec?.exclusive, ...undo })
    return key === undefined ? [] : [keyLeaseName(key, hash)]
  })

/** The Lease by which the name of an object is claimed. */
export const claimLeaseOf = (kind: string, name: string): string => claimName(kind, name, hash)

/** What must come to be. A process of the service may die while it is asked about it: then once more. */
async function must(call: () => ReturnType<Call>): Promise<void> {
  await eventually(
    'the cluster to be furnished',
    async () => {
      const { status, body } = await call()
      if (status < 300 || body?.reason === 'AlreadyExists') return true
      if (status < 500) throw new Error(`${status} ${body?.message}`)
      return undefined
    },
    { seconds: 60 },
  )
}

/** Says how many Backups Velero works on, has one for Restores to be of, and applies the Actions. */
export async function furnish(
  { api }: Cluster,
  call: Call,
  { lanes, effects }: { readonly lanes: readonly Lane[]; readonly effects: string },
): Promise<void> {
  const args = [
    {
      op: 'replace',
      path: '/spec/template/spec/containers/0/args',
      value: ['server', '--concurrent-backups=64'],
    },
  ]
  const deployment = '/apis/apps/v1/namespaces/velero/deployments/velero'
  await must(() => call('PATCH', deployment, { body: args, type: 'application/json-patch+json' }))
  await must(() =>
    call('POST', pathOf('backups'), {
      body: objectOf('base', { scenario: { name: '', roles: [] }, name: 'none' }),
    }),
  )
  for (const lane of lanes)
    for (const role of lane.scenario.roles)
      await must(() => call('POST', pathOf('actions'), { body: actionOf(role, lane, effects) }))
  const actions = lanes.flatMap((lane) => lane.scenario.roles.map((role) => actionName(role, lane)))
  await eventually(
    'all Actions are accepted, and there is a Backup to restore',
    () => {
      const isAccepted = (name: string) =>
        (api.read('tidewaiter.io/actions', 'velero', name) as Loose)?.status?.conditions?.[0]?.status ===
        'True'
      const base = api.read('velero.io/backups', 'velero', 'base') as Loose
      return (actions.every(isAccepted) && base?.status?.phase === 'Completed') || undefined
    },
    { seconds: 60 },
  )
}

/** The object of a lane, as a person creates it. */
export function objectOf(name: string, { scenario, name: lane }: Lane): Loose {
  const isRestore = scenario.kind === 'Restore'
  return {
    apiVersion: 'velero.io/v1',
    kind: scenario.kind ?? 'Backup',
    metadata: { name, namespace: 'velero', labels: { lane }, annotations: scenario.script ?? {} },
    // Velero runs Backups of one namespace one after another: each has its own.
    spec: isRestore ? { backupName: 'base', includedNamespaces: [lane] } : { includedNamespaces: [lane] },
  }
}
