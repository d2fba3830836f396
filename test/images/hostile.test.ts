import type { ServerResponse } from 'node:http'
import t from 'tap'
import { longestManifest, mostPages, mostRedirects } from '../../src/images/limits.ts'
import { aManifest, fakeCa, says, serveRegistry, sha256, types } from '../support/fake-registry.ts'
import type { FakeRegistry } from '../support/fake-registry.ts'
import { access, aClient, entry, imageIn } from './support.ts'

const secret = 's3cr3t-pa55word'
const login = (registry: FakeRegistry) => access([entry(registry.host, `robot:${secret}`)])

/** Answers every request that is let in with this. */
const always = (registry: FakeRegistry, answer: (response: ServerResponse) => void) => {
  registry.intercept = (_request, response) => {
    answer(response)
    return true
  }
}
const json =
  (text: string, type = types.image) =>
  (response: ServerResponse) => {
    response.setHeader('content-type', type)
    response.end(text)
  }

t.test(
  'a redirect to another host carries no credentials, and its content is verified all the same',
  async (t) => {
    const registry = await serveRegistry(t)
    const storage = await serveRegistry(t, 'storage.test')
    registry.door = { kind: 'basic', users: [`robot:${secret}`] }
    const digest = sha256('hello')
    registry.intercept = (_request, response, { authorization }) => {
      if (authorization === undefined) return false
      response.writeHead(307, { location: `${storage.origin}/bucket/1?X-Signature=${'f'.repeat(64)}` }).end()
      return true
    }
    always(storage, (response) => void response.end('hello'))
    const client = aClient([registry, storage])
    const descriptor = { mediaType: types.config, digest, size: 5 }
    t.match(await client.blob(imageIn(registry), descriptor, login(registry)), { ok: Buffer.from('hello') })
    t.match(storage.seen, [{ authorization: undefined, path: /X-Signature/ }])
    always(storage, (response) => void response.end('h3llo'))
    const got = await client.blob(imageIn(registry), descriptor, login(registry))
    t.match(got, { failed: { code: 'DIGEST_MISMATCH' } })
    t.notMatch(JSON.stringify(got), /X-Signature|ffff/)
  },
)

t.test('a token is not carried to another host either, nor back', async (t) => {
  const registry = await serveRegistry(t)
  const storage = await serveRegistry(t, 'storage.test')
  registry.push('acme/plugin', 'v1')
  registry.door = { kind: 'token', users: [`robot:${secret}`] }
  registry.intercept = (_request, response, { path, authorization }) => {
    if (!path.includes('/v1') || authorization === undefined) return false
    response.writeHead(302, { location: `${storage.origin}/back` }).end()
    return true
  }
  always(
    storage,
    (response) =>
      void response.writeHead(302, { location: `${registry.origin}/v2/acme/plugin/manifests/v2` }).end(),
  )
  t.match(await aClient([registry, storage]).manifest(imageIn(registry), login(registry)), {
    failed: { code: 'UNAUTHORIZED' },
  })
  t.equal(storage.seen[0]?.authorization, undefined)
  t.equal(registry.seen.at(-1)?.path, '/v2/acme/plugin/manifests/v2')
  t.equal(registry.seen.at(-1)?.authorization, undefined)
})

t.test('the challenge of a host that was redirected to is not answered', async (t) => {
  const registry = await serveRegistry(t)
  const other = await serveRegistry(t, 'other.test')
  always(registry, (response) => void response.writeHead(307, { location: `${other.origin}/v2/` }).end())
  other.door = { kind: 'basic', users: [] }
  const got = await aClient([registry, other]).manifest(imageIn(registry), login(registry))
  t.match(got, { failed: { code: 'UNAUTHORIZED', message: /from other.test:\d+, to where it redirects/ } })
  t.same(
    other.seen.map(({ authorization }) => authorization),
    [undefined],
  )
  t.notOk(other.paths.includes('/token'))
})

const places: Readonly<Record<string, { to: string | undefined; code: string }>> = {
  'plain HTTP': { to: 'http://storage.test/', code: 'REDIRECT_REFUSED' },
  'a file': { to: 'file:///etc/passwd', code: 'REDIRECT_REFUSED' },
  'a URL with a password': { to: 'https://a:b@storage.test/', code: 'REDIRECT_REFUSED' },
  nowhere: { to: undefined, code: 'BAD_ANSWER' },
  'what is no URL': { to: 'https://', code: 'BAD_ANSWER' },
}
for (const [what, { to, code }] of Object.entries(places)) {
  t.test(`a redirect to ${what} is not followed`, async (t) => {
    const registry = await serveRegistry(t)
    always(
      registry,
      (response) => void response.writeHead(307, to === undefined ? {} : { location: to }).end(),
    )
    t.match(await aClient([registry]).manifest(imageIn(registry), access()), { failed: { code } })
    t.equal(registry.seen.length, 1)
  })
}

t.test('redirects without end are ended', async (t) => {
  const registry = await serveRegistry(t)
  always(
    registry,
    (response) => void response.writeHead(302, { location: `/v2/${registry.seen.length}` }).end(),
  )
  t.match(await aClient([registry]).manifest(imageIn(registry), access()), {
    failed: { code: 'REDIRECT_REFUSED' },
  })
  t.equal(registry.seen.length, mostRedirects + 1)
})

t.test('a manifest larger than the limit is given up in the middle', async (t) => {
  const registry = await serveRegistry(t)
  let sent = 0
  always(registry, (response) => {
    const pour = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536
      if (!response.destroyed) response.once('drain', pour)
    }
    pour()
  })
  const got = await aClient([registry]).manifest(imageIn(registry), access())
  t.match(got, {
    failed: { code: 'TOO_LARGE', message: /more than 4194304 bytes.*Use an image within the limit/ },
  })
  t.ok(sent < 4 * longestManifest)
})

t.test('a body that drips ends with the time', async (t) => {
  const registry = await serveRegistry(t)
  always(registry, (response) => {
    const drip = setInterval(() => response.write('{'), 5)
    response.on('close', () => clearInterval(drip))
  })
  t.match(await aClient([registry]).manifest(imageIn(registry), access([], 150)), {
    failed: { code: 'TIMEOUT' },
  })
})

t.test('a compressed answer is not unpacked', async (t) => {
  const registry = await serveRegistry(t)
  always(registry, (response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end(Buffer.alloc(100))
  })
  const got = await aClient([registry]).manifest(imageIn(registry), access())
  t.match(got, { failed: { code: 'BAD_ANSWER', message: /compressed/ } })
})

t.test('other bytes than were asked for by digest are refused, whatever the header says', async (t) => {
  const registry = await serveRegistry(t)
  const wanted = registry.push('acme/plugin', 'v1')
  const evil = JSON.stringify(aManifest({ mediaType: types.config, digest: sha256('evil'), size: 4 }))
  always(registry, (response) => {
    response.setHeader('docker-content-digest', wanted)
    json(evil)(response)
  })
  const got = await aClient([registry]).manifest(imageIn(registry, { digest: wanted }), access())
  t.match(got, {
    failed: {
      code: 'DIGEST_MISMATCH',
      message: new RegExp(`${sha256(evil)} instead of ${wanted}.*Do not use`),
    },
  })
})

t.test('a header that does not fit the bytes of a tag is a mismatch', async (t) => {
  const registry = await serveRegistry(t)
  always(registry, (response) => {
    response.setHeader('docker-content-digest', sha256('other'))
    json(JSON.stringify(aManifest({ mediaType: types.config, digest: sha256('a'), size: 1 })))(response)
  })
  t.match(await aClient([registry]).manifest(imageIn(registry), access()), {
    failed: { code: 'DIGEST_MISMATCH' },
  })
})

const bombs: Readonly<Record<string, { text: string; message: RegExp }>> = {
  'four million levels': { text: '['.repeat(longestManifest - 1), message: /nested more than 32/ },
  'a deep object': { text: `{"a":${'{"a":'.repeat(40)}1${'}'.repeat(41)}`, message: /nested more than 32/ },
  'a million entries': {
    text: `{"manifests":[${'{},'.repeat(1_000_000)}{}]}`,
    message: /more than 50000 values/,
  },
  'two thousand descriptors': {
    text: `{"schemaVersion":2,"manifests":[${Array.from({ length: 2000 }, () => '{}').join(',')}]}`,
    message: /manifests with more than 1000 entries/,
  },
  'a key twice': { text: '{"schemaVersion":2,"config":{},"config":{}}', message: /key "config" twice/ },
  'a key twice, once escaped': { text: '{"config":{},"con\\u0066ig":{}}', message: /key "config" twice/ },
  'a key in another case': {
    text: '{"schemaVersion":2,"Config":{},"layers":[]}',
    message: /misspelt key "Config"/,
  },
  'config and manifests': {
    text: '{"schemaVersion":2,"manifests":[],"config":{}}',
    message: /index that has config or layers too/,
  },

  'an endless string': { text: `{"a":"${'x'.repeat(1000)}`, message: /not JSON/ },
}
for (const [what, { text, message }] of Object.entries(bombs)) {
  t.test(`a manifest with ${what} is a bad answer, soon`, async (t) => {
    const registry = await serveRegistry(t)
    always(registry, json(text, types.index))
    if (what === 'a key in another case') always(registry, json(text))
    const before = process.memoryUsage().heapUsed
    t.match(await aClient([registry]).manifest(imageIn(registry), access()), {
      failed: { code: 'BAD_ANSWER', message },
    })
    t.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024, 'without taking much memory')
  })
}

t.test('a secret that a server echoes is shown nowhere', async (t) => {
  const registry = await serveRegistry(t)
  registry.door = { kind: 'token', users: [`robot:${secret}`] }
  const basic = Buffer.from(`robot:${secret}`).toString('base64')
  const echoes: Readonly<Record<string, (response: ServerResponse, authorization: string) => void>> = {
    'in an error': (response, authorization) =>
      says(response, 403, { code: secret, message: `${basic} ${authorization}` }),
    'as a media type': (response, authorization) =>
      json('{"schemaVersion":2}', `${secret} ${authorization}`)(response),
    'as a key': (response, authorization) => json(`{"${authorization}":1,"${authorization}":2}`)(response),
    'as a digest': (response) =>
      json(JSON.stringify(aManifest({ mediaType: 'x', digest: secret, size: 1 })))(response),
    'as the place of a redirect': (response, authorization) =>
      void response.writeHead(307, { location: `gopher://${secret}.test/${authorization}` }).end(),
    'as a content encoding': (response) => {
      response.setHeader('content-encoding', secret)
      response.end()
    },
  }
  for (const [how, echo] of Object.entries(echoes)) {
    registry.intercept = (_request, response, { authorization }) => {
      if (authorization?.startsWith('Bearer') !== true) return false
      echo(response, authorization)
      return true
    }
    const client = aClient([registry])
    const got = await client.manifest(imageIn(registry), login(registry))
    const token = registry.seen.at(-1)?.authorization?.replace('Bearer ', '') ?? 'none'
    const shown = JSON.stringify([got, client.log.entries])
    t.match(got, { failed: {} }, how)
    for (const hidden of [secret, basic, token]) t.notOk(shown.includes(hidden), how)
  }
})

t.test('a token server that echoes the password in its error does not betray it', async (t) => {
  const registry = await serveRegistry(t)
  registry.door = { kind: 'token', users: [] }
  registry.intercept = (_request, response, { path, authorization }) => {
    if (path.startsWith('/token'))
      says(response, 401, { code: 'NO', message: `${secret} / ${authorization}` })
    return path.startsWith('/token')
  }
  const got = await aClient([registry]).manifest(imageIn(registry), login(registry))
  t.match(got, { failed: { code: 'UNAUTHORIZED', message: /NO: \*\*\*/ } })
  t.notMatch(
    JSON.stringify(got),
    new RegExp(`${secret}|${Buffer.from(`robot:${secret}`).toString('base64')}`),
  )
})

t.test('the log names host, method and status of every request, and neither path nor secret', async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1')
  registry.door = { kind: 'token', users: [`robot:${secret}`] }
  const client = aClient([registry])
  await client.manifest(imageIn(registry), login(registry))
  t.match(client.log.entries, [
    { level: 'debug', fields: { registry: registry.host, method: 'GET', status: 401 } },
    { level: 'debug', fields: { status: 200 } },
    { level: 'debug', fields: { status: 200 } },
  ])
  t.notMatch(JSON.stringify(client.log.entries), /acme|token|s3cr3t/)
})

t.test('a list of referrers without end is ended, and another list is not gone on with', async (t) => {
  const registry = await serveRegistry(t)
  const digest = sha256('subject')
  const page = (next: string) =>
    always(registry, (response) => {
      response.setHeader('link', `<${next}>; rel="next"`)
      json(JSON.stringify({ schemaVersion: 2, manifests: [] }), types.index)(response)
    })
  const client = aClient([registry])
  page(`/v2/acme/plugin/referrers/${digest}?n=1`)
  t.match(await client.referrers(imageIn(registry), digest, access()), { failed: { code: 'TOO_LARGE' } })
  t.equal(registry.seen.length, mostPages)
  for (const other of [
    '/v2/other/plugin/referrers/x',
    'https://other.test/token',
    '//other.test/',
    '../../../../token',
  ]) {
    registry.seen.length = 0
    page(other)
    t.match(
      await client.referrers(imageIn(registry), digest, access()),
      { failed: { message: /not of the same list/ } },
      other,
    )
    t.ok(registry.seen.every(({ host }) => host === registry.host))
  }
})

t.test('a CA of a registry does not count for another', async (t) => {
  const registry = await serveRegistry(t)
  const other = await serveRegistry(t, 'other.test')
  other.push('acme/plugin', 'v1')
  const client = aClient([], { settings: [{ registry: registry.host, ca: fakeCa }] })
  t.match(await client.manifest(imageIn(other), access()), { failed: { code: 'TLS' } })
})
