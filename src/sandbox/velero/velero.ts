/** A stand-in for Velero 1.18.3's server: its controllers, against any API server, over HTTP, as its own account. Nothing is backed up. */
import { stamp, systemClock, type Clock } from '../apiserver/clock.ts'
import { textAt } from '../apiserver/json.ts'
import { queueBackups } from './backup-queue.ts'
import { runBackups } from './backups.ts'
import { serveBucket } from './bucket-server.ts'
import { Client } from './client.ts'
import { collectBackups, deleteBackups } from './deletions.ts'
import { ObjectStore } from './object-store.ts'
import { phaseOf, withStatus } from './phases.ts'
import { answerRequests } from './requests.ts'
import { runRestores } from './restores.ts'
import { runSchedules } from './schedules.ts'
import { Life, usualSettings, type Settings, type Trouble } from './server.ts'
import { syncLocations } from './sync.ts'

/** How to start. */
export type VeleroOptions = {
  /** The API server, its CA in PEM, and the token of Velero's account. */
  readonly url: string
  readonly ca: string
  readonly token: string
  readonly namespace?: string
  readonly clock?: Clock
  readonly settings?: Partial<Settings>
  /** The bucket; give the same one to two clusters to see Backups come over. */
  readonly store?: ObjectStore
  readonly onTrouble?: (trouble: Trouble) => void
}

/** A running stand-in. */
export type Velero = {
  readonly store: ObjectStore
  /** Ends it and starts it again, as a pod that is replaced: what is in memory is lost, the bucket stays. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Starts it; every kind is followed when this resolves. */
export async function startVelero(options: VeleroOptions): Promise<Velero> {
  const clock = options.clock ?? systemClock
  const store = options.store ?? new ObjectStore()
  const client = new Client({ ...options, namespace: options.namespace ?? 'velero' })
  const onTrouble = options.onTrouble ?? (() => undefined)
  const bucket = await serveBucket(store, clock)
  const settings = { ...usualSettings, ...options.settings }
  let changing: Promise<void> = Promise.resolve()
  let life: Life | undefined
  let stopped = false
  const begin = async (): Promise<void> => {
    if (stopped) return
    life = new Life({
      client,
      clock,
      store,
      settings,
      onTrouble,
      urlOf: bucket.urlOf,
      version: await versionOf(client),
      restart: () =>
        void restart().catch((error: unknown) => onTrouble({ controller: 'server', key: '', error })),
    })
    await failInProgress(life)
    await live(life)
  }
  const again = async (before: Promise<void>): Promise<void> => {
    await before.catch(() => undefined)
    await life?.end()
    await begin()
  }
  const restart = (): Promise<void> => {
    changing = again(changing)
    return changing
  }
  const stop = async (): Promise<void> => {
    stopped = true
    await changing.catch(() => undefined)
    await life?.end()
    await bucket.stop()
    await client.close()
  }
  try {
    await begin()
  } catch (error) {
    await stop()
    throw error
  }
  return { store, restart, stop }
}

async function versionOf(client: Client): Promise<Readonly<Record<string, string>>> {
  const version = await client.version()
  return {
    gitVersion: textAt(version, 'gitVersion'),
    major: textAt(version, 'major'),
    minor: textAt(version, 'minor'),
  }
}

async function live(life: Life): Promise<void> {
  const following = life.follow()
  for (const controller of [
    syncLocations,
    queueBackups,
    runBackups,
    runRestores,
    runSchedules,
    deleteBackups,
    collectBackups,
    answerRequests,
  ])
    controller(life)
  await following
}

/** velero pkg/cmd/server/server.go markInProgressCRsFailed: what was running when the last server ended has failed. */
async function failInProgress(life: Life): Promise<void> {
  for (const [plural, word] of [
    ['backups', 'backup'],
    ['restores', 'restore'],
  ] as const) {
    const { items } = await life.client.list(plural)
    for (const item of items.filter((one) => phaseOf(one) === 'InProgress')) {
      const failureReason = `found a ${word} with status "InProgress" during the server starting, mark it as "Failed"`
      const failed = withStatus(item, {
        phase: 'Failed',
        failureReason,
        completionTimestamp: stamp(life.clock.now()),
      })
      await life.client
        .patch(plural, item, failed)
        .catch((error: unknown) =>
          life.options.onTrouble({ controller: 'server', key: textAt(item, 'metadata', 'name'), error }),
        )
    }
  }
}
