import t from 'tap'
import { createActionCheck } from '../../src/admission/actions.ts'
import type { ActionPorts } from '../../src/admission/action-ports.ts'
import { anActionObject, anHttp } from '../support/build.ts'
import { actionPorts, anActionRequest } from '../support/fake-actions.ts'
import { veleroUser } from '../support/fake-gate.ts'

const withSecret = anActionObject({
  http: anHttp({ headers: [{ name: 'a', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }),
})
const ask = (
  object: unknown,
  given: Parameters<typeof anActionRequest>[1] = {},
  ports: Partial<ActionPorts> = {},
) => createActionCheck(actionPorts(ports))(anActionRequest(object, given))

t.test('an Action that can work is accepted', async (t) => {
  t.match(await ask(withSecret), { allowed: true, reason: 'ActionAccepted' })
})

t.test('one that cannot is refused with every problem and its path', async (t) => {
  const { spec, ...rest } = anActionObject()
  const verdict = await ask({ ...rest, spec: { ...spec, stage: 'PreLunch', timeoutSeconds: 0 } })
  t.match(verdict, { allowed: false, code: 422, reason: 'ActionInvalid' })
  t.match(
    verdict.message,
    /^Action velero\/10-quiesce has 2 problems:\n- spec.stage must .*\n- spec.timeoutSeconds must /,
  )
  const one = await ask(
    anActionObject(),
    {},
    { tools: { checkExpression: () => 'no', unknownFields: () => [], parsePem: () => undefined } },
  )
  t.equal(one.allowed, true)
})

for (const [name, { ports, want }] of Object.entries({
  'that the author may not get': {
    ports: { mayGetSecret: async () => false, secret: () => Promise.reject(new Error('asked')) },
    want: /name a Secret that ann may get/,
  },
  'that does not exist': {
    ports: { secret: async () => undefined },
    want: /name a Secret that exists in namespace velero/,
  },
  'without the label': {
    ports: { secret: async () => ({ labelled: false, keys: ['k'] }) },
    want: /for-actions: "true"/,
  },
  'without the key': {
    ports: { secret: async () => ({ labelled: true, keys: [] }) },
    want: /with the key k/,
  },
} as const)) {
  t.test(`a Secret ${name} is a problem`, async (t) => {
    const verdict = await ask(withSecret, {}, ports)
    t.match(verdict, { allowed: false, code: 422, message: want })
    t.match(verdict.message, /spec.http.headers\[0\].valueFrom.secretKeyRef.name must/)
  })
}

const withAccount = (name = 'deployer') => {
  const { http: _http, ...spec } = anActionObject().spec
  const patch = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', type: 'merge', patch: {} } as const
  return { ...anActionObject(), spec: { ...spec, patch, serviceAccountName: name } }
}

for (const [name, { ports, want }] of Object.entries({
  'that the author may not act for': {
    ports: { mayUseAccount: async () => false, mayBecome: () => Promise.reject(new Error('asked')) },
    want: /name a ServiceAccount of namespace velero that ann may act for \(verb use on serviceaccounts\), got "deployer"/,
  },
  'that the install does not let us act for': {
    ports: { mayBecome: async () => false },
    want: /verb impersonate on serviceaccounts\/deployer in namespace velero: deploy\/components\/actors/,
  },
  'of Velero itself': {
    ports: { isVelero: ({ username }: { readonly username: string }) => username.endsWith(':deployer') },
    want: /not name the account of Velero, which may do everything/,
  },
} as const)) {
  t.test(`an account ${name} is a problem`, async (t) => {
    const verdict = await ask(withAccount(), {}, ports)
    t.match(verdict, { allowed: false, code: 422, message: want })
    t.match(verdict.message, /spec\.serviceAccountName must/)
  })
}

t.test('an account is judged again at every change of spec, by who changes it', async (t) => {
  const asked: string[] = []
  const mayUseAccount: ActionPorts['mayUseAccount'] = async ({ username }, namespace, name) => {
    asked.push(`${username} ${namespace}/${name}`)
    return username === 'ann'
  }
  const object = withAccount()
  t.match(await ask(object, {}, { mayUseAccount }), { allowed: true })
  const changed = { ...object, spec: { ...object.spec, timeoutSeconds: 11 } }
  const given = { operation: 'UPDATE', oldObject: object, username: 'mallory' } as const
  t.match(await ask(changed, given, { mayUseAccount }), { allowed: false })
  t.match(await ask(object, given, { mayUseAccount }), { allowed: true, reason: 'SpecUnchanged' })
  t.same(asked, ['ann velero/deployer', 'mallory velero/deployer'])
})

t.test('an UPDATE that leaves the spec as it is is not looked at, unless it adopts', async (t) => {
  const given = { operation: 'UPDATE', oldObject: withSecret } as const
  const ports = { secret: async () => undefined }
  t.match(await ask(withSecret, given, ports), { allowed: true, reason: 'SpecUnchanged' })
  const adopting = {
    ...withSecret,
    metadata: { ...withSecret.metadata, annotations: { 'tidewaiter.io/adopt': 'yes' } },
  }
  t.match(await ask(adopting, given, ports), { allowed: false })
})

t.test('a Restore is never refused', async (t) => {
  t.match(await ask({}, { username: veleroUser }), { allowed: true, reason: 'Restored' })
})

t.test('a DELETE is not for us', async (t) => {
  t.match(await ask(null, { operation: 'DELETE' }), { reason: 'NotOurs' })
})

t.test('an Action whose stamp was made for another name is refused: it would never run', async (t) => {
  const verdict = await ask(withSecret, { stamp: false })
  t.match(verdict, { allowed: false, code: 422, reason: 'Unstamped' })
  t.match(verdict.message, /metadata.name instead of a generateName/)
})

t.test('an Action that may be used and is doubted is accepted with a warning for each doubt', async (t) => {
  const tools = {
    checkExpression: () => undefined,
    unknownFields: (_source: string, _variables: readonly string[], known: object) =>
      'backup' in known ? [{ path: 'backup.spec.tll', name: 'tll', known: ['ttl'] }] : [],
    parsePem: () => undefined,
  }
  const object = anActionObject({ match: { expression: "backup.spec.tll == '1h'" } })
  t.match(await ask(object, {}, { tools }), {
    allowed: true,
    reason: 'ActionAccepted',
    warnings: [
      /^tidewaiter: spec\.match\.expression: backup\.spec\.tll is no field of Velero 1\.18 \(did you mean ttl\?\)/,
    ],
  })
})
