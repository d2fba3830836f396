/** A whole cluster without a cluster: API server, Velero's kinds and install, its stand-in, and users. Nothing of the service. */
import type { Clock } from './apiserver/clock.ts'
import type { TokenUser } from './apiserver/authn/users.ts'
import { startApiServer, type ApiServer } from './apiserver/server.ts'
import type { Snapshot } from './apiserver/storage/store.ts'
import { people } from './people.ts'
import { veleroCrds, veleroInstall, veleroUser } from './velero/install.ts'
import { startVelero, type Velero, type VeleroOptions } from './velero/velero.ts'

/** How to start; everything has a default. */
export type ClusterOptions = {
  /** Address and port of the API server; port 0 is any free one. */
  readonly listen?: string
  /** Users beside admin, velero and alice. */
  readonly users?: readonly TokenUser[]
  /** What `api.snapshot()` of an earlier cluster gave: Velero's kinds and install are in it, and are not stored again. */
  readonly state?: Snapshot
  /** Objects to begin with, after Velero's; CRDs first. */
  readonly objects?: readonly unknown[]
  readonly clock?: Clock
  readonly velero?: Pick<VeleroOptions, 'settings' | 'store' | 'onTrouble'>
}

/** A running cluster. */
export type Cluster = {
  readonly api: ApiServer
  readonly velero: Velero
  readonly stop: () => Promise<void>
}

/** Starts it; Velero follows every kind when this resolves. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const clock = options.clock === undefined ? {} : { clock: options.clock }
  const api = await startApiServer({
    ...clock,
    ...(options.listen === undefined ? {} : { listen: options.listen }),
    ...(options.state === undefined ? {} : { state: options.state }),
    users: [...people(), ...(options.users ?? [])],
  })
  try {
    if (options.state === undefined) api.seed([...veleroCrds(), ...veleroInstall()])
    api.seed(options.objects ?? [])
    const access = { url: api.url, ca: api.ca, token: api.token(veleroUser) }
    const velero = await startVelero({ ...clock, ...access, ...options.velero })
    const stop = async (): Promise<void> => {
      await velero.stop()
      await api.stop()
    }
    return { api, velero, stop }
  } catch (error) {
    await api.stop()
    throw error
  }
}
