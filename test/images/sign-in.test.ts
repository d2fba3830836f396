import t from 'tap'
import { fakeCa, says, serveRegistry } from '../support/fake-registry.ts'
import type { FakeRegistry } from '../support/fake-registry.ts'
import { access, aClient, entry, imageIn } from './support.ts'

const good = 'robot:pass:word'
const open = (registry: FakeRegistry, kind: 'basic' | 'token', users = ['robot:pa55word']) => {
  registry.push('acme/plugin', 'v1')
  registry.door = { kind, users }
  return registry
}
const authorizations = ({ seen }: FakeRegistry) => seen.map(({ authorization }) => authorization)
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

t.test('a password is sent only after it was asked for, and then from the start', async (t) => {
  const registry = open(await serveRegistry(t), 'basic')
  const client = aClient([registry])
  const login = access([entry(registry.host, 'robot:pa55word')])
  t.match(await client.manifest(imageIn(registry), login), { ok: { kind: 'image' } })
  t.match(await client.manifest(imageIn(registry), login), { ok: { kind: 'image' } })
  const sent = basic('robot:pa55word')
  t.same(authorizations(registry), [undefined, sent, sent])
})

t.test('a token is fetched for pulling this repository only, and used as long as it lasts', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  const client = aClient([registry])
  const login = access([entry(registry.host, 'robot:pa55word')])
  for (let i = 0; i < 2; i += 1)
    t.match(await client.manifest(imageIn(registry), login), { ok: { kind: 'image' } })
  t.match(registry.seen, [
    { path: '/v2/acme/plugin/manifests/v1', authorization: undefined },
    {
      path: '/token?service=fake%2C+with+a+comma&scope=repository%3Aacme%2Fplugin%3Apull',
      authorization: basic('robot:pa55word'),
    },
    { path: '/v2/acme/plugin/manifests/v1', authorization: /^Bearer / },
    { path: '/v2/acme/plugin/manifests/v1', authorization: /^Bearer / },
  ])
  client.advance(295_000)
  await client.manifest(imageIn(registry), login)
  t.equal(registry.paths.filter((path) => path.startsWith('/token')).length, 2, 'renewed before it ends')
})

t.test('a token that the registry no longer takes is renewed once', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  const client = aClient([registry])
  const login = access([entry(registry.host, 'robot:pa55word')])
  await client.manifest(imageIn(registry), login)
  registry.revoke()
  t.match(await client.manifest(imageIn(registry), login), { ok: { kind: 'image' } })
  registry.intercept = (_request, response, { path }) => {
    if (path.startsWith('/token')) return false
    response.setHeader('www-authenticate', `Bearer realm="${registry.origin}/token"`)
    says(response, 401, { code: 'UNAUTHORIZED', message: 'never' })
    return true
  }
  const before = registry.seen.length
  t.match(await client.manifest(imageIn(registry), login), {
    failed: { code: 'UNAUTHORIZED', message: /never/ },
  })
  t.equal(registry.seen.length - before, 3, 'refused, token, refused')
})

t.test('a challenge may ask for more than pull: it is not asked for', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  registry.intercept = (_request, response, { path, authorization }) => {
    if (path.startsWith('/token') || authorization !== undefined) return false
    const scope = 'repository:acme/plugin:pull,push,delete'
    response.setHeader('www-authenticate', `Bearer realm="${registry.origin}/token",scope="${scope}"`)
    response.writeHead(401).end()
    return true
  }
  await aClient([registry]).manifest(imageIn(registry), access([entry(registry.host, 'robot:pa55word')]))
  t.equal(registry.paths[1], '/token?scope=repository%3Aacme%2Fplugin%3Apull')
})

t.test('without credentials a token is asked for without them', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  const got = await aClient([registry]).manifest(imageIn(registry), access())
  t.match(got, {
    failed: {
      code: 'UNAUTHORIZED',
      message:
        /incorrect username or password" from the token server .*without credentials, as no entry of a pull secret is for it/,
    },
  })
  t.same(authorizations(registry), [undefined, undefined])
})

t.test('several entries match: each is tried in turn, the most specific first', async (t) => {
  const registry = open(await serveRegistry(t), 'basic')
  const client = aClient([registry])
  const keyring = [
    entry(registry.host, 'robot:pa55word'),
    entry(`${registry.host}/acme`, 'old:old1'),
    entry('elsewhere.test', 'x:y'),
  ]
  t.match(await client.manifest(imageIn(registry), access(keyring)), { ok: { kind: 'image' } })
  t.same(authorizations(registry), [undefined, basic('old:old1'), undefined, basic('robot:pa55word')])
})

t.test('if no entry is good the failure names each, and what it came to', async (t) => {
  const registry = open(await serveRegistry(t), 'basic')
  const keyring = [entry(registry.host, 'a:wrong1'), entry(`${registry.host}/acme`, 'b:wrong2')]
  const got = await aClient([registry]).manifest(imageIn(registry), access(keyring))
  t.match(got, {
    failed: {
      code: 'UNAUTHORIZED',
      message: /401 .*\/acme" of Secret velero\/pull\); 401 .*" of Secret velero\/pull\)\. Check user name/,
    },
  })
  t.notMatch(got, { failed: { message: /wrong/ } })
})

t.test('a registry with a password and no entry for it says so', async (t) => {
  const registry = open(await serveRegistry(t), 'basic')
  const got = await aClient([registry]).manifest(imageIn(registry), access([entry('other.test', good)]))
  t.match(got, {
    failed: {
      code: 'UNAUTHORIZED',
      message: /it wants a user name and a password .*no entry of a pull secret/,
    },
  })
  t.equal(registry.seen.length, 1)
})

t.test('an identity token is redeemed by POST, never put into a URL', async (t) => {
  const registry = open(await serveRegistry(t), 'token', ['refresh-me'])
  const keyring = [entry(registry.host, ':', { identityToken: 'refresh-me' })]
  t.match(await aClient([registry]).manifest(imageIn(registry), access(keyring)), { ok: { kind: 'image' } })
  t.match(registry.seen[1], {
    method: 'POST',
    path: '/token',
    authorization: undefined,
    body: 'grant_type=refresh_token&client_id=tidewaiter&refresh_token=refresh-me&service=fake%2C+with+a+comma&scope=repository%3Aacme%2Fplugin%3Apull',
  })
})

t.test('a password beside an identity token is what is used, as the kubelet does', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  const keyring = [entry(registry.host, 'robot:pa55word', { identityToken: 'refresh-me' })]
  t.match(await aClient([registry]).manifest(imageIn(registry), access(keyring)), { ok: { kind: 'image' } })
  t.equal(registry.seen[1]?.method, 'GET')
})

t.test('an identity token follows no redirect', async (t) => {
  const registry = open(await serveRegistry(t), 'token', ['refresh-me'])
  const other = await serveRegistry(t, 'other.test')
  registry.intercept = (_request, response, { path }) => {
    if (!path.startsWith('/token')) return false
    response.writeHead(307, { location: `${other.origin}/token` }).end()
    return true
  }
  const keyring = [entry(registry.host, ':', { identityToken: 'refresh-me' })]
  const got = await aClient([registry, other]).manifest(imageIn(registry), access(keyring))
  t.match(got, { failed: { code: 'REDIRECT_REFUSED' } })
  t.equal(other.seen.length, 0)
})

t.test('a way to sign in that nobody knows is said, and a known one beside it is taken', async (t) => {
  const registry = open(await serveRegistry(t), 'basic')
  let header = 'Negotiate, Digest realm="a, Basic b", nonce=x'
  registry.intercept = (_request, response, { authorization }) => {
    if (authorization !== undefined) return false
    response.setHeader('www-authenticate', header)
    response.writeHead(401).end()
    return true
  }
  const client = aClient([registry])
  const login = access([entry(registry.host, 'robot:pa55word')])
  t.match(await client.manifest(imageIn(registry), login), {
    failed: { code: 'UNAUTHORIZED', message: /no way to sign in that is known here \(negotiate, digest\)/ },
  })
  header += ', Basic realm="x"'
  t.match(await client.manifest(imageIn(registry), login), { ok: { kind: 'image' } })
})

t.test('the token server may be another host over HTTPS, as Docker Hub has it', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  const server = await serveRegistry(t, 'token.test')
  registry.realm = `${server.origin}/token`
  server.intercept = (_request, response) => {
    response.end(JSON.stringify({ access_token: 'abc' }))
    return true
  }
  const login = access([entry(registry.host, 'robot:pa55word')])
  await aClient([registry], { settings: [{ registry: registry.host, ca: fakeCa }] }).manifest(
    imageIn(registry),
    login,
  )
  t.same(
    authorizations(server),
    [basic('robot:pa55word')],
    'its certificate is trusted by the CA of the registry',
  )
  t.equal(authorizations(registry)[1], 'Bearer abc')
})

const realms: Readonly<
  Record<string, { realm: (other: FakeRegistry) => string; code: string; message: RegExp }>
> = {
  'plain HTTP': {
    realm: ({ host }) => `http://${host}/token`,
    code: 'REALM_REFUSED',
    message: /by http: instead of https:/,
  },
  'another protocol': {
    realm: () => 'file:///etc/passwd',
    code: 'REALM_REFUSED',
    message: /by file: instead/,
  },
  'user information': {
    realm: ({ host }) => `https://a:b@${host}/`,
    code: 'REALM_REFUSED',
    message: /user information/,
  },
  'what is no URL': { realm: () => '/token', code: 'BAD_ANSWER', message: /realm is no URL/ },
  'a host that is not listed': {
    realm: ({ origin }) => origin,
    code: 'REALM_REFUSED',
    message: /not among its realms \(auth.test\)/,
  },
}
for (const [what, { realm, code, message }] of Object.entries(realms)) {
  t.test(`credentials do not go to a token server that is ${what}`, async (t) => {
    const registry = open(await serveRegistry(t), 'token')
    const other = await serveRegistry(t, 'other.test')
    registry.realm = realm(other)
    const settings = [{ registry: registry.host, ca: fakeCa, realms: ['auth.test'] }]
    const client = aClient([other], {
      settings: what === 'a host that is not listed' ? settings : [{ registry: registry.host, ca: fakeCa }],
    })
    const got = await client.manifest(imageIn(registry), access([entry(registry.host, 'robot:pa55word')]))
    t.match(got, { failed: { code, message } })
    t.equal(other.seen.length, 0)
  })
}

t.test('a password is never sent over plain HTTP', async (t) => {
  for (const kind of ['basic', 'token'] as const) {
    const registry = open(await serveRegistry(t, 'registry.test', false), kind)
    const client = aClient([], { settings: [{ registry: registry.host, plainHttp: true }] })
    const got = await client.manifest(imageIn(registry), access([entry(registry.host, 'robot:pa55word')]))
    t.match(got, { failed: { message: /plain HTTP/ } })
    t.same(authorizations(registry), [undefined])
  }
})

// Whoever is on the way to a registry without TLS can answer in its name.
t.test('credentials of a plain HTTP registry go to no token server, whoever names it', async (t) => {
  for (const isListed of [false, true]) {
    const registry = open(await serveRegistry(t, 'registry.test', false), 'token')
    const other = await serveRegistry(t, 'other.test')
    registry.realm = `${other.origin}/token`
    const settings = {
      registry: registry.host,
      plainHttp: true,
      ...(isListed ? { realms: [other.host] } : {}),
    }
    const client = aClient([other], { settings: [settings] })
    const got = await client.manifest(imageIn(registry), access([entry(registry.host, 'robot:pa55word')]))
    t.match(got, { failed: { code: 'UNAUTHORIZED', message: /no token server is believed/ } })
    t.same(authorizations(registry), [undefined])
    t.equal(other.seen.length, 0)
  }
})

t.test('a registry with TLS may have a plain token server, which gets no password', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  const other = await serveRegistry(t, 'other.test', false)
  registry.realm = `http://${other.host}/token`
  const settings = [
    { registry: registry.host, ca: fakeCa },
    { registry: other.host, plainHttp: true },
  ]
  const got = await aClient([], { settings }).manifest(
    imageIn(registry),
    access([entry(registry.host, 'robot:pa55word')]),
  )
  t.match(got, { failed: { code: 'REALM_REFUSED', message: /by plain HTTP, over which no credentials/ } })
  t.equal(other.seen.length, 0)
})

const tokens: Readonly<Record<string, unknown>> = {
  'a token that would break a header': { token: 'abc\r\nX-Evil: 1' },
  'no token': { expires_in: 3 },
  'a list': [],
  'a token that is a number': { token: 3 },
}
for (const [what, body] of Object.entries(tokens)) {
  t.test(`${what} is a bad answer of the token server`, async (t) => {
    const registry = open(await serveRegistry(t), 'token')
    registry.intercept = (_request, response, { path }) => {
      if (path.startsWith('/token')) response.end(JSON.stringify(body))
      return path.startsWith('/token')
    }
    const got = await aClient([registry]).manifest(
      imageIn(registry),
      access([entry(registry.host, 'robot:pa55word')]),
    )
    t.match(got, { failed: { code: 'BAD_ANSWER', message: /from the token server/ } })
    t.equal(registry.seen.length, 2)
  })
}

t.test('a token without a lifetime lasts a minute, and a huge one an hour', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  const client = aClient([registry])
  const login = access([entry(registry.host, 'robot:pa55word')])
  const asked = () => registry.paths.filter((path) => path.startsWith('/token')).length
  registry.expiresIn = undefined
  await client.manifest(imageIn(registry), login)
  client.advance(49_000)
  await client.manifest(imageIn(registry), login)
  t.equal(asked(), 1)
  client.advance(2000)
  registry.expiresIn = 1e12
  await client.manifest(imageIn(registry), login)
  t.equal(asked(), 2)
  client.advance(3_600_000)
  await client.manifest(imageIn(registry), login)
  t.equal(asked(), 3)
})

t.test('a password that the registry no longer takes is not sent from the start again', async (t) => {
  const registry = open(await serveRegistry(t), 'basic')
  const client = aClient([registry])
  const login = access([entry(registry.host, 'robot:pa55word')])
  await client.manifest(imageIn(registry), login)
  registry.door = { kind: 'basic', users: ['robot:another'] }
  t.match(await client.manifest(imageIn(registry), login), { failed: { code: 'UNAUTHORIZED' } })
  registry.seen.length = 0
  await client.manifest(imageIn(registry), login)
  t.equal(registry.seen[0]?.authorization, undefined)
})

t.test('a token that ends at once is used once', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  registry.expiresIn = 1
  const client = aClient([registry])
  const login = access([entry(registry.host, 'robot:pa55word')])
  for (let i = 0; i < 2; i += 1)
    t.match(await client.manifest(imageIn(registry), login), { ok: { kind: 'image' } })
  t.equal(registry.paths.filter((path) => path.startsWith('/token')).length, 2)
})

t.test('the token of one credential never serves another, or none', async (t) => {
  const registry = open(await serveRegistry(t), 'token')
  const client = aClient([registry])
  await client.manifest(imageIn(registry), access([entry(registry.host, 'robot:pa55word')]))
  t.match(await client.manifest(imageIn(registry), access()), { failed: { code: 'UNAUTHORIZED' } })
  t.match(await client.manifest(imageIn(registry), access([entry(registry.host, 'robot:other')])), {
    failed: { code: 'UNAUTHORIZED' },
  })
})
