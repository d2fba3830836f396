/** Velero answers a refused scheduled Backup by creating another, for ever (24 in seven minutes were seen): the action is spared. */
import t from 'tap'
import {
  act,
  aMark,
  aName,
  anAction,
  call,
  emptyNamespace,
  eventsOf,
  eventually,
  hook,
  list,
  velero,
  must,
} from './support.ts'
import { logs } from './z-install.ts'

const actions = '/apis/tidewaiter.io/v1beta1/namespaces/velero/actions'

t.test(
  'a Schedule whose Backup was refused calls its action once in a cool-down, which a change of the Action ends',
  async (t) => {
    const { mark } = aMark()
    const server = await hook({ status: 500, body: 'no disk' })
    const action = aName('10-freeze')
    await act(t, anAction(action, mark, { mode: 'Refuse', http: { url: server.url } }))
    const schedule = aName('s')
    t.teardown(() => call('DELETE', `/apis/velero.io/v1/namespaces/velero/schedules/${schedule}`))
    must(
      await velero([
        'schedule',
        'create',
        schedule,
        '--schedule',
        '@every 1s',
        '--include-namespaces',
        emptyNamespace,
        '--labels',
        `e2e=${mark}`,
      ]),
    )
    // Velero looks whether one is due once a minute, and when the spec of a Schedule changes.
    let looks = 0
    const lookNow = () =>
      call('PATCH', `/apis/velero.io/v1/namespaces/velero/schedules/${schedule}`, {
        body: { spec: { template: { ttl: `${++looks}h0m0s` } } },
      })
    const decisions = async () =>
      (await logs()).filter(({ audit, name }) => audit === true && String(name).startsWith(`${schedule}-`))
    const refused = await eventually(
      async () => {
        const seen = await decisions()
        if (seen.length === 0) await lookNow()
        return seen.filter(({ reason }) => reason === 'CoolDown').length >= 2 && seen
      },
      { ms: 130_000, what: 'two answers of the cool-down', everyMs: 1_000 },
    )
    const spared = (count: number, what: string) => t.ok(count === 1 || count === 2, `${what}: ${count}`)
    // Velero tries again within milliseconds, perhaps at a replica whose copy of the runs does not show the first refusal yet.
    spared(refused.filter(({ reason }) => reason === 'ActionFailed').length, 'refusals by the action')
    for (const { said, user } of refused.filter(({ reason }) => reason === 'CoolDown')) {
      t.match(said, /refused again without running anything, for another (4|5|9|10) min/)
      t.equal(user, 'system:serviceaccount:velero:velero')
    }
    const before = (await server.calls()).length
    spared(before, 'calls')
    t.same(await list('backup', `velero.io/schedule-name=${schedule}`), [])
    const runs = await list('actionrun', `tidewaiter.io/schedule=${schedule}`)
    spared(runs.length, 'runs')
    for (const { status } of runs) t.match(status, { phase: 'Refused', reason: 'ActionFailed' })
    const { body: stored } = await call('GET', `/apis/velero.io/v1/namespaces/velero/schedules/${schedule}`)
    const event = {
      type: 'Warning',
      reason: 'BackupRefused',
      message: new RegExp(`PreBackup action "${action}" failed: .*no disk`),
    }
    const told = await eventually(
      async () => {
        const events = await eventsOf(stored)
        return events.length > 0 && events
      },
      { what: 'an Event on the Schedule' },
    )
    t.match(told, [event], 'and whoever looks at the Schedule is told, once')
    t.equal(told.length, 1)
    spared(told[0].count, 'the count of the Event')

    await server.behave({ status: 200 })
    const { status } = await call('PATCH', `${actions}/${action}`, { body: { spec: { timeoutSeconds: 9 } } })
    t.equal(status, 200)
    const made = async () => {
      if ((await list('backup', `velero.io/schedule-name=${schedule}`)).length > 0) return true
      await lookNow()
      return false
    }
    const what = 'a Backup of the Schedule after the Action was changed'
    await eventually(made, { ms: 90_000, what, everyMs: 1_000 })
    t.ok((await server.calls()).length > before, 'the action was called again')
  },
)
