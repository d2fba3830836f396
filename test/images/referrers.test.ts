import t from 'tap'
import { serveRegistry, sha256, types } from '../support/fake-registry.ts'
import { access, aClient, imageIn } from './support.ts'

const digest = sha256('subject')
const one = { mediaType: types.image, digest: sha256('1'), size: 1, artifactType: 'application/x' }
const two = { mediaType: types.image, digest: sha256('2'), size: 1 }
const listOf = (...manifests: readonly object[]) => ({ schemaVersion: 2, mediaType: types.index, manifests })

t.test('the API is asked, page by page', async (t) => {
  const registry = await serveRegistry(t)
  registry.intercept = (_request, response, { path }) => {
    if (path.includes('n=2')) response.end(JSON.stringify(listOf(two)))
    else {
      response.setHeader('link', `</v2/acme/plugin/referrers/${digest}?n=2>; rel="next"`)
      response.end(JSON.stringify(listOf(one)))
    }
    return true
  }
  t.same(await aClient([registry]).referrers(imageIn(registry), digest, access()), { ok: [one, two] })
  t.equal(registry.seen.length, 2)
})

for (const [what, given] of Object.entries({ 'knows no API': undefined, 'has an empty list': listOf() })) {
  t.test(`where a registry ${what} the tag that stands in for it is read`, async (t) => {
    const registry = await serveRegistry(t)
    const client = aClient([registry])
    if (given !== undefined) registry.put(`acme/plugin/referrers/${digest}`, given, types.index)
    t.same(await client.referrers(imageIn(registry), digest, access()), { ok: [] })
    registry.tag('acme/plugin', digest.replace(':', '-'), { content: listOf(two), type: types.index })
    t.same(await client.referrers(imageIn(registry), digest, access()), { ok: [two] })
  })
}

t.test('a registry that is down is never taken for one without signatures', async (t) => {
  const registry = await serveRegistry(t)
  const client = aClient([registry])
  for (const status of [401, 403, 500]) {
    registry.intercept = (_request, response) => {
      response.writeHead(status).end()
      return true
    }
    t.match(await client.referrers(imageIn(registry), digest, access()), { failed: {} }, String(status))
  }
})

t.test('a list that cannot be read is a failure', async (t) => {
  const registry = await serveRegistry(t)
  const client = aClient([registry])
  for (const bad of ['[]', '{"manifests":3}', '{"manifests":[],"Manifests":[]}', '{"manifests":[{}]}']) {
    registry.intercept = (_request, response) => {
      response.end(bad)
      return true
    }
    t.match(
      await client.referrers(imageIn(registry), digest, access()),
      { failed: { code: 'BAD_ANSWER' } },
      bad,
    )
  }
})
