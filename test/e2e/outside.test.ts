/** `tidewaiter serve` as a process outside the cluster: how it fails to start, and how it registers and unregisters itself. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import {
  aBackup,
  aBackupName,
  aMark,
  aName,
  anAction,
  call,
  eventually,
  hook,
  kubeconfig,
  kubectl,
  type Loose,
} from './support.ts'
import { clusterDir, linesOf, ops, whole } from './z-install.ts'

t.before(() => whole())

const main = join(import.meta.dirname, '../../src/main.ts')
type Serving = {
  readonly kill: () => void
  readonly out: () => string
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>
}

function serve(...args: readonly string[]): Serving {
  const child = spawn(process.execPath, [main, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text.err += chunk.toString()))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr: text.err }))
  t.teardown(() => void child.kill('SIGKILL'))
  return { kill: () => void child.kill('SIGTERM'), out: () => text.out, ended }
}

t.test(
  'a start that fails says what was wanted, what was got and what to do, and exits with its code',
  async (t) => {
    const taken = createServer()
    taken.listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.teardown(() => taken.close())
    const { port } = taken.address() as { readonly port: number }
    const nowhere = join(t.testdir({}), 'nowhere')
    writeFileSync(
      nowhere,
      readFileSync(kubeconfig, 'utf8').replace(/server: [^,}\s]+/, 'server: https://127.0.0.1:1'),
    )
    const alice = join(clusterDir(), 'alice.kubeconfig')
    const free = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0']
    const cases: Readonly<Record<string, readonly [readonly string[], number, RegExp]>> = {
      'no cluster': [
        ['--kubeconfig', nowhere, ...free],
        3,
        /the API server https:\/\/127\.0\.0\.1:1 must answer, got: .*is the cluster up/,
      ],
      'no kubeconfig': [['--kubeconfig', '/nonexistent', ...free], 4, /\/nonexistent/],
      'no rights': [['--kubeconfig', alice, ...free], 4, /tidewaiter needs the rights of .*got: /],
      'a port that is taken': [
        ['--kubeconfig', kubeconfig, '--listen', '127.0.0.1:0', '--metrics-listen', `127.0.0.1:${port}`],
        4,
        new RegExp(
          `--metrics-listen 127\\.0\\.0\\.1:${port} is taken by another process: stop it, or choose another address`,
        ),
      ],
      'a bad flag': [
        ['--drain-seconds', 'soon'],
        2,
        /--drain-seconds must be a whole number of seconds from 0 to 60, got "soon"/,
      ],
      'an unknown flag': [['--no-such-flag'], 2, /--no-such-flag is no option of serve/],
      'a namespace that an install covers': [
        ['--kubeconfig', kubeconfig, ...free, '--webhook-url', 'https://10.244.0.1:19444'],
        4,
        /the install tidewaiter looks after namespace velero already: take it away first, or choose another --velero-namespace/,
      ],
    }
    // The last one makes its Secret before it sees that it is not wanted.
    t.teardown(() =>
      kubectl(['delete', 'secrets', '-l', 'app.kubernetes.io/part-of=tidewaiter', '--ignore-not-found']),
    )
    const started = Object.entries(cases).map(([name, [args, code, text]]) => ({
      name,
      code,
      text,
      run: serve(...args),
    }))
    for (const { name, code, text, run } of started) {
      await t.test(name, async (t) => {
        const { code: got, stderr } = await run.ended
        t.equal(got, code, stderr)
        t.match(stderr, text)
        t.notMatch(stderr, /\n\s+at /, 'no stack trace')
      })
    }
  },
)

t.test(
  'outside a cluster it registers itself, guards its namespace, and takes all of it away on SIGTERM',
  async (t) => {
    const namespace = aName('velero2')
    t.teardown(() => call('DELETE', `/api/v1/namespaces/${namespace}`))
    await call('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    })
    const server = await hook({ status: 500, body: 'not now' })
    const url = server.url.replace('.svc:', '.svc.cluster.local:')
    const { mark } = aMark()
    const service = serve(
      '--kubeconfig',
      kubeconfig,
      '--velero-namespace',
      namespace,
      '--webhook-url',
      'https://10.244.0.1:19443',
      '--listen',
      '10.244.0.1:19443',
      '--metrics-listen',
      '127.0.0.1:18080',
    )
    await eventually(async () => (await ops('127.0.0.1', '/readyz', 18080)).status === 200, {
      ms: 60_000,
      what: 'the service outside to be ready',
    })
    const registered = async () => {
      const kinds = [
        'validatingwebhookconfigurations',
        'mutatingwebhookconfigurations',
        'validatingadmissionpolicies',
        'validatingadmissionpolicybindings',
      ]
      const lists = await Promise.all(
        kinds.map((kind) => call('GET', `/apis/admissionregistration.k8s.io/v1/${kind}`)),
      )
      return lists
        .flatMap(({ body }) => body.items.map(({ metadata }: Loose) => String(metadata.name)))
        .filter((name) => name.includes('tidewaiter-dev-'))
    }
    t.equal((await registered()).length, 12, String(await registered()))

    const here = (object: Loose): Loose => ({ ...object, metadata: { ...object.metadata, namespace } })
    const at = (group: string, kind: string, query = '') =>
      `/apis/${group}/namespaces/${namespace}/${kind}${query}`
    const made = await call('POST', at('tidewaiter.io/v1beta1', 'actions'), {
      body: here(anAction('10-freeze', mark, { http: { url } })),
    })
    t.equal(made.status, 201, made.body.message)
    const create = (name: string) =>
      call('POST', at('velero.io/v1', 'backups'), { body: here(aBackup(name, mark)) })
    const refused = await eventually(
      async () => {
        const answer = await create(aBackupName())
        return answer.status !== 201 && answer
      },
      { what: 'a refusal' },
    )
    t.match(
      refused.body.message,
      new RegExp(
        `tidewaiter refused Backup ${namespace}/.*PreBackup action "10-freeze" failed .*500 .*not now`,
      ),
    )
    t.match((await create('tidewaiter-guard-canary')).body.message, /tidewaiter guard: closed/)

    service.kill()
    const { code, stderr } = await service.ended
    t.equal(code, 0, stderr)
    t.same(await registered(), [])
    // The API server goes by a registration for a moment after it is gone.
    await eventually(async () => (await create(aBackupName())).status === 201, {
      what: 'nothing to ask any more',
    })
    t.ok(
      linesOf(service.out()).every(({ text }) => text === undefined),
      'all it says is JSON',
    )
  },
)
