import t from 'tap'
import { createAuthor } from '../../src/admission/author.ts'
import { actionKind } from '../../src/api/action.ts'
import { minimal } from '../../src/api/minimal.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import { authorAnnotation, authorOf, stamp } from '../../src/core/author.ts'
import type { PatchOperation } from '../../src/core/verdict.ts'
import { hash, signer } from '../../src/wiring/crypto.ts'
import { anActionObject, type ActionGiven } from '../support/build.ts'
import { actionPorts, anActionRequest } from '../support/fake-actions.ts'
import { veleroUser } from '../support/fake-gate.ts'

const tools = { hash, sign: signer(new Uint8Array(32)) }
const minimalSpec = (spec: unknown) => minimal(actionKind.spec, spec)
const stampOf = (username: string, given: ActionGiven = {}) => {
  const { metadata, spec } = anActionObject(given)
  return stamp(
    { username, groups: [] },
    { namespace: 'velero', name: metadata.name, spec: minimalSpec(spec) },
    tools,
  )
}
const decide = createAuthor(actionPorts({ stampTools: () => tools, minimalSpec }))
const ask = (object: ActionGiven, given: Partial<AdmissionRequest> & { readonly username?: string } = {}) =>
  decide(anActionRequest(anActionObject(object), { ...given, stamp: false }))
const update = (object: ActionGiven, old: ActionGiven, username = 'eve') =>
  ask(object, { operation: 'UPDATE', oldObject: anActionObject(old), username })
const annotated = (text: string, given: ActionGiven = {}): ActionGiven => ({
  ...given,
  annotations: { [authorAnnotation]: text },
})
const signed = (patch: readonly PatchOperation[]) => {
  const [first] = patch
  const value = first !== undefined && 'value' in first ? first.value : undefined
  const text =
    typeof value === 'object' ? (value as Readonly<Record<string, string>>)[authorAnnotation] : value
  return authorOf(
    text as string,
    { namespace: 'velero', name: '10-quiesce', spec: minimalSpec(anActionObject().spec) },
    tools,
  )?.username
}

t.test('whoever creates an Action is stamped as its author', async (t) => {
  const verdict = await ask({})
  t.match(verdict, {
    allowed: true,
    reason: 'Stamped',
    patch: [{ op: 'add', path: '/metadata/annotations' }],
  })
  t.equal(signed(verdict.patch), 'ann')
})

t.test('a stamp that somebody brings along is replaced', async (t) => {
  const verdict = await ask(annotated(stampOf('root')))
  t.match(verdict.patch, [{ op: 'add', path: '/metadata/annotations/tidewaiter.io~1author' }])
  t.equal(signed(verdict.patch), 'ann')
})

t.test('a change of the spec makes a new author', async (t) => {
  const old = { timeoutSeconds: 11 }
  t.equal(
    signed((await update(annotated(stampOf('ann', old)), annotated(stampOf('ann', old), old))).patch),
    'eve',
  )
})

t.test('a change of anything else keeps the author, also one who tries to write the stamp', async (t) => {
  const old = annotated(stampOf('ann'))
  t.match(await update({ ...old, labels: { a: 'b' } }, old), { reason: 'StampKept', patch: [] })
  t.equal(signed((await update(annotated(stampOf('eve')), old)).patch), 'ann')
  t.equal(signed((await update({}, old)).patch), 'ann', 'or to take it away')
})

t.test('a spec that came in another way stays without an author until somebody adopts it', async (t) => {
  t.match(await update({ labels: { a: 'b' } }, {}), { reason: 'StampKept', patch: [] })
  t.match(await update(annotated('forged'), annotated('forged')), {
    reason: 'StampRemoved',
    patch: [{ op: 'remove' }],
  })
  const adopted = await update({ annotations: { 'tidewaiter.io/adopt': 'yes' } }, {})
  t.equal(signed(adopted.patch), 'eve')
  const again = { annotations: { 'tidewaiter.io/adopt': 'yes', [authorAnnotation]: stampOf('ann') } }
  t.match(await update(again, again), { reason: 'StampKept' })
})

t.test('what comes out of a Restore has no author, and no adoption of long ago', async (t) => {
  const restored = { annotations: { [authorAnnotation]: stampOf('ann'), 'tidewaiter.io/adopt': 'yes' } }
  t.match(await ask(restored, { username: veleroUser }), {
    reason: 'StampRemoved',
    patch: [
      { op: 'remove', path: '/metadata/annotations/tidewaiter.io~1author' },
      { op: 'remove', path: '/metadata/annotations/tidewaiter.io~1adopt' },
    ],
  })
  t.match(await ask({}, { username: veleroUser }), { reason: 'StampKept' })
  const old = annotated(stampOf('ann'))
  t.match(await update({ ...old, timeoutSeconds: 11 }, old, veleroUser), { reason: 'StampRemoved' })
  t.match(await update(old, old, veleroUser), { reason: 'StampKept' })
})

t.test('a DELETE is not for us', async (t) => {
  t.match(await ask({}, { operation: 'DELETE' }), { reason: 'NotOurs' })
})
