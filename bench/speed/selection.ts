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
import { actLabel, startHook } from './hook.ts'
import { inParts } from './in-parts.ts'
import { load } from './load.ts'
import { cpuOf } from './quiet.ts'
import { reviewOf, sizes } from './reviews.ts'
import type { Asked, Server } from './rivals.ts'
import { inRounds } from './rounds.ts'
import { atMost, quick, tell, type Compared } from './section.ts'
import { accepted, createAction, inWorld, serve, type World } from './world.ts'

const rounds = quick ? 1 : 7
const lastsMs = quick ? 300 : 2_000
const actingMs = quick ? 1_000 : 4_000
const warmMs = quick ? 100 : 700
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

/**
 * A webhook replica alone, where there are Actions that `more` makes, and one for the Backups with `actLabel`: nobody leads any more, so
 * that nothing but the decision is measured.
 */
async function replica(world: World, more: () => Promise<unknown> = async () => {}): Promise<Server> {
  const hook = await startHook(world)
  const flags = { 'egress-allow': new URL(hook).host }
  const leader = await serve(world, flags)
  // Not before there is somebody who notes who wrote them: others are for no Backup.
  await createAction(world, 'act', {
    stage: 'PreBackup',
    match: { selector: { matchLabels: actLabel } },
    timeoutSeconds: 5,
    http: { url: hook },
  })
  await more()
  await accepted(world)
  const service = await serve(world, { ...flags, roles: 'webhook', 'webhook-url': leader.url })
  await service.readyMs
  await ended(leader.child, 'SIGKILL')
  const urlOf = (asked: Asked) => service.urlOf(asked === 'mutate' ? 'hold' : 'backups')
  return { name: '', pid: service.child.pid ?? 0, urlOf }
}

const others = (world: World, matchOf: (i: number) => object): Promise<unknown> =>
  inParts(actions, (i) =>
    createAction(world, `other-${i}`, {
      stage: i % 2 === 0 ? 'PreBackup' : 'PostBackup',
      match: matchOf(i),
      http: { url: 'https://hooks.example.com' },
    }),
  )

const inWorlds = (use: (one: World, two: World, three: World) => Promise<void>): Promise<void> =>
  inWorld((one) => inWorld((two) => inWorld((three) => use(one, two, three))))

await inWorlds(async (empty, full, expressive) => {
  const none = await replica(empty)
  console.error(`${actions} Actions and ${runs} ActionRuns are made ...`)
  // Before the policies of an install keep everybody else from it.
  await inParts(runs, (i) => createRun(full, i))
  const many = await replica(full, () => others(full, asks))
  console.error(`${actions} Actions with an expression each are made ...`)
  const expressions = await replica(expressive, () =>
    others(expressive, (i) => ({ expression: `"team-${i}" in backup.metadata.labels` })),
  )
  const servers = new Map(Object.entries({ none, many, expressions }))
  const clusters = [empty, full, expressive].map(({ cluster }) => cluster.child.pid ?? 0)
  const own = (name: string) => [servers.get(name)?.pid ?? 0, ...clusters]
  const bodyOf = (acts: boolean): string => {
    const file = join(empty.folder, `8-${acts}.json`)
    writeFileSync(file, reviewOf(sizes[8], acts ? actLabel : {}))
    return file
  }
  const plain = bodyOf(false)
  const acting = bodyOf(true)
  const rows: string[][] = []
  const goals: Compared[] = []
  for (const { name: what, asked, body } of [
    { name: 'mutate', asked: 'mutate', body: plain },
    { name: 'validate', asked: 'validate', body: plain },
    { name: 'validate, one action', asked: 'validate', body: acting },
  ] as const) {
    console.error(`${what} ...`)
    const found = await inRounds(rounds, [...servers.keys()], own, async (name) => {
      const server = servers.get(name) ?? none
      await load({ url: server.urlOf(asked), body, warmMs: 1, lastsMs: warmMs })
      const before = cpuOf(server.pid)
      const seen = await load({
        url: server.urlOf(asked),
        body,
        warmMs: 1,
        lastsMs: body === acting ? actingMs : lastsMs,
      })
      if (seen.failures + seen.eofs > 0) throw new Error(`${name}: ${seen.failure}`)
      return ((cpuOf(server.pid) - before) * 1e6) / seen.requests
    })
    const of = (name: string) => found.of.get(name) ?? []
    const ratio = median(of('many').map((us, round) => us / (of('none')[round] ?? Number.NaN)))
    const us = (name: string) => `${median(of(name)).toFixed(0)} us`
    rows.push([what, us('none'), us('many'), `x ${ratio.toFixed(2)}`, us('expressions')])
    goals.push(
      atMost(
        `processor time of an answer (${what}) with ${actions} Actions that do not match and ${runs} ActionRuns`,
        1.1,
        ratio,
      ),
    )
  }
  tell({
    title: 'Choosing: Actions and runs that have nothing to do with the Backup',
    text: [
      `${actions} Actions that ask for another Schedule or label, and ${runs} ActionRuns; ${rounds} rounds of ${lastsMs / 1000} s, 8 KB; medians. An`,
      `expression is evaluated for each question: in the last column ${actions} Actions have one each, and nothing else that tells them apart.`,
      '',
      table(['asked', 'with none', 'with many', 'many beside none', 'with expressions'], rows),
    ].join('\n'),
    goals,
  })
})
