/**
 * What the end-to-end tests share: the real kubectl and velero, a server for actions to call, and waiting.
 * Many test files use one cluster at once: each test marks its Backups and Actions with a label of its own (`mark`).
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startClient, type Answer, type Loose } from './guard-client.ts'
import { hookCertificate, hookHost, hookNamespace } from './hook-certificate.ts'
import type { Behaviour, Call } from './hook-server.ts'

export type { Loose } from './guard-client.ts'
export type { Behaviour, Call } from './hook-server.ts'

const wanted = (name: string): string => {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: run test/e2e/run.sh`)
  return value
}
/** The administrator of the cluster. */
export const kubeconfig = wanted('TIDEWAITER_E2E_KUBECONFIG')
/** The image that was installed, with digest. */
export const image = (): string => wanted('TIDEWAITER_E2E_IMAGE')
/** Where the cluster lives. */
export const clusterFolder = (): string => wanted('TIDEWAITER_E2E_DIR')
/** Why a test that needs pods is left out on a light cluster (test/cluster/light.sh), where nothing runs them; false on a whole one. */
export const withoutPods =
  process.env['TIDEWAITER_E2E_FORM'] === 'light' &&
  'a light cluster runs no pods, and has no Service addresses'
/** How the velero CLI begins an error, as a pattern: in 1.18, and in 1.14. */
export const veleroError = '(?:velero|An error occurred): '
/** Velero's namespace. */
export const veleroNamespace = 'velero'
/** The account that Velero runs as. */
export const veleroAccount: As = {
  user: 'system:serviceaccount:velero:velero',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:velero', 'system:authenticated'],
}
const ours = `${process.pid}-${randomBytes(2).toString('hex')}`
/** A namespace with nothing in it, for small Backups; of this file's own: Velero backs up one namespace once at a time. */
export const emptyNamespace = `e2e-empty-${ours}`

/** Whom to impersonate. */
export type As = { readonly user: string; readonly groups?: readonly string[] }
/** What a program did. */
export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string }
type About = {
  readonly input?: string
  readonly as?: As | undefined
  /** Sends SIGINT, as Ctrl-C does, when it aborts. */
  readonly interrupt?: AbortSignal
}

/** Runs a program to its end, at most for two minutes; never throws. */
export function run(program: string, args: readonly string[], about: About = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig }
    const child = execFile(
      program,
      args,
      { env, timeout: 120_000, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
        resolve({ code, stdout, stderr })
      },
    )
    about.interrupt?.addEventListener('abort', () => child.kill('SIGINT'), { once: true })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(about.input ?? '')
  })
}

/** The real kubectl, as the administrator or as somebody else; in Velero's namespace unless a namespace or a file is named. */
export function kubectl(args: readonly string[], about: About = {}): Promise<Ran> {
  const { as } = about
  const who =
    as === undefined ? [] : ['--as', as.user, ...(as.groups ?? []).flatMap((one) => ['--as-group', one])]
  const told = args.some((one) => ['-n', '-A', '-f', '-k'].includes(one))
  return run('kubectl', [...(told ? [] : ['-n', veleroNamespace]), ...who, ...args], about)
}

/** The real velero CLI, as the administrator or as somebody else. */
export async function velero(args: readonly string[], about: About = {}): Promise<Ran> {
  const { as } = about
  if (as === undefined) return run('velero', args, about)
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-e2e-'))
  try {
    const file = join(folder, 'kubeconfig')
    const user = JSON.stringify({ as: as.user, 'as-groups': as.groups ?? [] }).slice(1, -1)
    writeFileSync(file, readFileSync(kubeconfig, 'utf8').replace('user: {token:', `user: {${user}, token:`))
    return await run('velero', ['--kubeconfig', file, ...args], about)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The output of a kubectl that must succeed, as JSON. */
export async function kubectlJson(args: readonly string[], about: About = {}): Promise<Loose> {
  return JSON.parse(must(await kubectl([...args, '-o', 'json'], about)).stdout)
}

/** What ran, or an error with what it said if it failed. */
export function must(ran: Ran): Ran {
  if (ran.code !== 0) throw new Error(`exit ${ran.code}: ${ran.stderr}${ran.stdout}`)
  return ran
}

/** kubectl apply of these objects; must succeed. */
export const apply = async (...objects: readonly unknown[]): Promise<Ran> => must(await tryApply(objects))

/** kubectl apply of these objects. */
export const tryApply = (objects: readonly unknown[], about: About = {}): Promise<Ran> =>
  kubectl(['apply', '-f', '-'], {
    ...about,
    // One document: kubectl takes JSON documents apart wrongly where the first is larger than its buffer of 4 KiB.
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  })

/** Asks until `fn` gives something else than undefined or false; an error that it throws is told when time is up. */
export async function eventually<T>(
  fn: () => Promise<T | undefined | false>,
  {
    ms = 30_000,
    what,
    everyMs = 150,
  }: { readonly ms?: number; readonly what: string; readonly everyMs?: number },
): Promise<T> {
  let last: unknown = 'it was not so'
  for (const end = Date.now() + ms; Date.now() < end; await sleep(everyMs)) {
    try {
      const value = await fn()
      if (value !== undefined && value !== false) return value
    } catch (error) {
      last = error
    }
  }
  throw new Error(`waited ${ms} ms for ${what}: ${String(last)}`)
}

const proxy = Promise.withResolvers<Awaited<ReturnType<typeof startClient>>>()
let proxying = false
// The proxy would keep the process alive.
t.teardown(async () => proxying && (await proxy.promise).stop())
/** Calls the API server, as the administrator or as somebody else: quicker than a kubectl for each look. */
export async function call(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  about: { readonly as?: string; readonly body?: unknown } = {},
): Promise<Answer> {
  if (!proxying) {
    proxying = true
    startClient(kubeconfig).then(proxy.resolve, proxy.reject)
  }
  return (await proxy.promise).call(method, path, about)
}

const paths: Readonly<Record<string, string>> = {
  backup: '/apis/velero.io/v1/namespaces/velero/backups',
  restore: '/apis/velero.io/v1/namespaces/velero/restores',
  schedule: '/apis/velero.io/v1/namespaces/velero/schedules',
  action: '/apis/tidewaiter.io/v1beta1/namespaces/velero/actions',
  actionrun: '/apis/tidewaiter.io/v1beta1/namespaces/velero/actionruns',
  event: '/api/v1/namespaces/velero/events',
}
type Kind = 'backup' | 'restore' | 'schedule' | 'action' | 'actionrun' | 'event'

/** One object of Velero's namespace, or undefined. */
export async function find(kind: Kind, name: string): Promise<Loose> {
  const { status, body } = await call('GET', `${paths[kind]}/${name}`)
  if (status === 404) return undefined
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body).slice(0, 300)}`)
  return body
}

/** The objects of Velero's namespace that carry these labels. */
export async function list(kind: Kind, selector = ''): Promise<readonly Loose[]> {
  const { status, body } = await call('GET', `${paths[kind]}?labelSelector=${encodeURIComponent(selector)}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body).slice(0, 300)}`)
  return body.items
}

/** The ActionRuns for a Backup or Restore of this name; newest last. */
export const runsOf = (kind: 'backup' | 'restore', name: string): Promise<readonly Loose[]> =>
  list('actionrun', `tidewaiter.io/${kind}-name=${name}`)

/** Velero may look at a queued Backup only after a minute (backup_queue_controller.go, defaultQueuedBackupRecheckFrequency). */
export const veleroMs = 110_000

/** Waits until the run of this stage has settled. */
export const settledRun = (kind: 'backup' | 'restore', name: string, stage: string): Promise<Loose> =>
  eventually(
    async () =>
      (await runsOf(kind, name)).find(
        ({ spec, status }) => spec.stage === stage && status?.completionTimestamp !== undefined,
      ),
    { ms: veleroMs, what: `the ${stage} run of ${name}` },
  )

const ends = ['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation']
/** Waits until a Backup or Restore has ended; gives it. */
export const ended = async (kind: 'backup' | 'restore', name: string): Promise<Loose> => {
  const unended = async () =>
    (await list(kind)).flatMap(({ metadata, status }) =>
      ends.includes(status?.phase) ? [] : [`${metadata.name} ${status?.phase}`],
    )
  const looked = async () => {
    const found = await find(kind, name)
    return ends.includes(found?.status?.phase) ? found : undefined
  }
  try {
    return await eventually(looked, { ms: veleroMs, what: `the end of ${kind} ${name}` })
  } catch (cause) {
    throw new Error(`${String(cause)}; not ended: ${(await unended()).join(', ')}`, { cause })
  }
}

/** The Events about a Backup or Restore, by its uid. */
export async function eventsOf(object: Loose): Promise<readonly Loose[]> {
  const { body } = await call(
    'GET',
    `${paths['event']}?fieldSelector=${encodeURIComponent(`involvedObject.uid=${object.metadata.uid}`)}`,
  )
  return body.items
}

let count = 0
/** A name that nothing else has. */
export const aName = (prefix = 'e2e'): string => `${prefix}-${ours}-${++count}`
/** A name for a Backup. */
export const aBackupName = (): string => aName('b')

/** A label of this test alone, and what to say to velero to set it. */
export function aMark(): { readonly mark: string; readonly labels: { readonly e2e: string } } {
  const mark = aName('m')
  return { mark, labels: { e2e: mark } }
}

/** `velero backup create` of nothing, with this mark. */
export const backUp = (
  name: string,
  mark: string,
  { args = [], ...about }: About & { readonly args?: readonly string[] } = {},
): Promise<Ran> =>
  velero(
    ['backup', 'create', name, '--include-namespaces', emptyNamespace, '--labels', `e2e=${mark}`, ...args],
    about,
  )

/** A Backup of nothing, as kubectl creates it. */
export const aBackup = (name: string, mark: string, more: Loose = {}): Loose => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: {
    ...(name.endsWith('-') ? { generateName: name } : { name }),
    namespace: veleroNamespace,
    labels: { e2e: mark },
    ...more.metadata,
  },
  spec: { includedNamespaces: [emptyNamespace], ttl: '2h0m0s', ...more.spec },
  ...(more.status === undefined ? {} : { status: more.status }),
})

/** An Action for what carries the mark. */
export const anAction = (name: string, mark: string, spec: Loose): Loose => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'Action',
  metadata: { name, namespace: veleroNamespace, labels: { e2e: mark } },
  spec: { stage: 'PreBackup', ...spec, match: { selector: { matchLabels: { e2e: mark } }, ...spec.match } },
})

/** Applies Actions, waits until they are accepted (and so known), and deletes them after the test. */
export async function act(t: Test, ...actions: readonly Loose[]): Promise<void> {
  t.teardown(() =>
    Promise.all(actions.map(({ metadata }) => call('DELETE', `${paths['action']}/${metadata.name}`))),
  )
  await apply(...actions)
  await Promise.all(actions.map(({ metadata }) => accepted(metadata.name)))
}

/** Waits until the controller has seen the Action as it is now, and gives its condition Accepted. */
export const accepted = (name: string): Promise<Loose> =>
  eventually(
    async () => {
      const action = await find('action', name)
      const condition = action?.status?.conditions?.find(({ type }: Loose) => type === 'Accepted')
      return condition?.observedGeneration === action?.metadata.generation ? condition : undefined
    },
    { what: `the condition Accepted of Action ${name}` },
  )

/** Lets a user do these things in Velero's namespace for as long as the test lasts. */
export async function grant(
  t: Test,
  as: As,
  rules: readonly (readonly [group: string, resource: string, ...verbs: string[]])[],
): Promise<void> {
  const name = aName('role')
  const metadata = { name, namespace: veleroNamespace }
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  t.teardown(() => kubectl(['delete', 'role,rolebinding', name, '--wait=false']))
  await apply(
    {
      apiVersion,
      kind: 'Role',
      metadata,
      rules: rules.map(([group, resource, ...verbs]) => ({
        apiGroups: [group],
        resources: [resource],
        verbs,
      })),
    },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: as.user }],
    },
  )
  // Rights reach the authorizer a moment after they are written.
  const rights = rules.flatMap(([group, path, ...verbs]) => verbs.map((verb) => ({ verb, group, path })))
  await Promise.all(
    rights.map((right) =>
      eventually(() => may(as, right), { what: `${as.user} to be allowed ${right.verb} ${right.path}` }),
    ),
  )
}

type Right = { readonly verb: string; readonly group: string; readonly path: string }
async function may({ user, groups = [] }: As, { verb, group, path }: Right): Promise<boolean> {
  const [resource, subresource] = path.split('/')
  const resourceAttributes = { namespace: veleroNamespace, verb, group, resource, subresource }
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, groups, resourceAttributes },
  }
  const answer = await call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body })
  return answer.body.status?.allowed === true
}

/** A person of this test alone. */
export const aUser = (): As => ({ user: aName('alice'), groups: ['developers'] })

const source = readFileSync(new URL('hook-server.ts', import.meta.url), 'utf8')
const version = createHash('sha256').update(source).digest('hex').slice(0, 8)
const hookBase = `http://${hookHost}.cluster.local:8090`

/** The server's objects but its certificate: the same from every test file, so any may make them. */
const hookObjects = (): readonly Loose[] => {
  const labels = { hook: version }
  const at = (name: string) => ({ name, namespace: hookNamespace })
  const volumes = [
    { name: 'script', configMap: { name: `hook-${version}` } },
    { name: 'tls', secret: { secretName: 'hook-tls' } },
  ]
  const container = {
    name: 'hook',
    image: '10.244.0.1:5000/node:24',
    command: ['/usr/local/bin/node', '/hook/server.ts'],
    volumeMounts: [
      { name: 'script', mountPath: '/hook' },
      { name: 'tls', mountPath: '/tls' },
    ],
  }
  const spec = { containers: [container], volumes, terminationGracePeriodSeconds: 0 }
  const ports = [8090, 8443].map((port) => ({ name: `p${port}`, port, targetPort: port }))
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: at(`hook-${version}`), data: { 'server.ts': source } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { ...at(`hook-${version}`), labels }, spec },
    { apiVersion: 'v1', kind: 'Service', metadata: at('hook'), spec: { selector: labels, ports } },
  ]
}

/** Makes the certificate of the server, once for a cluster: whoever comes second takes what is there. */
async function hookTls(): Promise<void> {
  const metadata = { name: 'hook-tls', namespace: hookNamespace }
  const body = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: await hookCertificate() }
  await call('POST', `/api/v1/namespaces/${hookNamespace}/secrets`, { body })
}

/** The authority that signs the server's certificate, PEM. */
export async function hookAuthority(): Promise<string> {
  await ready()
  const { body } = await call('GET', `/api/v1/namespaces/${hookNamespace}/secrets/hook-tls`)
  return Buffer.from(body.data['ca.crt'], 'base64').toString()
}

const namespace = (name: string) =>
  call('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } })

let made: Promise<unknown> | undefined
/** Makes the namespaces and the server that actions call, once. */
export const ready = (): Promise<unknown> => (made ??= prepare())

async function prepare(): Promise<unknown> {
  await namespace(hookNamespace)
  await hookTls()
  // Two test files may make the same object at once: the second look finds it.
  await eventually(async () => must(await tryApply(hookObjects())), {
    what: 'the objects of the hook server',
  })
  // After a first install the leader fills in where the API server finds us: until then everything is refused.
  const asked = () =>
    kubectl(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(aBackup('asked', 'x')) })
  await eventually(async () => must(await asked()), { what: 'the webhooks to be registered' })
  return eventually(async () => (await fetch(hookBase, { signal: AbortSignal.timeout(1000) })).ok, {
    ms: 60_000,
    what: 'the hook server',
  })
}

/** A place of its own on the server that actions call. */
export type Hook = {
  readonly key: string
  readonly url: string
  readonly secureUrl: string
  /** How it answers from now on; several are used up in order. */
  readonly behave: (...behaviours: readonly Behaviour[]) => Promise<void>
  /** The requests that came so far. */
  readonly calls: () => Promise<readonly Call[]>
}

/** Gives a place on the server; it answers 200 {"ok":true} until told otherwise. */
export async function hook(...behaviours: readonly Behaviour[]): Promise<Hook> {
  await ready()
  const key = aName('k')
  const behave = async (...list: readonly Behaviour[]) => {
    const response = await fetch(`${hookBase}/behave/${key}`, { method: 'PUT', body: JSON.stringify(list) })
    if (!response.ok) throw new Error(`the hook server answered ${response.status}`)
  }
  if (behaviours.length > 0) await behave(...behaviours)
  return {
    key,
    url: `http://${hookHost}:8090/${key}`,
    secureUrl: `https://${hookHost}:8443/${key}`,
    behave,
    calls: async () => (await (await fetch(`${hookBase}/calls/${key}`)).json()) as readonly Call[],
  }
}

await namespace(emptyNamespace)
