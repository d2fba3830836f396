/** The registry client against real registries: open, behind a password, behind a token server, and as a mirror. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import t from 'tap'
import { platformSupported } from '../../src/core/plugin-check/platform-check.ts'
import { shapeValid } from '../../src/core/plugin-check/shape.ts'
import { tagUnmoved } from '../../src/core/plugin-check/moved.ts'
import { inspect } from '../../src/images/inspect.ts'
import { readPullSecret } from '../../src/images/pull-secret.ts'
import type { Keyring } from '../../src/images/keyring.ts'
import { createRegistry } from '../../src/images/registry.ts'
import type { Registry } from '../../src/images/registry.ts'
import type { RegistrySettings } from '../../src/images/settings.ts'
import { createEgress } from '../../src/net/egress.ts'
import { systemClock } from '../../src/system-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { aHarbour, robot, startTokenServer } from './registries.ts'

const harbour = await aHarbour(t)
const open = await harbour.start({})
const amd64 = { os: 'linux', architecture: 'amd64' }
const arm64 = { os: 'linux', architecture: 'arm64' }
const log = new FakeLog()

function client(settings: readonly RegistrySettings[]): Registry {
  const egress = createEgress({
    clock: systemClock,
    rules: { inCluster: false, refusedAddresses: () => [], allowNames: [], onlyTo: [] },
  })
  const authorities = () => getCACertificates('default').join('\n')
  return createRegistry(
    { clock: systemClock, log, send: egress.send, userAgent: 'tidewaiter/e2e', authorities },
    settings,
  )
}
const access = (keyring: Keyring = []) => ({
  keyring,
  within: { signal: AbortSignal.timeout(20_000), endsAt: systemClock.now() + 20_000 },
})
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A pull secret as `kubectl create secret docker-registry` makes it. */
function pullSecret(host: string, password: string): Keyring {
  const auth = base64(`${robot.name}:${password}`)
  const content = JSON.stringify({
    auths: { [`https://${host}/v2/`]: { username: robot.name, password, auth } },
  })
  const read = readPullSecret({
    name: 'velero/pull',
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64(content) },
  })
  if ('problem' in read) throw new Error(read.problem)
  return read.ok.keyring
}

const at = (registry: string, repository: string, tag = 'v1') => ({ registry, repository, tag })
const plain = client([{ registry: open, plainHttp: true }])

t.test(
  'an open registry: an image is found, its digest is what crane says, its shape is right',
  async (t) => {
    const digest = harbour.push(`${open}/team/plugin:v1`)
    t.same(await plain.ping(open, access()), { ok: true })
    t.same(await plain.head(at(open, 'team/plugin'), access()), { ok: digest })
    const got = await inspect({
      registry: plain,
      image: at(open, 'team/plugin'),
      nodes: [amd64],
      access: access(),
    })
    t.match(got, {
      ok: {
        digest,
        platforms: [amd64],
        images: [{ config: { entrypoint: ['cp', '/plugins/p', '/target/.'] } }],
      },
    })
    if (!('ok' in got)) return
    t.match(shapeValid(got.ok), { ok: true })
    t.match(platformSupported(got.ok, [amd64, arm64]), { ok: false, reason: 'PlatformMissingOnSomeNodes' })
  },
)

t.test('an index: the image of each node is looked at, and the index is pinned', async (t) => {
  const images = ['linux/amd64', 'linux/arm64'].map((platform) => {
    const reference = `${open}/team/multi:${platform.replace('/', '-')}`
    harbour.push(reference, { platform })
    return reference
  })
  harbour.crane('index', 'append', ...images.flatMap((image) => ['-m', image]), '-t', `${open}/team/multi:v1`)
  const digest = harbour.crane('digest', `${open}/team/multi:v1`)
  const got = await inspect({
    registry: plain,
    image: at(open, 'team/multi'),
    nodes: [amd64, arm64],
    access: access(),
  })
  t.match(got, { ok: { digest, platforms: [amd64, arm64], images: [{}, {}] } })
  t.match('ok' in got && platformSupported(got.ok, [amd64, arm64]), { ok: true })
})

t.test('a moved tag, a missing tag, a missing repository, and an image that starts nothing', async (t) => {
  const before = harbour.push(`${open}/team/moving:v1`)
  const after = harbour.push(`${open}/team/moving:v1`, { entrypoint: 'cp,other' })
  t.same(await plain.head(at(open, 'team/moving'), access()), { ok: after })
  t.match(tagUnmoved({ name: 'team/moving:v1', tag: 'v1' }, before, after), { ok: false, reason: 'TagMoved' })
  const pinned = { registry: open, repository: 'team/moving', digest: before }
  t.match(
    await plain.manifest(pinned, access()),
    { ok: { digest: before } },
    'what was pinned is still there',
  )
  for (const image of [at(open, 'team/moving', 'v2'), at(open, 'team/none')])
    t.match(await plain.manifest(image, access()), {
      failed: { code: 'NOT_FOUND', message: /404 "(MANIFEST|NAME)_UNKNOWN/ },
    })
  harbour.push(`${open}/team/idle:v1`, { entrypoint: '' })
  const idle = await inspect({
    registry: plain,
    image: at(open, 'team/idle'),
    nodes: [amd64],
    access: access(),
  })
  t.match('ok' in idle && shapeValid(idle.ok), { ok: false, reason: 'NoEntrypoint' })
})

t.test('what refers to an image is found under the tag that crane and cosign use', async (t) => {
  const digest = harbour.push(`${open}/team/signed:v1`)
  t.same(await plain.referrers(at(open, 'team/signed'), digest, access()), { ok: [] })
  harbour.push(`${open}/team/signed:note`)
  harbour.crane(
    'index',
    'append',
    '-m',
    `${open}/team/signed:note`,
    '-t',
    `${open}/team/signed:${digest.replace(':', '-')}`,
  )
  t.match(await plain.referrers(at(open, 'team/signed'), digest, access()), { ok: [{ digest: /^sha256:/ }] })
})

t.test('a registry with a password and TLS of its own', async (t) => {
  const auth = { htpasswd: { realm: 'ours', path: join(harbour.folder, 'htpasswd') } }
  const registry = await harbour.start({ tls: true, auth })
  const auths = { [registry]: { auth: base64(`${robot.name}:${robot.password}`) } }
  writeFileSync(join(harbour.folder, 'config.json'), JSON.stringify({ auths }))
  const digest = harbour.push(`${registry}/team/private:v1`)
  const ours = client([{ registry, ca: harbour.authority.cert }])
  const image = at(registry, 'team/private')
  const look = (keyring: Keyring, registry = ours) =>
    inspect({ registry, image, nodes: [amd64], access: access(keyring) })

  t.match(await look(pullSecret(registry, robot.password)), { ok: { digest } })
  t.match(await look(pullSecret(registry, 'wrong-pa55word')), {
    failed: {
      code: 'UNAUTHORIZED',
      message: /401 "UNAUTHORIZED: authentication required" .* of Secret velero\/pull/,
    },
  })
  t.match(await look([...pullSecret(registry, 'wrong-pa55word'), ...pullSecret(registry, robot.password)]), {
    ok: { digest },
  })
  t.match(await look([]), {
    failed: { code: 'UNAUTHORIZED', message: /no entry of a pull secret is for it/ },
  })
  t.match(await look([], client([])), { failed: { code: 'TLS' } })
  t.match(await ours.ping(registry, access(pullSecret(registry, robot.password))), { ok: true })
})

t.test('a registry with a token server on another port', async (t) => {
  const server = await startTokenServer(t, harbour)
  const token = {
    realm: server.realm,
    service: 'them',
    issuer: 'us',
    rootcertbundle: join(harbour.folder, 'ca.crt'),
  }
  const registry = await harbour.start({ tls: true, auth: { token } })
  const ours = client([{ registry, ca: harbour.authority.cert }])
  const login = access(pullSecret(registry, robot.password))
  const image = at(registry, 'team/plugin')
  t.match(await inspect({ registry: ours, image, nodes: [amd64], access: login }), { ok: { images: [{}] } })
  t.same(server.asked, ['repository:team/plugin:pull'], 'one token for all of it')
  t.match(await ours.manifest(at(registry, 'others/plugin'), login), { failed: { code: 'UNAUTHORIZED' } })
  t.match(await ours.manifest(image, access(pullSecret(registry, 'wrong-pa55word'))), {
    failed: { code: 'UNAUTHORIZED', message: /from the token server 127.0.0.1/ },
  })
  const choosy = client([{ registry, ca: harbour.authority.cert, realms: ['auth.test'] }])
  t.match(await choosy.manifest(image, login), { failed: { code: 'REALM_REFUSED' } })
})

t.test('a mirror that fetches what it lacks, and one that is gone', async (t) => {
  const proxy = await harbour.start({ store: 'cache', proxy: { remoteurl: `http://${open}` } })
  const settings = [
    { registry: open, plainHttp: true, mirrors: [proxy] },
    { registry: proxy, plainHttp: true },
  ]
  const digest = harbour.crane('digest', `${open}/team/plugin:v1`)
  const look = (registry: Registry) =>
    inspect({ registry, image: at(open, 'team/plugin'), nodes: [amd64], access: access() })
  log.entries.length = 0
  t.match(await look(client(settings)), { ok: { digest } })
  t.same([...new Set(log.entries.map(({ fields }) => 'registry' in fields && fields.registry))], [proxy])
  t.match(await look(client([{ registry: open, plainHttp: true, mirrors: ['127.0.0.1:1'] }])), {
    ok: { digest },
  })
})

t.test('no secret is in the log', async (t) => {
  t.ok(log.entries.length > 0)
  t.notMatch(JSON.stringify(log.entries), /pa:55word|pa55word|eyJ|cm9ib3Q6/)
})
