/** The time in which a Backup or Restore is InProgress: progress once a second, and the restarts that a script asks for. */
import { setAt, textsAt, type JsonObject } from '../apiserver/json.ts'
import type { Script } from './script.ts'
import type { Life } from './server.ts'
import { sleep } from './timing.ts'

/** What is running. */
export type Running = {
  readonly life: Life
  readonly plural: 'backups' | 'restores'
  readonly object: JsonObject
  readonly script: Script
  readonly progress: (items: number) => JsonObject
}

// velero pkg/backup/backup.go and pkg/restore/restore.go: a patch of progress at most once a second.
const progressMs = 1_000

/** How many items this Backup or Restore is said to have. */
export const itemsOf = (object: JsonObject): number =>
  4 + 6 * textsAt(object, 'spec', 'includedNamespaces').length

/** Waits for as long as the script says. Rejects when this life ends meanwhile. */
export async function runItems({ life, plural, object, script, progress }: Running): Promise<void> {
  const { durationMs, outcome } = script
  const untilMs = outcome === 'RestartWhileInProgress' ? durationMs / 2 : durationMs
  const total = itemsOf(object)
  for (let passed = 0; passed < untilMs;) {
    const step = Math.min(progressMs, untilMs - passed)
    await sleep(life.clock, step, life.signal)
    passed += step
    if (passed >= untilMs) break
    const items = Math.floor((total * passed) / durationMs)
    // Progress that cannot be written is left out (backup.go logs it and goes on).
    const seen = setAt(object, ['status', 'progress'], progress(items))
    await life.client.patch(plural, object, seen).catch(() => undefined)
  }
  if (outcome !== 'RestartWhileInProgress') return
  life.options.restart()
  await new Promise<never>((_, reject) => {
    life.signal.addEventListener('abort', () => reject(new Error('Velero restarted')), { once: true })
    if (life.signal.aborted) reject(new Error('Velero restarted'))
  })
}
