/** Looks through the API server at the gate label, the guard and ourselves. */
import type { WatchmanPorts } from '../control/watchman.ts'
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
    canary: (namespace) => dryRunCreate(world, namespace, guardCanaryName),
    probe: (namespace) => dryRunCreate(world, namespace, probeName),
    canaryMessage: guardCanaryMessage,
    probeMessage,
    onLook,
  }
}

/** The refusal of a dry-run CREATE of a Backup, or undefined if it was let through. Nothing is ever stored. */
async function dryRunCreate(world: World, namespace: string, name: string): Promise<string | undefined> {
  const backup = { apiVersion: 'velero.io/v1', kind: 'Backup', metadata: { name, namespace }, spec: {} }
  try {
    await world.calls.velero('backups', namespace).create(backup, { dryRun: true, timeoutMs: lookMs })
    return undefined
  } catch (error) {
    if (isKubeError(error, 'NETWORK', 'TIMEOUT', 'UNAUTHORIZED')) throw error
    return error instanceof Error ? error.message : String(error)
  }
}
