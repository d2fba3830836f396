/** Actions: what cannot work is refused when it is applied, and who wrote one is known. On a real API server. */
import t, { type Test } from 'tap'
import {
  aBackup,
  aBackupName,
  accepted,
  act,
  aMark,
  anAction,
  aName,
  apply,
  aUser,
  backUp,
  call,
  eventually,
  find,
  grant,
  hook,
  kubectl,
  must,
  ready,
  runsOf,
  settledRun,
  tryApply,
  veleroAccount,
  type As,
  type Loose,
} from './support.ts'

t.before(ready)

const authorOf = (action: Loose): Loose => JSON.parse(action.metadata.annotations['tidewaiter.io/author'])
const http = { url: 'http://hook.e2e.svc:8090/' }
const remove = (name: string) => kubectl(['delete', 'action', name, '--wait=false', '--ignore-not-found'])

/** Applies one Action that is to be refused, and gives the lines of what was said. */
async function refused(t: Test, action: Loose, as?: As): Promise<readonly string[]> {
  t.teardown(() => remove(action.metadata.name))
  const ran = await tryApply([action], { as })
  t.equal(ran.code, 1)
  t.equal(await find('action', action.metadata.name), undefined, 'it is not stored')
  return ran.stderr.split('\n')
}

t.test('an Action that cannot work is refused with every problem and its path in one answer', async (t) => {
  const name = aName('bad')
  const said = await refused(
    t,
    anAction(name, 'x', {
      match: { expression: 'backup.metadata.name ==' },
      outputs: [{ name: 'a', expression: 'nope.b' }],
      http: {
        url: 'http://a.b/${restore.metadata.name}',
        headers: [
          { name: 'Host', value: 'x' },
          { name: 'X-A', valueFrom: { secretKeyRef: { name: 'not-there', key: 'k' } } },
        ],
        body: { x: '${backup.metadata.' },
      },
    }),
  )
  t.match(
    said[0],
    `admission webhook "actions.tidewaiter.io" denied the request: Action velero/${name} has 6 problems:`,
  )
  t.match(said.slice(1), [
    /^- spec\.match\.expression must be a CEL expression that can be used: /,
    /^- spec\.outputs\[0\]\.expression must be .*: unknown variable "nope": there is response/,
    /^- spec\.http\.headers\[0\]\.name must not be a header of the connection or of the framing, got "Host"/,
    /^- spec\.http\.body\.x must be a text with closed \$\{\.\.\.\}/,
    /^- spec\.http\.url must be .*: unknown variable "restore": there is backup, outputs, stage/,
    /^- spec\.http\.headers\[1\]\.valueFrom\.secretKeyRef\.name must name a Secret that exists in namespace velero, got "not-there"/,
    '',
  ])
})

t.test('what the schema can say is refused with every problem and its path in one answer', async (t) => {
  const said = await refused(
    t,
    anAction(aName('bad'), 'x', {
      http: { url: 'ftp://a.b/' },
      when: ['Completed'],
      mode: 'Refuse',
      timeoutSeconds: 60,
    }),
  )
  t.match(said.join('\n'), 'spec.http.url: Invalid value: "ftp://a.b/"')
  t.match(said.join('\n'), 'when is for post stages only')
  t.match(said.join('\n'), 'timeoutSeconds with mode Refuse must be at most 28')
  const undone = anAction(aName('bad'), 'x', { stage: 'PostBackup', http, undo: { http } })
  t.match((await refused(t, undone)).join('\n'), 'undo is for pre stages only')
  const counting = anAction(aName('bad'), 'x', { http, countsAgainstResult: true })
  t.match((await refused(t, counting)).join('\n'), 'countsAgainstResult is for post stages only')
})

t.test('fields that exclude each other are refused, with the rule', async (t) => {
  const said = (await refused(t, anAction(aName('bad'), 'x', { http, serviceAccountName: 'a' }))).join('\n')
  t.match(
    said,
    'serviceAccountName must be given for a body that calls the Kubernetes API (patch, scale, wait), and only for one',
  )
  const exported = anAction(aName('bad'), 'x', {
    http,
    mode: 'Refuse',
    outputs: [{ name: 'a', expression: 'response.status', export: true }],
  })
  t.match(
    (await refused(t, exported)).join('\n'),
    /spec.outputs: Invalid value:.* export is not for mode Refuse, because exported outputs go on the Backup when its hold ends: leave mode to Auto, or use Hold/,
  )
})

t.test('bodies that are not there yet are refused by name', async (t) => {
  const bodies = ['exec', 'job', 'restore', 'plugin']
  const actions = bodies.map((body) => anAction(aName(body), 'x', { [body]: { some: 'thing' } }))
  const { code, stderr } = await tryApply(actions)
  t.equal(code, 1)
  for (const body of bodies) t.match(stderr, `spec.${body}: Forbidden: body ${body} is not there yet`)
})

t.test('a field that does not exist is refused by name', async (t) => {
  const said = await refused(t, anAction(aName('bad'), 'x', { http, timeout: 3 }))
  // kubectl's own words, or the API server's, as kubectl knows the schema already or not.
  t.match(said.join('\n'), /unknown field "(spec\.)?timeout"/)
})

t.test(
  'a Secret is for actions only if it is there, labelled, has the key, and the author may get it',
  async (t) => {
    const alice = aUser()
    const [plain, labelled] = [aName('plain'), aName('labelled')]
    const everyday = ['tidewaiter.io', 'actions', 'create', 'get', 'patch'] as const
    const secret = (name: string, labels: Loose): Loose => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'velero', labels },
      stringData: { token: 'x' },
    })
    t.teardown(() => kubectl(['delete', 'secret', plain, labelled, '--wait=false']))
    await grant(t, alice, [everyday])
    await apply(secret(plain, {}), secret(labelled, { 'tidewaiter.io/for-actions': 'true' }))
    const using = (name: string, key = 'token') =>
      anAction(aName('10'), 'x', {
        http: { ...http, headers: [{ name: 'X-A', valueFrom: { secretKeyRef: { name, key } } }] },
      })
    const path = 'spec.http.headers[0].valueFrom.secretKeyRef.name must'
    const cases: Readonly<Record<string, readonly [Loose, As | undefined, string]>> = {
      missing: [
        using('not-there'),
        undefined,
        'name a Secret that exists in namespace velero, got "not-there"',
      ],
      'not labelled': [
        using(plain),
        undefined,
        `name a Secret with the label tidewaiter.io/for-actions: "true", got "${plain}"`,
      ],
      'without the key': [
        using(labelled, 'nope'),
        undefined,
        `name a Secret with the key nope, got "${labelled}"`,
      ],
      'not allowed to the author': [
        using(labelled),
        alice,
        `name a Secret that ${alice.user} may get in namespace velero, got "${labelled}"`,
      ],
      'missing, to who may not get it (who does not learn that)': [
        using('not-there'),
        alice,
        `name a Secret that ${alice.user} may get in namespace velero, got "not-there"`,
      ],
    }
    for (const [what, [action, as, said]] of Object.entries(cases))
      await t.test(what, async (t) => t.match((await refused(t, action, as)).join('\n'), `${path} ${said}`))

    await t.test('and it is refused at the call when the author may not get it any more', async (t) => {
      const { mark } = aMark()
      const bob = aUser()
      const { url, calls } = await hook()
      const action = anAction(aName('10'), mark, {
        http: {
          url,
          headers: [{ name: 'X-A', valueFrom: { secretKeyRef: { name: labelled, key: 'token' } } }],
        },
      })
      t.teardown(() => remove(action.metadata.name))
      await t.test('while bob may', async (t) => {
        await grant(t, bob, [everyday, ['', 'secrets', 'get']])
        const applied = await tryApply([action], { as: bob })
        t.equal(applied.code, 0, applied.stderr)
        await accepted(action.metadata.name)
        must(await backUp(aBackupName(), mark))
      })
      const said = await eventually(
        async () => {
          const ran = await kubectl(['create', '-f', '-'], {
            input: JSON.stringify(aBackup(aBackupName(), mark)),
          })
          return ran.code === 1 && ran.stderr
        },
        { what: 'the refusal after the right is gone' },
      )
      t.match(said, `${bob.user}, the author of this Action, may not get the Secret ${labelled}`)
      t.ok((await calls()).length >= 1)
    })
  },
)

t.test('the author of an Action', async (t) => {
  const [alice, bob] = [aUser(), aUser()]
  for (const one of [alice, bob])
    await grant(t, one, [['tidewaiter.io', 'actions', 'create', 'get', 'patch', 'update']])
  const name = aName('10')
  const forged = {
    'tidewaiter.io/author': JSON.stringify({ user: 'admin', groups: ['system:masters'], spec: '', mac: '' }),
  }
  const action = (spec: Loose, annotations: Loose = {}) => {
    const made = anAction(name, 'x', { http, ...spec })
    return { ...made, metadata: { ...made.metadata, annotations } }
  }
  t.teardown(() => remove(name))

  await t.test('is who creates it, and a forged stamp is replaced', async (t) => {
    must(await tryApply([action({}, forged)], { as: alice }))
    const stamp = authorOf(await find('action', name))
    t.equal(stamp.user, alice.user)
    t.ok(stamp.groups.includes('developers'))
    t.notOk(stamp.groups.includes('system:masters'))
  })
  await t.test('stays who wrote the spec when another edits its metadata', async (t) => {
    const before = await find('action', name)
    must(await kubectl(['label', 'action', name, 'team=b'], { as: bob }))
    must(await kubectl(['annotate', 'action', name, 'example.org/a=b'], { as: bob }))
    const after = await find('action', name)
    t.equal(after.metadata.labels.team, 'b')
    t.same(authorOf(after), authorOf(before))
  })
  await t.test('stays when somebody tries to overwrite or remove the stamp', async (t) => {
    const before = authorOf(await find('action', name))
    const stamp = { ...before, user: 'admin', groups: ['system:masters'] }
    for (const value of [JSON.stringify(stamp), null]) {
      const body = { metadata: { annotations: { 'tidewaiter.io/author': value } } }
      const path = `/apis/tidewaiter.io/v1beta1/namespaces/velero/actions/${name}`
      t.equal((await call('PATCH', path, { as: bob.user, body })).status, 200)
      t.same(authorOf(await find('action', name)), before)
    }
  })
  await t.test('becomes who changes the spec', async (t) => {
    must(
      await kubectl(['patch', 'action', name, '--type=merge', '-p', '{"spec":{"timeoutSeconds":11}}'], {
        as: bob,
      }),
    )
    t.equal(authorOf(await find('action', name)).user, bob.user)
  })
})

t.test(
  'an Action that comes out of a Restore is not run until somebody with the rights adopts it',
  async (t) => {
    const { mark } = aMark()
    const name = aName('10-restored')
    const { url, calls } = await hook()
    const action = anAction(name, mark, { http: { url } })
    const old = JSON.stringify({ user: 'admin', groups: ['system:masters'], spec: 'x', mac: 'y' })
    const restored = {
      ...action,
      metadata: { ...action.metadata, annotations: { 'tidewaiter.io/author': old } },
    }
    t.teardown(() => remove(name))
    const made = await kubectl(['create', '-f', '-'], { as: veleroAccount, input: JSON.stringify(restored) })
    t.equal(made.code, 0, made.stderr)
    t.equal((await find('action', name)).metadata.annotations?.['tidewaiter.io/author'], undefined)
    t.match(await accepted(name), {
      status: 'False',
      reason: 'Unadopted',
      message: /adopt it with: tidewaiter actions adopt -n velero /,
    })

    await t.test('what it matches is let pass, with a warning that says how to adopt it', async (t) => {
      const backup = aBackupName()
      const ran = await kubectl(['create', '-f', '-'], { input: JSON.stringify(aBackup(backup, mark)) })
      t.equal(ran.code, 0, ran.stderr)
      t.match(
        ran.stderr,
        `Warning: tidewaiter: not run, because nobody with the rights wrote them through tidewaiter (tidewaiter actions adopt -n velero --all): ${name}`,
      )
      t.same(await calls(), [])
      t.same(await runsOf('backup', backup), [])
    })
    await t.test('Velero itself cannot adopt it', async (t) => {
      must(await kubectl(['annotate', 'action', name, 'tidewaiter.io/adopt=restored'], { as: veleroAccount }))
      t.equal((await find('action', name)).metadata.annotations['tidewaiter.io/author'], undefined)
    })
    await t.test('once adopted it runs', async (t) => {
      const alice = aUser()
      await grant(t, alice, [['tidewaiter.io', 'actions', 'get', 'patch']])
      must(
        await kubectl(['annotate', '--overwrite', 'action', name, 'tidewaiter.io/adopt=yes'], { as: alice }),
      )
      t.equal(authorOf(await find('action', name)).user, alice.user)
      await eventually(async () => (await accepted(name)).status === 'True', { what: 'the adoption' })
      // A replica that does not lead may learn of it a moment later.
      await eventually(
        async () => {
          must(await backUp(aBackupName(), mark))
          return (await calls()).length > 0
        },
        { what: 'the adopted Action to be run' },
      )
      t.equal((await calls()).length, 1)
    })
  },
)

t.test('kubectl get shows what an Action does, whether it can run, and how it last ended', async (t) => {
  const { mark } = aMark()
  const name = aName('10')
  const backup = aBackupName()
  const { url } = await hook()
  await act(t, anAction(name, mark, { http: { url }, timeoutSeconds: 7 }))
  must(await backUp(backup, mark))
  await settledRun('backup', backup, 'PreBackup')
  const row = await eventually(
    async () => {
      const [head = '', line = ''] = must(await kubectl(['get', 'action', name])).stdout.split('\n')
      return /Succeeded/.test(line) && [head.split(/\s+/), line.split(/\s+/)]
    },
    { what: 'the last result' },
  )
  t.match(row[0], ['NAME', 'STAGE', 'ON-ERROR', 'TIMEOUT', 'ACCEPTED', 'LAST-RESULT', 'AGE'])
  t.match(row[1], [name, 'PreBackup', 'Fail', '7', 'True', 'Succeeded', /\d/])
  const runs = must(await kubectl(['get', 'actionruns', '-l', `tidewaiter.io/backup-name=${backup}`])).stdout
  t.match(runs, /^NAME +STAGE +OBJECT +PHASE +AGE\n/)
  t.match(runs, new RegExp(`\n${backup}-[0-9a-f]{8}-prebackup +PreBackup +${backup} +Succeeded`))
})

t.test('kubectl explain tells every field of http', async (t) => {
  const { stdout } = must(await kubectl(['explain', 'action.spec.http']))
  for (const field of ['method', 'url', 'headers', 'body', 'expectStatus', 'caBundle', 'followRedirects'])
    t.match(stdout, new RegExp(`\\n  ${field}\\t<.*\\n    [A-Z]|\\n  ${field}\\t<.*\\n  enum: `))
})

t.test('an ActionRun is written by nobody but tidewaiter', async (t) => {
  const { mark } = aMark()
  const backup = aBackupName()
  const { url } = await hook()
  const alice = aUser()
  await grant(t, alice, [
    ['tidewaiter.io', 'actionruns', 'create', 'get', 'patch'],
    ['tidewaiter.io', 'actionruns/status', 'get', 'patch'],
  ])
  await act(t, anAction(aName('10'), mark, { http: { url } }))
  must(await backUp(backup, mark))
  const { metadata } = await settledRun('backup', backup, 'PreBackup')
  for (const args of [['--subresource=status'], []]) {
    const patch = [
      'patch',
      'actionrun',
      metadata.name,
      '--type=merge',
      '-p',
      '{"metadata":{"labels":{"a":"b"}},"status":{"phase":"Pending"}}',
    ]
    const ran = await kubectl([...patch, ...args], { as: alice })
    t.equal(ran.code, 1)
    t.match(ran.stderr, 'tidewaiter guard: the records of what was done are written by tidewaiter only')
  }
})
