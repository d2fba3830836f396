/** Looks through the API server at the gate label, the guard and ourselves. */
import type { WatchmanPorts } from '../control/watchman.ts'
import { group, version } from '../api/schema.ts'
import { guardCanaryMessage, guardCanaryName } from '../core/guard.ts'
import { gateLabel } from '../core/registration.ts'
import { textMapAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import { probeMessage, probeName } from '../core/probe.ts'
import type { World } from './world.ts'

const lookMs = 5_000

/** The watchman's world. */
export function watchmanPorts(world: World, onLook: WatchmanPorts['onLook']): WatchmanPorts {
  return {
    clock: world.clock,
    log: world.log,
    namespaces: world.config.veleroNamespaces,
    gateOff: async (namespace) =>
      textMapAt(await world.calls.namespaces().get(namespace, { timeoutMs: lookMs }), 'metadata', 'labels')[
        gateLabel
      ] === 'off',
    canaries: (namespace) => Promise.all(canaries(namespace).map((one) => dryRunCreate(world, one))),
    probe: (namespace) => dryRunCreate(world, { plural: 'backups', object: backup(namespace, probeName) }),
    canaryMessage: guardCanaryMessage,
    probeMessage,
    onLook,
  }
}

type Trial = { readonly plural: 'backups' | 'schedules' | 'actionruns'; readonly object: TrialObject }
type TrialObject = {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly [field: string]: unknown
}

const backup = (namespace: string, name: string): TrialObject => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name, namespace },
  spec: {},
})

/** One object for each policy of the guard, right in its schema: a wrong one is refused before the policies are asked. */
function canaries(namespace: string): readonly Trial[] {
  const metadata = { name: guardCanaryName, namespace }
  const ref = { kind: 'Backup', name: guardCanaryName, uid: guardCanaryName }
  const run = {
    stage: 'PreBackup',
    objectRef: ref,
    cluster: '',
    fingerprint: '',
    actionsHash: '',
    actions: [],
  }
  return [
    { plural: 'backups', object: backup(namespace, guardCanaryName) },
    {
      plural: 'schedules',
      object: {
        apiVersion: 'velero.io/v1',
        kind: 'Schedule',
        metadata,
        spec: { schedule: '0 0 1 1 *', template: {} },
      },
    },
    {
      plural: 'actionruns',
      object: { apiVersion: `${group}/${version}`, kind: 'ActionRun', metadata, spec: run },
    },
  ]
}

/** The refusal of a dry-run CREATE, or undefined if it was let through. Nothing is ever stored. Throws if it was not asked. */
async function dryRunCreate(world: World, { plural, object }: Trial): Promise<string | undefined> {
  const { namespace } = object.metadata
  const calls =
    plural === 'actionruns' ? world.calls.own(plural, namespace) : world.calls.velero(plural, namespace)
  try {
    await calls.create(object, { dryRun: true, timeoutMs: lookMs })
    return undefined
  } catch (error) {
    // Neither let through nor refused: no answer, or one that others gave in the policy's stead.
    if (isKubeError(error, 'NETWORK', 'TIMEOUT', 'UNAUTHORIZED', 'UNAVAILABLE', 'TOO_MANY', 'BAD_ANSWER'))
      throw error
    return error instanceof Error ? error.message : String(error)
  }
}
