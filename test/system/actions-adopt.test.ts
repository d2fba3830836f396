/** `tidewaiter actions adopt` beside a service: what a Restore brings back waits, is shown, and runs once somebody adopts it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually, pathOf, type Loose } from '../support/asking.ts'
import { cli, type CliSetting } from '../support/cli.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { action, backup, create } from '../support/scenes.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 4

const veleroAccount = 'system:serviceaccount:velero:velero'

/** A system in which Velero has restored these Actions, and the leader has looked at them. */
async function restored(t: Test, actions: readonly Loose[]) {
  const system = await startCluster(t)
  for (const body of actions) {
    const said = await system.call('POST', pathOf('actions'), { body, as: veleroAccount })
    if (said.status !== 201) throw new Error(JSON.stringify(said.body))
  }
  const folder = t.testdir()
  const ask = (line: string, { as = 'alice', ...setting }: CliSetting & { readonly as?: string } = {}) => {
    const kubeconfig = join(folder, as)
    writeFileSync(kubeconfig, system.api.kubeconfig(as, 'velero'))
    return cli(['actions', ...line.split(' '), '--kubeconfig', kubeconfig], setting)
  }
  return { system, ask }
}

const at = (name: string, url: string, more: Loose = {}) => action(name, { http: { url }, ...more })
const reasonOf = ({ api }: System, name: string): string | undefined =>
  (api.read('tidewaiter.io/actions', 'velero', name) as Loose).status?.conditions?.[0]?.reason
const authorOf = ({ api }: System, name: string): string | undefined => {
  const stamp = (api.read('tidewaiter.io/actions', 'velero', name) as Loose).metadata.annotations?.[
    'tidewaiter.io/author'
  ]
  return stamp === undefined ? undefined : JSON.parse(stamp).user
}

t.test(
  'what was restored is named by the list, shown, asked for, adopted by who asked, and runs',
  async (t) => {
    const { system, ask } = await restored(t, [])
    for (const name of ['10-freeze', '20-check'])
      await system.call('POST', pathOf('actions'), {
        body: at(name, `${system.hooks.url}/${name}`),
        as: veleroAccount,
      })
    await eventually(
      'both wait',
      () => ['10-freeze', '20-check'].every((name) => reasonOf(system, name) === 'Unadopted') || undefined,
    )
    const list = await ask('list')
    t.equal(
      list.err,
      '2 Actions are not run until somebody adopts them: tidewaiter actions adopt -n velero 10-freeze 20-check\n',
    )
    t.equal((await create(system, backup('b1'))).status, 201)
    t.same(system.hooks.calls(), [])

    const no = await ask('adopt --all', { terminals: ['stdin'], answer: 'n' })
    t.match(no, { code: 1, err: /Adopt these 2 Actions of namespace velero\? \[y\/N\] .*not confirmed/s })
    t.match(no.out, new RegExp(`10-freeze +PreBackup +POST ${system.hooks.url}/10-freeze +alice +-\n`))
    t.match(await ask('adopt --all --dry-run'), { code: 0, out: no.out, err: '' })
    t.equal(authorOf(system, '10-freeze'), undefined, 'nothing was written')

    const yes = await ask('adopt 10-freeze', { terminals: ['stdin'], answer: 'y' })
    t.match(yes, { code: 0, out: /adopted 10-freeze, author alice\n$/ })
    t.equal(authorOf(system, '10-freeze'), 'alice')
    t.equal(authorOf(system, '20-check'), undefined)
    await eventually('it is accepted', () => reasonOf(system, '10-freeze') === 'Accepted' || undefined)
    t.equal((await create(system, backup('b2'))).status, 201)
    t.same(
      system.hooks.calls().map(({ path }) => path),
      ['/10-freeze'],
    )

    t.match(await ask('adopt 10-freeze --yes'), {
      code: 0,
      out: '',
      err: '10-freeze needs nothing: its author is alice\n',
    })
    t.match(await ask('adopt 20-check 30-gone --yes'), {
      code: 1,
      out: /adopted 20-check/,
      err: /there is no Action "30-gone" in namespace velero/,
    })
    t.match(await ask('adopt --all --yes'), {
      code: 0,
      out: '',
      err: /No Action in namespace velero .*waits?/,
    })
  },
)

t.test('each that is refused is told with why, and the others are adopted', whenThorough, async (t) => {
  const secret = { secretKeyRef: { name: 'token', key: 'token' } }
  const { system, ask } = await restored(t, [
    at('10-plain', 'http://shop.example/', {}),
    at('20-secret', 'http://shop.example/', {
      http: { url: 'http://shop.example/', headers: [{ name: 'Authorization', valueFrom: secret }] },
    }),
  ])
  const { code, out, err } = await ask('adopt --all --yes')
  t.equal(code, 1)
  t.match(out, /adopted 10-plain, author alice\n$/)
  t.notMatch(out, '20-secret')
  t.match(err, /20-secret is not adopted: .*name a Secret that alice may get in namespace velero/s)
  t.equal(authorOf(system, '20-secret'), undefined)

  const grants = [{ verbs: ['get', 'list'], groups: ['tidewaiter.io'], resources: ['actions'] }]
  system.api.addUser({ name: 'reader', token: 'token-of-reader', grants })
  t.match(await ask('adopt 20-secret --yes', { as: 'reader' }), {
    code: 1,
    err: /20-secret is not adopted: .*403.*cannot patch/s,
  })
})

t.test('where nobody stamps it, it is not called adopted', whenThorough, async (t) => {
  const { system, ask } = await restored(t, [at('10-freeze', 'http://shop.example/')])
  t.match(await ask('adopt 10-freeze --yes', { as: veleroAccount }), {
    code: 1,
    err: /10-freeze is not adopted: nobody stamped it: the webhooks of tidewaiter are not there or switched off/,
  })
  const body = { metadata: { labels: { 'tidewaiter.io/gate': 'off' } } }
  const type = 'application/merge-patch+json'
  await system.call('PATCH', '/api/v1/namespaces/velero', { body, type })
  t.match(await ask('adopt 10-freeze --yes'), { code: 1, out: '', err: /nobody stamped it/ })
  await system.service.stop()
  const after = await ask('adopt 10-freeze --yes')
  t.match(after, { code: 1, err: /nobody stamped it/ }, 'the registrations went with the service')
  const annotations = (system.api.read('tidewaiter.io/actions', 'velero', '10-freeze') as Loose).metadata
    .annotations
  t.equal(
    annotations?.['tidewaiter.io/adopt'],
    undefined,
    'a dry run was asked first, and nothing was written',
  )
})

t.test('a command line of adopt that cannot be meant is usage', async (t) => {
  const lines: Readonly<Record<string, RegExp>> = {
    'actions adopt --yes': /adopt wants either names of Actions or --all/,
    'actions adopt a --all --yes': /adopt wants either names of Actions or --all/,
    'actions adopt ../nodes --yes': /adopt wants names of Actions, got "\.\.\/nodes"/,
    'actions adopt a': /--yes must be given where nobody can be asked: stdin is no terminal/,
    'actions adopt a --al --yes': /--al is no option of actions adopt: did you mean --all\?/,
  }
  for (const [line, want] of Object.entries(lines)) {
    const { code, out, err } = await cli(line.split(' '))
    t.same({ code, out }, { code: 2, out: '' }, line)
    t.match(err, want, line)
  }
})
