/** What clusters of tests begin with: Velero's kinds and install, and our kinds. To store it takes longer than to take it over. */
import { crdOf } from '../../src/api/crd.ts'
import { kinds } from '../../src/api/kinds.ts'
import { systemClock, type Clock } from '../../src/sandbox/apiserver/clock.ts'
import { startApiServer } from '../../src/sandbox/apiserver/server.ts'
import type { Snapshot } from '../../src/sandbox/apiserver/storage/store.ts'
import { veleroCrds, veleroInstall } from '../../src/sandbox/velero/install.ts'

/** Stores it once, made at the time of the clock, for all that begin with it. */
export async function firstState(clock: Clock = systemClock): Promise<Snapshot> {
  const api = await startApiServer({ clock, controllers: false })
  try {
    api.seed([...veleroCrds(), ...veleroInstall(), ...kinds.map(crdOf)])
    return api.snapshot()
  } finally {
    await api.stop()
  }
}
