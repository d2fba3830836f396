/** What a Backup costs the API server: how many calls the service makes for one, by what is to be done. docs/performance.md has the table. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Loose } from '../support/asking.ts'
import { startCluster } from '../support/cluster.ts'
import { projectRoot } from '../support/generate.ts'
import { whenThorough } from '../support/runs.ts'
import { act, action, backup, create, ended } from '../support/scenes.ts'

/** What one Backup has, as the documentation names it, with the calls that it may cost. */
const cases: Readonly<
  Record<string, { readonly calls: number; readonly actions: Readonly<Record<string, Loose>> }>
> = {
  'no Action': { calls: 1, actions: {} },
  'one pre action': { calls: 14, actions: { '10-a': {} } },
  'three pre actions, held': { calls: 25, actions: { '10-a': {}, '20-b': {}, '30-c': {} } },
  'one post action': { calls: 15, actions: { '90-p': { stage: 'PostBackup' } } },
  'a pre and a post action': { calls: 26, actions: { '10-a': {}, '90-p': { stage: 'PostBackup' } } },
  'one pre action, held': { calls: 22, actions: { '10-a': { mode: 'Hold' } } },
  'one pre action with an undo, always': { calls: 32, actions: { '10-a': { undoAt: 'Always', undo: {} } } },
}

// When nothing was asked for so long, all is done; what is written later for many at once comes after two seconds.
const quietMs = 3_000
// Copies that are behind cost a call now and then, more where the machine is busy.
const atMost = (calls: number): number => Math.ceil(calls * 1.25)

t.test('calls to the API server for one Backup', whenThorough, async (t) => {
  const system = await startCluster(t)
  let calls: string[] = []
  let lastAt = 0
  system.api.onRequest(({ user, info }) => {
    const isOwn = user === 'tidewaiter' && info.verb !== 'watch' && !info.name.endsWith('-leader')
    // The canaries of the guard, and the registrations, are asked for whether there are Backups or not.
    const isOfTime =
      info.namespace === '' ||
      (info.verb === 'create' && ['backups', 'restores', 'schedules'].includes(info.resource))
    if (!isOwn || isOfTime) return
    calls.push(`${info.verb} ${info.resource}${info.subresource === '' ? '' : `/${info.subresource}`}`)
    lastAt = performance.now()
  })
  const quiet = async () => {
    lastAt = performance.now()
    while (performance.now() - lastAt < quietMs) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const page = readFileSync(join(projectRoot, 'docs/performance.md'), 'utf8')
  for (const [index, [name, given]] of Object.entries(cases).entries()) {
    const label = `case-${index}`
    const actions = Object.entries(given.actions).map(([role, spec]) =>
      action(`${role}-${index}`, {
        match: { selector: { matchLabels: { case: label } } },
        ...spec,
        ...(spec.undo === undefined ? {} : { undo: { http: { url: `${system.hooks.url}/undo` } } }),
      }),
    )
    await act(system, ...actions)
    await quiet()
    calls = []
    const { status, body } = await create(
      system,
      backup(`b-${index}`, { metadata: { labels: { case: label } } }),
    )
    t.equal(status, 201, body.message)
    await ended(system, `b-${index}`)
    await quiet()
    t.ok(calls.length <= atMost(given.calls), `${name}: ${calls.length} calls`, { calls })
    t.match(page, new RegExp(`\\| ${name} +\\| +${given.calls} \\|`), 'the page says so')
  }
})
