import t from 'tap'
import type { PatchBody } from '../../../src/api/patch-body.ts'
import { checkPatchBody, mostOperations, patchTemplates, renderPatch } from '../../../src/core/patch/body.ts'
import { selectorText, targetText } from '../../../src/core/target.ts'

const aPatch = (given: Partial<PatchBody> = {}): PatchBody => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  type: 'merge',
  patch: { spec: { paused: true } },
  ...given,
})
const said = (given: Partial<PatchBody>) =>
  checkPatchBody(aPatch(given), 'spec.patch').map(({ path, want }) => `${path} must ${want}`)

t.test('a patch of another object than ours may be used', async (t) => {
  t.same(said({}), [])
  t.same(said({ type: 'json', patch: [{ op: 'add', path: '/metadata/labels/a~1b', value: 'c' }] }), [])
  t.same(said({ type: 'apply', force: true }), [])
  t.same(
    said({
      apiVersion: 'velero.io/v1',
      kind: 'BackupStorageLocation',
      patch: { spec: { accessMode: 'ReadOnly' } },
    }),
    [],
  )
})

const refused: Readonly<Record<string, { given: Partial<PatchBody>; want: RegExp }>> = {
  'a kind of ours': {
    given: { apiVersion: 'tidewaiter.io/v1beta1', kind: 'ActionRun' },
    want: /apiVersion must not be of tidewaiter\.io/,
  },
  'a Secret': { given: { apiVersion: 'v1', kind: 'Secret' }, want: /kind must not be Secret/ },
  "the status of Velero's kinds": {
    given: { apiVersion: 'velero.io/v1', kind: 'Backup', patch: { status: { phase: 'Completed' } } },
    want: /patch\.status must not be given for kinds of velero/,
  },
  'their status as a subresource': {
    given: { apiVersion: 'velero.io/v2', kind: 'Backup', subresource: 'status' },
    want: /subresource must not be given/,
  },
  'their status by an operation': {
    given: {
      apiVersion: 'velero.io/v1',
      kind: 'Backup',
      type: 'json',
      patch: [{ op: 'replace', path: '/status/phase', value: 'x' }],
    },
    want: /patch\[0\]\.path must not be given for kinds of velero/,
  },
  'their status, escaped': {
    given: {
      apiVersion: 'velero.io/v1',
      kind: 'Backup',
      type: 'json',
      patch: [{ op: 'move', path: '/spec/a', from: '/status/phase' }],
    },
    want: /patch\[0\]\.from must not be given for kinds of velero/,
  },
  'another name': {
    given: { patch: { metadata: { name: 'other' } } },
    want: /patch\.metadata\.name must not be given/,
  },
  'a version': {
    given: { patch: { metadata: { resourceVersion: '1' } } },
    want: /metadata\.resourceVersion must not/,
  },
  'another kind': { given: { type: 'apply', patch: { kind: 'Pod' } }, want: /patch\.kind must not be given/ },
  'all of metadata': {
    given: { type: 'json', patch: [{ op: 'replace', path: '/metadata', value: {} }] },
    want: /path must not be all of metadata/,
  },
  'the whole object': {
    given: { type: 'json', patch: [{ op: 'replace', path: '', value: {} }] },
    want: /path must be a JSON pointer below the object/,
  },
  'a pointer that is none': {
    given: { type: 'json', patch: [{ op: 'add', path: '/a~2', value: 1 }] },
    want: /must be a JSON pointer/,
  },
  'a pointer with an expression': {
    given: { type: 'json', patch: [{ op: 'add', path: '/spec/${stage}', value: 1 }] },
    want: /path must be literal/,
  },
  'an operation that is none': {
    given: { type: 'json', patch: [{ op: 'merge', path: '/a' }] },
    want: /op must be one of add/,
  },
  'an operation without a value': {
    given: { type: 'json', patch: [{ op: 'add', path: '/a' }] },
    want: /value must be given for add/,
  },
  'a list for merge': { given: { patch: [] }, want: /must be an object for type merge/ },
  'an object for json': { given: { type: 'json', patch: {} }, want: /must be a list of operations/ },
  'too many operations': {
    given: {
      type: 'json',
      patch: Array.from({ length: mostOperations + 1 }, () => ({ op: 'remove', path: '/a' })),
    },
    want: /at most 1000 operations/,
  },
  'an apply of a scale': { given: { type: 'apply', subresource: 'scale' }, want: /type must not be apply/ },
  'a selector that selects everything': {
    given: { selector: {} },
    want: /selector must name at least one label/,
  },
  'a label that nobody can have': {
    given: { selector: { matchLabels: { 'a b': 'c' } } },
    want: /labels that an object can have/,
  },
  'a selector in a value': {
    given: { selector: { matchLabels: { a: 'b,c=d' } } },
    want: /values that a label can have/,
  },
  'a name that is a way': { given: { name: '..' }, want: /name must be the name of an object/ },
}
for (const [name, { given, want }] of Object.entries(refused)) {
  t.test(`${name} is refused`, async (t) => {
    t.match(said(given), [want])
  })
}

t.test('a pointer that never matches is refused in no time', async (t) => {
  t.match(said({ type: 'json', patch: [{ op: 'add', path: `${'/'.repeat(50_000)}~`, value: 1 }] }), [
    /JSON pointer/,
  ])
})

const evaluate = (expression: string) => ({ ok: `<${expression}>` })

t.test('texts are filled in, keys and operations stay as they are', async (t) => {
  t.same(renderPatch(aPatch({ patch: { '${a}': ['${b}', 1, null] } }), evaluate), {
    ok: { '${a}': ['<b>', 1, null] },
  })
  const operations = [
    { op: 'add', path: '/metadata/labels/a', value: '${b}' },
    { op: 'test', path: '/spec/$${x}', value: null },
    { op: 'remove', path: '/spec/c' },
  ]
  t.same(renderPatch(aPatch({ type: 'json', patch: operations }), evaluate), {
    ok: [{ ...operations[0], value: '<b>' }, operations[1], operations[2]],
  })
})

t.test('expressions are looked for where they count', async (t) => {
  t.same(
    patchTemplates(aPatch({ type: 'json', patch: [{ op: 'add', path: '/a', value: '${b}' }] }), 'spec.patch'),
    [['${b}', 'spec.patch.patch[0].value']],
  )
  t.same(patchTemplates(aPatch({ patch: { a: '${b}' } }), 'spec.patch'), [
    [{ a: '${b}' }, 'spec.patch.patch'],
  ])
})

t.test('a target is told as people write it, and a selector as the API server takes it', async (t) => {
  t.equal(targetText(aPatch()), 'apps/v1 Deployment shop/web')
  const selector = {
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'In', values: ['a', 'b'] },
      { key: 'x', operator: 'NotIn', values: ['c'] },
      { key: 'y', operator: 'Exists' },
      { key: 'z', operator: 'DoesNotExist' },
    ],
  } as const
  t.equal(selectorText(selector), 'app=web,tier in (a,b),x notin (c),y,!z')
  const { name: _name, namespace: _namespace, ...rest } = aPatch({ selector: { matchLabels: { a: 'b' } } })
  t.equal(targetText(rest), 'apps/v1 Deployment *[a=b]')
})
