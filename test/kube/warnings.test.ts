/** Warnings of the API server: as it writes them, and as nobody should. */
import t from 'tap'
import { resource } from '../../src/kube/resource.ts'
import { warningsIn } from '../../src/kube/warnings.ts'
import { aClient, aStatus, json, serve } from './scripted-server.ts'

const cases: Readonly<Record<string, { given: Parameters<typeof warningsIn>[0]; want: readonly string[] }>> =
  {
    'none is none': { given: undefined, want: [] },
    'one header is one warning': { given: '299 - "old"', want: ['old'] },
    'several headers are several, each text once': {
      given: ['299 - "old"', '299 - "new"', '299 - "old"'],
      want: ['old', 'new'],
    },
    'several in one header': {
      given: '299 - "old, and so on", 299 agent "new"',
      want: ['old, and so on', 'new'],
    },
    'quotes and backslashes are unescaped': {
      given: String.raw`299 - "a \"b\" c\\d"`,
      want: [String.raw`a "b" c\d`],
    },
    'other codes and other texts are passed over': {
      given: ['199 - "stale"', 'boo', '299 - "torn', ''],
      want: [],
    },
  }
for (const [name, { given, want }] of Object.entries(cases))
  t.test(name, async (t) => {
    t.same(warningsIn(given), want)
  })

t.test('however many and however long, they are bounded', async (t) => {
  const many = warningsIn(Array.from({ length: 1000 }, (_, index) => `299 - "${index}${'x'.repeat(5000)}"`))
  t.equal(many.length, 64)
  t.ok(many.every((text) => text.length === 1024))
})

t.test('who writes is told of them, with a yes and with a no; who does not ask is not', async (t) => {
  const { url } = await serve(t, ({ method }, response) => {
    // As Go writes it: the bytes of UTF-8.
    response.setHeader('warning', [Buffer.from('299 - "naïve"').toString('latin1'), '299 - "second"'])
    if (method === 'PATCH') json(response, 200, {})
    else json(response, 403, aStatus(403, 'Forbidden'))
  })
  const { client } = aClient(t, url)
  const pods = resource(client, { group: '', version: 'v1', plural: 'pods', namespace: 'n' })
  const told: (readonly string[])[] = []
  const onWarnings = (texts: readonly string[]) => void told.push(texts)
  await pods.mergePatch('a', {}, { onWarnings })
  await pods.mergePatch('a', {})
  await t.rejects(pods.create({}, { onWarnings }), { code: 'FORBIDDEN' })
  t.same(told, [
    ['naïve', 'second'],
    ['naïve', 'second'],
  ])
})
