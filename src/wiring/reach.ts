/** Reaches the cluster for a person at a terminal: as that person, with nothing installed there needed. */
import { readFile } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import { AccessError, type ClusterAccess } from '../kube/access.ts'
import { createKubeClient, type KubeClient } from '../kube/client.ts'
import { loadClusterAccess } from '../kube/config.ts'
import { isKubeError, type KubeError } from '../kube/errors.ts'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { calls, type Calls } from './kinds.ts'

type Env = Readonly<Record<string, string | undefined>>

/** How to reach it. */
export type ReachWorld = {
  /** The file that was named; undefined: where kubectl would look. */
  readonly kubeconfig: string | undefined
  /** The context that was named; undefined: the current one. */
  readonly context?: string | undefined
  readonly env: Env
  readonly clock: Clock
  readonly log: Log
  readonly userAgent: string
}

/** A cluster that may be asked. */
export type Reached = {
  readonly server: string
  readonly client: KubeClient
  readonly calls: Calls
}

/** Reads the credentials; nothing is asked yet. Throws StartError. */
export async function reach(world: ReachWorld): Promise<Reached> {
  const { clock, log, userAgent } = world
  const access = await accessOf(world)
  const client = createKubeClient({ access, clock, log, userAgent })
  return { server: access.server, client, calls: calls(client) }
}

/** The credentials that a kubeconfig, or the pod, gives. Throws StartError. */
export async function accessOf({
  kubeconfig,
  context,
  env,
  clock,
}: Pick<ReachWorld, 'kubeconfig' | 'context' | 'env' | 'clock'>): Promise<ClusterAccess> {
  try {
    return await loadClusterAccess({
      ...(kubeconfig === undefined ? {} : { kubeconfigPath: kubeconfig }),
      ...(context === undefined ? {} : { context }),
      env,
      clock,
      readFile: (file) => readFile(file, 'utf8'),
    })
  } catch (error) {
    // Nobody was asked yet: this is how the command was started, whatever of its credentials is missing or wrong.
    if (error instanceof AccessError) throw new StartError(4, error.message, { cause: error })
    throw error
  }
}

type Unanswered = KubeError & { readonly code: 'NETWORK' | 'TIMEOUT' | 'UNAVAILABLE' | 'TOO_MANY' }

/** Whether the API server did not answer, and may another time. */
export const isUnanswered = (error: unknown): error is Unanswered =>
  isKubeError(error, 'NETWORK', 'TIMEOUT', 'UNAVAILABLE', 'TOO_MANY')

/** Why a question to the API server has no answer, as the end of a command. What is no answer of it is thrown on. */
export function cannotAsk(error: unknown, server: string): StartError {
  if (!isKubeError(error)) throw error
  if (isUnanswered(error))
    return new StartError(
      3,
      `the API server ${server} must answer, got: ${error.message}; is the cluster up, and is the kubeconfig for it?`,
      { cause: error },
    )
  const next =
    error.code === 'UNAUTHORIZED'
      ? 'check the credentials of the kubeconfig'
      : 'somebody with the rights must run this, or give them'
  return new StartError(
    4,
    `the API server ${server} must let this user look, got: ${error.message}; ${next}`,
    {
      cause: error,
    },
  )
}
