/** New, Queued, ReadyToStart (velero pkg/controller/backup_queue_controller.go, since 1.18). */
import { at, textsAt, type JsonObject } from '../apiserver/json.ts'
import { nameOf } from './informer.ts'
import { isNew, phaseOf, withStatus } from './phases.ts'
import type { Life } from './server.ts'

/** Moves Backups through the queue for this life. */
export function queueBackups(life: Life): void {
  const backups = life.copy('backups')
  const queue = life.queue({ name: 'backup-queue', reconcile: (name) => reconcile(life, name) })
  const requeue = (): void => {
    for (const one of inQueue(backups.list())) queue.add(nameOf(one))
  }
  backups.onChange(({ old, now }) => {
    if (now === undefined) return
    if (isNew(now)) queue.add(nameOf(now))
    if (old === undefined) return
    const [before, after] = [phaseOf(old), phaseOf(now)]
    const freed = before === 'InProgress' && after !== 'InProgress'
    const came = before !== 'Queued' && after === 'Queued'
    if (freed || (came && hasRoom(life))) requeue()
  })
  life.every(life.settings.queuedMs, requeue)
}

const hasRoom = (life: Life): boolean => life.tracker.runningCount() < life.settings.concurrentBackups

/** A number that is absent where it is zero. */
const positionOf = (backup: JsonObject): number => {
  const found = at(backup, 'status', 'queuePosition')
  return typeof found === 'number' ? found : 0
}

const inQueue = (backups: readonly JsonObject[]): readonly JsonObject[] =>
  backups.filter((one) => phaseOf(one) === 'Queued').toSorted((a, b) => positionOf(a) - positionOf(b))

async function reconcile(life: Life, name: string): Promise<void> {
  const backup = life.copy('backups').get(name)
  if (backup === undefined) return
  if (isNew(backup)) {
    const last = inQueue(life.copy('backups').list()).at(-1)
    const queuePosition = (last === undefined ? 0 : positionOf(last)) + 1
    await life.client.patch('backups', backup, withStatus(backup, { phase: 'Queued', queuePosition }))
  } else if (phaseOf(backup) === 'Queued' && mayStart(life, backup)) {
    await dequeue(life, backup)
  }
}

/** Whether a queued Backup is next: a slot is free, and nothing before it touches the same namespaces or could run itself. */
function mayStart(life: Life, backup: JsonObject): boolean {
  if (!hasRoom(life)) return false
  const active = life
    .copy('backups')
    .list()
    .filter((one) => ['Queued', 'ReadyToStart', 'InProgress'].includes(phaseOf(one)))
  const earlier = active.filter((one) => positionOf(one) < positionOf(backup))
  const namespaces = life.copy('namespaces').list().map(nameOf)
  if (conflicts(backup, earlier, namespaces)) return false
  return !earlier.some((one) => phaseOf(one) === 'Queued' && !conflicts(one, earlier, namespaces))
}

function conflicts(
  backup: JsonObject,
  others: readonly JsonObject[],
  namespaces: readonly string[],
): boolean {
  const mine = new Set(touched(backup, namespaces))
  return others.some((one) => {
    if (nameOf(one) === nameOf(backup)) return false
    if (phaseOf(one) === 'Queued' && positionOf(one) >= positionOf(backup)) return false
    return touched(one, namespaces).some((namespace) => mine.has(namespace))
  })
}

/** The existing namespaces that a Backup touches; wildcards as in velero pkg/util/wildcard. */
export function touched(backup: JsonObject, namespaces: readonly string[]): readonly string[] {
  const included = textsAt(backup, 'spec', 'includedNamespaces')
  const excluded = textsAt(backup, 'spec', 'excludedNamespaces')
  const among = (patterns: readonly string[], name: string): boolean =>
    patterns.some((one) => wildcard(one, name))
  return namespaces.filter(
    (name) => (included.length === 0 || among(included, name)) && !among(excluded, name),
  )
}

// Linear in the text for each part between stars, whatever the pattern: no regular expression is made of what users write.
function wildcard(pattern: string, text: string): boolean {
  const parts = pattern.split('*')
  const [first = '', ...rest] = parts
  if (rest.length === 0) return pattern === text
  const last = rest.pop() ?? ''
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false
  let from = first.length
  for (const part of rest) {
    const found = text.indexOf(part, from)
    if (found < 0) return false
    from = found + part.length
  }
  return from <= text.length - last.length
}

async function dequeue(life: Life, backup: JsonObject): Promise<void> {
  const ready = withStatus(backup, { phase: 'ReadyToStart', queuePosition: undefined })
  await life.client.patch('backups', backup, ready)
  life.tracker.addReady(nameOf(backup))
  const others = inQueue(life.copy('backups').list()).filter((one) => nameOf(one) !== nameOf(backup))
  for (const [index, one] of others.entries()) {
    // As Velero: a position that cannot be written is left as it is.
    await life.client
      .patch('backups', one, withStatus(one, { queuePosition: index + 1 }))
      .catch(() => undefined)
  }
}
