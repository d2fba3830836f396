import t from 'tap'
import { directoryOf, endpointsOf } from '../../src/images/settings.ts'
import { fakeCa, serveRegistry } from '../support/fake-registry.ts'
import { access, aClient, entry, imageIn } from './support.ts'

const places = (registry: string, repository: string, mirrors?: readonly string[]) =>
  endpointsOf(
    { registry, repository },
    directoryOf(mirrors === undefined ? [] : [{ registry, mirrors }]),
  ).map(({ name, origin, repository }) => [name, origin, repository])

t.test(
  'Docker Hub is reached under the name of its registry, and its own images have a folder',
  async (t) => {
    const hub = 'https://registry-1.docker.io'
    t.same(places('docker.io', 'busybox'), [['docker.io', hub, 'library/busybox']])
    t.same(places('docker.io', 'library/busybox'), [['docker.io', hub, 'library/busybox']])
    t.same(places('index.docker.io', 'velero/velero'), [['docker.io', hub, 'velero/velero']])
    t.same(places('ghcr.io', 'x'), [['ghcr.io', 'https://ghcr.io', 'x']])
    t.same(places('registry.test:443', 'x'), [['registry.test:443', 'https://registry.test', 'x']])
  },
)

t.test('mirrors come first, in their order, each with its own path', async (t) => {
  t.same(places('docker.io', 'busybox', ['mirror.test:5000/hub', 'other.test']), [
    ['mirror.test:5000', 'https://mirror.test:5000', 'hub/library/busybox'],
    ['other.test', 'https://other.test', 'library/busybox'],
    ['docker.io', 'https://registry-1.docker.io', 'library/busybox'],
  ])
})

t.test('the settings of Docker Hub count under each of its names', async (t) => {
  const [endpoint] = endpointsOf(
    { registry: 'docker.io', repository: 'a/b' },
    directoryOf([{ registry: 'index.docker.io', ca: 'x' }]),
  )
  t.equal(endpoint?.settings.ca, 'x')
})

async function mirrored(t: Parameters<typeof serveRegistry>[0]) {
  const registry = await serveRegistry(t)
  const mirror = await serveRegistry(t, 'mirror.test')
  const settings = [
    { registry: registry.host, ca: fakeCa, mirrors: [`${mirror.host}/cache`] },
    { registry: mirror.host, ca: fakeCa },
  ]
  return { registry, mirror, client: aClient([], { settings }) }
}

t.test(
  'what a mirror has is not asked of the registry, and the mirror is told for whom it stands in',
  async (t) => {
    const { registry, mirror, client } = await mirrored(t)
    const digest = mirror.push('cache/acme/plugin', 'v1')
    t.match(await client.manifest(imageIn(registry), access()), { ok: { digest } })
    t.same(mirror.paths, [`/v2/cache/acme/plugin/manifests/v1?ns=${encodeURIComponent(registry.host)}`])
    t.equal(registry.seen.length, 0)
  },
)

t.test('what a mirror lacks, breaks or gives wrongly comes from the registry, without waiting', async (t) => {
  const { registry, mirror, client } = await mirrored(t)
  const digest = registry.push('acme/plugin', 'v1')
  for (const status of [404, 500, 200]) {
    mirror.intercept = (_request, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end('{"evil":true}')
      return true
    }
    t.match(
      await client.manifest(imageIn(registry, { digest }), access()),
      { ok: { digest } },
      String(status),
    )
  }
  t.equal(mirror.seen.length, 3)
  t.same(client.waits, [])
})

t.test(
  'credentials are chosen by the host that is asked: a mirror never sees those of the registry',
  async (t) => {
    const { registry, mirror, client } = await mirrored(t)
    registry.push('acme/plugin', 'v1')
    mirror.door = { kind: 'basic', users: ['m:m1234'] }
    registry.door = { kind: 'basic', users: ['robot:pa55word'] }
    t.match(await client.manifest(imageIn(registry), access([entry(registry.host, 'robot:pa55word')])), {
      ok: {},
    })
    t.same(
      mirror.seen.map(({ authorization }) => authorization),
      [undefined],
    )
  },
)

t.test('if nobody has it the failure tells of every place, and is that of the registry', async (t) => {
  const { registry, mirror, client } = await mirrored(t)
  mirror.intercept = (_request, response) => {
    response.writeHead(500).end()
    return true
  }
  const got = await client.manifest(imageIn(registry), access())
  t.match(got, {
    failed: {
      code: 'NOT_FOUND',
      message: /got 500 \(the mirror mirror.test:\d+, without .*\); 404 .* \(registry.test/,
    },
  })
})
