/**
 * What a decision costs where there is much that has nothing to do with it: 1,000 Actions that ask for other Backups, and 10,000
 * ActionRuns of before, beside an install that has neither. usage: npm run bench -- selection [--quick]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { draftRun } from '../../src/core/run/draft.ts'
import { aPlannedAction } from '../../test/support/build.ts'
import { ended } from '../processes.ts'
import { median, table } from '../report.ts'
import { inParts } from './in-parts.ts'
import { load } from './load.ts'
import { cpuOf } from './quiet.ts'
import { reviewOf, sizes } from './reviews.ts'
import type { Asked, Server } from './rivals.ts'
import { inRounds } from './rounds.ts'
import { atMost, quick, tell } from './section.ts'
import { createAction, inWorld, serve, type World } from './world.ts'

const rounds = quick ? 1 : 7
const lastsMs = quick ? 300 : 2_000
const actions = quick ? 50 : 1_000
const runs = quick ? 100 : 10_000

/** What an Action may ask for that the Backup of the bench is not. */
const asks = (i: number): object =>
  [
    { scheduleNames: [`schedule-${i}`] },
    { selector: { matchLabels: { team: `team-${i}` } } },
    { selector: { matchExpressions: [{ key: 'team', operator: 'In', values: [`team-${i}`] }] } },
  ][i % 3] ?? {}

async function createRun({ call }: World, i: number): Promise<void> {
  const metadata = {
    name: `old-${i}`,
    namespace: 'velero',
    uid: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
  }
  const run = draftRun({
    stage: 'PreBackup',
    kind: 'Backup',
    object: { apiVersion: 'velero.io/v1', kind: 'Backup', metadata, spec: { includedNamespaces: ['shop'] } },
    cluster: 'bench',
    requestedBy: 'ann',
    scheduleName: `schedule-${i % 100}`,
    actions: [aPlannedAction({ stage: 'PreBackup' })],
    hash: (text) => `h${text.length}`,
  })
  await call('POST', '/apis/tidewaiter.io/v1beta1/namespaces/velero/actionruns', {
    ...run,
  })
}

/** A webhook replica alone: nobody leads any more, so that nothing but the decision is measured. */
async function replica(world: World, name: string): Promise<Server> {
  const leader = await serve(world)
  const service = await serve(world, { roles: 'webhook', 'webhook-url': leader.url })
  await ended(leader.child, 'SIGKILL')
  const urlOf = (asked: Asked) => service.urlOf(asked === 'mutate' ? 'hold' : 'backups')
  return { name, pid: service.child.pid ?? 0, urlOf }
}

await inWorld((empty) =>
  inWorld(async (full) => {
    const bare = await replica(empty, 'none')
    console.error(`${actions} Actions and ${runs} ActionRuns are made ...`)
    await inParts(actions, (i) =>
      createAction(full, `other-${i}`, {
        stage: i % 2 === 0 ? 'PreBackup' : 'PostBackup',
        match: asks(i),
        http: { url: 'https://hooks.example.com' },
      }),
    )
    // Before the policies of an install keep everybody else from it.
    await inParts(runs, (i) => createRun(full, i))
    const loaded = await replica(full, 'many')
    const body = join(empty.folder, '8.json')
    writeFileSync(body, reviewOf(sizes[8]))
    const both = new Map([bare, loaded].map((one) => [one.name, one]))
    const pids = [bare, loaded].map(({ pid }) => pid)
    const own = [...pids, ...[empty, full].map(({ cluster }) => cluster.child.pid ?? 0)]
    const rows: string[][] = []
    const goals = []
    for (const asked of ['mutate', 'validate'] as const) {
      console.error(`${asked} ...`)
      const found = await inRounds(rounds, ['none', 'many'], own, async (name) => {
        const server = both.get(name) ?? bare
        const before = cpuOf(server.pid)
        const seen = await load({ url: server.urlOf(asked), body, warmMs: 1, lastsMs })
        if (seen.failures + seen.eofs > 0) throw new Error(`${name}: ${seen.failure}`)
        return ((cpuOf(server.pid) - before) * 1e6) / seen.requests
      })
      const [none = [], many = []] = [found.of.get('none'), found.of.get('many')]
      const ratio = median(many.map((us, round) => us / (none[round] ?? Number.NaN)))
      rows.push([
        asked,
        `${median(none).toFixed(0)} us`,
        `${median(many).toFixed(0)} us`,
        `x ${ratio.toFixed(2)}`,
      ])
      goals.push(
        atMost(
          `processor time of an answer (${asked}) with ${actions} Actions that do not match`,
          1.1,
          ratio,
        ),
      )
    }
    tell({
      title: 'Choosing: Actions and runs that have nothing to do with the Backup',
      text: [
        `${actions} Actions that ask for another Schedule or label, and ${runs} ActionRuns; ${rounds} rounds of ${lastsMs / 1000} s, 8 KB; medians.`,
        '',
        table(['asked', 'with none', 'with many', 'many beside none'], rows),
      ].join('\n'),
      goals,
    })
  }),
)
