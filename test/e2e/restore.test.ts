/** Before and after a Restore, on a real cluster with a real Velero. */
import t from 'tap'
import {
  aBackup,
  aBackupName,
  act,
  aMark,
  anAction,
  aName,
  backUp,
  emptyNamespace,
  ended,
  eventsOf,
  eventually,
  find,
  hook,
  kubectl,
  must,
  ready,
  runsOf,
  settledRun,
  velero,
  veleroError,
  type Loose,
  type Ran,
} from './support.ts'

const backup = aBackupName()
t.before(async () => {
  await ready()
  must(await backUp(backup, 'no-action', { args: ['--wait'] }))
})

const restore = (
  name: string,
  mark: string,
  args: readonly string[] = ['--from-backup', backup],
): Promise<Ran> => velero(['restore', 'create', name, ...args, '--labels', `e2e=${mark}`])

t.test('a PreRestore refusal keeps the Restore from being made, and says why', async (t) => {
  const { mark } = aMark()
  const [name, action] = [aName('r'), aName('10-ready')]
  const { url } = await hook({ status: 500, body: 'not empty' })
  await act(t, anAction(action, mark, { stage: 'PreRestore', http: { url } }))
  const ran = await restore(name, mark)
  t.equal(ran.code, 1)
  t.match(
    ran.stderr,
    new RegExp(
      `^${veleroError}admission webhook "restores.tidewaiter.io" denied the request: tidewaiter refused Restore velero/${name}: PreRestore action "${action}" failed after 1 attempt in .* m?s: ` +
        `POST ${url} answered 500 "not empty", wanted 2xx\\. The Restore was not created\\. ` +
        `Fix the cause or skip it with the annotation ${action}/prerestore=skip \\(needs the verb skip on actions\\)\\. Run: ${name}-[0-9a-f]{8}-prerestore\n$`,
    ),
  )
  t.equal(await find('restore', name), undefined)
  t.match((await runsOf('restore', name))[0].status, { phase: 'Refused' })
})

t.test(
  'PreRestore runs before and PostRestore after the Restore, once each, with what they need',
  async (t) => {
    const { mark } = aMark()
    const name = aName('r')
    const [before, after] = [await hook(), await hook()] as const
    const body = { of: '${restore.spec.backupName}', phase: "${restore.status.?phase.orValue('none')}" }
    await act(
      t,
      anAction(aName('10-pre'), mark, { stage: 'PreRestore', http: { url: before.url, body } }),
      anAction(aName('10-post'), mark, { stage: 'PostRestore', http: { url: after.url, body } }),
    )
    const ran = await restore(name, mark)
    t.equal(ran.code, 0, ran.stderr)
    const made = await ended('restore', name)
    t.equal(made.status.phase, 'Completed')
    const pre = await settledRun('restore', name, 'PreRestore')
    const post = await settledRun('restore', name, 'PostRestore')
    t.match(pre.status, { phase: 'Succeeded' })
    t.match(post.status, { phase: 'Succeeded', endedAs: 'Completed' })
    const [first, ...firsts] = await before.calls()
    const [last, ...lasts] = await after.calls()
    t.same([...firsts, ...lasts], [])
    t.same(JSON.parse(first?.body ?? ''), { of: backup, phase: 'none' })
    t.same(JSON.parse(last?.body ?? ''), { of: backup, phase: 'Completed' })
    t.equal(
      last?.headers['idempotency-key'],
      `${made.metadata.uid}/PostRestore/${post.status.actions[0].name}`,
    )
    const notes = await eventually(
      async () => {
        const { annotations = {} } = (await find('restore', name)).metadata
        return 'tidewaiter.io/pre' in annotations && 'tidewaiter.io/post' in annotations && annotations
      },
      { what: 'the annotations' },
    )
    t.match(JSON.parse(notes['tidewaiter.io/pre']), { phase: 'Succeeded', run: pre.metadata.name })
    t.match(JSON.parse(notes['tidewaiter.io/post']), { phase: 'Succeeded', run: post.metadata.name })
    await eventually(
      async () => (await eventsOf(made)).map(({ reason }) => reason).includes('PostActionsSucceeded'),
      { what: 'the Event' },
    )
  },
)

t.test('a Restore matches the Schedule that made its Backup', async (t) => {
  const { mark } = aMark()
  const [schedule, scheduled, one, other] = [aName('s'), aBackupName(), aName('r'), aName('r')]
  const { url, calls } = await hook({ status: 500 })
  t.teardown(() => kubectl(['delete', 'schedules.velero.io', schedule, '--wait=false', '--ignore-not-found']))
  must(
    await velero([
      'schedule',
      'create',
      schedule,
      '--schedule',
      '0 0 1 1 *',
      '--include-namespaces',
      emptyNamespace,
      '--labels',
      `e2e=${mark}`,
    ]),
  )
  must(await velero(['backup', 'create', scheduled, '--from-schedule', schedule, '--wait']))
  t.equal((await find('backup', scheduled)).metadata.labels['velero.io/schedule-name'], schedule)
  await act(
    t,
    anAction(aName('10'), mark, { stage: 'PreRestore', match: { scheduleNames: [schedule] }, http: { url } }),
  )
  t.equal((await restore(other, mark)).code, 0, 'of another Backup: passes')
  t.equal((await calls()).length, 0)
  t.match(
    (await restore(one, mark, ['--from-backup', scheduled])).stderr,
    'denied the request: tidewaiter refused Restore',
  )
  t.match(
    (await restore(aName('r'), mark, ['--from-schedule', schedule])).stderr,
    'denied the request: tidewaiter refused Restore',
  )
  t.equal((await calls()).length, 2)
})

t.test('a Restore that fails its validation runs post actions only where they name it', async (t) => {
  const { mark } = aMark()
  const name = aName('r')
  const [usual, told] = [await hook(), await hook()] as const
  await act(
    t,
    anAction(aName('10-usual'), mark, { stage: 'PostRestore', http: { url: usual.url } }),
    anAction(aName('20-told'), mark, {
      stage: 'PostRestore',
      when: ['FailedValidation'],
      http: { url: told.url },
    }),
  )
  const object: Loose = {
    ...aBackup(name, mark),
    kind: 'Restore',
    spec: { backupName: 'there-is-no-such-backup' },
  }
  must(await kubectl(['create', '-f', '-'], { input: JSON.stringify(object) }))
  t.equal((await ended('restore', name)).status.phase, 'FailedValidation')
  t.match((await settledRun('restore', name, 'PostRestore')).status, {
    phase: 'Succeeded',
    endedAs: 'FailedValidation',
    actions: [{ phase: 'Skipped' }, { phase: 'Succeeded' }],
  })
  t.same(await usual.calls(), [])
  t.equal((await told.calls()).length, 1)
})
