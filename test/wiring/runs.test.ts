import t from 'tap'
import { entries, specOf } from '../../src/core/run/rows.ts'
import { KubeError } from '../../src/kube/errors.ts'
import type { Calls } from '../../src/wiring/kinds.ts'
import { runOf, runsBy } from '../../src/wiring/runs.ts'
import { aPlannedAction, aRun, aRunObject } from '../support/build.ts'
import { FakeResource } from '../support/fake-resource.ts'

function store() {
  const resource = new FakeResource()
  // Runs ask for one collection only.
  const runs = runsBy({ own: () => resource } as unknown as Calls)
  return { resource, runs }
}
const fresh = {
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'ActionRun' as const,
  metadata: { name: 'r', namespace: 'velero', labels: {} },
  spec: aRun().spec,
}

t.test('a run is created once, read back and written with its resourceVersion', async (t) => {
  const { runs } = store()
  const made = await runs.create(fresh)
  t.match(made, { metadata: { name: 'r', resourceVersion: '11' } })
  t.equal(await runs.create(fresh), 'exists')
  const read = await runs.read('velero', 'r')
  t.same(read, made)
  t.equal(await runs.read('velero', 'none'), undefined)
  if (read === undefined) return
  t.match(await runs.write(read, { phase: 'Running' }), {
    status: { phase: 'Running' },
    metadata: { resourceVersion: '12' },
  })
  t.equal(await runs.write(read, { phase: 'Failed' }), 'conflict', 'whoever wrote in between wins')
  t.match(await runs.read('velero', 'r'), { status: { phase: 'Running' } })
})

t.test('a run that is gone is a value; any other failure is thrown', async (t) => {
  const { runs, resource } = store()
  t.equal(await runs.write(aRun(), { phase: 'Running' }), 'gone')
  for (const call of ['find', 'create', 'replaceStatus'])
    resource.fail(call, new KubeError('UNAVAILABLE', 'no answer'))
  await t.rejects(runs.read('velero', 'r'), { code: 'UNAVAILABLE' })
  await t.rejects(runs.create(fresh), { code: 'UNAVAILABLE' })
  await t.rejects(runs.write(aRun(), {}), { code: 'UNAVAILABLE' })
})

t.test('frozen specs are parsed when read: a default that came since is there', async (t) => {
  const { timeoutSeconds: _timeout, idempotent: _idempotent, ...older } = aPlannedAction().spec
  const parsed = runOf(aRunObject({ actions: [{ ...aPlannedAction(), spec: { ...older, futureField: 1 } }] }))
  const [entry] = 'ok' in parsed ? entries(parsed.ok.spec, parsed.ok.status) : []
  t.match(entry && specOf(entry.action), { timeoutSeconds: 10, idempotent: true, futureField: 1 })
})

t.test('a spec that cannot be performed is refused with its path, not believed', async (t) => {
  const actions = [
    {
      ...aPlannedAction(),
      spec: { stage: 'PreBackup', timeoutSeconds: 'ten', http: { url: 'https://a.example/' } },
    },
  ]
  t.match(runOf(aRunObject({ actions })), { problems: [{ path: 'spec.actions[0].spec.timeoutSeconds' }] })
  const { runs, resource } = store()
  resource.put({ ...aRunObject({ name: 'r', actions }) })
  await t.rejects(runs.read('velero', 'r'), {
    message: /spec.actions\[0\].spec.timeoutSeconds must be a whole number/,
  })
  t.match(runOf({ kind: 'Secret' }), { problems: [{}] })
})
