import * as fc from 'fast-check'
import t from 'tap'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import { decode, encode, encodeFailure, undecodable } from '../../src/admission/review.ts'
import { allow, deny, patched } from '../../src/core/verdict.ts'

const arrival = { timeoutMs: 10_000, receivedAt: 5, signal: new AbortController().signal }

const request = {
  uid: 'u-1',
  kind: { group: 'velero.io', version: 'v1', kind: 'Backup' },
  resource: { group: 'velero.io', version: 'v1', resource: 'backups' },
  operation: 'CREATE',
  name: 'b1',
  namespace: 'velero',
  userInfo: { username: 'ann', uid: '7', groups: ['system:authenticated'], extra: { scopes: ['a', 'b'] } },
  object: { metadata: { name: 'b1' } },
  oldObject: null,
  dryRun: false,
  options: { apiVersion: 'meta.k8s.io/v1', kind: 'CreateOptions' },
}
const review = (changes: object = {}): unknown => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { ...request, ...changes },
})

t.test('a review of the API server is read whole', async (t) => {
  const { ok } = decode(review(), arrival) as { readonly ok: AdmissionRequest }
  t.equal(ok.signal(), arrival.signal)
  t.same(
    { ...ok, signal: ok.signal() },
    {
      uid: 'u-1',
      kind: request.kind,
      resource: request.resource,
      operation: 'CREATE',
      name: 'b1',
      namespace: 'velero',
      user: request.userInfo,
      object: request.object,
      oldObject: null,
      dryRun: false,
      ...arrival,
    },
  )
})

t.test(
  'what the API server leaves out is empty: name, namespace, objects, user fields, dryRun',
  async (t) => {
    const { uid, kind, resource } = request
    const bare = {
      uid,
      kind: { version: kind.version, kind: kind.kind },
      resource,
      operation: 'DELETE',
      userInfo: {},
    }
    t.match(decode({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: bare }, arrival), {
      ok: {
        kind: { group: '' },
        name: '',
        namespace: '',
        user: { username: '', groups: [], extra: {} },
        object: null,
        oldObject: null,
        dryRun: false,
      },
    })
  },
)

t.test('a key __proto__ stays data and changes no object', async (t) => {
  const body: unknown = JSON.parse(
    JSON.stringify(review())
      .replace('"scopes"', '"__proto__"')
      .replace('"object":{', '"object":{"__proto__":{"polluted":true},'),
  )
  const decoded = decode(body, arrival)
  t.ok('ok' in decoded && Object.hasOwn(decoded.ok.user.extra, '__proto__'))
  t.ok('ok' in decoded && Object.hasOwn(decoded.ok.object as object, '__proto__'))
  t.equal(({} as { polluted?: true }).polluted, undefined)
})

const wrong: Readonly<Record<string, { readonly given: unknown; readonly path: string }>> = {
  'no object at all': { given: [], path: 'the body' },
  nothing: { given: undefined, path: 'the body' },
  null: { given: null, path: 'the body' },
  'another kind': { given: { ...(review() as object), kind: 'Pod' }, path: 'kind' },
  'another version': {
    given: { ...(review() as object), apiVersion: 'admission.k8s.io/v1beta1' },
    path: 'apiVersion',
  },
  'no request': { given: { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }, path: 'request' },
  'no uid': { given: review({ uid: undefined }), path: 'request.uid' },
  'an empty uid': { given: review({ uid: '' }), path: 'request.uid' },
  'a uid of megabytes': { given: review({ uid: 'x'.repeat(1e6) }), path: 'request.uid' },
  'a uid that forges log lines': { given: review({ uid: 'a\nb' }), path: 'request.uid' },
  'no kind': { given: review({ kind: undefined }), path: 'request.kind' },
  'a kind of text': { given: review({ kind: 'Backup' }), path: 'request.kind' },
  'no resource': { given: review({ resource: {} }), path: 'request.resource.version' },
  'an unknown operation': { given: review({ operation: 'PATCH' }), path: 'request.operation' },
  'a name that is none': { given: review({ name: 7 }), path: 'request.name' },
  'dryRun of text': { given: review({ dryRun: 'no' }), path: 'request.dryRun' },
  'no user': { given: review({ userInfo: undefined }), path: 'request.userInfo' },
  'a user name that is none': {
    given: review({ userInfo: { username: {} } }),
    path: 'request.userInfo.username',
  },
  'a uid of a user that is none': { given: review({ userInfo: { uid: 7 } }), path: 'request.userInfo.uid' },
  'groups that are none': {
    given: review({ userInfo: { groups: ['a', 7] } }),
    path: 'request.userInfo.groups',
  },
  'extra that is none': {
    given: review({ userInfo: { extra: { a: 'b' } } }),
    path: 'request.userInfo.extra["a"]',
  },
}

for (const [name, { given, path }] of Object.entries(wrong)) {
  t.test(`a body that is no question is refused and the field is told: ${name}`, async (t) => {
    const decoded = decode(given, arrival)
    t.ok('problems' in decoded)
    t.ok('problems' in decoded && decoded.problems.some((problem) => problem.path === path), path)
    const failure = undecodable('problems' in decoded ? decoded.problems : [])
    t.equal(failure.code, 400)
    t.ok(failure.message.length < 1000)
  })
}

t.test('a problem never shows the inside of an object, which may be a Secret', async (t) => {
  const decoded = decode(review({ operation: { password: 'hunter2' }, name: ['hunter2'] }), arrival)
  t.notMatch(JSON.stringify(decoded), /hunter2/)
})

t.test('whatever JSON comes, decoding answers and does not throw', async () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...Object.keys(request)), fc.jsonValue()),
      (body, changes) => {
        decode(body, arrival)
        const decoded = decode(review(changes), arrival)
        return 'ok' in decoded ? typeof decoded.ok.uid === 'string' : decoded.problems.length > 0
      },
    ),
    { seed: 3, numRuns: 300 },
  )
})

const parsed = (text: string) => JSON.parse(text) as { response: Record<string, unknown> }

t.test('an allowance carries the uid and nothing that is empty', async (t) => {
  t.same(parsed(encode('u-1', allow('Nothing'))), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u-1', allowed: true },
  })
})

t.test('a refusal carries its status, warnings and audit annotations', async (t) => {
  const verdict = {
    ...deny('Refused', 'no, because', { code: 422, warnings: ['mind\nthis'] }),
    audit: { run: 'r1' },
  }
  t.same(parsed(encode('u-1', verdict)).response, {
    uid: 'u-1',
    allowed: false,
    status: { status: 'Failure', code: 422, reason: 'Refused', message: 'no, because' },
    warnings: ['mind this'],
    auditAnnotations: { run: 'r1' },
  })
})

t.test('a patch is base64 of a JSON Patch', async (t) => {
  const patch = [{ op: 'add', path: '/metadata/labels', value: { a: 'ü' } }] as const
  const { response } = parsed(encode('u-1', patched('Changed', patch)))
  t.equal(response['patchType'], 'JSONPatch')
  t.same(JSON.parse(Buffer.from(String(response['patch']), 'base64').toString()), patch)
})

t.test('a refusal never carries a patch', async (t) => {
  const verdict = { ...deny('No', 'no'), patch: [{ op: 'remove', path: '/a' }] as const }
  t.notOk('patch' in parsed(encode('u-1', verdict)).response)
})

for (const [code, want] of [
  [429, 500],
  [503, 500],
  [200, 403],
  [0, 403],
  [NaN, 403],
  [504, 504],
  [403, 403],
] as const) {
  t.test(`no code of a refusal makes a client come again or believe in success: ${code}`, async (t) => {
    t.match(parsed(encode('u-1', deny('No', 'no', { code }))).response, { status: { code: want } })
  })
}

t.test('an audit annotation that the API server would drop is left out, a long one cut', async (t) => {
  const verdict = { ...allow('Yes'), audit: { 'a/b': 'x', '-': 'x', ok: 'y'.repeat(9999) } }
  const audit = parsed(encode('u-1', verdict)).response['auditAnnotations'] as Record<string, string>
  t.same(Object.keys(audit), ['ok'])
  t.equal(audit['ok']?.length, 4096)
})

t.test('an HTTP error is a Status of Kubernetes, which the API server shows', async (t) => {
  t.same(JSON.parse(encodeFailure({ code: 413, message: 'too large' })), {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: 'too large',
  })
})
