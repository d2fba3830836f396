/** An API server with Actions and runs in it, at a time that stands still: what commands show of it can be told beforehand. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { systemClock as sandboxClock } from '../../src/sandbox/apiserver/clock.ts'
import { startApiServer, type ApiServer } from '../../src/sandbox/apiserver/server.ts'
import type { Snapshot } from '../../src/sandbox/apiserver/storage/store.ts'
import { people } from '../../src/sandbox/people.ts'
import { systemClock } from '../../src/system-clock.ts'
import type { Clock } from '../../src/clock.ts'
import { firstState } from './first-state.ts'

/** When everything in it was made. */
export const madeAt = Date.UTC(2026, 0, 31, 3, 0, 0)

/** The clock of a command: it stands, while its timers run as everywhere. */
export const standingAt = (ms: number): Clock => ({ ...systemClock, now: () => ms })

/** A time so many milliseconds after everything was made, as the API server writes it. */
export const after = (ms: number): string => new Date(madeAt + ms).toISOString()

/** The API server, and the kubeconfig of one of its users. */
export type Kept = { readonly api: ApiServer; readonly kubeconfig: (user?: string) => string }

const clock = { ...sandboxClock, now: () => madeAt }
let first: Promise<Snapshot> | undefined

/** Starts it with these objects, and ends it with the test. */
export async function startKept(t: Test, objects: readonly unknown[]): Promise<Kept> {
  const state = await (first ??= firstState(clock))
  const api = await startApiServer({ clock, users: people(), controllers: false, state })
  t.teardown(() => api.stop())
  api.seed(objects)
  const folder = t.testdir()
  return {
    api,
    kubeconfig: (user = 'admin') => {
      const file = join(folder, `${user}.kubeconfig`)
      writeFileSync(file, api.kubeconfig(user, 'velero'))
      return file
    },
  }
}
