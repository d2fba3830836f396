/** What is held, on a real cluster with a real Velero: it waits, its actions run, then it starts or fails; what was done is undone. */
import t from 'tap'
import { asked, freeze, hold, preRun, undone, whileHeld } from './held.ts'
import {
  aBackup,
  aBackupName,
  act,
  aMark,
  anAction,
  aName,
  apply,
  aUser,
  backUp,
  call,
  emptyNamespace,
  ended,
  eventsOf,
  eventually,
  grant,
  hook,
  kubectl,
  list,
  must,
  ready,
  settledRun,
  velero,
  veleroMs,
  type Loose,
} from './support.ts'

t.before(() => ready())

t.test(
  'a held Backup stays New while its actions run, however often Velero tries, and then completes',
  async (t) => {
    const { mark } = aMark()
    const name = aBackupName()
    const server = await hook({ delayMs: 15_000 })
    const action = aName('10-slow')
    await act(t, anAction(action, mark, { timeoutSeconds: 40, http: { url: server.url } }))
    const creating = backUp(name, mark, { args: ['--wait'] })
    await asked(server)
    const held = await whileHeld('backup', name)
    t.match(held.status, { phase: 'New', startTimestamp: undefined })
    t.match(must(await velero(['backup', 'get', name])).stdout, /New/)
    const ran = await creating
    t.equal(ran.code, 0, ran.stderr)
    t.match(ran.stdout, /Backup completed with status: Completed/)
    const made = await ended('backup', name)
    t.equal(made.status.phase, 'Completed')
    t.equal(hold(made), undefined)
    t.equal((await server.calls()).length, 1)
    const run = await preRun(name)
    t.match(run, { spec: { held: true }, status: { phase: 'Succeeded' } })
    const [one] = await server.calls()
    t.ok(
      Date.parse(made.status.startTimestamp) >= (one?.at ?? 0) + 14_000,
      'Velero began when the action had ended',
    )
    t.match(JSON.parse(made.metadata.annotations['tidewaiter.io/pre']), {
      phase: 'Succeeded',
      run: run.metadata.name,
    })
    await eventually(
      async () => {
        const reasons = (await eventsOf(made)).map(({ reason }) => reason)
        return reasons.includes('Held') && reasons.includes('PreActionsSucceeded')
      },
      { what: 'both Events' },
    )
  },
)

t.test('a held Backup whose action fails never starts, says why, and what was done is undone', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const [on, off, bad] = [
    await hook(),
    await hook({ status: 500, times: 1 }, {}),
    await hook({ status: 500, body: 'no disk' }),
  ]
  const [first, second] = [aName('10-freeze'), aName('20-check')]
  await act(t, freeze(first, mark, { on, off }), anAction(second, mark, { http: { url: bad.url } }))
  const ran = await backUp(name, mark, { args: ['--wait'] })
  t.equal(ran.code, 0, 'velero exits with 0 on FailedValidation')
  t.match(ran.stdout, /FailedValidation/)
  const made = await ended('backup', name)
  t.match(made, {
    spec: { storageLocation: 'default' },
    status: {
      phase: 'FailedValidation',
      startTimestamp: undefined,
      validationErrors: [
        new RegExp(
          `^tidewaiter refused Backup velero/${name}: PreBackup action "${second}" failed after 1 attempt in .* m?s: POST ${bad.url} answered 500 "no disk", wanted 2xx. ` +
            `The Backup was not started. Done before it, and being undone: "${first}".`,
        ),
      ],
    },
  })
  t.ok(Date.parse(made.status.expiration) > Date.now())
  t.match(must(await velero(['backup', 'describe', name])).stdout, /no disk/)
  const run = await undone(name)
  t.match(run.status, { undoneFrom: 'Refused', actions: [{ undo: { phase: 'Undone', attempts: 2 } }, {}] })
  const keys = (await off.calls()).map(({ headers }) => headers['idempotency-key'])
  t.same(
    keys,
    Array.from({ length: 2 }, () => `${made.metadata.uid}/PreBackup/${first}/undo`),
  )
})

t.test('only who may release lifts a hold; Velero itself starts it then', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const [on, off] = [await hook({ delayMs: 25_000 }), await hook()]
  await act(t, freeze(aName('10-freeze'), mark, { on, off }))
  const alice = aUser()
  await grant(t, alice, [['velero.io', 'backups', 'get', 'patch']])
  must(await backUp(name, mark))
  await whileHeld('backup', name)
  await asked(on)
  const lift = ['annotate', 'backup', name, 'tidewaiter.io/hold-']
  const denied = await kubectl(lift, { as: alice })
  t.match(denied.stderr, /tidewaiter.io\/hold are written by tidewaiter only/)
  const forged = await kubectl([
    'patch',
    'backup',
    name,
    '--type=merge',
    '-p',
    '{"status":{"phase":"InProgress"}}',
  ])
  t.match(forged.stderr, /held, because its pre actions have not ended/, 'not even who may write the phase')
  must(await kubectl(lift))
  const made = await ended('backup', name)
  t.equal(made.status.phase, 'Completed')
  const run = await undone(name)
  t.match(run.status, { undoneFrom: 'Skipped', reason: 'Released' })
  t.equal((await off.calls()).length, 1, 'what had started is undone when it has ended')
})

t.test('a held Backup that is deleted is aborted, and what was done is undone', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const [on, off] = [await hook({ delayMs: 50_000 }), await hook()]
  await act(t, freeze(aName('10-freeze'), mark, { on, off }))
  must(await backUp(name, mark))
  await asked(on)
  must(await kubectl(['delete', 'backup', name]))
  const run = await undone(name)
  t.match(run.status, { undoneFrom: 'Refused', reason: 'Deleted' })
  await eventually(async () => (await on.calls())[0]?.ended === 'client gone', {
    what: 'the end of the call',
  })
  t.equal((await off.calls()).length, 1)
})

t.test(
  'two Backups that share an exclusive key never overlap, and the undo of one never comes in the middle of another',
  async (t) => {
    const { mark } = aMark()
    const server = await hook({ delayMs: 500 })
    const at = (path: string) => ({ url: `${server.url}/${path}/\${backup.metadata.name}` })
    await act(
      t,
      anAction(aName('10-freeze'), mark, {
        mode: 'Hold',
        exclusive: aName('shop'),
        http: at('freeze'),
        undo: { http: at('thaw') },
        undoAt: 'Always',
      }),
    )
    const names = [aBackupName(), aBackupName(), aBackupName()]
    await Promise.all(names.map(async (name) => must(await backUp(name, mark))))
    for (const name of names) t.equal((await ended('backup', name)).status.phase, 'Completed')
    for (const name of names) await undone(name)
    const calls = (await server.calls()).map(({ path }) => path.split('/').slice(-2))
    t.equal(calls.length, 6)
    for (const i of [0, 2, 4]) {
      const [[freezing, one], [thawing, other]] = calls.slice(i, i + 2) as [string[], string[]]
      t.same([freezing, thawing], ['freeze', 'thaw'])
      t.equal(one, other, 'nobody froze before the one before had thawed')
    }
    const left = async (): Promise<readonly Loose[]> => {
      const path = '/apis/coordination.k8s.io/v1/namespaces/velero/leases'
      const leases = await call('GET', `${path}?labelSelector=tidewaiter.io/claim=exclusive`)
      return leases.body.items.filter(({ metadata }: Loose) =>
        names.some((name) => metadata.annotations['tidewaiter.io/held-by'].includes(name)),
      )
    }
    t.ok(await eventually(async () => (await left()).length === 0, { what: 'the key to be given back' }))
  },
)

t.test('a held Restore is not touched by Velero before its actions have ended', async (t) => {
  const { mark } = aMark()
  const [backup, name] = [aBackupName(), aName('r')]
  must(await backUp(backup, 'no-action', { args: ['--wait'] }))
  const server = await hook({ delayMs: 5_000 })
  await act(
    t,
    anAction(aName('10-pre'), mark, { stage: 'PreRestore', mode: 'Hold', http: { url: server.url } }),
  )
  must(await velero(['restore', 'create', name, '--from-backup', backup, '--labels', `e2e=${mark}`]))
  await asked(server)
  const held = await whileHeld('restore', name)
  t.equal(held.metadata.finalizers, undefined, 'Velero could not even mark it as its own')
  const made = await ended('restore', name)
  t.equal(made.status.phase, 'Completed')
  t.match(await settledRun('restore', name, 'PreRestore'), {
    spec: { held: true },
    status: { phase: 'Succeeded' },
  })
})

t.test(
  'what a Schedule makes is held, and a failure of it is not tried again before the next time',
  async (t) => {
    const { mark } = aMark()
    const schedule = aName('s')
    const server = await hook({ status: 500, body: 'no disk' })
    await act(t, anAction(aName('10-freeze'), mark, { http: { url: server.url } }))
    const path = `/apis/velero.io/v1/namespaces/velero/schedules/${schedule}`
    t.teardown(() => call('DELETE', path))
    const at = ['--schedule', '0 0 1 1 *', '--include-namespaces', emptyNamespace, '--labels', `e2e=${mark}`]
    must(await velero(['schedule', 'create', schedule, ...at]))
    // Due at once: it was last made before the first of January.
    const lastBackup = '2020-01-01T00:00:00Z'
    const due = () =>
      call('PATCH', path, { body: { status: { lastBackup }, spec: { skipImmediately: false } } })
    const made = await eventually(
      async () => {
        const [one] = await list('backup', `velero.io/schedule-name=${schedule}`)
        if (one === undefined) await due()
        return one?.status?.phase === 'FailedValidation' ? one : undefined
      },
      { ms: veleroMs, what: 'the Backup of the Schedule', everyMs: 1_000 },
    )
    t.match(made.status.validationErrors, [/no disk/])
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    t.equal((await list('backup', `velero.io/schedule-name=${schedule}`)).length, 1)
    t.equal((await server.calls()).length, 1)
  },
)

t.test('a forged hold is taken off, and a dry run tells that it would be held', async (t) => {
  const { mark } = aMark()
  const forged = aBackup(aBackupName(), mark, { metadata: { annotations: { 'tidewaiter.io/hold': 'mine' } } })
  const made = await kubectl(['create', '-f', '-'], { input: JSON.stringify(forged) })
  t.match(made.stderr, /took off tidewaiter.io\/hold/)
  t.equal((await ended('backup', forged.metadata.name)).status.phase, 'Completed')
  const server = await hook()
  await act(t, anAction(aName('10-a'), mark, { mode: 'Hold', http: { url: server.url } }))
  const dry = await kubectl(['create', '--dry-run=server', '-f', '-'], {
    input: JSON.stringify(aBackup(aBackupName(), mark)),
  })
  t.match(dry.stderr, /dry run, it would be held: .* says mode: Hold/)
  await apply(aBackup(aBackupName(), aName('other')))
})
