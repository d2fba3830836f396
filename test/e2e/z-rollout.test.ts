/** A rolling update under load: every admission request is answered, by an allow or by an action's own refusal. */
import t from 'tap'
import { act, aBackup, aMark, aName, anAction, call, eventually, hook, kubectl, must } from './support.ts'
import { ownNamespace, replicas, whole } from './z-install.ts'

t.setTimeout(150_000)

t.test('a rolling update loses no admission request', async (t) => {
  await whole()
  const { mark } = aMark()
  const server = await hook({ status: 409, body: 'busy', delayMs: 150 })
  await act(t, anAction(aName('10-busy'), mark, { http: { url: server.url } }))
  const path = '/apis/velero.io/v1/namespaces/velero/backups'
  const load = { on: true }
  const answers = new Map<string, number>()
  const lost: string[] = []
  const note = (kind: string) => answers.set(kind, (answers.get(kind) ?? 0) + 1)
  /** Real CREATEs run an action and are refused by it; dry runs are allowed. */
  const worker = async (real: boolean) => {
    while (load.on) {
      const { status, body } = await call('POST', `${path}${real ? '' : '?dryRun=All'}`, {
        body: aBackup(aName('b'), mark),
      })
      const text = String(body.message ?? '')
      if (status === 201 && !real) note('allowed')
      else if (real && text.includes('409 "busy"')) note('refused by the action')
      else lost.push(`${status} ${text}`)
    }
  }
  const workers = [false, false, true, true].map(worker)
  const before = (await replicas()).map(({ name }) => name)
  const roll = async () => {
    must(await kubectl(['-n', ownNamespace, 'rollout', 'restart', 'deployment/tidewaiter']))
    must(await kubectl(['-n', ownNamespace, 'rollout', 'status', 'deployment/tidewaiter', '--timeout=55s']))
    await eventually(
      async () => {
        const { body } = await call(
          'GET',
          `/api/v1/namespaces/${ownNamespace}/pods?labelSelector=app.kubernetes.io/name=tidewaiter`,
        )
        return body.items.length === 2
      },
      { ms: 60_000, what: 'the old replicas to be gone' },
    )
  }
  try {
    await roll()
  } finally {
    load.on = false
    await Promise.all(workers)
  }
  const after = (await replicas()).map(({ name }) => name)
  t.notOk(
    after.some((name) => before.includes(name)),
    'all replicas are new',
  )
  t.same(lost, [], 'no request is lost')
  t.comment(Object.fromEntries(answers))
  t.ok((answers.get('allowed') ?? 0) > 50)
  t.ok((answers.get('refused by the action') ?? 0) > 20)
  await whole()
})
