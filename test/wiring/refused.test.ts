/** The addresses that actions may not call, and what happens before they are known. */
import t from 'tap'
import type { Action } from '../../src/api/action.ts'
import { createPerformer } from '../../src/actions/perform.ts'
import type { ControlPorts } from '../../src/control/ports.ts'
import { reconcileObject } from '../../src/control/objects.ts'
import type { ListOptions } from '../../src/kube/list-all.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { calls as callsOf, type Calls } from '../../src/wiring/kinds.ts'
import { createRefused, guarded } from '../../src/wiring/refused.ts'
import { specOf } from '../../src/core/run/rows.ts'
import { unchanged } from '../actions/support.ts'
import { aBackup, anAction } from '../support/build.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'
import { FakeControl } from '../support/fake-control.ts'
import { FakeLog } from '../support/fake-log.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const never = new AbortController().signal

/** An API server that tells its nodes only once it is `up`. */
function world() {
  const api: { up: boolean; asked: number; options?: ListOptions | undefined } = { up: false, asked: 0 }
  const nodes = { items: [{ status: { addresses: [{ address: '10.0.0.7' }] } }] }
  const calls = {
    nodes: () => ({
      list: async (options?: ListOptions) => {
        api.asked += 1
        api.options = options
        if (!api.up) throw new Error('forbidden')
        return nodes
      },
    }),
    of: () => ({ find: async () => ({ endpoints: [{ addresses: ['10.0.0.1'] }] }) }),
  }
  const clock = new FakeClock()
  // Only these two calls are ever made.
  const refused = createRefused(
    { calls: calls as unknown as Calls, clock, log: new FakeLog(), inCluster: true },
    ['10.96.0.1'],
  )
  return { api, clock, refused }
}

t.test(
  'they are known once nodes and API server were both read, and asked for again soon until then',
  async (t) => {
    const { api, clock, refused } = world()
    const stop = new AbortController()
    const running = refused.start(stop.signal)
    let known = false
    void refused.whenKnown(never).then(() => (known = true))
    await clock.pass(2_000)
    t.same([refused.known(), known, api.asked], [false, false, 2])
    t.same(refused.addresses(), ['10.96.0.1', '10.0.0.1'], 'what is known is refused at once')
    api.up = true
    await clock.pass(2_000)
    t.same([refused.known(), known], [true, true])
    t.same(refused.addresses(), ['10.96.0.1', '10.0.0.7', '10.0.0.1'])
    t.same(api.options, { pageSize: 100 }, 'nodes are large')
    const given = new AbortController()
    given.abort(new Error('leads no more'))
    await t.rejects(world().refused.whenKnown(given.signal), { message: 'leads no more' })
    stop.abort()
    await running
  },
)

t.test('of a node nothing but its addresses and its platform is kept, however much it holds', async (t) => {
  const addresses = [{ type: 'InternalIP', address: '10.0.0.7' }]
  const nodeInfo = { operatingSystem: 'linux', architecture: 'arm64' }
  const node = {
    metadata: { name: 'n1', managedFields: [{ manager: 'kubelet' }] },
    spec: { podCIDR: '10.1.0.0/24' },
    status: { addresses, nodeInfo: { ...nodeInfo, bootID: 'b' }, images: [{ names: ['large'] }] },
  }
  const asked: unknown[] = []
  const request = async ({ path, query }: Parameters<KubeClient['request']>[0]) => {
    asked.push([path, query?.['continue']])
    return { items: [node, {}], metadata: asked.length === 1 ? { continue: 'more' } : {} }
  }
  // The one method that a list calls.
  const { items } = await callsOf({ request } as unknown as KubeClient)
    .nodes()
    .list()
  t.same(asked, [
    ['/api/v1/nodes', undefined],
    ['/api/v1/nodes', 'more'],
  ])
  const nothing = { operatingSystem: undefined, architecture: undefined }
  const one = { status: { addresses, nodeInfo } }
  const none = { status: { addresses: undefined, nodeInfo: nothing } }
  t.strictSame(items, [one, none, one, none])
})

const performWith = (made: FakeControl, known: () => boolean, answer: 'done' | 'refused') => {
  const egress = guarded(
    {
      send: async ({ url }) =>
        answer === 'refused'
          ? { refused: 'egress', message: '10.0.0.7 is an address of a node', sent: false }
          : {
              ok: {
                status: 200,
                headers: {},
                body: new Uint8Array(),
                truncated: false,
                finalUrl: url,
                address: '192.0.2.1',
              },
            },
    },
    known,
  )
  const perform = createPerformer({
    clock: made.clock,
    log: made.log,
    send: egress.send,
    secret: async () => ({ refused: 'there is none' }),
    actor: async () => ({ refused: 'there is none' }),
    evaluate: () => ({ ok: '' }),
    reads: () => [],
    userAgent: 'test',
  })
  const ports: ControlPorts['perform'] = ({ run, action, renderOnly, endsAt, signal }) =>
    perform({
      action: { name: action.name, spec: specOf(action) },
      idempotencyKey: run.metadata.name,
      traceparent: '',
      variables: {},
      endsAt,
      signal,
      ...unchanged,
      renderOnly,
    })
  return ports
}

async function ended(action: Action, known: () => boolean, answer: 'done' | 'refused') {
  const made = new FakeControl()
  made.actions = [action]
  const object = aBackup({
    creationTimestamp: iso(newYear - 600_000),
    phase: 'Completed',
    status: { startTimestamp: iso(newYear - 599_000), completionTimestamp: iso(newYear - 1_000) },
  })
  made.store(object)
  const ports = { ...made.ports(), perform: performWith(made, known, answer) }
  const key = { kind: object.kind, namespace: 'velero', name: 'b1', uid: object.metadata.uid }
  const look = async () => (await reconcileObject(key, ports, never))?.inMs
  return { made, look }
}
const post = anAction({ stage: 'PostBackup', name: 'p', creationTimestamp: iso(newYear - 3_600_000) })

t.test('a post action whose call may not be made yet comes again, and is done once it may', async (t) => {
  let known = false
  const { made, look } = await ended(post, () => known, 'done')
  for (let looks = 0; looks < 4; looks += 1) await made.clock.pass((await look()) ?? 0)
  t.match(made.runs.all(), [
    { status: { phase: 'Pending', actions: [{ phase: 'Pending', message: /are not known yet/ }] } },
  ])
  known = true
  await made.clock.pass(15_000)
  for (let looks = 0; looks < 3; looks += 1) await made.clock.pass((await look()) ?? 0)
  t.match(made.runs.all(), [{ status: { phase: 'Succeeded' } }])
})

t.test('a post action whose address is refused has failed, and does not come again', async (t) => {
  const { made, look } = await ended(post, () => true, 'refused')
  for (let looks = 0; looks < 4; looks += 1) await made.clock.pass((await look()) ?? 0)
  t.match(made.runs.all(), [{ status: { phase: 'Failed', message: /an address of a node/ } }])
})
