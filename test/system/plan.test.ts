/** `tidewaiter plan` beside a service: what the command says beforehand is what the API server answers to a dry run. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { eventually, pathOf } from '../support/asking.ts'
import { cli } from '../support/cli.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { whenThorough } from '../support/runs.ts'

const actionOf = (name: string, spec: Readonly<Record<string, unknown>>) => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'Action',
  metadata: { name, namespace: 'velero' },
  spec,
})
const backupOf = (name: string, metadata: Readonly<Record<string, unknown>> = {}, spec: object = {}) => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name, namespace: 'velero', ...metadata },
  spec,
})

/** An API server with a service that knows these Actions, written by alice. */
async function startWith(t: Test, actions: readonly object[]): Promise<System> {
  const system = await startCluster(t)
  for (const body of actions) {
    const { status, body: said } = await system.call('POST', pathOf('actions'), { body, as: 'alice' })
    if (status !== 201) throw new Error(`an Action was not taken: ${JSON.stringify(said)}`)
  }
  await eventually('the leader has looked at every Action', async () => {
    const { items } = (await system.call('GET', pathOf('actions'))).body
    return items.every((one: { status?: { conditions?: unknown[] } }) => one.status?.conditions) || undefined
  })
  return system
}

/** The plan of an object, and the answer to its dry run, for alice. */
async function both(t: Test, { api, call }: System, object: { readonly metadata: object }) {
  const dir = t.testdir({ 'b.yaml': stringify(object) })
  const kubeconfig = join(dir, 'kubeconfig')
  writeFileSync(kubeconfig, api.kubeconfig('alice', 'velero'))
  const seen = await cli(['plan', '-f', join(dir, 'b.yaml'), '--kubeconfig', kubeconfig, '-o', 'json'])
  t.equal(seen.err, '')
  const path = `${pathOf('backups')}?dryRun=All`
  const answer = await call('POST', path, { body: object, as: 'alice' })
  return { plan: JSON.parse(seen.out).plans[0], code: seen.code, answer }
}

t.test('a Backup that would be admitted: the calls of the plan are those of the dry run', async (t) => {
  const system = await startWith(t, [
    actionOf('10-freeze', {
      stage: 'PreBackup',
      match: { includedNamespaces: ['shop'] },
      http: {
        url: 'http://127.0.0.1:9/freeze/${backup.metadata.name}',
        body: { where: '${backup.spec.storageLocation}' },
      },
    }),
    actionOf('20-verify', {
      stage: 'PreBackup',
      http: { url: "http://127.0.0.1:9/${outputs['10-freeze'].lsn}" },
    }),
    actionOf('30-other', {
      stage: 'PreBackup',
      match: { scheduleNames: ['x'] },
      http: { url: 'http://127.0.0.1:9/' },
    }),
    actionOf('90-resume', { stage: 'PostBackup', http: { url: 'http://127.0.0.1:9/resume' } }),
  ])
  const { plan, code, answer } = await both(t, system, backupOf('b1', {}, { includedNamespaces: ['shop'] }))
  t.match({ code, status: answer.status, admitted: plan.admitted }, { code: 0, status: 201, admitted: true })
  t.match(plan.leftOut, [{ name: '30-other', reason: 'NotMatched' }])
  const [freeze, verify] = plan.before
  const lines: readonly string[] = answer.warnings
  t.ok(
    lines.includes(
      `tidewaiter: dry run, PreBackup action "10-freeze" would run: ${freeze.request.split('\n')[0]}`,
    ),
  )
  t.ok(lines.includes(`tidewaiter: dry run, "10-freeze" body: ${freeze.request.split('\n\n')[1]}`))
  t.match(
    [verify.does, lines],
    ['later', [/./, /"20-verify" would run: with outputs of the actions before it/]],
  )
  t.match([plan.after, lines.join('\n')], [[{ name: '90-resume' }], /"90-resume" would run after it ended/])
})

t.test('what is held, and what is taken off, is told alike by the plan and the dry run', async (t) => {
  const action = actionOf('a', { stage: 'PreBackup', mode: 'Hold', http: { url } })
  const metadata = { annotations: { 'tidewaiter.io/x': 'y', 'tidewaiter.io/hold': '' } }
  const { plan, code, answer } = await both(t, await startWith(t, [action]), backupOf('b1', metadata))
  t.match({ code, status: answer.status }, { code: 0, status: 201 })
  t.match(plan, { admitted: true, held: 'a says mode: Hold', takenOff: ['tidewaiter.io/x'] })
  const told = answer.warnings.join('\n')
  t.match(told, /dry run, it would be held: a says mode: Hold/)
  t.match(told, /tidewaiter took off tidewaiter.io\/x: only tidewaiter writes these/)
})

type Refused = { readonly actions: readonly object[]; readonly metadata?: Readonly<Record<string, unknown>> }
const url = 'http://127.0.0.1:9/'
const refused: Readonly<Record<string, Refused>> = {
  MatchFailed: {
    actions: [
      actionOf('a', {
        stage: 'PostBackup',
        match: { expression: "backup.metadata.labels['x'] == 'y'" },
        http: { url },
      }),
    ],
  },
  CannotRender: {
    actions: [actionOf('a', { stage: 'PreBackup', http: { url: `${url}\${backup.metadata.labels.x}` } })],
  },
  OverBudget: {
    actions: [1, 2].map((n) =>
      actionOf(`a${n}`, { stage: 'PreBackup', mode: 'Refuse', timeoutSeconds: 20, http: { url } }),
    ),
  },
  MayNotSkip: {
    actions: [actionOf('a', { stage: 'PreBackup', http: { url } })],
    metadata: { annotations: { 'a/prebackup': 'skip' } },
  },
}
// How much time is left of an admission is another number each time.
const timeless = (text: string): string => text.replaceAll(/request has [\d.]+ m?s/g, 'request has N s')

for (const [reason, { actions, metadata }] of Object.entries(refused)) {
  const often = ['MatchFailed', 'MayNotSkip'].includes(reason) ? {} : whenThorough
  t.test(`a Backup that would be refused is refused in the same words: ${reason}`, often, async (t) => {
    const { plan, code, answer } = await both(t, await startWith(t, actions), backupOf('b1', metadata))
    t.match({ code, admitted: plan.admitted, reason: plan.reason }, { code: 1, admitted: false, reason })
    t.not(answer.status, 201)
    // The guard may speak first of annotations: then both refuse, each in its words.
    if (answer.body.message.includes('admission webhook "backups.tidewaiter.io"'))
      t.ok(
        timeless(answer.body.message).endsWith(timeless(plan.message)),
        `${answer.body.message}\n${plan.message}`,
      )
    else t.match(answer.body.message, /tidewaiter guard: /)
  })
}
