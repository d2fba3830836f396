/** The body wait on an API server: what is waited for, how it ends, and what it tells. */
import t from 'tap'
import { startActing } from '../support/acting.ts'
import { systemClock } from '../../src/system-clock.ts'

const seeing = [
  { verbs: ['list', 'watch'], groups: ['apps', ''], resources: ['statefulsets', 'pods'] },
  { verbs: ['list', 'watch'], groups: [''], resources: ['configmaps'], names: ['one'] },
  { verbs: ['list'], groups: [''], resources: ['services'] },
]
const { api, call, perform } = await startActing(t, seeing)

const pod = (name: string, phase: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'c' }] },
  status: { phase },
})
const some = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', selector: { matchLabels: { app: 'web' } } }
const { selector: _selector, ...web } = { ...some, name: 'web' }
const running = "object.status.phase == 'Running'"
const soon = async (work: () => unknown) => {
  await systemClock.sleep(150)
  await work()
}

t.beforeEach(async () => {
  api.faults.clear()
  await call('DELETE', '/api/v1/namespaces/shop/pods')
})

t.test('what is as wanted already ends it at once, and its fields are there for outputs', async (t) => {
  api.seed([pod('web', 'Running')])
  const outcome = await perform({
    wait: { ...web, until: `${running} && backup.metadata.name == 'b1'` },
    outputs: [
      { name: 'phase', expression: 'response.object.status.phase' },
      { name: 'names', expression: 'response.objects.map(o, o.metadata.name)' },
      { name: 'managed', expression: 'has(response.object.metadata.managedFields)' },
    ],
  })
  t.match(outcome, {
    status: 'done',
    message: /^waited \d\.\d s: for v1 Pod shop\/web \(until object\.status\.phase == 'Running' && /,
    request: /^wait for v1 Pod shop\/web\nAs: ServiceAccount velero\/quiescer\n\nuntil object\.status/,
    outputs: { phase: 'Running', names: ['web'], managed: false },
  })
})

t.test('what comes to be as wanted is seen when it does', async (t) => {
  api.seed([pod('web', 'Pending')])
  const [outcome] = await Promise.all([
    perform({ wait: { ...web, until: running } }),
    soon(() => api.seed([pod('web', 'Running')])),
  ])
  t.match(outcome, { status: 'done', attempts: 1 })
  t.ok(outcome.durationMs < 5000, `${outcome.durationMs} ms`)
})

t.test('what is not there yet is waited for', async (t) => {
  const [outcome] = await Promise.all([
    perform({ wait: { ...web, until: running } }),
    soon(() => api.seed([pod('other', 'Running'), pod('web', 'Running')])),
  ])
  t.match(outcome, { status: 'done' })
})

t.test('with labels all must be as wanted, and as many as minCount says', async (t) => {
  api.seed([pod('a', 'Running')])
  const [outcome] = await Promise.all([
    perform({
      wait: { ...some, until: running, minCount: 2 },
      outputs: [{ name: 'count', expression: 'response.objects.size()' }],
    }),
    soon(() => api.seed([pod('b', 'Running')])),
  ])
  t.match(outcome, { status: 'done', outputs: { count: 2 } })
})

t.test('gone: until the last of them is deleted', async (t) => {
  api.seed([pod('a', 'Running'), pod('b', 'Running')])
  const [outcome] = await Promise.all([
    perform({ wait: { ...some, gone: true } }),
    soon(() => call('DELETE', '/api/v1/namespaces/shop/pods')),
  ])
  t.match(outcome, { status: 'done', message: /^waited .* to be gone$/ })
})

t.test(
  'when the time ends, what was wanted and what was seen last are told; nothing had an effect',
  async (t) => {
    api.seed([pod('web', 'Pending')])
    t.match(await perform({ timeoutSeconds: 1, wait: { ...web, until: running } }), {
      status: 'failed',
      cause: 'timeout',
      mayHaveHadEffect: false,
      message:
        'wait for v1 Pod shop/web (until object.status.phase == \'Running\'): not so of Pod shop/web: status.phase is "Pending"; the action had 1.0 s (timeoutSeconds)',
    })
  },
)

t.test('an action that is stopped says what it waited for', async (t) => {
  const stop = new AbortController()
  const [outcome] = await Promise.all([
    perform({ wait: { ...web, until: running } }, { signal: stop.signal }),
    soon(() => stop.abort()),
  ])
  t.match(outcome, { status: 'failed', cause: 'aborted', message: /: Pod web is not there$/ })
})

t.test('watches that break are begun again, and what was missed is seen', async (t) => {
  api.seed([pod('web', 'Pending')])
  const [outcome] = await Promise.all([
    perform({ wait: { ...web, until: running } }),
    soon(() => {
      api.faults.dropWatches({ resource: 'pods' })
      api.seed([pod('web', 'Running')])
    }),
  ])
  t.match(outcome, { status: 'done' })
})

t.test('an API server that is not well for a moment is asked again', async (t) => {
  api.seed([pod('web', 'Running')])
  api.faults.add({ match: { verb: 'list', resource: 'pods' }, nth: 1, effect: { kind: 'answer', code: 503 } })
  t.match(await perform({ wait: { ...web, until: running } }), { status: 'done' })
})

t.test('rights on one object by its name are enough to wait for it', async (t) => {
  const one = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'one' }
  api.seed([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'shop' }, data: {} }])
  t.match(await perform({ wait: { ...one, until: "object.metadata.name == 'one'" } }), { status: 'done' })
})

for (const [name, { wait, want }] of Object.entries({
  'the right to list': {
    wait: { ...web, kind: 'Endpoints', gone: true },
    want: /answered 403 .* Give the account the verb list on endpoints in namespace shop \(for web: /,
  },
  'the right to watch': {
    wait: { ...web, kind: 'Service', until: 'true' },
    want: /answered 403 .* Give the account the verb watch on services in namespace shop \(for web: /,
  },
  'a kind of that name': { wait: { ...web, kind: 'Pood', gone: true }, want: /Pood/ },
}))
  t.test(`what waiting cannot mend ends it at once: ${name} is lacking`, async (t) => {
    const outcome = await perform({ wait })
    t.match(outcome, { status: 'failed', cause: 'answer', mayHaveHadEffect: false, message: want })
    t.ok(outcome.durationMs < 5000, `${outcome.durationMs} ms`)
  })

t.test('a dry run waits for nothing', async (t) => {
  const outcome = await perform({ wait: { ...web, until: running } }, { renderOnly: true, rehearse: true })
  t.match(outcome, {
    status: 'done',
    message: "would wait for v1 Pod shop/web (until object.status.phase == 'Running')",
  })
})
