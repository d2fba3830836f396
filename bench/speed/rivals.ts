/** The servers that tidewaiter is measured beside: the same decision over the same wire, with less or with other things around it. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, launch, until } from '../processes.ts'
import { goBinary } from './go.ts'
import { actLabel } from './hook.ts'
import { load } from './load.ts'
import { mint, type Pair } from './mint.ts'
import { reviewOf, sizes } from './reviews.ts'
import {
  accepted,
  cores,
  createAction,
  flagsOfImage,
  metricsOf,
  serve,
  type Service,
  type World,
} from './world.ts'

/** What is asked: the mutating or the validating webhook. */
export type Asked = 'mutate' | 'validate'

/** A server that can be asked. */
export type Server = {
  readonly name: string
  readonly pid: number
  readonly urlOf: (asked: Asked) => string
  /** Where it leaves a mark of its own on whatever it sees. */
  readonly marks?: string
  /** How many decisions it could not record, if it records them. */
  readonly lost?: () => Promise<number>
}

const endpoint: Readonly<Record<Asked, string>> = { mutate: 'hold', validate: 'backups' }

async function listening(name: string, world: World, args: readonly string[], command?: string) {
  const started = launch(args, { core: cores.server, ...(command === undefined ? {} : { command }) })
  world.undo.push(() => started.child.kill('SIGKILL'))
  await started.says('listens on')
  const [, at] = /listens on (\S+)/.exec(started.said()) ?? []
  const urlOf = (asked: Asked) => `https://${at}/${endpoint[asked]}?timeout=10s`
  return { name, pid: started.child.pid ?? 0, urlOf }
}

// As many as an install may have; none of them is for the Backup that is asked about.
const others = 20

/** The service itself, with Actions for other Backups; with a hook, also with one for those that `actLabel` is on. */
export async function ours(world: World, hook?: string): Promise<Server> {
  const flags = hook === undefined ? {} : { 'egress-allow': new URL(hook).host }
  const service = await serve(world, flags)
  const url = 'https://hooks.example.com'
  for (let i = 0; i < others; i += 1)
    await createAction(world, `other-${i}`, {
      stage: 'PreBackup',
      match: { scheduleNames: [`other-${i}`] },
      http: { url },
    })
  if (hook !== undefined)
    await createAction(world, 'act', {
      stage: 'PreBackup',
      match: { selector: { matchLabels: actLabel } },
      timeoutSeconds: 5,
      http: { url: hook, body: { name: '${backup.metadata.name}' } },
    })
  await accepted(world)
  return {
    name: 'tidewaiter',
    pid: service.child.pid ?? 0,
    urlOf: (asked) => service.urlOf(endpoint[asked]),
    lost: () => lostOf(service),
  }
}

/** How many decisions found no room in memory. */
async function lostOf(service: Service): Promise<number> {
  const text = await metricsOf(service)
  const lines = text.matchAll(/^tidewaiter_decisions_dropped_total(?:\{.*\})? (\d+)/gm)
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** The bare twin; it calls the hook, if there is one, where an action is to be done. */
export async function bareTwin(world: World, hook = ''): Promise<Server> {
  const { cert, key } = await mint(world.folder)
  return listening('bare node:https', world, [...flagsOfImage(), 'bench/speed/bare.ts', cert, key, hook])
}

/** Part of what tidewaiter promises, in the simplest code. */
export async function promised(world: World): Promise<Server> {
  const { cert, key } = await mint(world.folder)
  return listening('part of the promises, simplest', world, [
    ...flagsOfImage(),
    'bench/speed/promised.ts',
    cert,
    key,
  ])
}

/** The bare twin, and with it whatever else can run on this machine. */
export async function rivals(world: World, hook = ''): Promise<readonly Server[]> {
  const { cert, key } = await mint(world.folder)
  const bare = await bareTwin(world, hook)
  const twin = goBinary('twin')
  const flags = ['-cert', cert, '-key', key, '-action', hook]
  const go =
    twin === undefined
      ? []
      : [
          await listening('Go, fields that it needs', world, flags, twin),
          await listening('Go, object to map', world, [...flags, '-object'], twin),
        ]
  return [bare, ...go, ...(await pepr(world, { cert, key, hook }))]
}

/** Whether the packages of the peer are there. */
const hasPepr = (): boolean => existsSync('bench/pepr/node_modules/pepr')

/** The peer, as its own controller starts a module; it keeps a store of its own in the cluster. */
async function pepr(
  world: World,
  { cert, key, hook }: Pick<Pair, 'cert' | 'key'> & { readonly hook: string },
): Promise<readonly Server[]> {
  if (!hasPepr()) return []
  await prepareStore(world)
  const port = await freePort()
  const env = {
    PORT: String(port),
    PEPR_API_PATH: 'token',
    PEPR_WATCH_MODE: 'false',
    SSL_CERT_PATH: cert,
    SSL_KEY_PATH: key,
    KUBECONFIG: join(world.folder, 'box', 'kubeconfig'),
    NODE_EXTRA_CA_CERTS: '',
    ACTION_URL: hook,
  }
  const started = launch([...flagsOfImage(), 'bench/pepr/module.js'], { env, core: cores.server })
  world.undo.push(() => started.child.kill('SIGKILL'))
  const urlOf = (asked: Asked) => `https://127.0.0.1:${port}/${asked}/token?timeout=10s`
  // It listens before it can answer: only when it has its store, after three seconds at most.
  await until('pepr to answer', async () => {
    if (started.child.exitCode !== null) throw new Error(`it has ended:\n${started.said()}`)
    const probe = join(world.folder, 'probe.json')
    writeFileSync(probe, reviewOf(sizes[3]))
    const seen = await load({ url: urlOf('validate'), body: probe, connections: 1, bursts: 1 })
    return seen.requests === 1 || undefined
  })
  const marks = '/metadata/annotations/bench.pepr.dev'
  return [{ name: 'pepr 1.1.4', pid: started.child.pid ?? 0, urlOf, marks }]
}

/** What pepr's own controller puts into the cluster before it starts a module (pepr: src/runtime/controller.ts). */
async function prepareStore({ call }: World): Promise<void> {
  const names = { plural: 'peprstores', singular: 'peprstore', kind: 'PeprStore' }
  const data = { type: 'object', additionalProperties: { type: 'string' } }
  const schema = { openAPIV3Schema: { type: 'object', properties: { data } } }
  await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'peprstores.pepr.dev' },
    spec: {
      group: 'pepr.dev',
      scope: 'Namespaced',
      names,
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  await call('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'pepr-system' },
  })
}
