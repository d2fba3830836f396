/** Real registries (distribution) on loopback for a test, and crane to push to them. Nothing of a cluster is needed. */
import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomUUID, sign, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'
import type { Pair } from '../../src/tls/authority.ts'
import { freePort } from '../support/free-port.ts'

/** What `t` gives us to clean up. */
type Teardown = { readonly teardown: (done: () => Promise<void> | void) => void }

const path = [join(process.cwd(), '.cluster/bin'), process.env['PATH']].join(delimiter)
// Without OTEL the registry looks for a collector of traces.
const env = { ...process.env, PATH: path, OTEL_TRACES_EXPORTER: 'none' }

/** A password, and the line of an htpasswd file with its bcrypt hash. */
export const robot = {
  name: 'robot',
  password: 'pa:55word',
  line: 'robot:$2a$05$k1kVhaVZq3RwYkMBVQxBAu.p75YQ5JoppEzLhBA8fG3rpxAoUjvZq',
}

/** Registries that share one store, an authority, and a folder; all of it goes with the test. */
export type Harbour = {
  readonly folder: string
  readonly authority: Pair
  readonly leaf: Pair
  /** Starts a registry with this much more of configuration; gives `127.0.0.1:PORT`. */
  readonly start: (more: RegistryConfig) => Promise<string>
  readonly crane: (...args: readonly string[]) => string
  /** Makes an image for a platform that starts with these words, and pushes it. */
  readonly push: (
    reference: string,
    given?: { readonly entrypoint?: string; readonly platform?: string },
  ) => string
}

/** What of a registry's configuration tests vary. */
export type RegistryConfig = {
  readonly tls?: boolean
  readonly auth?: object
  readonly proxy?: object
  /** A store of its own, under this name. */
  readonly store?: string
}

/** Makes the folder and the authority. */
export async function aHarbour(t: Teardown): Promise<Harbour> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-images-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const now = Date.now()
  const authority = await mintAuthority({ name: 'registries', now })
  const leaf = await mintLeaf({ authority, names: ['127.0.0.1'], now })
  writeFileSync(join(folder, 'ca.crt'), authority.cert)
  writeFileSync(join(folder, 'tls.crt'), leaf.cert)
  writeFileSync(join(folder, 'tls.key'), leaf.key)
  writeFileSync(join(folder, 'htpasswd'), `${robot.line}\n`)
  const crane = (...args: readonly string[]) =>
    execFileSync('crane', [...args, '--insecure'], {
      env: { ...env, DOCKER_CONFIG: folder },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    }).trim()
  return {
    folder,
    authority,
    leaf,
    crane,
    start: (more) => startRegistry(t, folder, more),
    push: (reference, given = {}) => push(crane, folder, { reference, ...given }),
  }
}

async function startRegistry(t: Teardown, folder: string, more: RegistryConfig): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`
  const { tls = false, auth, proxy, store = 'store' } = more
  const config = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(folder, store) } },
    http: {
      addr: address,
      ...(tls ? { tls: { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') } } : {}),
    },
    log: { level: 'error', accesslog: { disabled: true } },
    ...(auth === undefined ? {} : { auth }),
    ...(proxy === undefined ? {} : { proxy }),
  }
  const file = join(folder, `${address.split(':')[1]}.yaml`)
  writeFileSync(file, JSON.stringify(config))
  const child = spawn('registry', ['serve', file], {
    env,
    stdio: ['ignore', 'ignore', openSync(`${file}.log`, 'a')],
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  t.teardown(async () => {
    child.kill()
    await ended
  })
  for (let left = 1200; left > 0; left -= 1, await sleep(50)) if (await listens(address)) return address
  throw new Error(
    `waited a minute for the registry at ${address}: ${readFileSync(`${file}.log`, 'utf8').slice(-2000)}`,
  )
}

function push(
  crane: Harbour['crane'],
  folder: string,
  {
    reference,
    entrypoint = 'cp,/plugins/p,/target/.',
    platform = 'linux/amd64',
  }: {
    readonly reference: string
    readonly entrypoint?: string
    readonly platform?: string
  },
): string {
  const files = join(folder, createHash('sha256').update(reference).digest('hex'))
  mkdirSync(join(files, 'plugins'), { recursive: true })
  writeFileSync(join(files, 'plugins/p'), `${reference} ${platform} ${entrypoint}`)
  execFileSync('tar', ['-C', files, '-cf', `${files}.tar`, 'plugins'], { env })
  crane('append', '-f', `${files}.tar`, '-t', reference)
  crane(
    'mutate',
    reference,
    ...(entrypoint === '' ? [] : ['--entrypoint', entrypoint]),
    '--set-platform',
    platform,
    '-t',
    reference,
  )
  return crane('digest', reference)
}

/** A token server as the distribution token specification has it: who gives the password gets what was asked for. */
export async function startTokenServer(
  t: Teardown,
  harbour: Harbour,
): Promise<{ readonly realm: string; readonly asked: string[]; lifeSeconds: number }> {
  const state = { realm: '', asked: [] as string[], lifeSeconds: 300 }
  const answer: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '', 'https://x')
    const given = Buffer.from(
      (request.headers.authorization ?? '').replace('Basic ', ''),
      'base64',
    ).toString()
    const scope = url.searchParams.get('scope') ?? ''
    state.asked.push(scope)
    if (given !== `${robot.name}:${robot.password}`) return void response.writeHead(401).end()
    // Only one team's repositories, whatever is asked for.
    const [, name = '', actions = ''] = /^repository:(team\/.*):(.*)$/.exec(scope) ?? []
    const access = name === '' ? [] : [{ type: 'repository', name, actions: actions.split(',') }]
    response.end(
      JSON.stringify({ token: tokenFor(harbour, access, state.lifeSeconds), expires_in: state.lifeSeconds }),
    )
  }
  const server = createServer({ cert: harbour.leaf.cert, key: harbour.leaf.key }, answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => void server.close(() => resolve()))
  })
  state.realm = `https://127.0.0.1:${(server.address() as net.AddressInfo).port}/token`
  return state
}

/** A JSON Web Token, signed by the leaf, whose chain the registry verifies (header x5c). */
function tokenFor({ leaf }: Harbour, access: readonly object[], lifeSeconds: number): string {
  const now = Math.floor(Date.now() / 1000)
  const x5c = [new X509Certificate(leaf.cert).raw.toString('base64')]
  const claims = {
    iss: 'us',
    sub: 'robot',
    aud: 'them',
    nbf: now - 60,
    iat: now,
    exp: now + lifeSeconds,
    jti: randomUUID(),
    access,
  }
  const text = [{ alg: 'ES256', typ: 'JWT', x5c }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = sign('sha256', Buffer.from(text), { key: leaf.key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

function listens(address: string): Promise<boolean> {
  const [host = '', port] = address.split(':')
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), host)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
