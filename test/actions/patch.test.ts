/** The body `patch`, performed as an account on an API server: what is changed, what is kept before, and what is put back. */
import t, { type Test } from 'tap'
import { createPerformer } from '../../src/actions/perform.ts'
import type { Performance } from '../../src/actions/ports.ts'
import { enterRoom } from '../../src/actions/room.ts'
import type { ActionSpec } from '../../src/api/action.ts'
import type { PatchBody } from '../../src/api/patch-body.ts'
import { createCel } from '../../src/cel/cel.ts'
import type { Before } from '../../src/core/run/before.ts'
import { undoSpec } from '../../src/core/run/undo.ts'
import { systemClock } from '../../src/system-clock.ts'
import { aDeployment, ann, startAccounts, type Accounts } from '../support/accounts.ts'
import type { Loose } from '../support/asking.ts'
import { anActionSpec } from '../support/build.ts'
import { FakeLog } from '../support/fake-log.ts'
import { whenThorough } from '../support/runs.ts'
import { unchanged } from './support.ts'

const cel = createCel()

const aPatch = (given: Partial<PatchBody> = {}): PatchBody => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  namespace: 'shop',
  ...(given.selector === undefined ? { name: 'web' } : {}),
  type: 'merge',
  patch: {
    spec: { replicas: 0 },
    metadata: { annotations: { 'shop/frozen-by': '${backup.metadata.name}' } },
  },
  ...given,
})

/** A cluster, and one Action in it with what its run has kept. */
class Scene {
  readonly cluster: Accounts
  readonly spec: ActionSpec
  kept: Before | undefined
  readonly remembered: Before[] = []
  /** What stands in the way of keeping. */
  refused: string | undefined

  constructor(cluster: Accounts, patch: PatchBody, more: Partial<ActionSpec> = {}) {
    this.cluster = cluster
    const { http: _http, ...bare } = anActionSpec()
    this.spec = { ...bare, patch, serviceAccountName: 'deployer', undo: { revert: true }, ...more }
  }

  perform(given: Partial<Performance> = {}, undo = false) {
    const { actors } = this.cluster
    const perform = createPerformer({
      clock: systemClock,
      log: new FakeLog(),
      send: () => Promise.reject(new Error('nobody is called')),
      secret: async () => ({ refused: 'there is none' }),
      actor: (name) => actors(name, { author: ann, namespace: 'velero' }),
      evaluate: cel.evaluate,
      reads: cel.selections,
      userAgent: 'tidewaiter/test',
    })
    return perform({
      ...unchanged,
      action: { name: '10-freeze', spec: undo ? undoSpec(this.spec) : this.spec },
      idempotencyKey: 'u/PreBackup/10-freeze',
      traceparent: '',
      variables: { backup: { metadata: { name: 'b1' } }, outputs: {}, stage: 'PreBackup' },
      endsAt: systemClock.now() + 10_000,
      signal: new AbortController().signal,
      before: this.kept,
      remember: undo
        ? undefined
        : async (before) => {
            if (this.refused !== undefined) return { refused: this.refused }
            // As it is when it was written and read again.
            this.kept = JSON.parse(JSON.stringify(before)) as Before
            this.remembered.push(before)
            return { ok: true }
          },
      revert: undo && this.spec.undo?.revert === true,
      ...given,
    })
  }

  undo() {
    return this.perform({}, true)
  }

  read(name = 'web'): Loose {
    return this.cluster.api.read('apps/deployments', 'shop', name)
  }
}

async function scene(
  t: Test,
  patch: PatchBody,
  more: Partial<ActionSpec> = {},
  names = ['web'],
): Promise<Scene> {
  const labels = { tier: 'front' }
  return new Scene(
    await startAccounts(
      t,
      names.map((name) => aDeployment(name, { metadata: { labels } })),
    ),
    patch,
    more,
  )
}

t.test('a patch changes the object, tells which one, and shows nothing of what is in it', async (t) => {
  const made = await scene(t, aPatch(), { outputs: [{ name: 'all', expression: 'response.objects' }] })
  const outcome = await made.perform()
  t.match(outcome, {
    status: 'done',
    attempts: 1,
    message: 'PATCH apps/v1 Deployment shop/web: web',
    request:
      /^PATCH apps\/v1 Deployment shop\/web\nContent-Type: application\/merge-patch\+json\nAs: ServiceAccount velero\/deployer\n\n\{"spec":/,
  })
  const { metadata, spec } = made.read()
  t.match([spec.replicas, metadata.annotations], [0, { 'shop/frozen-by': 'b1' }])
  t.same(outcome.status === 'done' && outcome.outputs, {
    all: [
      {
        name: 'web',
        namespace: 'shop',
        resourceVersion: metadata.resourceVersion,
        generation: metadata.generation,
      },
    ],
  })
})

t.test('the undo puts back what was there, and leaves what others changed since', async (t) => {
  const made = await scene(t, aPatch())
  const before = made.read()
  t.match(await made.perform(), { status: 'done' })
  await made.cluster.call('PATCH', '/apis/apps/v1/namespaces/shop/deployments/web', {
    body: { spec: { paused: true }, metadata: { annotations: { other: 'x' } } },
    type: 'application/merge-patch+json',
  })
  t.match(await made.undo(), {
    status: 'done',
    message:
      'putting back what was there before PATCH apps/v1 Deployment shop/web: web put back metadata.annotations["shop/frozen-by"], spec.replicas',
  })
  const { metadata, spec } = made.read()
  t.same([spec.replicas, spec.paused, metadata.annotations], [before.spec.replicas, true, { other: 'x' }])
  const version = metadata.resourceVersion
  t.match(await made.undo(), { status: 'done' }, 'again it does no harm')
  t.equal(made.read().metadata.resourceVersion, version)
})

t.test('a field that somebody else changed since is left as it is, and the undo says so', async (t) => {
  const made = await scene(t, aPatch())
  await made.perform()
  await made.cluster.call('PATCH', '/apis/apps/v1/namespaces/shop/deployments/web', {
    body: { spec: { replicas: 5 } },
    type: 'application/merge-patch+json',
  })
  t.match(await made.undo(), {
    status: 'done',
    message: /left spec\.replicas: changed by somebody else since/,
  })
  t.match(made.read(), { spec: { replicas: 5 } })
  t.equal(made.read().metadata.annotations, undefined, 'what is ours is put back')
})

t.test('an object that is gone, or another one of its name, is done with', async (t) => {
  const made = await scene(t, aPatch())
  await made.perform()
  await made.cluster.call('DELETE', '/apis/apps/v1/namespaces/shop/deployments/web')
  t.match(await made.undo(), { status: 'done', message: /web is gone/ })
  made.cluster.api.seed([aDeployment('web', { spec: { replicas: 0 } })])
  t.match(await made.undo(), { status: 'done', message: /web is another object now, and was left alone/ })
  t.equal(made.read().spec.replicas, 0)
})

t.test('what was there is kept before anything is changed; where it cannot be, nothing is', async (t) => {
  const made = await scene(t, aPatch())
  made.refused = 'the record of this run is full'
  const { resourceVersion } = made.read().metadata
  t.match(await made.perform(), {
    status: 'failed',
    cause: 'answer',
    mayHaveHadEffect: false,
    message: /the record of this run is full/,
  })
  t.equal(made.read().metadata.resourceVersion, resourceVersion)
  t.match(await made.undo(), { status: 'done', message: /nothing was changed/ })
})

t.test('a write of what was there that fails sends nothing, and the action may be begun again', async (t) => {
  const made = await scene(t, aPatch({ selector: { matchLabels: { tier: 'front' } } }), {}, ['a', 'b'])
  const remember = () => Promise.reject(new Error('PUT got no answer'))
  const { resourceVersion } = made.read('a').metadata
  t.match(await made.perform({ remember }), {
    status: 'failed',
    cause: 'internal',
    mayHaveHadEffect: false,
    message: /what was there could not be written down, so nothing was changed then: PUT got no answer/,
  })
  t.equal(made.read('a').metadata.resourceVersion, resourceVersion)
  const conflict = { kind: 'answer', code: 409, reason: 'Conflict', message: 'modified' } as const
  // Two are looked at by a dry run first; a is patched, b is looked at again.
  made.cluster.api.faults.add({ match: { verb: 'patch' }, nth: 4, effect: conflict })
  let writes = 0
  const outcome = await made.perform({
    remember: async () => {
      writes += 1
      if (writes === 1)
        made.cluster.api.seed([aDeployment('b', { metadata: { labels: { tier: 'front', by: 'else' } } })])
      return writes === 1 ? { ok: true } : remember()
    },
  })
  t.match(outcome, { mayHaveHadEffect: true, message: /PUT got no answer; patched before that: a$/ })
})

t.test('only the fields that the patch changes are kept', async (t) => {
  const made = await scene(t, aPatch())
  await made.perform()
  t.match(made.kept, {
    objects: [
      {
        name: 'web',
        changes: [
          { path: ['metadata', 'annotations', 'shop/frozen-by'], after: 'b1' },
          { path: ['spec', 'replicas'], before: 3, after: 0 },
        ],
      },
    ],
  })
  t.notMatch(JSON.stringify(made.kept), /image|MODE/)
})

t.test(
  'an owner that ends after it kept, or after it patched, loses nothing of what was there',
  async (t) => {
    for (const effect of [{ kind: 'cut' }, { kind: 'cut-answer' }] as const) {
      const made = await scene(t, aPatch())
      const remove = made.cluster.api.faults.add({
        match: { verb: 'patch', resource: 'deployments' },
        nth: 2,
        effect,
      })
      t.match(
        await made.perform(),
        { status: 'failed', cause: 'network', mayHaveHadEffect: true },
        effect.kind,
      )
      remove()
      const [kept] = made.remembered
      t.match(await made.perform(), { status: 'done' }, 'the next owner goes on')
      t.equal(made.read().spec.replicas, 0)
      t.same(made.kept, JSON.parse(JSON.stringify(kept)), 'what was there first is what counts')
      await made.undo()
      t.equal(made.read().spec.replicas, 3)
    }
  },
)

t.test('a json patch that adds is not added twice', async (t) => {
  const env = '/spec/template/spec/containers/0/env/-'
  const json = aPatch({
    type: 'json',
    patch: [{ op: 'add', path: env, value: { name: 'FROZEN', value: '${stage}' } }],
  })
  const made = await scene(t, json, { undo: {} })
  made.cluster.api.faults.add({
    match: { verb: 'patch', resource: 'deployments' },
    nth: 2,
    effect: { kind: 'cut-answer' },
  })
  t.match(await made.perform(), { status: 'failed', mayHaveHadEffect: true })
  t.match(await made.perform(), { status: 'done', message: /web \(1 were so already\)/ })
  t.same(made.read().spec.template.spec.containers[0].env, [
    { name: 'MODE', value: 'rw' },
    { name: 'FROZEN', value: 'PreBackup' },
  ])
})

/** Of the Deployment, as a person would. */
const write = (made: Scene, annotations: Readonly<Record<string, string>>) =>
  made.cluster.call('PATCH', '/apis/apps/v1/namespaces/shop/deployments/web', {
    body: { metadata: { annotations } },
    type: 'application/merge-patch+json',
  })
const annotations = (a: string, b: string, c: string) => ({ a, b, c })

for (const type of ['merge', 'apply'] as const)
  for (const [what, person, back] of [
    ['some', { b: '5', c: '5' }, annotations('0', '5', '5')],
    ['what it had not changed', { c: '5' }, annotations('0', '0', '5')],
    ['all', annotations('5', '5', '5'), annotations('5', '5', '5')],
    ['nothing', {}, annotations('0', '0', '1')],
  ] as const)
    t.test(
      `of a ${type} patch that is done again after somebody wrote ${what}, that is put back`,
      async (t) => {
        const patch = { metadata: { annotations: annotations('1', '1', '1') } }
        const made = await scene(t, aPatch({ type, patch, ...(type === 'apply' ? { force: true } : {}) }))
        await write(made, annotations('0', '0', '1'))
        const remove = made.cluster.api.faults.add({
          match: { verb: 'patch', resource: 'deployments' },
          nth: 2,
          effect: { kind: 'cut-answer' },
        })
        t.match(await made.perform(), { status: 'failed', mayHaveHadEffect: true })
        remove()
        await write(made, person)
        t.match(await made.perform(), { status: 'done' })
        t.same(made.read().metadata.annotations, annotations('1', '1', '1'), 'it is made')
        t.match(await made.undo(), { status: 'done' })
        t.same(made.read().metadata.annotations, back)
      },
    )

const listOfArgs = '/spec/template/spec/containers/0/args'
const adds = aPatch({ type: 'json', patch: [{ op: 'add', path: `${listOfArgs}/-`, value: 'y' }] })
const setArgs = (made: Scene, args: readonly string[]) =>
  made.cluster.call('PATCH', '/apis/apps/v1/namespaces/shop/deployments/web', {
    body: [{ op: 'add', path: listOfArgs, value: args }],
    type: 'application/json-patch+json',
  })
/** Keeps what was there, and then lets something happen, once. */
function keepingThen(made: Scene, happens: () => Promise<unknown>): Performance['remember'] {
  let once = true
  return async (before) => {
    made.kept = before
    if (once) await happens()
    once = false
    return { ok: true }
  }
}
const argsOf = (made: Scene): unknown => made.read().spec.template.spec.containers[0].args

t.test(
  'a json patch that may have been made, to a list that somebody changed since, is not made again',
  async (t) => {
    const made = await scene(t, adds)
    await setArgs(made, ['x'])
    const remove = made.cluster.api.faults.add({
      match: { verb: 'patch' },
      nth: 2,
      effect: { kind: 'cut-answer' },
    })
    t.match(await made.perform(), { status: 'failed', mayHaveHadEffect: true })
    remove()
    await setArgs(made, ['x', 'y', 'z'])
    t.match(await made.perform(), {
      status: 'failed',
      cause: 'answer',
      mayHaveHadEffect: true,
      message: /shop\/web may have been patched before, and somebody changed the same fields since/,
    })
    t.same(argsOf(made), ['x', 'y', 'z'])
    t.match(await made.undo(), { status: 'done', message: /changed by somebody else since/ })
  },
)

t.test('a json patch that the API server refused is made, whatever somebody wrote meanwhile', async (t) => {
  const made = await scene(t, adds)
  await setArgs(made, ['x'])
  t.match(await made.perform({ remember: keepingThen(made, () => setArgs(made, ['x', 'z'])) }), {
    status: 'done',
    attempts: 1,
  })
  t.same(argsOf(made), ['x', 'z', 'y'])
  await made.undo()
  t.same(argsOf(made), ['x', 'z'])
})

t.test(
  'a patch that was delivered twice is made once, and what was there before it is put back',
  async (t) => {
    // The second delivery conflicts with the first, and its answer is the one that is heard.
    const json = await scene(t, adds)
    await setArgs(json, ['x'])
    t.match(await json.perform({ remember: keepingThen(json, () => setArgs(json, ['x', 'y'])) }), {
      status: 'done',
    })
    t.same(argsOf(json), ['x', 'y'])
    await json.undo()
    t.same(argsOf(json), ['x'])
    const patch = { metadata: { annotations: annotations('1', '1', '1') } }
    const merge = await scene(t, aPatch({ type: 'merge', patch }))
    await write(merge, annotations('0', '0', '1'))
    const first = () => write(merge, annotations('1', '1', '1'))
    t.match(await merge.perform({ remember: keepingThen(merge, first) }), { status: 'done' })
    await merge.undo()
    t.same(merge.read().metadata.annotations, annotations('0', '0', '1'))
  },
)

t.test('a json patch that an owner kept and never sent is made by the next', async (t) => {
  const made = await scene(t, adds)
  await setArgs(made, ['x'])
  const remove = made.cluster.api.faults.add({ match: { verb: 'patch' }, nth: 2, effect: { kind: 'cut' } })
  t.match(await made.perform(), { status: 'failed', mayHaveHadEffect: true })
  remove()
  t.match(await made.perform(), { status: 'done' })
  t.same(argsOf(made), ['x', 'y'])
})

t.test('a json patch is put back too', async (t) => {
  const env = '/spec/template/spec/containers/0/env'
  const made = await scene(
    t,
    aPatch({
      type: 'json',
      patch: [
        { op: 'test', path: `${env}/0/name`, value: 'MODE' },
        { op: 'replace', path: `${env}/0/value`, value: 'ro' },
        { op: 'remove', path: '/spec/template/spec/containers/1' },
      ],
    }),
  )
  const { spec } = made.read()
  t.match(await made.perform(), { status: 'done' })
  t.match(made.read().spec.template.spec.containers, [{ env: [{ value: 'ro' }] }])
  await made.undo()
  t.same(made.read().spec, spec)
})

t.test('an object that is written at the same moment is looked at again', async (t) => {
  const made = await scene(t, aPatch())
  const { api } = made.cluster
  // Between the look and the patch: the version that was looked at is not the newest any more.
  let once = true
  const patched = made.perform({
    remember: async (before) => {
      made.kept = before
      if (once) api.seed([{ ...made.read(), metadata: { ...made.read().metadata, labels: { by: 'else' } } }])
      once = false
      return { ok: true }
    },
  })
  t.match(await patched, { status: 'done', attempts: 1 })
  t.match(made.read(), { spec: { replicas: 0 }, metadata: { labels: { by: 'else' } } })
})

t.test('one that never rests is a conflict, which the retry policy may name', async (t) => {
  const made = await scene(t, aPatch(), {
    retry: { limit: 1, retryOn: ['409'], initialSeconds: 0, factor: 1, maxSeconds: 1 },
  })
  const conflict = { kind: 'answer', code: 409, reason: 'Conflict', message: 'modified' } as const
  made.cluster.api.faults.add({ match: { verb: 'patch' }, times: 3, effect: conflict })
  t.match(await made.perform(), { status: 'done', attempts: 2 })
})

t.test('objects with labels are patched in the order of their names, and all put back', async (t) => {
  const selector = { matchLabels: { tier: 'front' } }
  const made = await scene(t, aPatch({ selector }), {}, ['b', 'a', 'c'])
  const order: string[] = []
  made.cluster.api.onRequest(({ method, url, info }) => {
    if (method === 'PATCH' && !url.includes('dryRun')) order.push(info.name)
  })
  t.match(await made.perform(), {
    status: 'done',
    message: 'PATCH apps/v1 Deployment shop/*[tier=front]: a, b, c',
  })
  await made.undo()
  t.same(order, ['a', 'b', 'c', 'c', 'b', 'a'])
  for (const name of ['a', 'b', 'c']) t.equal(made.read(name).spec.replicas, 3)
})

t.test('one that fails stops the others, and says what was patched before it', async (t) => {
  const made = await scene(t, aPatch({ selector: { matchLabels: { tier: 'front' } } }), {}, ['a', 'b', 'c'])
  // Three are looked at by a dry run first.
  made.cluster.api.faults.add({
    match: { verb: 'patch' },
    nth: 5,
    effect: { kind: 'answer', code: 403, message: 'no' },
  })
  t.match(await made.perform(), {
    status: 'failed',
    mayHaveHadEffect: true,
    message: /Deployment shop\/b .*answered 403 .*; patched before that: a$/,
  })
  t.same(
    ['a', 'b', 'c'].map((name) => made.read(name).spec.replicas),
    [0, 3, 3],
  )
  await made.undo()
  t.same(
    ['a', 'b', 'c'].map((name) => made.read(name).spec.replicas),
    [3, 3, 3],
  )
})

t.test('labels that no object has are no failure; those that too many have change nothing', async (t) => {
  const none = await scene(t, aPatch({ selector: { matchLabels: { tier: 'none' } } }))
  t.match(await none.perform(), { status: 'done', message: /no object has these labels/ })
  const names = Array.from({ length: 101 }, (_, i) => `web-${i}`)
  const many = await scene(t, aPatch({ selector: { matchLabels: { tier: 'front' } } }), {}, names)
  t.match(await many.perform(), {
    status: 'failed',
    mayHaveHadEffect: false,
    message: /at most 100 objects .* got more/,
  })
  t.equal(many.read('web-0').spec.replicas, 3)
})

t.test('an apply patches what is there, and never makes a new object', async (t) => {
  const apply = aPatch({ type: 'apply', patch: { metadata: { labels: { frozen: 'yes' } } } })
  const made = await scene(t, apply)
  t.match(await made.perform(), { status: 'done' })
  t.match(made.read().metadata.labels, { frozen: 'yes', tier: 'front' })
  const { body } = await made.cluster.call('GET', '/apis/apps/v1/namespaces/shop/deployments/web')
  t.match(body.metadata.managedFields, [{ manager: 'tidewaiter:10-freeze', operation: 'Apply' }])
  await made.undo()
  t.same(made.read().metadata.labels, { tier: 'front' })
  const { name: _name, ...rest } = apply
  const absent = new Scene(made.cluster, { ...rest, name: 'none' }, { undo: {} })
  t.match(await absent.perform(), {
    status: 'failed',
    message: /Deployment shop\/none must exist, and does not/,
  })
  t.equal(absent.read('none'), undefined)
})

t.test('a field that another manager owns is a conflict for an apply, unless it is forced', async (t) => {
  const apply = { type: 'apply', patch: { spec: { replicas: 1 } } } as const
  const made = await scene(t, aPatch(apply))
  await made.cluster.call('PATCH', '/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=helm', {
    body: { spec: { replicas: 4 } },
    type: 'application/merge-patch+json',
  })
  t.match(await made.perform(), {
    status: 'failed',
    mayHaveHadEffect: false,
    message: /answered 409 "Apply failed with 1 conflict.*force: true/,
  })
  const forced = new Scene(made.cluster, aPatch({ ...apply, force: true }))
  t.match(await forced.perform(), { status: 'done' })
  t.equal(made.read().spec.replicas, 1)
  await forced.undo()
  t.equal(made.read().spec.replicas, 4)
})

t.test('the scale of an object is patched and put back as such', async (t) => {
  const made = await scene(t, aPatch({ subresource: 'scale', patch: { spec: { replicas: 0 } } }))
  t.match(await made.perform(), { status: 'done' })
  t.equal(made.read().spec.replicas, 0)
  await made.undo()
  t.equal(made.read().spec.replicas, 3)
})

t.test('a rehearsal asks the API server, changes nothing, and fails where the patch would', async (t) => {
  const made = await scene(t, aPatch())
  const rehearsal = { renderOnly: true, rehearse: true }
  const { resourceVersion } = made.read().metadata
  t.match(await made.perform(rehearsal), {
    status: 'done',
    message: /^would PATCH apps\/v1 Deployment shop\/web: web$/,
  })
  t.equal(made.read().metadata.resourceVersion, resourceVersion)
  t.same(made.remembered, [])
  const wrong = new Scene(made.cluster, aPatch({ patch: { spec: { replicas: 'many' } } }))
  t.match(await wrong.perform(rehearsal), {
    status: 'failed',
    mayHaveHadEffect: false,
    message: /answered 4\d\d/,
  })
  const poor = new Scene(made.cluster, aPatch(), { serviceAccountName: 'poor' })
  t.match(await poor.perform(rehearsal), { status: 'failed', message: /verb get on deployments\.apps/ })
})

t.test('a value that is filled in cannot move the target, nor become anything but a text', async (t) => {
  const made = await scene(
    t,
    aPatch({ patch: { metadata: { annotations: { a: '${backup.metadata.name}' } } } }),
  )
  const hostile = '"}},"kind":"Secret","metadata":{"name":"other'
  const variables = { backup: { metadata: { name: hostile } }, outputs: {}, stage: 'PreBackup' }
  t.match(await made.perform({ variables }), { status: 'done' })
  t.equal(made.read().metadata.annotations.a, hostile)
  const secret = new Scene(made.cluster, aPatch({ apiVersion: 'v1', kind: 'Secret' }))
  t.match(
    await secret.perform(),
    { status: 'failed', cause: 'template', message: /must not be Secret/ },
    'wherever it came from',
  )
})

t.test('what another version kept is not guessed at', async (t) => {
  const made = await scene(t, aPatch())
  made.kept = { objects: 'web' }
  for (const outcome of [await made.perform(), await made.undo()])
    t.match(outcome, { status: 'failed', mayHaveHadEffect: false, message: /another version of tidewaiter/ })
  t.equal(made.read().spec.replicas, 3)
})

const labelled = aPatch({ selector: { matchLabels: { tier: 'front' } } })

for (const [name, { patch, more }] of Object.entries<{ patch: PatchBody; more: Partial<ActionSpec> }>({
  'of the labels': { patch: labelled, more: {} },
  'of a name, looked at for its undo': { patch: aPatch(), more: {} },
  'that are only tried': { patch: labelled, more: { dryRun: true } },
}))
  t.test(`objects ${name} wait for room, and give it back`, async (t) => {
    const made = await scene(t, patch, more)
    const others = await Promise.all(Array.from({ length: 4 }, () => enterRoom(new AbortController().signal)))
    t.teardown(() => others.forEach((room) => room.leave()))
    t.match(await made.perform({ endsAt: systemClock.now() + 200, signal: AbortSignal.timeout(200) }), {
      status: 'failed',
      cause: 'timeout',
      mayHaveHadEffect: false,
      message: /patches of other actions kept as many objects as all of them may, until its time was over/,
    })
    t.equal(made.read().spec.replicas, 3)
    const waiting = made.perform()
    others[0]?.leave()
    t.match(await waiting, { status: 'done' })
    made.cluster.api.faults.add({ match: { verb: 'patch' }, times: 9, effect: { kind: 'cut' } })
    t.match(await made.perform(), { status: 'failed' })
    const last = await enterRoom(AbortSignal.timeout(1_000))
    last.leave()
  })

t.test('objects that are too large for one patch are not patched', whenThorough, async (t) => {
  const names = Array.from({ length: 12 }, (_, i) => `web-${i}`)
  const made = await scene(t, labelled, {}, names)
  for (const name of names)
    await made.cluster.call('PATCH', `/apis/apps/v1/namespaces/shop/deployments/${name}`, {
      body: {
        spec: {
          template: { spec: { containers: [{ name: 'web', image: 'web', args: ['x'.repeat(1_400_000)] }] } },
        },
      },
      type: 'application/merge-patch+json',
    })
  t.match(await made.perform(), {
    status: 'failed',
    mayHaveHadEffect: false,
    message: /the objects with these labels have more than 16777216 bytes of JSON; select fewer/,
  })
  t.equal(made.read('web-0').spec.replicas, 3)
})

t.test('what the undo may not get is not patched', async (t) => {
  const made = await scene(t, labelled, {}, ['a', 'b'])
  const forbidden = { kind: 'answer', code: 403, reason: 'Forbidden', message: 'may not get it' } as const
  const remove = made.cluster.api.faults.add({
    match: { verb: 'get', resource: 'deployments' },
    effect: forbidden,
  })
  t.match(await made.perform(), {
    status: 'failed',
    mayHaveHadEffect: false,
    message: /Give the account the verb get/,
  })
  t.same([made.read('a').spec.replicas, made.kept], [3, undefined])
  remove()
  t.match(await made.perform(), { status: 'done' })
})
