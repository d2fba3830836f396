/** Listing: selectors, paging, versions. */
import assert from 'node:assert/strict'
import { about, inNamespace, rule } from '../case.ts'
import type { Api } from '../api.ts'
import { answered, has, namesOf, refused, says } from '../expected.ts'
import { lease, paths, secret } from '../objects.ts'

const labelled = { a: { tier: 'x', n: '1' }, b: { tier: 'y', n: '2' }, c: { tier: 'x' }, d: {} } as const

async function four(api: Api, ns: string): Promise<void> {
  for (const [name, labels] of Object.entries(labelled)) {
    answered(await api.post(paths.leases(ns), lease(name, {}, { labels })), 201)
  }
}

const listed = async (api: Api, ns: string, query: Readonly<Record<string, string | number>>) =>
  namesOf(answered(await api.get(paths.leases(ns), query), 200)).join('')

const selectors: Readonly<Record<string, string>> = {
  'tier=x': 'ac',
  'tier==x': 'ac',
  'tier!=x': 'bd',
  tier: 'abc',
  '!tier': 'd',
  'tier in (x,y)': 'abc',
  'tier notin (x)': 'bd',
  'tier=x,n=1': 'a',
  'tier=x,!n': 'c',
  'n>1': 'b',
  'n<2': 'a',
  'tier in (z)': '',
  'tier=': '',
}

const bad: Readonly<Record<string, RegExp | string>> = {
  'tier=(': "unable to parse requirement: found '(', expected: identifier",
  'tier in x': "unable to parse requirement: found 'x' expected: '('",
  ',': "found ',', expected: !, identifier, or 'end of string'",
  'tier in (x': "unable to parse requirement: found '', expected: ',' or ')'",
  'a b=x': /^unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt$/,
  '-a=x': /^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of/,
  'n>x':
    "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
}

const pages = async (api: Api, path: string, query: Readonly<Record<string, string | number>>) => {
  const seen: string[] = []
  let token: string | undefined = ''
  for (let page = 0; token !== undefined && page < 9; page++) {
    const list = answered(
      await api.get(path, { ...query, ...(token === '' ? {} : { continue: token }) }),
      200,
    )
    seen.push(namesOf(list).join(''))
    token = list.metadata.continue
  }
  return seen
}

/** The rules. */
export const cases = about('list', [
  inNamespace('is a list of its kind, with a resourceVersion, in the order of names', async (api, ns) => {
    for (const name of ['b', 'c', 'a']) answered(await api.post(paths.leases(ns), lease(name)), 201)
    const list = answered(await api.get(paths.leases(ns)), 200)
    has(list, { kind: 'LeaseList', apiVersion: 'coordination.k8s.io/v1' })
    assert.deepEqual(namesOf(list), ['a', 'b', 'c'])
    assert.match(list.metadata.resourceVersion, /^\d+$/)
  }),
  inNamespace('items of a built-in kind leave out apiVersion and kind', async (api, ns) => {
    answered(await api.post(paths.leases(ns), lease('a')), 201)
    const [item] = answered(await api.get(paths.leases(ns)), 200).items
    assert.equal(item.kind, undefined)
    assert.equal(item.apiVersion, undefined)
  }),
  inNamespace('no items are an empty array', async (api, ns) => {
    assert.deepEqual(answered(await api.get(paths.leases(ns)), 200).items, [])
  }),
  rule('a namespace that is not there lists nothing', async (api) => {
    assert.deepEqual(answered(await api.get(paths.leases(api.name('missing'))), 200).items, [])
  }),
  rule('over all namespaces the order is by namespace, then name', async (api) => {
    const first = await api.namespace()
    const second = await api.namespace()
    const tag = api.name('tag')
    for (const ns of [second, first]) {
      answered(await api.post(paths.leases(ns), lease('a', {}, { labels: { tag } })), 201)
    }
    const list = answered(
      await api.get('/apis/coordination.k8s.io/v1/leases', { labelSelector: `tag=${tag}` }),
      200,
    )
    const found = list.items.map((item: { metadata: { namespace: string } }) => item.metadata.namespace)
    assert.deepEqual(found, [first, second].sort())
  }),
  ...Object.entries(selectors).map(([labelSelector, want]) =>
    inNamespace(`the label selector ${labelSelector} finds ${want || 'nothing'}`, async (api, ns) => {
      await four(api, ns)
      assert.equal(await listed(api, ns, { labelSelector }), want)
    }),
  ),
  ...Object.entries(bad).map(([labelSelector, message]) =>
    inNamespace(`the label selector ${labelSelector} is a 400 that says why`, async (api, ns) => {
      says(await api.get(paths.leases(ns), { labelSelector }), 400, ['BadRequest', message])
    }),
  ),
  inNamespace('the field selectors metadata.name and metadata.namespace', async (api, ns) => {
    await four(api, ns)
    assert.equal(await listed(api, ns, { fieldSelector: 'metadata.name=b' }), 'b')
    assert.equal(await listed(api, ns, { fieldSelector: 'metadata.name!=b' }), 'acd')
    assert.equal(await listed(api, ns, { fieldSelector: `metadata.namespace=${ns}` }), 'abcd')
    assert.equal(await listed(api, ns, { fieldSelector: 'metadata.namespace=other' }), '')
    assert.equal(await listed(api, ns, { fieldSelector: 'metadata.name=b', labelSelector: 'tier=x' }), '')
  }),
  inNamespace('a field selector of another field is a 400', async (api, ns) => {
    refused(await api.get(paths.leases(ns), { fieldSelector: 'spec.holderIdentity=x' }), {
      code: 400,
      reason: 'BadRequest',
      message:
        '"spec.holderIdentity" is not a known field selector: only "metadata.name", "metadata.namespace"',
    })
  }),
  inNamespace('a field selector that cannot be read is a 400', async (api, ns) => {
    says(await api.get(paths.leases(ns), { fieldSelector: 'metadata.name' }), 400, [
      'BadRequest',
      "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
    ])
  }),
  inNamespace('Secrets are found by type', async (api, ns) => {
    answered(await api.post(paths.secrets(ns), secret('a', { type: 'example.com/x' })), 201)
    answered(await api.post(paths.secrets(ns), secret('b')), 201)
    const list = await api.get(paths.secrets(ns), { fieldSelector: 'type=example.com/x' })
    assert.deepEqual(namesOf(answered(list, 200)), ['a'])
  }),
  inNamespace('pages of limit, by continue, are the whole', async (api, ns) => {
    await four(api, ns)
    assert.deepEqual(await pages(api, paths.leases(ns), { limit: 1 }), ['a', 'b', 'c', 'd'])
    assert.deepEqual(await pages(api, paths.leases(ns), { limit: 3 }), ['abc', 'd'])
    assert.deepEqual(await pages(api, paths.leases(ns), { limit: 4 }), ['abcd'])
    assert.deepEqual(await pages(api, paths.leases(ns), { limit: 9 }), ['abcd'])
  }),
  inNamespace('a page says how many remain, unless a selector makes that unknown', async (api, ns) => {
    await four(api, ns)
    const page = answered(await api.get(paths.leases(ns), { limit: 1 }), 200)
    assert.equal(page.metadata.remainingItemCount, 3)
    const chosen = answered(await api.get(paths.leases(ns), { limit: 1, labelSelector: 'tier=x' }), 200)
    assert.equal(chosen.metadata.remainingItemCount, undefined)
    assert.ok(chosen.metadata.continue)
  }),
  inNamespace('pages with a selector are full pages', async (api, ns) => {
    await four(api, ns)
    // The real server cannot know that nothing more matches: its last page may be empty.
    const filled = await pages(api, paths.leases(ns), { limit: 1, labelSelector: 'tier=x' })
    assert.deepEqual(filled.filter(Boolean), ['a', 'c'])
  }),
  inNamespace('later pages show the moment of the first', async (api, ns) => {
    await four(api, ns)
    const first = answered(await api.get(paths.leases(ns), { limit: 2 }), 200)
    answered(await api.delete(paths.leases(ns, 'c')), 200)
    answered(await api.post(paths.leases(ns), lease('e')), 201)
    const next = answered(
      await api.get(paths.leases(ns), { limit: 9, continue: first.metadata.continue }),
      200,
    )
    assert.deepEqual(namesOf(next), ['c', 'd'])
    assert.equal(next.metadata.resourceVersion, first.metadata.resourceVersion)
  }),
  inNamespace('a continue that is none is a 400', async (api, ns) => {
    says(await api.get(paths.leases(ns), { limit: 1, continue: 'nonsense' }), 400, [
      'BadRequest',
      /^invalid continue token: continue key is not valid: /,
    ])
  }),
  inNamespace('a continue of a moment long gone is a 410 Expired with a token to go on', async (api, ns) => {
    await four(api, ns)
    const first = answered(await api.get(paths.leases(ns), { limit: 1 }), 200)
    const { rv: _, ...token } = JSON.parse(Buffer.from(first.metadata.continue, 'base64url').toString())
    const old = Buffer.from(JSON.stringify({ ...token, rv: 1 })).toString('base64url')
    const answer = await api.get(paths.leases(ns), { limit: 1, continue: old })
    // A server that never compacted still knows that moment; then nothing of this namespace was there.
    if (answer.status === 200) assert.deepEqual(namesOf(answer.body), [])
    else says(answer, 410, ['Expired', /The provided continue parameter is too old/])
  }),
  inNamespace('a limit that is no number is a 400', async (api, ns) => {
    says(await api.get(paths.leases(ns), { limit: 'x' }), 400, ['BadRequest', /./])
  }),
  inNamespace('resourceVersion 0 is answered with something the server knows', async (api, ns) => {
    await four(api, ns)
    await api.eventually(async () => assert.equal(await listed(api, ns, { resourceVersion: '0' }), 'abcd'))
  }),
  inNamespace('NotOlderThan waits for nothing that is there', async (api, ns) => {
    const made = answered(await api.post(paths.leases(ns), lease('a')), 201)
    const query = {
      resourceVersion: made.metadata.resourceVersion,
      resourceVersionMatch: 'NotOlderThan',
    }
    assert.equal(await listed(api, ns, query), 'a')
  }),
  inNamespace('Exact shows that moment', async (api, ns) => {
    const made = answered(await api.post(paths.leases(ns), lease('a')), 201)
    answered(await api.post(paths.leases(ns), lease('b')), 201)
    const { resourceVersion } = made.metadata
    const list = answered(
      await api.get(paths.leases(ns), { resourceVersion, resourceVersionMatch: 'Exact' }),
      200,
    )
    assert.deepEqual(namesOf(list), ['a'])
    assert.equal(list.metadata.resourceVersion, resourceVersion)
  }),
  inNamespace('resourceVersionMatch without a resourceVersion is a 422', async (api, ns) => {
    says(await api.get(paths.leases(ns), { resourceVersionMatch: 'Exact' }), 422, [
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ])
  }),
  inNamespace('Exact with resourceVersion 0 is a 422', async (api, ns) => {
    says(await api.get(paths.leases(ns), { resourceVersionMatch: 'Exact', resourceVersion: '0' }), 422, [
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ])
  }),
  inNamespace('a resourceVersionMatch that does not exist is a 422', async (api, ns) => {
    says(await api.get(paths.leases(ns), { resourceVersionMatch: 'About', resourceVersion: '1' }), 422, [
      'Invalid',
      /resourceVersionMatch: Unsupported value: "About": supported values: "Exact", "NotOlderThan", ""/,
    ])
  }),
  inNamespace('a resourceVersion of the future is a 504 Timeout that says to come again', async (api, ns) => {
    const { metadata } = answered(await api.get(paths.leases(ns)), 200)
    const resourceVersion = String(BigInt(metadata.resourceVersion) + 1_000_000n)
    const answer = await api.get(paths.leases(ns), { resourceVersion, resourceVersionMatch: 'NotOlderThan' })
    says(answer, 504, ['Timeout', /^Timeout: Too large resource version: \d+, current: \d+$/])
    assert.equal(answer.body.details.causes[0].reason, 'ResourceVersionTooLarge')
    assert.equal(answer.body.details.retryAfterSeconds, 1)
  }),
  inNamespace('a list is of the moment it names: a watch from there misses nothing', async (api, ns) => {
    await four(api, ns)
    const list = answered(await api.get(paths.leases(ns)), 200)
    answered(await api.delete(paths.leases(ns, 'b')), 200)
    const watch = await api.watch(paths.leases(ns), { resourceVersion: list.metadata.resourceVersion })
    assert.deepEqual(await watch.take(1), ['DELETED b'])
  }),
])
