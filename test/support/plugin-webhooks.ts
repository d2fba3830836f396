/** The two webhooks about plugins behind an API server: real TLS, the registrations of an install, and what is known as a test has it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { createDeployments } from '../../src/admission/deployments.ts'
import type { Known } from '../../src/admission/plugin-ports.ts'
import { createPluginCheck } from '../../src/admission/plugins.ts'
import { buildAdmission } from '../../src/admission/server.ts'
import { crdOf } from '../../src/api/crd.ts'
import { veleroPluginKind } from '../../src/api/velero-plugin.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import type { PluginDocument } from '../../src/core/plugin/sources.ts'
import { registrationsOf, type Manifest } from '../../src/core/registration.ts'
import type { Verdict } from '../../src/core/verdict.ts'
import { systemClock } from '../../src/system-clock.ts'
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'
import type { Loose } from './asking.ts'
import { aHook, patching } from '../sandbox/apiserver/hook.ts'
import { FakeLog } from './fake-log.ts'
import { pluginPorts } from './fake-plugins.ts'

/** An answer of the API server. */
export type Told = { readonly status: number; readonly body: Loose; readonly warnings: readonly string[] }
/** A call by an administrator. */
export type Ask = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  about?: { readonly body?: unknown; readonly type?: string },
) => Promise<Told>

/** The webhooks of a namespace; a test says what is known, and sees what they were asked. */
export type PluginWebhooks = {
  known: Partial<Known>
  declared: readonly PluginDocument[]
  /** The reasons of the webhook on Deployments since the last look. */
  readonly reasons: () => readonly string[]
  /** Stops answering, and answers again. */
  readonly away: () => Promise<void>
}

const token = '0123456789abcdef0123456789abcdef'
const registrations = '/apis/admissionregistration.k8s.io/v1'
const pluralOf = ({ kind }: Manifest): string => `${kind.toLowerCase()}s`

/** Serves them, and registers them at the API server, for one namespace. */
export async function startPluginWebhooks(t: Test, ask: Ask, namespace: string): Promise<PluginWebhooks> {
  const seen: string[] = []
  const webhooks: PluginWebhooks = {
    known: {},
    declared: [],
    reasons: () => seen.splice(0),
    away: () => server.close(),
  }
  const plugins = pluginPorts(
    {},
    {
      known: async () => ({
        findings: [],
        problems: [],
        warnings: [],
        accountSecrets: [],
        ...webhooks.known,
      }),
      declared: async () => webhooks.declared,
    },
  )
  const common = { plugins, clock: systemClock }
  const deployments = createDeployments(common)
  const noting = async (request: AdmissionRequest): Promise<Verdict> => {
    const verdict = await deployments(request)
    seen.push(verdict.reason)
    return verdict
  }
  const server = buildAdmission({
    handlers: [
      { path: '/deployments', handle: noting },
      { path: '/plugins', handle: createPluginCheck({ ...common, isVelero: () => false }) },
    ],
    log: new FakeLog(),
    clock: systemClock,
    pathPrefix: () => [token],
    limits: { drainMs: 0, graceMs: 1_000 },
  })
  const now = systemClock.now()
  const authority = await mintAuthority({ name: 'test', now })
  const tls = await mintLeaf({ authority, names: ['127.0.0.1'], now })
  const { port } = await server.listen({ host: '127.0.0.1', port: 0, tls })
  t.teardown(() => server.close())
  const manifests = registrationsOf({
    name: `tidewaiter-${namespace}`,
    namespaces: [namespace],
    clientConfig: { url: `https://127.0.0.1:${port}` },
    token,
    caBundle: authority.cert,
  })
  await define(ask)
  for (const manifest of manifests) {
    const at = `${registrations}/${pluralOf(manifest)}`
    t.teardown(() => ask('DELETE', `${at}/${manifest.metadata.name}`))
    t.match(await ask('POST', at, { body: manifest }), { status: 201 })
  }
  return webhooks
}

/** Installs the kind VeleroPlugin where it is not there, and waits until it is served. */
async function define(ask: Ask): Promise<void> {
  await ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: crdOf(veleroPluginKind),
  })
  const path = '/apis/tidewaiter.io/v1beta1/veleroplugins'
  for (let tries = 0; tries < 100 && (await ask('GET', path)).status !== 200; tries += 1) await sleep(100)
}

/** A mutating webhook that comes after ours, on Deployments with these labels; it patches as it is told. */
export async function startMeddler(
  t: Test,
  { ask, namespace, labels }: { readonly ask: Ask; readonly namespace: string; readonly labels: object },
): Promise<{ patch: readonly unknown[] }> {
  const meddler: { patch: readonly unknown[] } = { patch: [] }
  const hook = await aHook(t, () => patching(...meddler.patch))
  const at = `${registrations}/mutatingwebhookconfigurations`
  // Webhooks are asked in the order of the names of their configurations.
  const metadata = { name: `zz-${namespace}` }
  const webhook = {
    name: 'meddler.example.com',
    clientConfig: { url: `${hook.url}/`, caBundle: hook.caBundle },
    rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['CREATE'] }],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    objectSelector: { matchLabels: labels },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  }
  const body = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata,
    webhooks: [webhook],
  }
  t.teardown(() => ask('DELETE', `${at}/${metadata.name}`))
  t.match(await ask('POST', at, { body }), { status: 201 })
  await untilHeard(ask, { namespace, labels, heard: hook.heard })
  return meddler
}

/** A registration acts a moment after it was made. */
async function untilHeard(
  ask: Ask,
  {
    namespace,
    labels,
    heard,
  }: { readonly namespace: string; readonly labels: object; readonly heard: readonly unknown[] },
): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments?dryRun=All`
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'c:1' }] } }
  const spec = { selector: { matchLabels: { a: 'b' } }, template }
  const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'canary', labels }, spec }
  for (let tries = 0; tries < 100 && heard.length === 0; tries += 1) {
    await ask('POST', path, { body })
    await sleep(50)
  }
}
