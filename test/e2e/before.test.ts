/** Before: actions run once inside the CREATE of a Backup, and refuse it when they fail. On a real cluster with a real Velero. */
import t from 'tap'
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
  ended,
  eventsOf,
  eventually,
  find,
  grant,
  hook,
  hookAuthority,
  kubectl,
  kubectlJson,
  list,
  must,
  ready,
  runsOf,
  settledRun,
  veleroAccount,
  veleroError,
  withoutPods,
  type As,
  type Loose,
  type Ran,
} from './support.ts'
import { logs } from './z-install.ts'

t.before(ready)

const create = (object: Loose, args: readonly string[] = [], as?: As): Promise<Ran> =>
  kubectl(['create', ...args, '-f', '-'], { input: JSON.stringify(object), as })
const phases = (run: Loose): readonly string[] => run.status.actions.map(({ phase }: Loose) => phase)

t.test(
  'a refusal says which action, what it wanted, what it got, how often, and what to do next',
  async (t) => {
    const { mark } = aMark()
    const action = aName('10-quiesce')
    const { url, calls } = await hook({ status: 503, body: 'replica lag 40 s' })
    await act(t, anAction(action, mark, { http: { url }, retry: { limit: 1, initialSeconds: 0 } }))
    const said = (name: string, head: string) =>
      new RegExp(
        `^${head}admission webhook "backups.tidewaiter.io" denied the request: tidewaiter refused Backup velero/${name}: PreBackup action "${action}" failed after 2 attempts in [0-9.]+ m?s: ` +
          `POST ${url} answered 503 "replica lag 40 s", wanted 2xx\\. The Backup was not created\\. ` +
          `Fix the cause or skip it with the annotation ${action}/prebackup=skip \\(needs the verb skip on actions\\)\\. ` +
          `Run: ${name}-[0-9a-f]{8}-prebackup\n$`,
      )
    const tools: Readonly<Record<string, readonly [head: string, tell: (name: string) => Promise<Ran>]>> = {
      velero: [veleroError, (name) => backUp(name, mark)],
      kubectl: [
        'Error from server \\(ActionFailed\\): error when creating "STDIN": ',
        (name) => create(aBackup(name, mark)),
      ],
    }
    for (const [tool, [head, tell]] of Object.entries(tools)) {
      const name = aBackupName()
      const ran = await tell(name)
      t.match(ran.stderr, said(name, head), `${tool} prints it`)
      t.equal(ran.code, 1, `${tool} ends with 1`)
      t.equal(await find('backup', name), undefined, 'there is no Backup')
      const [run, ...more] = await runsOf('backup', name)
      t.same(more, [])
      t.match(run.status, {
        phase: 'Refused',
        reason: 'ActionFailed',
        actions: [{ phase: 'Failed', attempts: 2 }],
      })
      t.match(ran.stderr, `Run: ${run.metadata.name}`)
    }
    t.equal((await calls()).length, 4)
  },
)

t.test('a success lets the Backup run, and is recorded, annotated and told as an Event', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url, calls } = await hook()
  await act(
    t,
    anAction(aName('10-quiesce'), mark, { http: { url, body: { of: '${backup.metadata.name}' } } }),
  )
  const ran = await backUp(name, mark, { args: ['--wait'] })
  t.equal(ran.code, 0, ran.stderr)
  const backup = await ended('backup', name)
  t.equal(backup.status.phase, 'Completed')
  const run = await settledRun('backup', name, 'PreBackup')
  t.match(run.status, { phase: 'Succeeded', actions: [{ phase: 'Succeeded', attempts: 1 }] })
  t.equal(run.spec.objectRef.uid, backup.metadata.uid)
  t.match(await calls(), [{ method: 'POST', body: JSON.stringify({ of: name }) }])
  const note = await eventually(
    async () => (await find('backup', name)).metadata.annotations?.['tidewaiter.io/pre'],
    { what: 'the annotation' },
  )
  t.match(JSON.parse(note), {
    phase: 'Succeeded',
    run: run.metadata.name,
    at: run.status.completionTimestamp,
  })
  const event = await eventually(
    async () => (await eventsOf(backup)).find(({ reason }) => reason.startsWith('PreActions')),
    {
      what: 'the Event',
    },
  )
  t.match(event, { type: 'Normal', reason: 'PreActionsSucceeded', message: new RegExp(run.metadata.name) })
})

t.test('actions run in byte order of their names, and outputs are passed on', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const [first, second] = [aName('10-a'), aName('9-b')]
  const ones = [await hook({ body: { lsn: '0/16B' } }), await hook()] as const
  await act(
    t,
    anAction(second, mark, {
      http: { url: ones[1].url, body: `\${outputs['${first}'].lsn} and \${backup.metadata.labels.e2e}` },
    }),
    anAction(first, mark, {
      http: { url: ones[0].url },
      outputs: [{ name: 'lsn', expression: 'response.body.lsn' }],
    }),
  )
  must(await backUp(name, mark))
  const run = await settledRun('backup', name, 'PreBackup')
  t.same(
    run.status.actions.map(({ name }: Loose) => name),
    [first, second],
  )
  t.match(run.status.actions[0].outputs, { lsn: '0/16B' })
  const [[before], [after]] = [await ones[0].calls(), await ones[1].calls()]
  t.equal(after?.body, `0/16B and ${mark}`)
  t.ok((before?.at ?? Infinity) <= (after?.at ?? 0))
})

t.test(
  'the first refusal stops the stage: the actions after it are recorded as skipped and not called',
  async (t) => {
    const { mark } = aMark()
    const name = aBackupName()
    const [ok, bad, late] = [await hook(), await hook({ status: 409, body: 'busy' }), await hook()] as const
    await act(
      t,
      anAction(aName('1'), mark, { timeoutSeconds: 5, http: { url: ok.url } }),
      anAction(aName('2'), mark, { timeoutSeconds: 5, http: { url: bad.url } }),
      anAction(aName('3'), mark, { timeoutSeconds: 5, http: { url: late.url } }),
    )
    t.match((await backUp(name, mark)).stderr, 'answered 409 "busy"')
    const [run] = await runsOf('backup', name)
    t.same(phases(run), ['Succeeded', 'Failed', 'Skipped'])
    t.same(await late.calls(), [])
  },
)

t.test('skip annotations', async (t) => {
  const { mark } = aMark()
  const [skipped, other] = [aName('10-skipped'), aName('20-other')]
  const hooks = [await hook({ status: 500 }), await hook()] as const
  const [alice, skipper] = [aUser(), aUser()]
  const everyday = ['velero.io', 'backups', 'create', 'get'] as const
  await grant(t, alice, [everyday])
  await grant(t, skipper, [everyday, ['tidewaiter.io', 'actions', 'skip']])
  await act(
    t,
    anAction(skipped, mark, { http: { url: hooks[0].url } }),
    anAction(other, mark, { http: { url: hooks[1].url } }),
  )
  const withNotes = (name: string, annotations: Readonly<Record<string, string>>) =>
    aBackup(name, mark, { metadata: { annotations } })
  const one = { [`${skipped}/prebackup`]: 'skip' }
  const all = { 'tidewaiter.io/skip-actions': 'INC-42' }

  await t.test('need the verb skip, and a refusal says so', async (t) => {
    for (const notes of [one, all]) {
      const name = aBackupName()
      const ran = await create(withNotes(name, notes), [], alice)
      t.equal(ran.code, 1)
      t.match(
        ran.stderr,
        `"${name}" is forbidden: ValidatingAdmissionPolicy 'hold.tidewaiter.io' with binding 'hold.tidewaiter.io' denied request: ` +
          `tidewaiter guard: the annotations ${Object.keys(notes).join(', ')} skip actions, which needs the verb skip on actions, ` +
          'and what they say counts as of CREATE. Leave them out, or ask who holds that verb. The policy named hold ',
      )
      t.same(await runsOf('backup', name), [])
    }
  })
  await t.test('skip one action of whoever holds the verb, and the skip is recorded', async (t) => {
    const name = aBackupName()
    t.equal((await create(withNotes(name, one), [], skipper)).code, 0)
    const run = await settledRun('backup', name, 'PreBackup')
    t.match(run.status, {
      phase: 'Succeeded',
      actions: [
        { name: skipped, phase: 'Skipped', message: new RegExp(`${skipped}/prebackup=skip`) },
        { name: other, phase: 'Succeeded' },
      ],
    })
    t.equal(run.spec.requestedBy, skipper.user)
    t.match((await ended('backup', name)).status, { phase: 'Completed' })
  })
  await t.test('skip-actions skips all, with its reason', async (t) => {
    const name = aBackupName()
    t.equal((await create(withNotes(name, all), [], skipper)).code, 0)
    const run = await settledRun('backup', name, 'PreBackup')
    t.equal(run.status.phase, 'Skipped')
    t.same(phases(run), ['Skipped', 'Skipped'])
    t.match(run.status.actions[0].message, /INC-42/)
  })
  t.equal((await hooks[0].calls()).length, 0)
  t.equal((await hooks[1].calls()).length, 1)
})

t.test('a 503 and then a 200 is a success, and the attempts are counted', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url, calls } = await hook({ status: 503, times: 1 }, { status: 200 })
  await act(t, anAction(aName('10'), mark, { http: { url }, retry: { limit: 3, initialSeconds: 0 } }))
  must(await backUp(name, mark))
  const run = await settledRun('backup', name, 'PreBackup')
  t.match(run.status, { phase: 'Succeeded', actions: [{ attempts: 2 }] })
  const keys = (await calls()).map(({ headers }) => headers['idempotency-key'])
  t.same(keys, Array(2).fill(`${run.spec.objectRef.uid}/PreBackup/${run.status.actions[0].name}`))
})

for (const [what, behaviour] of Object.entries({
  'that does not answer': { delayMs: 20_000 },
  'whose answer drips': { dripMs: 300, body: 'x'.repeat(100) },
})) {
  t.test(`a server ${what} is a refusal when the time of the action is up`, async (t) => {
    const { mark } = aMark()
    const name = aBackupName()
    const { url, calls } = await hook(behaviour)
    const action = aName('10-slow')
    await act(t, anAction(action, mark, { http: { url }, timeoutSeconds: 1 }))
    const began = Date.now()
    const ran = await backUp(name, mark)
    t.equal(ran.code, 1)
    t.ok(Date.now() - began < 15_000, `it took ${Date.now() - began} ms`)
    t.match(
      ran.stderr,
      new RegExp(
        `PreBackup action "${action}" failed after 1 attempt in [1-9](\\.\\d)? s: POST ${url}: no answer in time: .*; the action had 1\\.0 s \\(timeoutSeconds\\)\\.`,
      ),
    )
    await eventually(async () => (await calls())[0]?.ended === 'client gone', { what: 'the end of the call' })
  })
}

t.test('onError Continue lets the Backup pass, and warns', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url } = await hook({ status: 500, body: 'oh no' })
  const action = aName('10-nice-to-have')
  await act(t, anAction(action, mark, { http: { url }, onError: 'Continue' }))
  const ran = await create(aBackup(name, mark))
  t.equal(ran.code, 0)
  t.match(
    ran.stderr,
    `Warning: tidewaiter: PreBackup action "${action}" failed and was passed over (onError: Continue): POST ${url} answered 500 "oh no"`,
  )
  const run = await settledRun('backup', name, 'PreBackup')
  t.equal(run.status.phase, 'Succeeded')
  t.same(phases(run), ['Failed'])
  t.equal((await ended('backup', name)).status.phase, 'Completed')
})

t.test('an action with dryRun is rendered and recorded, and calls nothing', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url, calls } = await hook({ status: 500 })
  const action = aName('10-new')
  await act(t, anAction(action, mark, { dryRun: true, http: { url: `${url}/\${backup.metadata.name}` } }))
  const ran = await create(aBackup(name, mark))
  t.equal(ran.code, 0)
  t.match(
    ran.stderr,
    `Warning: tidewaiter: dry run, PreBackup action "${action}" would run: POST ${url}/${name}`,
  )
  const run = await settledRun('backup', name, 'PreBackup')
  t.match(run.status.actions, [{ phase: 'Succeeded', request: new RegExp(`POST ${url}/${name}`) }])
  t.same(await calls(), [])
})

/** A Secret for actions, with the value under the key `token`. */
async function aSecret(t: { teardown: (fn: () => unknown) => void }, value: string): Promise<string> {
  const name = aName('secret')
  const labels = { 'tidewaiter.io/for-actions': 'true' }
  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'velero', labels },
    stringData: { token: value },
  })
  t.teardown(() => kubectl(['delete', 'secret', name, '--wait=false']))
  return name
}
const authorization = (name: string) => ({
  name: 'Authorization',
  valueFrom: { secretKeyRef: { name, key: 'token' } },
})

t.test('a dry-run request lists what would run, rendered and masked, and does nothing', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const value = 'Bearer e2e-dry-run-s3cret'
  const { url, calls } = await hook()
  const [pre, post] = [aName('10-pre'), aName('20-post')]
  const headers = [authorization(await aSecret(t, value)), { name: 'X-Of', value: '${backup.metadata.name}' }]
  const body = { of: '${backup.metadata.name}', why: 'w'.repeat(400) }
  await act(
    t,
    anAction(pre, mark, { http: { url: `${url}/\${backup.metadata.name}`, headers, body } }),
    anAction(post, mark, { stage: 'PostBackup', http: { url } }),
  )
  const ran = await create(aBackup(name, mark), ['--dry-run=server'])
  t.equal(ran.code, 0, ran.stderr)
  t.match(
    ran.stderr,
    `Warning: tidewaiter: dry run, PreBackup action "${pre}" would run: POST ${url}/${name}`,
  )
  t.match(
    ran.stderr,
    new RegExp(`Warning: tidewaiter: dry run, "${pre}" body 1/3: {"of":"${name}","why":"w+\\n`),
  )
  t.match(ran.stderr, new RegExp(`"${pre}" body 3/3: w+"}\\n`), 'the body is told to its end')
  t.match(ran.stderr, `Warning: tidewaiter: dry run, PostBackup action "${post}" would run after it ended`)
  t.notMatch(ran.stderr, value)
  t.notMatch(ran.stderr, 's3cret')
  t.same(await runsOf('backup', name), [])
  t.same(await calls(), [])
  t.equal(await find('backup', name), undefined)
})

t.test('a name that is taken runs nothing, and is left to the API server', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url, calls } = await hook()
  await act(t, anAction(aName('10'), mark, { http: { url } }))
  must(await backUp(name, mark))
  const again = await backUp(name, mark)
  t.equal(again.code, 1)
  t.match(again.stderr, `backups.velero.io "${name}" already exists`)
  t.equal((await calls()).length, 1)
  t.equal((await runsOf('backup', name)).length, 1)
})

t.test('of two creations of one name at once one runs, and the other is refused naming it', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url, calls } = await hook({ delayMs: 8_000 })
  await act(t, anAction(aName('10'), mark, { http: { url }, timeoutSeconds: 20 }))
  const first = backUp(name, mark)
  await eventually(async () => (await calls()).length === 1, { what: 'the first call' })
  const second = await backUp(name, mark)
  t.equal(second.code, 1)
  t.equal((await first).code, 0)
  const backup = await find('backup', name)
  t.match(
    second.stderr,
    `tidewaiter refused Backup velero/${name}: another creation of the same name is under way (uid ${backup.metadata.uid}). ` +
      'The Backup was not created. Nothing was run. Try again in a minute if it does not appear',
  )
  t.equal((await calls()).length, 1)
  t.equal((await runsOf('backup', name)).length, 1)
})

t.test('a refused creation leaves its name free at once', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url } = await hook({ status: 500, times: 1 }, {})
  await act(t, anAction(aName('10'), mark, { http: { url } }))
  t.equal((await backUp(name, mark)).code, 1)
  const again = await backUp(name, mark)
  t.equal(again.code, 0, again.stderr)
})

t.test('generateName gets a run of its own for each Backup', async (t) => {
  const { mark } = aMark()
  const { url, calls } = await hook()
  await act(t, anAction(aName('10'), mark, { http: { url, body: '${backup.metadata.name}' } }))
  const made = await Promise.all(
    [1, 2].map(async () =>
      kubectlJson(['create', '-f', '-'], { input: JSON.stringify(aBackup('e2e-generated-', mark)) }),
    ),
  )
  for (const { metadata } of made) {
    t.match(metadata.name, /^e2e-generated-.{5}$/)
    const run = await settledRun('backup', metadata.name, 'PreBackup')
    t.match(run.spec.objectRef, { name: metadata.name, uid: metadata.uid })
    t.equal(run.metadata.name, `${metadata.name}-${metadata.uid.slice(0, 8)}-prebackup`)
  }
  t.same(
    (await calls()).map(({ body }) => body).toSorted(),
    made.map(({ metadata }) => metadata.name).toSorted(),
  )
})

t.test('actions that may take longer than an admission has are refused before anything starts', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url, calls } = await hook()
  const names = [aName('10'), aName('20')]
  await act(
    t,
    ...names.map((one) => anAction(one, mark, { mode: 'Refuse', http: { url }, timeoutSeconds: 20 })),
  )
  const ran = await backUp(name, mark)
  t.equal(ran.code, 1)
  t.match(
    ran.stderr,
    new RegExp(
      `the actions ${names.join(', ')} may take 40 s together, an admission request has 28(\\.\\d)? s\\. The Backup was not created\\. ` +
        'Nothing was run\\. Lower their timeoutSeconds, or skip some of them',
    ),
  )
  t.same(await calls(), [])
  t.same(await runsOf('backup', name), [])
})

t.test('a finished Backup that Velero brings runs nothing', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url, calls } = await hook({ status: 500 })
  await act(
    t,
    anAction(aName('10'), mark, { http: { url } }),
    anAction(aName('20'), mark, { stage: 'PostBackup', http: { url } }),
  )
  const now = new Date(Date.now() - 60_000).toISOString()
  const status = { phase: 'Completed', startTimestamp: now, completionTimestamp: now }
  const made = await create(aBackup(name, mark, { status }), [], veleroAccount)
  t.equal(made.code, 0, made.stderr)
  t.equal((await find('backup', name)).status.phase, 'Completed')
  t.same(await runsOf('backup', name), [])
  t.same(await calls(), [])
})

t.test('a person may not create a finished Backup, which would pass its actions by', async (t) => {
  const { mark } = aMark()
  const alice = aUser()
  await grant(t, alice, [['velero.io', 'backups', 'create']])
  const ran = await create(aBackup(aBackupName(), mark, { status: { phase: 'Completed' } }), [], alice)
  t.equal(ran.code, 1)
  t.match(ran.stderr, 'tidewaiter guard: a new object may not carry a phase later than New')
})

t.test('annotations of tidewaiter that a person brings along are taken off at CREATE', async (t) => {
  const { mark } = aMark()
  const { url, calls } = await hook()
  await act(t, anAction(aName('10'), mark, { http: { url } }))
  for (const key of ['tidewaiter.io/pre', 'tidewaiter.io/post', 'tidewaiter.io/hold']) {
    const name = aBackupName()
    const forged = `forged by ${mark}`
    const ran = await create(aBackup(name, mark, { metadata: { annotations: { [key]: forged } } }))
    t.equal(ran.code, 0)
    t.match(ran.stderr, `tidewaiter took off ${key}: only tidewaiter writes these`)
    t.not((await find('backup', name)).metadata.annotations?.[key], forged)
  }
  t.equal((await calls()).length, 3)
})

t.test('https with a CA of its own', async (t) => {
  const { mark } = aMark()
  const { secureUrl, calls } = await hook()
  const action = aName('10-secure')
  const caBundle = await hookAuthority()
  await act(t, anAction(action, mark, { http: { url: secureUrl, caBundle } }))
  must(await backUp(aBackupName(), mark))
  t.equal((await calls()).length, 1)

  await t.test('refuses a server that another CA signed, in clear words', async (t) => {
    for (const bundle of [undefined, await anotherAuthority()]) {
      await act(t, anAction(action, mark, { http: { url: secureUrl, ...(bundle && { caBundle: bundle }) } }))
      const ran = await backUp(aBackupName(), mark)
      t.equal(ran.code, 1)
      t.match(
        ran.stderr,
        /POST https:\S+ .*the certificate of .* is (signed by an unknown authority|not signed by the authority in caBundle)/,
      )
    }
  })
  t.equal((await calls()).length, 1)
})

async function anotherAuthority(): Promise<string> {
  const { body } = await call(
    'GET',
    '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
  )
  const found: unknown = body.data?.['client-ca-file'] ?? body.data?.['requestheader-client-ca-file']
  if (typeof found === 'string') return found
  const { mintAuthority } = await import('../../src/tls/authority.ts')
  return (await mintAuthority({ name: 'other', now: Date.now() })).cert
}

t.test(
  'the value of a secret header is sent, and seen nowhere, also where an answer echoes it',
  async (t) => {
    const { mark } = aMark()
    const name = aBackupName()
    const value = `Bearer ${aName('s3cret')}`
    const { url, calls } = await hook({ status: 500, echo: 'authorization' })
    const headers = [authorization(await aSecret(t, value))]
    await act(t, anAction(aName('10'), mark, { http: { url, headers } }))
    const ran = await backUp(name, mark)
    t.equal(ran.code, 1)
    t.match(await calls(), [{ headers: { authorization: value } }])
    t.match(ran.stderr, /answered 500 "you sent \*+/)
    const [run] = await runsOf('backup', name)
    const lines = await eventually(
      async () => {
        const lines = await logs()
        return lines.some((line) => line.audit === true && line.name === name) && lines
      },
      { what: 'the refusal in the logs' },
    )
    for (const [where, text] of Object.entries({
      refusal: ran.stderr,
      run: JSON.stringify(run),
      logs: JSON.stringify(lines),
    }))
      t.notOk(text.includes(value) || text.includes(value.slice(7)), where)
  },
)

t.test('addresses inside are not called, in any notation', async (t) => {
  const { mark } = aMark()
  const action = aName('10')
  const cases: Readonly<Record<string, readonly [url: string, said: RegExp]>> = {
    'the node and API server': [
      'https://10.244.0.1:6443/',
      /10\.244\.0\.1 is an address of the API server or of a node/,
    ],
    'the Service of the API server': [
      'https://kubernetes.default.svc/',
      /10\.96\.0\.1, which kubernetes\.default\.svc resolves to, is an address of the API server or of a node/,
    ],
    'a metadata service': [
      'http://169.254.169.254/latest',
      /169\.254\.169\.254 is a link-local address, as cloud metadata services have \(169\.254\.0\.0\/16\), which is never called/,
    ],
    'a metadata service in decimal': [
      'http://2852039166/latest',
      /169\.254\.169\.254.* is a link-local address/,
    ],
    loopback: [
      'http://127.0.0.1:8080/metrics',
      /127\.0\.0\.1 is a loopback address \(127\.0\.0\.0\/8\), which in a cluster is this pod itself/,
    ],
    'loopback in IPv6': ['http://[::ffff:127.0.0.1]:8080/', /is a loopback address/],
  }
  for (const [what, [url, said]] of Object.entries(cases)) {
    await t.test(what, { skip: url.includes('kubernetes.default') && withoutPods }, async (t) => {
      await act(t, anAction(action, mark, { http: { url } }))
      const name = aBackupName()
      const ran = await backUp(name, mark)
      t.equal(ran.code, 1)
      t.match(ran.stderr, said)
      t.match((await runsOf('backup', name))[0].status, { phase: 'Refused' })
    })
  }
})

t.test('a client that gives up ends the action, and nothing is stored', async (t) => {
  const { mark } = aMark()
  const name = aBackupName()
  const { url, calls } = await hook({ delayMs: 15_000 })
  await act(t, anAction(aName('10'), mark, { http: { url }, timeoutSeconds: 20 }))
  const stop = new AbortController()
  const running = kubectl(['create', '-f', '-'], {
    input: JSON.stringify(aBackup(name, mark)),
    interrupt: stop.signal,
  })
  await eventually(async () => (await calls()).length === 1, { what: 'the call' })
  stop.abort()
  t.not((await running).code, 0)
  const run = await settledRun('backup', name, 'PreBackup')
  t.match(run.status, { phase: 'Refused', reason: 'ClientGone', actions: [{ phase: 'Failed' }] })
  // The run says that the call was cut; the hook learns it when the end of the connection reaches its pod.
  await eventually(async () => (await calls())[0]?.ended === 'client gone', { what: 'the end of the call' })
  t.equal(await find('backup', name), undefined)
})

t.test('an expression that fails for a Backup refuses it, and says which', async (t) => {
  const { mark } = aMark()
  const action = aName('10')
  const { url, calls } = await hook()
  await act(
    t,
    anAction(action, mark, {
      http: { url },
      match: { expression: "backup.metadata.labels['not-there'] == 'x'" },
    }),
  )
  const ran = await backUp(aBackupName(), mark)
  t.equal(ran.code, 1)
  t.match(ran.stderr, `the match expression of PreBackup action "${action}" failed: `)
  t.same(await calls(), [])
})

t.test('what no Action matches is stored as without tidewaiter', async (t) => {
  const name = aBackupName()
  const ran = await backUp(name, aMark().mark)
  t.equal(ran.code, 0)
  t.equal(ran.stderr, '')
  t.equal((await ended('backup', name)).status.phase, 'Completed')
  t.same(await list('actionrun', `tidewaiter.io/backup-name=${name}`), [])
})
