import { readFileSync } from 'node:fs'
import t from 'tap'
import { credentialsFor } from '../../src/images/keyring.ts'
import { readPullSecret } from '../../src/images/pull-secret.ts'
import { entry } from './support.ts'

/**
 * What the kubelet's own code answered (pkg/credentialprovider of Kubernetes 1.36.3, compiled and asked): for each
 * location the targets that it matches, for each target the order of all that match, and what contents it takes.
 */
type Verdicts = {
  readonly targets: readonly string[]
  readonly matches: Readonly<Record<string, readonly string[]>>
  readonly order: Readonly<Record<string, readonly string[]>>
  readonly contents: readonly { readonly content: string; readonly got: readonly string[] | 'invalid' }[]
}
const verdicts = JSON.parse(readFileSync('test/images/kubelet-verdicts.json', 'utf8')) as Verdicts

t.test('an entry matches the images that it matches for the kubelet', async (t) => {
  t.ok(Object.keys(verdicts.matches).length > 50)
  for (const [location, want] of Object.entries(verdicts.matches)) {
    const got = verdicts.targets.filter(
      (target) => credentialsFor(target, [entry(location, 'u:p')]).length > 0,
    )
    t.same(got, want, JSON.stringify(location))
  }
})

t.test('of several entries the order is that of the kubelet', async (t) => {
  const keyring = Object.keys(verdicts.matches)
    .filter((location) => location !== 'ghcr.io\n')
    .map((location) => entry(location, `u:${location.replaceAll(':', '%')}`))
  for (const [target, want] of Object.entries(verdicts.order)) {
    const got = credentialsFor(target, keyring).map(({ password }) => password.replaceAll('%', ':'))
    t.same(
      got,
      want.map((one) => one.replaceAll('%', ':')),
      target,
    )
  }
})

t.test('a pull secret is read as the kubelet reads it', async (t) => {
  for (const { content, got } of verdicts.contents) {
    const read = secretOf(content)
    const ours =
      'problem' in read
        ? 'invalid'
        : credentialsFor('ghcr.io/a/b', read.ok.keyring).map(
            ({ username, password }) => `${username}:${password}`,
          )
    t.same(ours, got, content)
  }
})

t.test('entries of one location stay in the order of their secrets', async (t) => {
  const keyring = [entry('ghcr.io', 'a:1'), entry('https://ghcr.io/', 'b:2'), entry('ghcr.io', 'c:3')]
  t.same(
    credentialsFor('ghcr.io/x/y', keyring).map(({ username }) => username),
    ['a', 'b', 'c'],
  )
})

const base64 = (text: string) => Buffer.from(text).toString('base64')
function secretOf(content: string, type = 'kubernetes.io/dockerconfigjson') {
  const key = type === 'kubernetes.io/dockercfg' ? '.dockercfg' : '.dockerconfigjson'
  return readPullSecret({ name: 'velero/pull', type, data: { [key]: base64(content) } })
}

t.test('the old format has the entries at its top', async (t) => {
  const auth = base64('robot:pa:ss')
  t.match(secretOf(JSON.stringify({ 'ghcr.io': { auth } }), 'kubernetes.io/dockercfg'), {
    ok: {
      keyring: [{ location: 'ghcr.io', credential: { username: 'robot', password: 'pa:ss' } }],
      notes: [],
    },
  })
})

const wrong: Readonly<Record<string, { secret: Parameters<typeof readPullSecret>[0]; problem: RegExp }>> = {
  'another type': {
    secret: { name: 'velero/pull', type: 'Opaque', data: { '.dockerconfigjson': base64('{}') } },
    problem:
      /^Secret velero\/pull must be of type kubernetes.io\/dockerconfigjson or kubernetes.io\/dockercfg, got "Opaque"$/,
  },
  'the type __proto__': {
    secret: { name: 'velero/pull', type: '__proto__', data: {} },
    problem: /must be of type/,
  },
  'the key of the other type': {
    secret: {
      name: 'velero/pull',
      type: 'kubernetes.io/dockercfg',
      data: { '.dockerconfigjson': base64('{}') },
    },
    problem: /must have the key .dockercfg, got none or an empty one/,
  },
  'no JSON': {
    secret: {
      name: 'velero/pull',
      type: 'kubernetes.io/dockercfg',
      data: { '.dockercfg': base64('hunter2') },
    },
    problem: /must hold a JSON object in .dockercfg, got something else/,
  },
  'an entry with a broken auth': {
    secret: {
      name: 'velero/pull',
      type: 'kubernetes.io/dockercfg',
      data: { '.dockercfg': base64('{"ghcr.io":{"auth":"hunter2!"}}') },
    },
    problem: /^the entry "ghcr.io" of Secret velero\/pull must have base64 of username:password as auth$/,
  },
}
for (const [what, { secret, problem }] of Object.entries(wrong)) {
  t.test(`a pull secret with ${what} is refused, and not shown`, async (t) => {
    const read = readPullSecret(secret)
    t.match(read, { problem })
    t.notMatch(JSON.stringify(read), /hunter2/)
  })
}

t.test('what the kubelet will not use is noted', async (t) => {
  const auths = {
    'ghcr.io': { identitytoken: 'x' },
    'acr.test': { auth: base64('0000:'), identitytoken: 'x' },
    'quay.io': {},
    'a b': { auth: base64('a:b') },
  }
  const read = secretOf(JSON.stringify({ auths, credsStore: 'osxkeychain', credHelpers: {} }))
  t.match(read, {
    ok: {
      notes: [
        { reason: 'CredentialHelper', message: /has credsstore, but credential helpers do not run/ },
        { reason: 'CredentialHelper', message: /has credhelpers/ },
        {
          reason: 'IdentityTokenOnly',
          message: /"ghcr.io" .*only an identity token, which the kubelet does not read/,
        },
        { reason: 'IdentityTokenOnly', message: /"acr.test"/ },
        { reason: 'EntryEmpty', message: /"quay.io" .*neither user name nor password/ },
        { reason: 'EntryLeftOut', message: /"a b" .*is left out/ },
      ],
    },
  })
})
