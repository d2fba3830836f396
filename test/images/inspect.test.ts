import t from 'tap'
import { inspect } from '../../src/images/inspect.ts'
import { longestConfig, mostManifests } from '../../src/images/limits.ts'
import type { Platform } from '../../src/core/plugin-check/platform.ts'
import { aManifest, anImageConfig, serveRegistry, sha256, types } from '../support/fake-registry.ts'
import type { FakeRegistry } from '../support/fake-registry.ts'
import { access, aClient, imageIn } from './support.ts'

const amd64 = { os: 'linux', architecture: 'amd64' }
const arm64 = { os: 'linux', architecture: 'arm64' }
const look = (registry: FakeRegistry, nodes: readonly Platform[] = [amd64]) =>
  inspect({ registry: aClient([registry]), image: imageIn(registry), nodes, access: access() })
const pushed = (registry: FakeRegistry, platform: object) => ({
  mediaType: types.image,
  digest: registry.push(
    'acme/plugin',
    sha256(JSON.stringify(platform)).slice(7, 20),
    anImageConfig(platform),
  ),
  size: 1,
})
const index = (registry: FakeRegistry, manifests: readonly object[], tag = 'v1') =>
  registry.tag('acme/plugin', tag, {
    content: { schemaVersion: 2, mediaType: types.index, manifests },
    type: types.index,
  })

t.test('a single image tells its platform and how it starts', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  t.match(await look(registry), {
    ok: {
      digest,
      mediaType: types.image,
      platforms: [amd64],
      images: [{ digest, config: { entrypoint: ['cp', '/plugins/p', '/target/.'] } }],
    },
  })
})

t.test(
  'of an index only what the nodes take is fetched, and the index is what is to be pinned',
  async (t) => {
    const registry = await serveRegistry(t)
    const [one, two] = [pushed(registry, amd64), pushed(registry, arm64)]
    const attestation = {
      ...one,
      platform: { os: 'unknown', architecture: 'unknown' },
      digest: sha256('attestation'),
    }
    const digest = index(registry, [{ ...one, platform: amd64 }, { ...two, platform: arm64 }, attestation])
    const got = await look(registry, [amd64, amd64])
    t.match(got, { ok: { digest, images: [{ digest: one.digest }] } })
    t.same('ok' in got && got.ok.platforms, [amd64, arm64], 'without the attestation')
    t.equal(registry.seen.length, 3, 'index, manifest, config')
    t.match(await look(registry, [amd64, arm64]), {
      ok: { images: [{ digest: one.digest }, { digest: two.digest }] },
    })
    t.match(await look(registry, [{ os: 'linux', architecture: 's390x' }]), {
      ok: { images: [], platforms: [amd64, arm64] },
    })
  },
)

t.test(
  'an entry without a platform is fetched to learn it, and an index in an index is followed',
  async (t) => {
    const registry = await serveRegistry(t)
    const inner = {
      mediaType: types.index,
      digest: index(registry, [pushed(registry, arm64)], 'inner'),
      size: 1,
    }
    index(registry, [
      inner,
      pushed(registry, amd64),
      { mediaType: 'text/plain', digest: sha256('x'), size: 1 },
    ])
    t.match(await look(registry, [arm64]), {
      ok: { platforms: [amd64, arm64], images: [{ config: { platform: arm64 } }] },
    })
  },
)

t.test('an index that leads to very many others is given up', async (t) => {
  const registry = await serveRegistry(t)
  const many = Array.from({ length: 100 }, (_, i) => pushed(registry, { ...amd64, author: String(i) }))
  index(registry, many)
  t.match(await look(registry), { failed: { code: 'TOO_LARGE', message: /leads to more than/ } })
  t.equal(registry.paths.filter((path) => path.includes('/manifests/')).length, 1 + mostManifests)
})

t.test('an index cannot lead to itself for ever', async (t) => {
  const registry = await serveRegistry(t)
  const evil = { mediaType: types.index, digest: sha256('self'), size: 1 }
  index(registry, [evil, evil, evil])
  registry.put(`acme/plugin/manifests/${sha256('self')}`, 'self', types.index)
  t.match(await look(registry), { failed: { code: 'BAD_ANSWER' } })
})

t.test('what is no container image is told by its type', async (t) => {
  const registry = await serveRegistry(t)
  const chart = { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: sha256('c'), size: 1 }
  registry.tag('acme/plugin', 'v1', { content: aManifest(chart), type: types.image })
  t.match(await look(registry), {
    ok: {
      platforms: [],
      images: [{ config: undefined, artifactType: 'application/vnd.cncf.helm.config.v1+json' }],
    },
  })
})

t.test('a config that says it is huge is not asked for', async (t) => {
  const registry = await serveRegistry(t)
  const config = { mediaType: types.config, digest: sha256('c'), size: longestConfig + 1 }
  registry.tag('acme/plugin', 'v1', { content: aManifest(config), type: types.image })
  t.match(await look(registry), { failed: { code: 'TOO_LARGE', message: /got one of 8388609 bytes/ } })
  t.equal(registry.seen.length, 1)
})

t.test('a config that cannot be read is a bad answer, a missing one is not found', async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1', { os: 'linux' })
  t.match(await look(registry), {
    failed: { code: 'BAD_ANSWER', message: /wanted the config of .*, got a config/ },
  })
  registry.tag('acme/plugin', 'v1', {
    content: aManifest({ mediaType: types.config, digest: sha256('c'), size: 1 }),
    type: types.image,
  })
  t.match(await look(registry), { failed: { code: 'NOT_FOUND', message: /wanted the blob sha256/ } })
})

t.test('an image of the index that is not there is not found, also if it has no platform', async (t) => {
  const registry = await serveRegistry(t)
  const gone = { mediaType: types.image, digest: sha256('gone'), size: 1 }
  index(registry, [{ ...gone, platform: amd64 }])
  t.match(await look(registry), { failed: { code: 'NOT_FOUND', message: /sha256:/ } })
  index(registry, [gone])
  t.match(await look(registry), { failed: { code: 'NOT_FOUND' } })
  const config = { mediaType: types.config, digest: sha256('no config'), size: 1 }
  const digest = registry.tag('acme/plugin', 'half', { content: aManifest(config), type: types.image })
  index(registry, [{ ...gone, digest }])
  t.match(await look(registry), { failed: { code: 'NOT_FOUND', message: /wanted the blob/ } })
})
