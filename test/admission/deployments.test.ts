import t from 'tap'
import { createDeployments } from '../../src/admission/deployments.ts'
import type { Known, PluginPorts } from '../../src/admission/plugin-ports.ts'
import { buildFence } from '../../src/admission/fence.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import { jsonPatch } from '../../src/sandbox/apiserver/patch/json-patch.ts'
import type { Json } from '../../src/sandbox/apiserver/json.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { aWrite, pluginPorts } from '../support/fake-plugins.ts'
import { aFinding, digestOf } from '../support/plugin-findings.ts'
import { aPlugin, charted, installed, withPodSpec, type Tree } from '../support/velero-deployments.ts'

const acme = aPlugin('registry.example.com/acme/plugin:1.0', { name: 'acme' })
const ready = [aFinding(acme, 'Ready', digestOf('1'))]

const ask = (
  object: unknown,
  known: Partial<Known> = { findings: ready },
  { clock = new FakeClock(), ...given }: Partial<AdmissionRequest> & { readonly clock?: FakeClock } = {},
  ports: Partial<PluginPorts> = {},
) =>
  createDeployments({ plugins: pluginPorts(known, ports), clock })(
    aWrite(object, { receivedAt: clock.now(), ...given }),
  )
const mustNotAsk = { known: () => Promise.reject(new Error('asked what is known')) }
const patchedBy = (object: Tree, patch: unknown): Tree => jsonPatch(object as Json, patch as Json) as Tree
const upgraded = withPodSpec(installed, (pod) => ({
  ...pod,
  containers: [{ ...pod['containers'][0], image: 'velero/velero:v1.19.0' }],
}))

t.test('a plugin that is Ready goes in, pinned, also in a dry run', async (t) => {
  for (const dryRun of [false, true]) {
    const verdict = await ask(installed, { findings: ready }, { dryRun })
    t.match(verdict, { allowed: true, reason: 'PluginsInjected', warnings: [] })
    const pod = patchedBy(installed, verdict.patch)['spec'].template.spec
    t.match(pod.initContainers, [
      { name: 'velero-velero-plugin-for-aws' },
      { name: 'acme-plugin', image: `registry.example.com/acme/plugin:1.0@${digestOf('1')}` },
    ])
    t.same(verdict.audit, { plugins: 'acme=Ready' })
  }
})

t.test('asked again with what it answered, it has nothing to add', async (t) => {
  const { patch } = await ask(installed)
  const again = await ask(patchedBy(installed, patch))
  t.match(again, { allowed: true, reason: 'PluginsCarried', patch: [] })
  t.same(again.patch, [])
})

t.test('a plugin that may not be carried refuses the write, with the reason', async (t) => {
  const verdict = await ask(charted, { findings: [aFinding(acme, 'NotReady', digestOf('1'))] })
  t.match(verdict, { allowed: false, code: 403, reason: 'PluginsRefused', patch: [] })
  t.match(
    verdict.message,
    /^tidewaiter refused Deployment velero\/velero: 1 plugin may not be carried:\n- plugin acme/,
  )
  t.same(verdict.audit, { plugins: 'acme=NotReady:ShapeValid/NoPlugin' })
})

t.test('a problem in what declares plugins refuses the write, and is told', async (t) => {
  const verdict = await ask(installed, { problems: ['VeleroPlugin velero/x: spec.image must be given'] })
  t.match(verdict, {
    allowed: false,
    reason: 'PluginsRefused',
    message: /1 problem .*\n- VeleroPlugin velero\/x: spec/,
  })
})

t.test('what is let in with a warning is told, and what the declarations warn of', async (t) => {
  const lax = aFinding({ ...acme, enforcement: 'Warn' }, 'Unknown')
  const { allowed, warnings } = await ask(installed, {
    findings: [lax],
    warnings: ['Config app: superseded'],
  })
  t.ok(allowed)
  t.match(warnings, [
    /^tidewaiter: plugin acme .*although ManifestReachable is Unknown/,
    'tidewaiter: Config app: superseded',
  ])
})

t.test(
  'a manifest without us, applied again, leaves the Deployment as it was, whatever is known now',
  async (t) => {
    const before = patchedBy(installed, (await ask(installed)).patch)
    const verdict = await ask(installed, {}, { oldObject: before }, mustNotAsk)
    t.match(verdict, { allowed: true, reason: 'PluginsPutBack', warnings: [] })
    t.same(patchedBy(installed, verdict.patch)['spec'], before['spec'])
  },
)

t.test('what is put back is not asked about again', async (t) => {
  const before = patchedBy(installed, (await ask(installed)).patch)
  const verdict = await ask(before, {}, { oldObject: before }, mustNotAsk)
  t.match(verdict, { allowed: true, reason: 'TemplateUnchanged' })
  t.same(verdict.patch, [])
})

t.test('what carries the plugin already keeps it when it is NotReady, beside another change', async (t) => {
  const findings = [aFinding(aPlugin('registry.example.com/acme/plugin:2.0', { name: 'acme' }), 'Unknown')]
  const before = patchedBy(installed, (await ask(installed)).patch)
  const verdict = await ask(upgraded, { findings }, { oldObject: before })
  t.match(verdict, { allowed: true, warnings: [/stays as it was/] })
  const pod = patchedBy(upgraded, verdict.patch)['spec'].template.spec
  t.match(pod.initContainers[1], { image: `registry.example.com/acme/plugin:1.0@${digestOf('1')}` })
})

const leftAlone: Readonly<
  Record<
    string,
    { readonly object: unknown; readonly given?: Partial<AdmissionRequest>; readonly reason: string }
  >
> = {
  'another operation': { object: installed, given: { operation: 'DELETE' }, reason: 'NotOurs' },
  'a Deployment without a server': {
    object: withPodSpec(installed, (pod) => ({ ...pod, containers: [{ name: 'ui', image: 'ui:1' }] })),
    reason: 'NotVelero',
  },
  'no object': { object: null, reason: 'NotVelero' },
  'a change of replicas': {
    object: { ...installed, spec: { ...installed['spec'], replicas: 0 } },
    given: { oldObject: installed },
    reason: 'TemplateUnchanged',
  },
}
for (const [name, { object, given = {}, reason }] of Object.entries(leftAlone))
  t.test(`${name} is let through, and nothing is looked at`, async (t) => {
    const verdict = await ask(object, {}, given, mustNotAsk)
    t.match(verdict, { allowed: true, reason })
    t.same(verdict.patch, [])
  })

t.test('switched off, everything passes as it is', async (t) => {
  const verdict = await ask(installed, {}, {}, { ...mustNotAsk, isOn: false })
  t.match(verdict, { allowed: true, reason: 'PluginsOff', warnings: [] })
  t.same(verdict.patch, [])
})

t.test('the look is told to end after four seconds, and may answer then with what it has', async (t) => {
  const clock = new FakeClock()
  const known = (_: unknown, signal: AbortSignal) =>
    new Promise<Known>((resolve) =>
      signal.addEventListener('abort', () =>
        resolve({ findings: ready, problems: [], warnings: [], accountSecrets: [] }),
      ),
    )
  const asked = ask(installed, {}, { clock }, { known })
  await clock.pass(3_999)
  t.equal(await Promise.race([asked, Promise.resolve('still looking')]), 'still looking')
  await clock.pass(1)
  t.match(await asked, { allowed: true, reason: 'PluginsInjected' })
})

t.test('a look that does not end refuses before the API server gives up, and says so', async (t) => {
  for (const [timeoutMs, endsAt] of [
    [10_000, 4_500],
    [4_000, 2_500],
  ] as const) {
    const clock = new FakeClock()
    const asked = ask(installed, {}, { clock, timeoutMs }, { known: () => new Promise<never>(() => {}) })
    await clock.pass(endsAt - 1)
    t.equal(await Promise.race([asked, Promise.resolve('still looking')]), 'still looking')
    await clock.pass(1)
    t.match(await asked, {
      allowed: false,
      code: 504,
      reason: 'PluginsUnknown',
      message: /did not learn in time .*Try again\. .*gate=off/,
    })
  }
})

t.test('the client who goes ends the look', async (t) => {
  const gone = new AbortController()
  const asked = ask(
    installed,
    {},
    { signal: () => gone.signal },
    { known: () => new Promise<never>(() => {}) },
  )
  gone.abort()
  t.match(await asked, { reason: 'PluginsUnknown' })
})

t.test('a fault of ours reaches the fence, and nothing is written', async (t) => {
  const log = new FakeLog()
  const fault = { known: () => Promise.reject(new TypeError('a fault of ours')) }
  const handle = () => ask(installed, {}, {}, fault)
  await t.rejects(handle(), { message: 'a fault of ours' })
  const cut = { reason: undefined, isLate: () => false, onCut: () => () => {} }
  const answer = await buildFence(log).ask({ path: '/deployments', handle }, aWrite(installed), cut)
  t.match(JSON.parse(answer), { response: { allowed: false, status: { code: 500 } } })
})
