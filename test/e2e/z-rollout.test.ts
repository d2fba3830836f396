/** A rolling update under load: every admission request is answered, by an allow or by an action's own refusal. */
import t from 'tap'
import { startLoad } from './load.ts'
import { act, aBackup, aMark, aName, anAction, call, eventually, hook, kubectl, must } from './support.ts'
import { ownNamespace, replicas, whole } from './z-install.ts'

const perSecond = 200
const backups = '/apis/velero.io/v1/namespaces/velero/backups'

/** Creates Backups one after another, each of which an action refuses with `said`, until it is stopped. */
function refusals(mark: string, said: string) {
  const over = new AbortController()
  const lost: string[] = []
  let refused = 0
  const run = async () => {
    while (!over.signal.aborted) {
      const { status, body } = await call('POST', backups, { body: aBackup(aName('b'), mark) })
      const text = String(body.message ?? '')
      if (text.includes(said)) refused += 1
      else lost.push(`${status} ${text}`)
    }
    return { refused, lost }
  }
  const running = run()
  return () => {
    over.abort()
    return running
  }
}

async function roll(): Promise<void> {
  must(await kubectl(['-n', ownNamespace, 'rollout', 'restart', 'deployment/tidewaiter']))
  must(await kubectl(['-n', ownNamespace, 'rollout', 'status', 'deployment/tidewaiter', '--timeout=115s']))
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

t.test('200 admissions a second over a rolling update: none is lost', async (t) => {
  await whole()
  const { mark } = aMark()
  const server = await hook({ status: 409, body: 'busy', delayMs: 150 })
  await act(t, anAction(aName('10-busy'), mark, { http: { url: server.url } }))
  const before = (await replicas()).map(({ name }) => name)
  const load = startLoad(mark, perSecond)
  // Beside them, what does more than be asked: an action runs inside the request, and its replica may have to go.
  const refusing = [1, 2].map(() => refusals(mark, '409 "busy"'))
  const stop = () => Promise.all([load.end(), ...refusing.map((end) => end())])
  const [asked, ...refused] = await roll().then(stop, async (error: unknown) => {
    await stop()
    throw error
  })
  const after = (await replicas()).map(({ name }) => name)
  t.notOk(
    after.some((name) => before.includes(name)),
    'all replicas are new',
  )
  t.comment({ asked, refused })
  t.same([asked.lost, refused.flatMap(({ lost }) => lost)], [{}, []], 'no request is lost')
  // A machine whose processors have no time left answers what it can.
  const least = asked.machineBusy > 0.9 ? perSecond / 20 : (perSecond * 3) / 4
  t.ok(asked.perSecond > least, `${asked.perSecond} answered a second`)
  t.ok(refused.reduce((sum, one) => sum + one.refused, 0) > 5)
  await whole()
})
