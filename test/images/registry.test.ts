import { createHash } from 'node:crypto'
import t from 'tap'
import { aManifest, says, serveRegistry, sha256, types } from '../support/fake-registry.ts'
import { mostAtOnce } from '../../src/images/limits.ts'
import { access, aClient, imageIn } from './support.ts'

t.test('a tag leads to the manifest, and the digest is computed from its bytes', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  const got = await aClient([registry]).manifest(imageIn(registry), access())
  t.match(got, { ok: { kind: 'image', digest, mediaType: types.image, config: { mediaType: types.config } } })
  t.match(registry.seen, [{ method: 'GET', path: '/v2/acme/plugin/manifests/v1', authorization: undefined }])
  t.match(registry.seen[0]?.accept, /image\.index.*manifest\.list|manifest\.v1.*manifest\.list/)
})

t.test('a digest counts more than the tag beside it', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  registry.push('acme/plugin', 'v1', { os: 'linux', architecture: 'arm64' })
  t.match(await aClient([registry]).manifest(imageIn(registry, { digest }), access()), { ok: { digest } })
  t.same(registry.paths, [`/v2/acme/plugin/manifests/${digest}`])
})

t.test('sha512 digests are verified as well', async (t) => {
  const registry = await serveRegistry(t)
  const text = JSON.stringify(aManifest({ mediaType: types.config, digest: sha256('x'), size: 1 }))
  const digest = `sha512:${createHash('sha512').update(text).digest('hex')}`
  registry.put(`acme/plugin/manifests/${digest}`, text, types.image)
  const client = aClient([registry])
  t.match(await client.manifest(imageIn(registry, { digest }), access()), { ok: { digest } })
  registry.put(`acme/plugin/manifests/${digest}`, `${text} `, types.image)
  t.match(await client.manifest(imageIn(registry, { digest }), access()), {
    failed: { code: 'DIGEST_MISMATCH' },
  })
})

const dockers = {
  'application/vnd.docker.distribution.manifest.v2+json': 'image',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'index',
}
for (const [mediaType, kind] of Object.entries(dockers)) {
  t.test(`${mediaType} is read`, async (t) => {
    const registry = await serveRegistry(t)
    const content =
      kind === 'image'
        ? aManifest({ mediaType: types.config, digest: sha256('x'), size: 1 }, { mediaType })
        : { schemaVersion: 2, mediaType, manifests: [] }
    registry.tag('acme/plugin', 'v1', { content, type: mediaType })
    t.match(await aClient([registry]).manifest(imageIn(registry), access()), { ok: { kind, mediaType } })
  })
}

t.test('HEAD gives the digest that the registry says, without the manifest', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  t.same(await aClient([registry]).head(imageIn(registry), access()), { ok: digest })
  t.match(registry.seen, [{ method: 'HEAD' }])
})

t.test('a HEAD without a digest, or with one that is none, is a bad answer', async (t) => {
  const registry = await serveRegistry(t)
  for (const said of [undefined, 'sha256:abc', 'md5:00']) {
    registry.intercept = (_request, response) => {
      if (said !== undefined) response.setHeader('docker-content-digest', said)
      response.end()
      return true
    }
    t.match(await aClient([registry]).head(imageIn(registry), access()), { failed: { code: 'BAD_ANSWER' } })
  }
})

t.test('a blob is exactly the bytes of its descriptor', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.put(`acme/plugin/blobs/${sha256('hello')}`, 'hello')
  const client = aClient([registry])
  const descriptor = { mediaType: types.config, digest, size: 5 }
  const got = await client.blob(imageIn(registry), descriptor, access())
  t.ok('ok' in got && Buffer.from(got.ok).toString() === 'hello')
  t.match(await client.blob(imageIn(registry), { ...descriptor, size: 6 }, access()), {
    failed: { code: 'DIGEST_MISMATCH' },
  })
  t.match(await client.blob(imageIn(registry), { ...descriptor, size: 4 }, access()), {
    failed: { code: 'DIGEST_MISMATCH', message: /5 bytes .* instead of 4 bytes/ },
  })
})

t.test('ping says whether a registry answers', async (t) => {
  const registry = await serveRegistry(t)
  t.same(await aClient([registry]).ping(registry.host, access()), { ok: true })
  t.same(registry.paths, ['/v2/'])
})

t.test('what is not there is told with the name, the answer, the credentials and what to do', async (t) => {
  const registry = await serveRegistry(t)
  const got = await aClient([registry]).manifest(imageIn(registry), access())
  t.match(got, {
    failed: {
      code: 'NOT_FOUND',
      message: `wanted the manifest of ${registry.host}/acme/plugin:v1, got 404 "MANIFEST_UNKNOWN: manifest unknown" (${registry.host}, without credentials, as no entry of a pull secret is for it). Check the name`,
    },
  })
})

const statuses: Readonly<Record<number, string>> = {
  403: 'DENIED',
  404: 'NOT_FOUND',
  418: 'BAD_ANSWER',
  401: 'UNAUTHORIZED',
}
for (const [status, code] of Object.entries(statuses)) {
  t.test(`${status} is ${code} and is not tried again`, async (t) => {
    const registry = await serveRegistry(t)
    registry.intercept = (_request, response) => {
      says(response, Number(status), { code: 'NO', message: 'not\u0000 this\n\ntime' })
      return true
    }
    const client = aClient([registry])
    const got = await client.manifest(imageIn(registry), access())
    t.match(got, { failed: { code } })
    t.equal(registry.seen.length, 1)
    t.same(client.waits, [])
    if (code !== 'UNAUTHORIZED') t.match(got, { failed: { message: /"NO: not this time"/ } })
  })
}

const passing: Readonly<Record<number, string>> = {
  429: 'TOO_MANY',
  500: 'SERVER_ERROR',
  503: 'SERVER_ERROR',
}
for (const [status, code] of Object.entries(passing)) {
  t.test(`${status} is tried again twice, and then is ${code}`, async (t) => {
    const registry = await serveRegistry(t)
    registry.intercept = (_request, response) => {
      response.writeHead(Number(status), { 'retry-after': '2' }).end()
      return true
    }
    const client = aClient([registry])
    t.match(await client.manifest(imageIn(registry), access([], 60_000)), {
      failed: { code, retryAfterMs: 2000 },
    })
    t.equal(registry.seen.length, 3)
    t.same(client.waits, [2000, 2000])
  })
}

t.test('a registry that wants a long rest gets it', async (t) => {
  const registry = await serveRegistry(t)
  registry.intercept = (_request, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end()
    return true
  }
  const client = aClient([registry])
  const got = await client.manifest(imageIn(registry), access([], 60_000))
  t.match(got, { failed: { code: 'TOO_MANY', retryAfterMs: 3_600_000 } })
  t.equal(registry.seen.length, 1)
})

t.test('a broken connection is tried again', async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1')
  registry.intercept = (request) => {
    if (registry.seen.length > 1) return false
    request.socket.destroy()
    return true
  }
  t.match(await aClient([registry]).manifest(imageIn(registry), access([], 60_000)), {
    ok: { kind: 'image' },
  })
})

t.test('where nothing listens it is unreachable', async (t) => {
  const client = aClient([])
  const image = { registry: 'registry.test:1', repository: 'a', tag: 'v1' }
  t.match(await client.manifest(image, access()), {
    failed: { code: 'UNREACHABLE', message: /nothing listens there/ },
  })
})

t.test('a certificate of an unknown authority is not trusted', async (t) => {
  const registry = await serveRegistry(t)
  const client = aClient([], { settings: [{ registry: registry.host }] })
  const got = await client.manifest(imageIn(registry), access())
  t.match(got, {
    failed: { code: 'TLS', message: /unknown authority .*give the authority that signs it \(caFile\)/ },
  })
  t.notMatch(got, { failed: { message: /caBundle/ } })
  t.equal(registry.seen.length, 0)
})

t.test('plain HTTP is spoken only to a registry that is set so', async (t) => {
  const registry = await serveRegistry(t, 'registry.test', false)
  registry.push('acme/plugin', 'v1')
  t.match(await aClient([registry]).manifest(imageIn(registry), access()), {
    failed: { code: 'TLS', message: /does not speak TLS .*plainHttp: true/ },
  })
  const client = aClient([], { settings: [{ registry: registry.host, plainHttp: true }] })
  t.match(await client.manifest(imageIn(registry), access()), { ok: { kind: 'image' } })
})

t.test('what the egress rules refuse is not called', async (t) => {
  const client = aClient([], {
    send: async () => ({ refused: 'egress', message: '10.0.0.1 is an address of the API server' }),
  })
  const got = await client.manifest({ registry: 'a.test', repository: 'b' }, access())
  t.match(got, { failed: { code: 'EGRESS_REFUSED', message: /API server/ } })
})

t.test('a slow registry ends with the time that was given', async (t) => {
  const registry = await serveRegistry(t)
  registry.intercept = () => true
  t.match(await aClient([registry]).manifest(imageIn(registry), access([], 200)), {
    failed: { code: 'TIMEOUT' },
  })
})

t.test('whoever no longer wants to know is not kept waiting', async (t) => {
  const registry = await serveRegistry(t)
  const controller = new AbortController()
  registry.intercept = () => {
    controller.abort()
    return true
  }
  const within = { signal: controller.signal, endsAt: Date.now() + 5000 }
  const got = await aClient([registry]).manifest(imageIn(registry), { keyring: [], within })
  t.match(got, { failed: { code: 'ABORTED' } })
})

t.test('a call that waits in line, or for its next attempt, ends with its time', async (t) => {
  const registry = await serveRegistry(t)
  const controller = new AbortController()
  const within = { signal: controller.signal, endsAt: Number.MAX_SAFE_INTEGER }
  registry.intercept = () => true
  const client = aClient([registry])
  const waiting = Array.from({ length: mostAtOnce + 1 }, () =>
    client.manifest(imageIn(registry), { keyring: [], within }),
  )
  while (registry.seen.length < mostAtOnce) await new Promise((resolve) => setImmediate(resolve))
  controller.abort(new DOMException('enough', 'TimeoutError'))
  const ended = await Promise.all(waiting)
  t.equal(registry.seen.length, mostAtOnce)
  for (const one of ended) t.match(one, { failed: { code: 'TIMEOUT' } })
  t.match(ended.at(-1), { failed: { message: /waiting for earlier calls of registry.test/ } })
})

t.test('whoever stops during the wait before another attempt gets the answer of the last one', async (t) => {
  const registry = await serveRegistry(t)
  const controller = new AbortController()
  registry.intercept = (_request, response) => {
    response.writeHead(503).end()
    return true
  }
  const client = aClient([registry], { onWait: () => controller.abort() })
  const within = { signal: controller.signal, endsAt: Number.MAX_SAFE_INTEGER }
  t.match(await client.manifest(imageIn(registry), { keyring: [], within }), {
    failed: { code: 'SERVER_ERROR' },
  })
  t.equal(registry.seen.length, 1)
})
