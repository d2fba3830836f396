import t from 'tap'
import type { PluginPorts } from '../../src/admission/plugin-ports.ts'
import { createPluginCheck } from '../../src/admission/plugins.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import { readDocument, type PluginDocument } from '../../src/core/plugin/sources.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { veleroUser } from '../support/fake-gate.ts'
import { aWrite, pluginPorts } from '../support/fake-plugins.ts'

const aVeleroPlugin = (name: string, spec: object = { image: 'registry.example.com/acme/plugin:1.0' }) => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'VeleroPlugin',
  metadata: { name, namespace: 'velero' },
  spec,
})
const documentOf = (raw: unknown): PluginDocument => {
  const read = readDocument(raw)
  if (read.kind !== 'plugins') throw new Error('declares no plugins')
  return read.document
}
const config = {
  apiVersion: 'embeddedcluster.replicated.com/v1beta1',
  kind: 'Config',
  metadata: { name: 'app' },
  spec: { extensions: { velero: { plugins: [{ name: 'listed', image: 'ghcr.io/other/thing:1' }] } } },
}
const declaring = (...objects: readonly unknown[]) => ({
  declared: () => Promise.resolve(objects.map(documentOf)),
})
const mustNotAsk = { declared: () => Promise.reject(new Error('asked what is declared')) }

const ask = (
  object: unknown,
  ports: Partial<PluginPorts> = {},
  { clock = new FakeClock(), ...given }: Partial<AdmissionRequest> & { readonly clock?: FakeClock } = {},
) =>
  createPluginCheck({
    plugins: pluginPorts({}, ports),
    clock,
    isVelero: ({ username }) => username === veleroUser,
  })(aWrite(object, { receivedAt: clock.now(), ...given }))

t.test('a VeleroPlugin that can be used is accepted, beside others', async (t) => {
  const others = declaring(aVeleroPlugin('other', { image: 'ghcr.io/some/thing:1' }), config)
  t.match(await ask(aVeleroPlugin('acme'), others), { allowed: true, reason: 'PluginAccepted', warnings: [] })
})

t.test('one that cannot is refused with every problem and its path', async (t) => {
  const wrong = { image: 'registry.example.com/Acme/plugin:1.0', imagePullPolicy: 'Sometimes', surprise: 1 }
  const verdict = await ask(aVeleroPlugin('acme', wrong))
  t.match(verdict, { allowed: false, code: 422, reason: 'PluginInvalid' })
  const [head, ...lines] = verdict.message.split('\n')
  t.equal(head, 'VeleroPlugin velero/acme has 3 problems:')
  t.match(lines.sort(), [
    '- spec.image must have a repository in lower case, got "Acme/plugin"',
    /^- spec.imagePullPolicy must be .*got "Sometimes"/,
    /^- spec.surprise must /,
  ])
})

const twins: Readonly<Record<string, { readonly others: readonly unknown[]; readonly path: RegExp }>> = {
  'the repository of another VeleroPlugin, in another version': {
    others: [aVeleroPlugin('older', { image: 'registry.example.com/acme/plugin:0.9' })],
    path: /^- spec.image must not be a repository that another plugin has: VeleroPlugin velero\/older spec.image/,
  },
  'the name of a plugin in a list': {
    others: [
      {
        ...config,
        spec: { extensions: { velero: { plugins: [{ name: 'acme', image: 'ghcr.io/other/thing:1' }] } } },
      },
    ],
    path: /^- metadata.name must not be a name that another plugin has: Config app /,
  },
}
for (const [name, { others, path }] of Object.entries(twins))
  t.test(`one with ${name} is refused, and the other named`, async (t) => {
    const verdict = await ask(aVeleroPlugin('acme'), declaring(...others))
    t.match(verdict, { allowed: false, reason: 'PluginInvalid' })
    t.match(verdict.message.split('\n')[1], path)
  })

t.test('what is wrong with others is not told to who writes this one', async (t) => {
  const broken = aVeleroPlugin('broken', { image: '!' })
  t.match(await ask(aVeleroPlugin('acme'), declaring(broken)), { allowed: true })
})

t.test('an image with the initContainer name of another is accepted: it gets a suffix', async (t) => {
  const other = aVeleroPlugin('other', { image: 'quay.io/acme/plugin:1.0' })
  t.match(await ask(aVeleroPlugin('acme'), declaring(other)), { allowed: true })
})

t.test('a change is not compared with what it changes', async (t) => {
  const oldObject = aVeleroPlugin('acme')
  const next = aVeleroPlugin('acme', { image: 'registry.example.com/acme/plugin:2.0' })
  t.match(await ask(next, declaring(oldObject), { oldObject }), { allowed: true, reason: 'PluginAccepted' })
})

t.test(
  'an update that leaves the spec is let through unseen, also with the defaults written out',
  async (t) => {
    const broken = { image: '!' }
    const oldObject = aVeleroPlugin('acme', broken)
    const labelled = aVeleroPlugin('acme', {
      ...broken,
      imagePullPolicy: 'IfNotPresent',
      enforcement: 'Enforce',
    })
    t.match(await ask(labelled, mustNotAsk, { oldObject }), { allowed: true, reason: 'SpecUnchanged' })
  },
)

t.test("Velero's own account may bring back what it likes", async (t) => {
  const user = { username: veleroUser, groups: [], extra: {} }
  t.match(await ask(aVeleroPlugin('acme', { image: '!' }), mustNotAsk, { user }), {
    allowed: true,
    reason: 'PluginRestored',
  })
})

t.test('switched off, one is accepted unseen, with a warning that nothing will come of it', async (t) => {
  const off = { ...mustNotAsk, isOn: false }
  const verdict = await ask(aVeleroPlugin('acme', { image: '!' }), off)
  t.match(verdict, {
    allowed: true,
    reason: 'PluginsOff',
    warnings: [/switched off.*VELERO_PLUGINS_ENABLED=true/],
  })
  t.ok((verdict.warnings[0] ?? '').length <= 250)
})

t.test('what is no VeleroPlugin is none of ours', async (t) => {
  for (const object of [null, {}, { ...config, kind: 'Other' }])
    t.match(await ask(object, mustNotAsk), { allowed: true, reason: 'NotOurs' })
  t.match(await ask(aVeleroPlugin('acme'), mustNotAsk, { operation: 'DELETE' }), { reason: 'NotOurs' })
})

t.test('where it is not learned in time what else is declared, it is refused', async (t) => {
  const clock = new FakeClock()
  const asked = ask(aVeleroPlugin('acme'), { declared: () => new Promise<never>(() => {}) }, { clock })
  await clock.pass(4_500)
  t.match(await asked, { allowed: false, code: 504, reason: 'PluginsUnknown', message: /Try again/ })
})
