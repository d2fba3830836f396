/**
 * The guard on a real API server, in a namespace of its own where no Velero moves anything: every rule refuses and passes.
 * TIDEWAITER_E2E_KUBECONFIG: an administrator. Users are impersonated; their rights are real.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { guardCanaryMessage, guardCanaryName, guardOf } from '../../src/core/guard.ts'
import {
  build,
  guardCases,
  rights,
  type Kind,
  type Parts,
  type Step,
  type User,
} from '../deploy/guard-cases.ts'
import { Replica } from '../support/replicas.ts'
import { type Loose, addressOf, must, pathOf, startClient, type Answer } from './guard-client.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
if (kubeconfig === undefined) {
  t.pass('skipped', { skip: 'TIDEWAITER_E2E_KUBECONFIG names no API server' })
  process.exit(0)
}
// Its own for each run: the former one may still be going.
const namespace = `tidewaiter-e2e-guard-${process.pid}`
const ours = `system:serviceaccount:${namespace}:tidewaiter`

const userNames: Readonly<Record<User, string | undefined>> = {
  admin: undefined,
  alice: 'e2e-alice',
  skipper: 'e2e-skipper',
  releaser: 'e2e-releaser',
  driver: 'e2e-driver',
  velero: `system:serviceaccount:${namespace}:velero`,
  ours,
}

const client = await startClient(kubeconfig)
t.teardown(client.stop)
type To = readonly ['GET' | 'POST' | 'PATCH' | 'DELETE', string]
const call = (as: User, [method, path]: To, body?: unknown): Promise<Answer> =>
  client.call(method, path, { as: userNames[as], body })

const install = (object: unknown) => must(call('admin', ['POST', pathOf(object)], object), [409])
const objects = (path: string): readonly unknown[] =>
  parseAllDocuments(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).map((one) =>
    one.toJSON(),
  )

const everyday = [
  { apiGroups: ['velero.io'], resources: ['backups', 'restores', 'schedules'], verbs: ['*'] },
  {
    apiGroups: ['tidewaiter.io'],
    resources: ['actionruns', 'actionruns/status'],
    verbs: ['get', 'create', 'update', 'patch', 'delete'],
  },
  { apiGroups: ['tidewaiter.io'], resources: ['admissiondecisions'], verbs: ['create', 'delete'] },
]
const roleOf = (user: User) => [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: user, namespace },
    rules: [...everyday, ...rights[user]],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: user, namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: user },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: userNames[user] }],
  },
]

const guard = guardOf({ name: namespace, namespaces: [namespace], accounts: [ours] })
await install({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
for (const file of ['actions', 'actionruns', 'admissiondecisions'])
  for (const crd of objects(`deploy/crds/${file}.yaml`)) await install(crd)
for (const user of ['alice', 'skipper', 'releaser', 'driver', 'velero', 'ours'] as const)
  for (const one of roleOf(user)) await install(one)
for (const one of guard) {
  await must(call('admin', ['DELETE', addressOf(one)]), [404])
  await install(one)
}
t.teardown(async () => {
  for (const one of guard) await call('admin', ['DELETE', addressOf(one)])
  // Velero would take its finalizer off; it does not look into this namespace.
  const restores = pathOf(make('Restore'))
  for (const { metadata } of (await call('admin', ['GET', restores])).body.items) {
    await call('admin', ['PATCH', `${restores}/${metadata.name}`], { metadata: { finalizers: null } })
  }
  await call('admin', ['DELETE', `/api/v1/namespaces/${namespace}`])
})

let count = 0
const make = (kind: Kind, parts: Parts = {}): Loose =>
  build(kind, parts, { namespace, name: `e${process.pid}-${count++}` })
const create = (as: User, object: unknown): Promise<Answer> => call(as, ['POST', pathOf(object)], object)
const patch = (as: User, object: Loose, body: unknown): Promise<Answer> =>
  call(as, ['PATCH', addressOf(object)], body)
/** Makes an object, as an administrator may. */
const given = async (kind: Kind, parts: Parts = {}): Promise<Loose> =>
  (await must(create(kind === 'ActionRun' ? 'ours' : 'velero', make(kind, parts)))).body

const refused = (t: Test, answer: Answer, pattern: RegExp) => {
  t.equal(answer.status, 403, JSON.stringify(answer.body).slice(0, 300))
  t.match(answer.body.message, pattern)
}
const passes = (t: Test, answer: Answer) =>
  t.ok(answer.status < 300, JSON.stringify(answer.body).slice(0, 300))

// Before the first test: tap ends when all that it was given is done, and a test that comes after an await would be too late.
/** The phases that the CRD of this Velero knows: an older one has no queue. */
const known: readonly string[] = (
  await must(
    call('admin', ['GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/backups.velero.io']),
  )
).body.spec.versions[0].schema.openAPIV3Schema.properties.status.properties.phase.enum

// A policy acts about half a second after it was made.
const canary = (kind: Kind) =>
  call('admin', ['POST', `${pathOf(make(kind))}?dryRun=All`], make(kind, { name: guardCanaryName }))
for (const kind of ['Backup', 'Schedule', 'ActionRun'] as const) {
  for (let tries = 0; tries < 100 && (await canary(kind)).status < 300; tries++) await sleep(100)
}
for (const kind of ['Backup', 'Restore', 'Schedule', 'ActionRun'] as const) {
  t.test(`the canary is denied: ${kind}`, async (t) =>
    refused(t, await canary(kind), new RegExp(guardCanaryMessage)),
  )
}

const act = async (as: User, step: Step): Promise<Answer> => {
  if ('create' in step) return create(as, make(step.kind, step.create))
  const address = addressOf(await given(step.kind, step.given))
  return call(as, ['PATCH', step.subresource === undefined ? address : `${address}/status`], step.patch)
}

const unknownPhase = (step: Step): string | false => {
  const phase = ['Queued', 'ReadyToStart'].find((one) => JSON.stringify(step).includes(`"${one}"`))
  return phase !== undefined && !known.includes(phase) && `this Velero has no phase ${phase}`
}

for (const [title, cases] of Object.entries(guardCases)) {
  t.test(`the guard on ${title}`, async (t) => {
    for (const [name, as, wanted, step] of cases) {
      const skip = unknownPhase(step)
      t.test(`${name}: ${as} ${wanted === 'passes' ? 'may' : 'may not'}`, { skip }, async (t) => {
        const answer = await act(as, step)
        if (wanted === 'passes') passes(t, answer)
        else refused(t, answer, wanted)
      })
    }
  })
}

t.test('whoever may delete a run may delete it', async (t) => {
  passes(t, await call('alice', ['DELETE', addressOf(await given('ActionRun'))]))
})

t.test('a refusal names the namespace in the way out', async (t) => {
  const answer = await create('alice', make('Backup', { annotations: { 'tidewaiter.io/pre': '{}' } }))
  t.match(answer.body.message, `kubectl label namespace ${namespace} tidewaiter.io/gate=off`)
})

t.test('a Backup with as many annotations as fit is judged, not failed', async (t) => {
  const many = Object.fromEntries(
    Array.from({ length: 9000 }, (_, index) => [`example.org/annotation-${index}`, 'x']),
  )
  passes(t, await create('alice', make('Backup', { annotations: many })))
})

t.test('the gate label switches the guard off, and on again', async (t) => {
  const gate = (value: string | null) =>
    must(
      call('admin', ['PATCH', `/api/v1/namespaces/${namespace}`], {
        metadata: { labels: { 'tidewaiter.io/gate': value } },
      }),
    )
  const until = async (open: boolean) => {
    for (let tries = 0; tries < 100 && (await canary('Backup')).status < 300 !== open; tries++)
      await sleep(100)
  }
  await gate('off')
  await until(true)
  passes(
    t,
    await patch('driver', await given('Backup', { annotations: { 'tidewaiter.io/hold': '{}' } }), {
      status: { phase: 'InProgress' },
    }),
  )
  await gate(null)
  await until(false)
  refused(
    t,
    await patch('driver', await given('Backup', { annotations: { 'tidewaiter.io/hold': '{}' } }), {
      status: { phase: 'InProgress' },
    }),
    /held, because/,
  )
})

// The last one: nothing can be made in a namespace that goes, and without controllers it stays so.
t.test('nobody deletes the record of a decision, until its namespace goes', async (t) => {
  const { ledger } = new Replica().decide({ namespace })
  const record = ledger.bodyOf(ledger.due(1)[0]!)
  refused(t, await create('alice', record), /written by tidewaiter only/)
  passes(t, await create('ours', record))
  const remove = (as: User) => call(as, ['DELETE', addressOf(record)])
  // Its policy has no canary: it is about deletions only, and may act later than the others.
  const tried = () => call('alice', ['DELETE', `${addressOf(record)}?dryRun=All`])
  for (let tries = 0; tries < 100 && (await tried()).status < 300; tries++) await sleep(100)
  for (const as of ['alice', 'velero', 'admin'] as const)
    refused(t, await remove(as), /deleted by tidewaiter only/)
  await must(call('admin', ['DELETE', `/api/v1/namespaces/${namespace}`]))
  // The API server may remember the namespace as it was for a moment.
  let answer = await remove('alice')
  for (let tries = 0; tries < 100 && answer.status === 403; tries++) {
    await sleep(100)
    answer = await remove('alice')
  }
  passes(t, answer)
})
