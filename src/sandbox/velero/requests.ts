/** What the velero CLI asks the server: its version, and where to download files (server_status_request_controller.go, download_request_controller.go). */
import { stamp } from '../apiserver/clock.ts'
import { textAt, type JsonObject } from '../apiserver/json.ts'
import { nameOf } from './informer.ts'
import { fileOf } from './object-store.ts'
import { phaseOf, withStatus } from './phases.ts'
import type { Life } from './server.ts'

const statusTtlMs = 60_000
const downloadTtlMs = 600_000
const againMs = 300_000
const version = 'v1.18.3'

/** Answers both kinds of requests for this life. */
export function answerRequests(life: Life): void {
  const status = life.queue({
    name: 'server-status-request',
    workers: 10,
    reconcile: (name) => answerStatus(life, name),
  })
  const downloads = life.queue({ name: 'download-request', reconcile: (name) => answerDownload(life, name) })
  life.copy('serverstatusrequests').onChange(({ now }) => {
    if (now !== undefined) status.add(nameOf(now))
  })
  const requests = life.copy('downloadrequests')
  requests.onChange(({ now }) => {
    if (now !== undefined) downloads.add(nameOf(now))
  })
  life.every(60_000, () => {
    for (const one of requests.list()) downloads.add(nameOf(one))
  })
}

async function answerStatus(life: Life, name: string): Promise<number | void> {
  const request = life.copy('serverstatusrequests').get(name)
  if (request === undefined) return
  const now = life.clock.now()
  if (phaseOf(request) === 'Processed') {
    if (Date.parse(textAt(request, 'status', 'processedTimestamp')) + statusTtlMs > now) return againMs
    await life.client.remove('serverstatusrequests', name)
    return
  }
  const answered = withStatus(request, {
    serverVersion: version,
    phase: 'Processed',
    processedTimestamp: stamp(now),
    plugins: [{ name: 'sandbox.velero.io/memory', kind: 'ObjectStore' }],
  })
  await life.client.patch('serverstatusrequests', request, answered)
  return againMs
}

async function answerDownload(life: Life, name: string): Promise<void> {
  const request = life.copy('downloadrequests').get(name)
  if (request === undefined) return
  const now = life.clock.now()
  if (Date.parse(textAt(request, 'status', 'expiration')) < now)
    return life.client.remove('downloadrequests', name)
  if (phaseOf(request) === 'Processed') return
  const key = keyOf(life, request)
  const expiration = stamp(now + downloadTtlMs)
  // As Velero: what is missing leaves the request without a URL, and the client gives up by itself.
  const answer =
    key === undefined
      ? { expiration }
      : { phase: 'Processed', downloadURL: life.options.urlOf(key), expiration }
  if (key === undefined && textAt(request, 'status', 'expiration') !== '') return
  await life.client.patch('downloadrequests', request, withStatus(request, answer))
}

/** The file that is asked for; undefined if its Backup or Restore is not there. */
function keyOf(life: Life, request: JsonObject): string | undefined {
  const [kind, name] = [textAt(request, 'spec', 'target', 'kind'), textAt(request, 'spec', 'target', 'name')]
  const restore = kind.startsWith('Restore') ? life.copy('restores').get(name) : undefined
  const backup = kind.startsWith('Restore') ? textAt(restore, 'spec', 'backupName') : name
  return life.copy('backups').get(backup) === undefined ? undefined : fileOf(kind, name)
}
