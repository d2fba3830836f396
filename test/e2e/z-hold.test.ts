/**
 * What is held while everything around it goes away and comes back: Velero, the leader, every replica, a webhook, a policy, the gate.
 * Velero works on one Backup at a time here, as it does by default.
 */
import t from 'tap'
import { asked, freeze, hold, isHeld, preRun, undone, whileHeld } from './held.ts'
import {
  aBackup,
  aBackupName,
  act,
  aMark,
  aName,
  anAction,
  apply,
  backUp,
  call,
  ended,
  eventsOf,
  eventually,
  find,
  hook,
  kubectl,
  kubectlJson,
  must,
  ready,
  velero,
  veleroMs,
  type Hook,
  type Loose,
} from './support.ts'
import { killHard, leader, ownNamespace, sum, whole } from './z-install.ts'

/** What is made here is there until all is over. */
const file = t

const backups = '/apis/velero.io/v1/namespaces/velero/backups'
const quotas = '/api/v1/namespaces/velero/resourcequotas'
const registration = '/apis/admissionregistration.k8s.io/v1'
const keysOf = async (server: Hook) => (await server.calls()).map(({ headers }) => headers['idempotency-key'])

/** An action that is tried again and again until the test says go. */
const waiting = { timeoutSeconds: 120, retry: { limit: 20, retryOn: ['5xx'], initialSeconds: 1, factor: 1 } }
const notYet = () => hook({ status: 503, delayMs: 4_000 })
const go = (server: Hook) => server.behave({})
const waits = (mark: string, server: Hook, spec: Loose = {}) =>
  anAction(aName('10-waits'), mark, { mode: 'Hold', http: { url: server.url }, ...waiting, ...spec })
const restoreOf = (backup: string, name: string, mark: string) =>
  velero(['restore', 'create', name, '--from-backup', backup, '--labels', `e2e=${mark}`])

/** How Velero was started. */
const veleroArguments = async (): Promise<readonly string[]> =>
  (await kubectlJson(['get', 'deployment', 'velero'])).spec.template.spec.containers[0].args
const pods = async (namespace: string, selector: string): Promise<readonly Loose[]> =>
  (await call('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`)).body.items
/** Another Velero takes the place of the one that is there. */
async function restartVelero(args: readonly string[]): Promise<void> {
  const old = (await pods('velero', 'deploy=velero')).map(({ metadata }) => metadata.name)
  const patch = [{ op: 'replace', path: '/spec/template/spec/containers/0/args', value: args }]
  must(await kubectl(['patch', 'deployment', 'velero', '--type=json', '-p', JSON.stringify(patch)]))
  await eventually(
    async () => {
      const now = await pods('velero', 'deploy=velero')
      const [one] = now
      return now.length === 1 && !old.includes(one.metadata.name) && one.status.containerStatuses?.[0]?.ready
    },
    { ms: 90_000, what: 'another Velero' },
  )
}

const own = 'app.kubernetes.io/name=tidewaiter'
/** Changes the install and kills its pods within a second. */
async function install(count: number, env: Loose): Promise<void> {
  const containers = [{ name: 'tidewaiter', env: [env] }]
  const patch = { spec: { replicas: 0, template: { spec: { containers } } } }
  const at = ['-n', ownNamespace]
  must(await kubectl([...at, 'patch', 'deployment', 'tidewaiter', '-p', JSON.stringify(patch)]))
  must(await kubectl([...at, 'delete', 'pods', '-l', own, '--now']))
  await eventually(async () => (await pods(ownNamespace, own)).length === 0, { what: 'no replica at all' })
  if (count > 0) must(await kubectl([...at, 'scale', 'deployment/tidewaiter', `--replicas=${count}`]))
}
// Longer than all replicas are away, and what they had begun stays theirs.
const longestSeconds = 75
const longest = { name: 'TIDEWAITER_HOLD_MAX_SECONDS', value: String(longestSeconds) }

const asMade = ({ apiVersion, kind, metadata: { name, labels }, spec }: Loose): Loose => ({
  apiVersion,
  kind,
  metadata: { name, labels },
  spec,
})
const policyPath = `${registration}/validatingadmissionpolicies/hold.tidewaiter.io`
const mutatingPath = `${registration}/mutatingwebhookconfigurations/tidewaiter`
const canary = async () =>
  (await call('POST', `${backups}?dryRun=All`, { body: aBackup('tidewaiter-guard-canary', 'x') })).body
    .message ?? ''
const guarded = () =>
  eventually(async () => (await canary()).includes('tidewaiter guard: closed'), { what: 'the guard to act' })

/**
 * Creates Backups until one is refused; gives what was said. What was created before that goes its way: a Velero that had begun
 * one which is deleted may count it for ever, and start no other (backup_controller.go, AddPostProcessing).
 */
const refusedAtLast = (mark: string) =>
  eventually(
    async () => {
      const answer = await call('POST', backups, { body: aBackup(aBackupName(), mark) })
      return answer.status >= 300 && (answer.body.message as string)
    },
    { ms: 90_000, what: 'a refusal', everyMs: 1_000 },
  )

/** A namespace in which a Backup takes five seconds. */
const slow = aName('slow')
async function makeSlow(): Promise<void> {
  const command = JSON.stringify(['/usr/local/bin/node', '-e', 'setTimeout(() => {}, 5000)'])
  const annotations = { 'pre.hook.backup.velero.io/command': command }
  const sleeper = {
    name: 'sleeper',
    image: '10.244.0.1:5000/node:24',
    command: ['/usr/local/bin/node', '-e', 'setInterval(() => {}, 60000)'],
  }
  await apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: slow } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'sleeper', namespace: slow, annotations },
      spec: { containers: [sleeper], terminationGracePeriodSeconds: 0 },
    },
  )
}

/** A Backup that a quota refuses after tidewaiter admitted it: quotas are asked after all webhooks. */
async function refusedByQuota(): Promise<{ readonly name: string; readonly off: Hook }> {
  const { mark } = aMark()
  const [on, off] = [await hook(), await hook()]
  const name = aBackupName()
  await act(file, freeze(aName('10-freeze'), mark, { on, off }, { mode: 'Refuse', timeoutSeconds: 5 }))
  const quota = { name: aName('none') }
  const spec = { hard: { 'count/backups.velero.io': '0' } }
  await call('POST', quotas, { body: { apiVersion: 'v1', kind: 'ResourceQuota', metadata: quota, spec } })
  try {
    await eventually(
      async () => {
        const answer = await call('POST', backups, { body: aBackup(name, mark) })
        return answer.status === 403 && /exceeded quota/.test(answer.body.message) && asked(on)
      },
      { ms: 60_000, what: 'a quota that refuses', everyMs: 500 },
    )
  } finally {
    await call('DELETE', `${quotas}/${quota.name}`)
  }
  return { name, off }
}

let usual: readonly string[] = []
let orphan: Awaited<ReturnType<typeof refusedByQuota>>
let tooLong: { readonly name: string; readonly off: Hook; readonly createdAt: number }
t.before(async () => {
  await ready()
  await whole()
  await makeSlow()
  usual = await veleroArguments()
  orphan = await refusedByQuota()
})
t.teardown(async () => {
  await install(2, { name: longest.name, $patch: 'delete' })
  await restartVelero(usual)
  await call('DELETE', `/api/v1/namespaces/${slow}`)
  await whole()
})

t.test('a restarted Velero starts nothing that is held, and removes what failed', async (t) => {
  const { mark } = aMark()
  const [source, backup, restore, failed] = [aBackupName(), aBackupName(), aName('r'), aBackupName()]
  must(await backUp(source, 'no-action', { args: ['--wait'] }))
  const server = await notYet()
  const refusing = { ...aMark(), server: await hook({ status: 500, body: 'no disk' }) }
  await act(
    t,
    waits(mark, server),
    waits(mark, server, { stage: 'PreRestore' }),
    anAction(aName('10-no'), refusing.mark, { mode: 'Hold', http: { url: refusing.server.url } }),
  )
  must(await backUp(backup, mark))
  must(await restoreOf(source, restore, mark))
  must(await backUp(failed, refusing.mark, { args: ['--ttl', '1s'] }))
  await asked(server, 2)
  t.equal((await ended('backup', failed)).status.phase, 'FailedValidation')

  await restartVelero([...usual.filter((one) => !one.startsWith('--concurrent')), '--concurrent-backups=1'])
  // Velero looks for what has expired when it starts, and every hour.
  await eventually(async () => (await find('backup', failed)) === undefined, {
    ms: veleroMs,
    what: 'the failed Backup to be removed',
  })
  for (const [kind, name] of [
    ['backup', backup],
    ['restore', restore],
  ] as const)
    t.match((await isHeld(kind, name))?.status, { phase: 'New', startTimestamp: undefined }, name)
  await go(server)
  for (const [kind, name] of [
    ['backup', backup],
    ['restore', restore],
  ] as const) {
    t.equal((await ended(kind, name)).status.phase, 'Completed', name)
    t.equal((await preRun(name, kind)).status.phase, 'Succeeded')
  }
})

t.test(
  'the leader is killed in held actions: another does them again with the same key, or leaves them Unknown',
  async (t) => {
    const again = { ...aMark(), name: aName('r'), server: await hook({ delayMs: 100_000, times: 1 }, {}) }
    const once = { ...aMark(), name: aBackupName(), server: await hook({ delayMs: 100_000, times: 1 }, {}) }
    const [source, off] = [aBackupName(), await hook()]
    must(await backUp(source, 'no-action', { args: ['--wait'] }))
    const spec = { mode: 'Hold', timeoutSeconds: 120 }
    const [lost, after] = [aName('10-once'), aName('20-after')]
    await act(
      t,
      anAction(aName('10-again'), again.mark, {
        ...spec,
        stage: 'PreRestore',
        http: { url: again.server.url },
      }),
      freeze(lost, once.mark, { on: once.server, off }, { ...spec, idempotent: false }),
      anAction(after, once.mark, { ...spec, http: { url: once.server.url } }),
    )
    must(await restoreOf(source, again.name, again.mark))
    must(await backUp(once.name, once.mark))
    await Promise.all([asked(again.server), asked(once.server)])
    const dead = await leader()
    const before = await preRun(again.name, 'restore')
    t.ok(before.status.owner.startsWith(dead.name), 'the leader performs it')
    await killHard(dead)

    t.equal((await ended('restore', again.name)).status.phase, 'Completed')
    const redone = await preRun(again.name, 'restore')
    t.not(redone.status.owner, before.status.owner)
    t.match(redone.status, { phase: 'Succeeded', actions: [{ phase: 'Succeeded' }] })
    const keys = await keysOf(again.server)
    t.same(keys, [keys[0], keys[0]])
    t.ok(keys[0]?.endsWith(`/PreRestore/${redone.spec.actions[0].name}`))

    const made = await ended('backup', once.name)
    t.match(made.status, {
      phase: 'FailedValidation',
      startTimestamp: undefined,
      validationErrors: [new RegExp(`nobody knows what ${lost} did.*was not started`)],
    })
    const left = await undone(once.name)
    t.match(left.status, {
      undoneFrom: 'Unknown',
      reason: 'OwnerLost',
      actions: [{ phase: 'Unknown' }, { phase: 'Skipped' }],
    })
    t.equal((await once.server.calls()).length, 1, 'what may not be repeated is not')
    t.equal((await off.calls()).length, 1, 'it may have had its effect')
  },
)

t.test(
  'no replica is left: what is held stays held, nothing is created, and one that comes back goes on',
  async (t) => {
    await whole()
    const { mark } = aMark()
    const name = aBackupName()
    const server = await hook({ delayMs: 24_000, times: 1 }, {})
    await act(t, waits(mark, server, { timeoutSeconds: 25, retry: undefined }))
    must(await backUp(name, mark))
    await asked(server)
    await install(0, longest)
    const { code, stderr } = await backUp(aBackupName(), mark)
    t.equal(code, 1)
    t.match(stderr, /failed calling webhook "backups\.tidewaiter\.io"/)
    const status = { phase: 'InProgress' }
    const started = await kubectl(['patch', 'backup', name, '--type=merge', '-p', JSON.stringify({ status })])
    t.match(started.stderr, /held, because its pre actions have not ended/)
    t.ok(await isHeld('backup', name), 'whatever Velero tried meanwhile')
    must(await kubectl(['-n', ownNamespace, 'scale', 'deployment/tidewaiter', '--replicas=1']))
    await whole(1)
    t.equal((await ended('backup', name)).status.phase, 'Completed')
    const keys = await keysOf(server)
    t.same(new Set(keys).size, 1, 'one key, whoever called')
  },
)

t.test('what is never done waits for the end of its hold', async (t) => {
  const { mark } = aMark()
  const [source, name] = [aBackupName(), aName('r')]
  must(await backUp(source, 'no-action', { args: ['--wait'] }))
  const [on, off] = [await notYet(), await hook()]
  await act(file, freeze(aName('10-freeze'), mark, { on, off }, { ...waiting, stage: 'PreRestore' }))
  must(await restoreOf(source, name, mark))
  await asked(on)
  const { metadata } = await whileHeld('restore', name)
  tooLong = { name, off, createdAt: Date.parse(metadata.creationTimestamp) }
  t.ok(metadata)
})

t.test(
  'Velero has room for one: the actions for the next Backup run when it is through with the one before',
  async (t) => {
    const { mark } = aMark()
    const server = await hook()
    await act(
      t,
      anAction(aName('10-freeze'), mark, {
        mode: 'Hold',
        http: { url: `${server.url}/\${backup.metadata.name}` },
      }),
    )
    await kubectl(['-n', slow, 'wait', 'pod/sleeper', '--for=condition=Ready', '--timeout=60s'])
    const first = aBackupName()
    const names = [1, 2, 3].map((number) => `${first}-${number}`)
    for (const name of names)
      must(await velero(['backup', 'create', name, '--include-namespaces', slow, '--labels', `e2e=${mark}`]))
    const made = []
    for (const name of names) made.push(await ended('backup', name))
    t.same(
      made.map(({ status }) => status.phase),
      ['Completed', 'Completed', 'Completed'],
    )
    const calls = await server.calls()
    t.same(
      calls.map(({ path }) => path.split('/').at(-1)),
      names,
      'in the order of their creation',
    )
    for (const [i, { status }] of made.entries()) {
      const began = Date.parse(status.startTimestamp)
      t.ok(began >= (calls[i]?.at ?? 0) - 1_000, 'Velero began after the actions')
      t.ok(began < (calls[i]?.at ?? 0) + 30_000, 'and soon')
      const next = calls[i + 1]
      if (next !== undefined) t.ok(next.at >= began + 5_000, 'the next one was let be until it was through')
    }
  },
)

t.test('without the webhook that marks it, what should be held is refused', async (t) => {
  const { mark } = aMark()
  await act(t, anAction(aName('10-a'), mark, { mode: 'Hold', http: { url: (await hook()).url } }))
  const { body } = await call('GET', mutatingPath)
  const index = body.webhooks.findIndex(({ name }: Loose) => name === 'hold.tidewaiter.io')
  const change = (operation: Loose) =>
    kubectl([
      'patch',
      'mutatingwebhookconfiguration',
      'tidewaiter',
      '--type=json',
      '-p',
      JSON.stringify([operation]),
    ])
  must(await change({ op: 'remove', path: `/webhooks/${index}` }))
  t.teardown(async () => {
    must(await change({ op: 'add', path: `/webhooks/${index}`, value: body.webhooks[index] }))
  })
  const said = await refusedAtLast(mark)
  t.match(said, /it must be held \(.* says mode: Hold\), and is not marked so/)
})

t.test('what was held for longer than a hold may last fails, and what was done is undone', async (t) => {
  const { name, off, createdAt } = tooLong
  const made = await ended('restore', name)
  t.match(made.status, {
    phase: 'FailedValidation',
    startTimestamp: undefined,
    validationErrors: [/it was held for longer than a hold may last \(--hold-max-seconds\)/],
  })
  const run = await undone(name, 'restore')
  t.match(run.status, { undoneFrom: 'Refused', reason: 'HeldTooLong' })
  const [undo] = await off.calls()
  t.ok((undo?.at ?? 0) >= createdAt + longestSeconds * 1_000)
})

t.test(
  'without the policy that keeps Velero away, what should be held is refused, and nothing else',
  async (t) => {
    const { mark } = aMark()
    const server = await hook()
    await act(t, anAction(aName('10-a'), mark, { mode: 'Hold', http: { url: server.url } }))
    const policy = asMade((await call('GET', policyPath)).body)
    const back = () => apply(policy)
    t.teardown(back)
    await call('DELETE', policyPath)
    const said = await refusedAtLast(mark)
    t.match(said, /the policy hold.tidewaiter.io was not seen in force/)
    const other = aBackupName()
    must(await backUp(other, 'no-action'))
    t.equal((await ended('backup', other)).status.phase, 'Completed', 'the replicas go on serving')
    await back()
    await guarded()
    const name = aBackupName()
    await eventually(async () => must(await backUp(name, mark)), { what: 'a Backup that is held again' })
    const made = await ended('backup', name)
    t.equal(made.status.phase, 'Completed')
    t.match(await preRun(name), { spec: { held: true }, status: { phase: 'Succeeded' } })
    t.equal(hold(made), undefined)
  },
)

t.test('the gate is switched off: Velero starts what is held, which is reported and undone', async (t) => {
  const label = async (text: string) => void must(await kubectl(['label', 'namespace', 'velero', text]))
  t.teardown(async () => {
    await label('tidewaiter.io/gate-')
    await guarded()
  })
  const { mark } = aMark()
  const name = aBackupName()
  const [on, off] = [await notYet(), await hook()]
  await act(t, freeze(aName('10-freeze'), mark, { on, off }, waiting))
  const unguarded = await sum(/^tidewaiter_unguarded_total\{kind="Backup"\}/)
  must(await backUp(name, mark))
  await asked(on)
  await label('tidewaiter.io/gate=off')
  const made = await ended('backup', name)
  t.equal(made.status.phase, 'Completed')
  const run = await undone(name)
  t.match(run.status, { undoneFrom: 'Skipped', reason: 'Released' })
  t.ok(run.status.conditions.some(({ type }: Loose) => type === 'Unguarded'))
  t.equal((await off.calls()).length, 1)
  t.equal(await sum(/^tidewaiter_unguarded_total\{kind="Backup"\}/), unguarded + 1)
  await eventually(
    async () => (await eventsOf(made)).some(({ reason }) => reason === 'PreActionsUnguarded'),
    { what: 'the Event' },
  )
})

t.test('an admitted Backup that never appears is reported, and what was done for it is undone', async (t) => {
  const { name, off } = orphan
  t.equal(await find('backup', name), undefined)
  const run = await undone(name)
  t.match(run.status, { undoneFrom: 'Succeeded', actions: [{ undo: { phase: 'Undone' } }] })
  const condition = run.status.conditions.find(({ type }: Loose) => type === 'Orphaned')
  t.match(condition, { message: /never came to be: it was refused after tidewaiter had admitted it/ })
  const [undo] = await off.calls()
  t.ok(
    (undo?.at ?? 0) >= Date.parse(run.status.completionTimestamp) + 59_000,
    'not before a minute had passed',
  )
})
