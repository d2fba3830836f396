/** VeleroPlugin: what its schema and our parser say of it, and that they say the same. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { crdOf } from '../../src/api/crd.ts'
import { kinds } from '../../src/api/kinds.ts'
import { parse, parseVeleroPlugin } from '../../src/api/parse.ts'
import { sentenceOf } from '../../src/api/problems.ts'
import { referenceOf } from '../../src/api/reference.ts'
import { longestImage, pluginConditions, veleroPluginKind } from '../../src/api/velero-plugin.ts'
import { call, started } from '../sandbox/apiserver/client.ts'
import { runs } from '../support/runs.ts'

const path = '/apis/tidewaiter.io/v1beta1/namespaces/default/veleroplugins'

const aPlugin = (spec: unknown, more: object = {}) => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'VeleroPlugin',
  metadata: { name: 'acme', namespace: 'default' },
  spec,
  ...more,
})

async function serving(t: Parameters<typeof started>[0]) {
  const api = await started(t)
  api.seed([crdOf(veleroPluginKind)])
  return api
}

const image = 'registry.example.com/acme/plugin:1.0'

const taken: Readonly<Record<string, { readonly given: object; readonly want: object }>> = {
  'only an image is needed, the rest has defaults': {
    given: { image },
    want: { image, imagePullPolicy: 'IfNotPresent', enforcement: 'Enforce' },
  },
  'everything is kept': {
    given: { image, imagePullPolicy: 'Never', imagePullSecret: 'acme.registry', enforcement: 'Warn' },
    want: { image, imagePullPolicy: 'Never', imagePullSecret: 'acme.registry', enforcement: 'Warn' },
  },
  'a digest pins': {
    given: { image: `acme/plugin@sha256:${'0'.repeat(64)}`, imagePullPolicy: 'Always' },
    want: {
      image: `acme/plugin@sha256:${'0'.repeat(64)}`,
      imagePullPolicy: 'Always',
      enforcement: 'Enforce',
    },
  },
}

for (const [name, { given, want }] of Object.entries(taken)) {
  t.test(`${name}, for parser and schema alike`, async (t) => {
    const api = await serving(t)
    t.match(await call(api, 'POST', path, aPlugin(given)), { code: 201, body: { spec: want } })
    t.match(parseVeleroPlugin(aPlugin(given)), { ok: { metadata: { name: 'acme' }, spec: want } })
  })
}

const refused: Readonly<
  Record<string, { readonly given: unknown; readonly ours: RegExp; readonly theirs: RegExp }>
> = {
  'no spec': { given: undefined, ours: /^spec must be given$/, theirs: /spec: Required value/ },
  'no image': { given: {}, ours: /^spec.image must be given$/, theirs: /spec.image: Required value/ },
  'an empty image': {
    given: { image: '' },
    ours: /^spec.image must not be empty/,
    theirs: /spec.image: Invalid value/,
  },
  'an image that is a number': {
    given: { image: 1 },
    ours: /^spec.image must be text, got 1$/,
    theirs: /spec.image in body must be of type string/,
  },
  'an image that is no reference': {
    given: { image: 'registry.example.com/Acme/plugin' },
    ours: /^spec.image must keep this rule: image must be a reference such as/,
    theirs:
      /spec.image: Invalid value: "?string"?: image must be a reference such as|image must be a reference such as/,
  },
  'an image that is too long': {
    given: { image: `a/${'b'.repeat(longestImage)}` },
    ours: /^spec.image must have at most 1024 characters/,
    theirs: /spec.image: Too long/,
  },
  'an unknown policy': {
    given: { image, imagePullPolicy: 'ifNotPresent' },
    ours: /^spec.imagePullPolicy must be Always, IfNotPresent or Never \(did you mean IfNotPresent\?\)/,
    theirs: /spec.imagePullPolicy: Unsupported value: "ifNotPresent"/,
  },
  'a Secret that cannot be there': {
    given: { image, imagePullSecret: 'My_Secret' },
    ours: /^spec.imagePullSecret must match/,
    theirs: /spec.imagePullSecret: Invalid value: "My_Secret"/,
  },
  'an unknown enforcement': {
    given: { image, enforcement: 'Audit' },
    ours: /^spec.enforcement must be Enforce or Warn/,
    theirs: /spec.enforcement: Unsupported value: "Audit"/,
  },
}

for (const [name, { given, ours, theirs }] of Object.entries(refused)) {
  t.test(`${name} is refused by parser and schema alike`, async (t) => {
    const api = await serving(t)
    t.match(await call(api, 'POST', path, aPlugin(given)), { code: 422, body: { message: theirs } })
    const parsed = parseVeleroPlugin(aPlugin(given))
    t.match('problems' in parsed ? parsed.problems.map(sentenceOf) : [], [ours])
  })
}

t.test('a field that is misspelt is told by the parser; the API server prunes it', async (t) => {
  const parsed = parseVeleroPlugin(aPlugin({ image, imagePullPolice: 'Never' }))
  t.match('problems' in parsed ? parsed.problems.map(sentenceOf) : [], [
    /^spec.imagePullPolice must not be given: there is no such field; did you mean imagePullPolicy\?/,
  ])
})

t.test('parser and schema have one verdict of every text of the grammar table', async (t) => {
  const api = await serving(t)
  const file = join(import.meta.dirname, '../core/image-verdicts.ndjson')
  const texts = readFileSync(file, 'utf8').trimEnd().split('\n')
  // Each is a request: a few of them, from all over the table; thoroughly, every seventh.
  const step = Math.ceil(texts.length / runs(Math.ceil(texts.length / 7)))
  const some = texts.filter((_, index) => index % step === 0).map((line) => (JSON.parse(line) as [string])[0])
  const differences: string[] = []
  for (const text of some) {
    const { code } = await call(api, 'POST', `${path}?dryRun=All`, aPlugin({ image: text }))
    const ours = 'ok' in parse(veleroPluginKind.spec, { image: text }, 'spec')
    if ((code === 201) !== ours || ![201, 422].includes(code)) differences.push(`${text}: ${code}`)
  }
  t.same(differences, [])
})

const status = {
  observedGeneration: 3,
  digest: `sha256:${'0'.repeat(64)}`,
  initContainer: 'acme-plugin',
  conditions: pluginConditions.map((type) => ({
    type,
    status: 'True',
    reason: 'Checked',
    message: '',
    observedGeneration: 3,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  })),
}

t.test('the status is a subresource that holds every condition, and shows in kubectl get', async (t) => {
  const api = await serving(t)
  const made = await call(api, 'POST', path, aPlugin({ image }, { status }))
  t.equal(made.body.status, undefined, 'a status that is applied is dropped')
  const told = await call(api, 'PUT', `${path}/acme/status`, { ...made.body, status })
  t.match(told, { code: 200, body: { status } })
  const table = await call(api, 'GET', path, undefined, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  })
  t.same(
    table.body.columnDefinitions.map(({ name }: { name: string }) => name),
    ['Name', 'Image', 'Ready', 'Injected', 'RolledOut', 'Age', 'Digest', 'Reason'],
  )
  t.match(table.body.rows[0].cells, ['acme', image, 'True', 'True', 'True'])
  t.match(parseVeleroPlugin(told.body), { ok: { status } })
})

t.test('a wrong status never makes a VeleroPlugin unusable', async (t) => {
  const parsed = parseVeleroPlugin(aPlugin({ image }, { status: { digest: 'md5:0' } }))
  t.match(parsed, { ok: { spec: { image } } })
  t.notOk('ok' in parsed && parsed.ok.status)
})

t.test('its reference page names its short name and every field', async (t) => {
  const page = referenceOf(veleroPluginKind)
  for (const word of ['# VeleroPlugin', '`twp`', '`image`', '`imagePullSecret`', '`enforcement`', '`digest`'])
    t.ok(page.includes(word), word)
})

t.test('it is installed with the others', async (t) => {
  t.ok(kinds.some(({ kind }) => kind === veleroPluginKind.kind))
})
