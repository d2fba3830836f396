import t from 'tap'
import { parseConfig } from '../../src/config.ts'
import { keptAction, keptRun, readable, refOf } from '../../src/wiring/caches.ts'
import { installOf } from '../../src/wiring/install.ts'
import { anActionObject, aRun, aRunObject } from '../support/build.ts'
import { FakeLog } from '../support/fake-log.ts'

t.test('an Action is kept parsed, with its stamp and when its spec was last written', async (t) => {
  const object = anActionObject({ name: 'a', annotations: { 'tidewaiter.io/author': 'stamp' } })
  t.match(keptAction(object), {
    name: 'a',
    action: { spec: { stage: 'PreBackup' } },
    stamp: 'stamp',
    changedAt: Date.UTC(2026, 0, 1),
  })
  const managedFields = [
    { time: '2026-01-03T00:00:00Z', fieldsV1: { 'f:spec': {} } },
    { time: '2026-01-05T00:00:00Z', fieldsV1: { 'f:status': {} } },
    { time: 'never', fieldsV1: { 'f:spec': {} } },
  ]
  t.match(keptAction({ ...anActionObject(), metadata: { ...anActionObject().metadata, managedFields } }), {
    stamp: undefined,
    changedAt: Date.UTC(2026, 0, 3),
  })
})

t.test(
  'an Action that cannot be understood is kept as that, never as none, with what its status says already',
  async (t) => {
    const conditions = [
      {
        type: 'Accepted',
        status: 'False',
        reason: 'Invalid',
        message: 'm',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ]
    const { spec, ...rest } = anActionObject({ name: 'a' })
    t.match(keptAction({ ...rest, spec: { ...spec, stage: 'Never' }, status: { conditions } }), {
      name: 'a',
      problem: /spec.stage/,
      status: { conditions },
    })
    t.match(keptAction({ ...rest, spec: {}, status: 7 }), {
      name: 'a',
      problem: /spec.stage/,
      stamp: undefined,
    })
    const annotations = { 'tidewaiter.io/author': 'stamp' }
    t.match(keptAction({ ...anActionObject({ name: 'a', annotations }), spec: {} }), { stamp: 'stamp' })
  },
)

t.test('an install has its names; one outside a cluster has an id that stays the same', async (t) => {
  t.match(installOf(parseConfig({}, {})), {
    name: 'tidewaiter',
    namespace: 'tidewaiter',
    outside: false,
    clientConfig: { service: { namespace: 'tidewaiter', name: 'tidewaiter' } },
    names: ['tidewaiter.tidewaiter.svc', 'tidewaiter.tidewaiter.svc.cluster.local'],
  })
  const outside = (url: string, namespace = 'velero') =>
    installOf(parseConfig({ 'webhook-url': url, 'velero-namespace': namespace }, {}))
  const one = outside('https://127.0.0.1:9443')
  t.match(one, {
    name: /^tidewaiter-dev-[0-9a-f]{8}$/,
    namespace: 'velero',
    outside: true,
    clientConfig: { url: 'https://127.0.0.1:9443' },
    names: ['127.0.0.1'],
  })
  t.same(outside('https://127.0.0.1:9443/'), one)
  t.not(outside('https://127.0.0.1:9444').name, one.name)
  t.not(outside('https://127.0.0.1:9443', 'other').name, one.name)
  t.same(outside('https://[::1]:9443').names, ['::1'])
})

t.test('a run that cannot be understood is kept as that and logged, never as none', async (t) => {
  const log = new FakeLog()
  const raw = aRunObject()
  t.match(keptRun(raw, log), { spec: { stage: 'PreBackup' }, status: {} })
  t.same(log.lines, [])
  const { uid } = aRun().spec.objectRef
  const kept = keptRun({ ...raw, spec: { ...aRun().spec, stage: 'Never' } }, log)
  t.match(kept, { name: aRun().metadata.name, objectRef: { kind: 'Backup', uid }, problem: /spec.stage/ })
  t.match(log.lines, [/^error an ActionRun cannot be understood/])
  t.same(readable([kept]), [])
  t.equal(refOf(kept).uid, uid)
  t.match(keptRun({ metadata: { name: 'x' } }, log), { name: 'x', objectRef: { uid: '' }, problem: /spec/ })
})
