/** A replica that dies in the middle of an action: what was begun is taken up by another, or reported; nothing stays Running. */
import t from 'tap'
import {
  act,
  aBackup,
  aBackupName,
  aMark,
  aName,
  anAction,
  backUp,
  ended,
  eventsOf,
  eventually,
  find,
  hook,
  kubectl,
  runsOf,
  settledRun,
  type Loose,
  veleroMs,
} from './support.ts'
import { killHard, leader, logs, replicas, sum, whole } from './z-install.ts'

t.before(() => whole())
t.afterEach(() => whole())

const running = (name: string, stage: string): Promise<Loose> =>
  eventually(
    async () =>
      (await runsOf('backup', name)).find(
        ({ spec, status }) =>
          spec.stage === stage && status?.actions?.some(({ phase }: Loose) => phase === 'Running'),
      ),
    { ms: veleroMs, what: `a running action of ${stage} of ${name}` },
  )

t.test(
  'the leader is killed in post actions: another does them again with the same key, or leaves them Unknown',
  async (t) => {
    // Velero may begin with one of them a minute after the other.
    const again = { ...aMark(), name: aBackupName(), server: await hook({ delayMs: 100_000, times: 1 }, {}) }
    const once = { ...aMark(), name: aBackupName(), server: await hook({ delayMs: 100_000, times: 1 }, {}) }
    // The next leader does not wait for the end of that time.
    const spec = { stage: 'PostBackup', timeoutSeconds: 600 }
    await act(
      t,
      anAction(aName('10-again'), again.mark, { ...spec, http: { url: again.server.url } }),
      anAction(aName('10-once'), once.mark, { ...spec, idempotent: false, http: { url: once.server.url } }),
      anAction(aName('20-after'), once.mark, { ...spec, http: { url: once.server.url } }),
    )
    await Promise.all([again, once].map(({ name, mark }) => backUp(name, mark)))
    const [before] = await Promise.all([again, once].map(({ name }) => running(name, 'PostBackup')))
    const dead = await leader()
    t.ok(before?.status.owner.startsWith(dead.name), 'the leader performs it')
    await killHard(dead)

    const [redone, left] = await Promise.all(
      [again, once].map(({ name }) => settledRun('backup', name, 'PostBackup')),
    )
    t.not(redone.status.owner, before?.status.owner)
    t.match(redone.status, { phase: 'Succeeded', actions: [{ phase: 'Succeeded', attempts: 1 }] })
    const keys = (await again.server.calls()).map(({ headers }) => headers['idempotency-key'])
    t.equal(keys.length, 2)
    t.ok(keys[0]?.endsWith(`/PostBackup/${redone.spec.actions[0].name}`))
    t.equal(keys[1], keys[0])

    t.match(left.status, {
      phase: 'Unknown',
      reason: 'OwnerLost',
      actions: [{ phase: 'Unknown', message: /its owner ended while it ran/ }, { phase: 'Skipped' }],
    })
    t.equal((await once.server.calls()).length, 1, 'what may not be repeated is not')
    const object = await ended('backup', once.name)
    await eventually(
      async () =>
        (await eventsOf(object)).some(
          ({ type, reason }) => type === 'Warning' && reason === 'PostActionsUnknown',
        ),
      { what: 'the Event that nobody knows' },
    )
    const told = await eventually(
      async () => (await find('backup', once.name)).metadata.annotations?.['tidewaiter.io/post'],
      { what: 'the annotation' },
    )
    t.match(JSON.parse(told), { phase: 'Unknown', run: left.metadata.name })
    await eventually(
      async () =>
        (await logs()).some(
          ({ msg, run }) => msg === 'nobody knows what this action did' && run === left.metadata.name,
        ),
      { what: 'the log to say so' },
    )
    await eventually(async () => (await sum(/^tidewaiter_unknown_total/)) >= 1, { what: 'the metric' })
  },
)

t.test(
  'a replica is killed in a pre action: the client is refused, and its run is settled by the leader',
  async (t) => {
    const { mark } = aMark()
    const server = await hook({ delayMs: 7_000 })
    await act(t, anAction(aName('10-slow'), mark, { timeoutSeconds: 7, http: { url: server.url } }))
    const name = aBackupName()
    const asked = kubectl(['create', '--request-timeout=10s', '-f', '-'], {
      input: JSON.stringify(aBackup(name, mark)),
    })
    const { status } = await running(name, 'PreBackup')
    const owner = (await replicas()).find((one) => status.owner.startsWith(`${one.name}-`))
    if (owner === undefined) throw new Error(`${status.owner} must be one of the replicas`)
    await killHard(owner)
    const { code, stderr } = await asked
    t.not(code, 0)
    t.match(stderr, /failed calling webhook "backups.tidewaiter.io"/)
    t.match((await kubectl(['get', 'backups.velero.io', name])).stderr, /not found/)
    const settled = await settledRun('backup', name, 'PreBackup')
    t.match(settled.status, { phase: 'Unknown', reason: 'OwnerLost', actions: [{ phase: 'Unknown' }] })
    t.equal((await server.calls()).length, 1, 'a pre action is never done after its request')
  },
)
