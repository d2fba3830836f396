import t from 'tap'
import { aMap, aShip, call, maps, shipCrd, ships, started, type Loose } from '../client.ts'

t.test(
  'an object gets identity, time and a version at creation, and a second one of its name is refused',
  async (t) => {
    const api = await started(t)
    const made = await call(api, 'POST', maps, aMap('a', { x: '1' }))
    t.equal(made.code, 201)
    t.match(made.body.metadata, {
      uid: /^[0-9a-f-]{36}$/,
      resourceVersion: /^\d+$/,
      creationTimestamp: /Z$/,
      namespace: 'default',
    })
    const again = await call(api, 'POST', maps, aMap('a'))
    t.match(again, { code: 409, body: { reason: 'AlreadyExists', message: 'configmaps "a" already exists' } })
  },
)

t.test('a stale resourceVersion is a conflict, an absent one overwrites', async (t) => {
  const api = await started(t)
  const { body } = await call(api, 'POST', maps, aMap('a', { x: '1' }))
  t.equal((await call(api, 'PUT', `${maps}/a`, aMap('a', { x: '2' }))).code, 200)
  const stale = await call(api, 'PUT', `${maps}/a`, body)
  t.match(stale, {
    code: 409,
    body: {
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    },
  })
})

t.test('a write that changes nothing keeps the version', async (t) => {
  const api = await started(t)
  const { body } = await call(api, 'POST', maps, aMap('a', { x: '1' }))
  const same = await call(
    api,
    'PATCH',
    `${maps}/a`,
    { data: { x: '1' } },
    { type: 'application/merge-patch+json' },
  )
  t.equal(same.body.metadata.resourceVersion, body.metadata.resourceVersion)
})

t.test('a merge patch removes with null, and a wrong uid in it is invalid', async (t) => {
  const api = await started(t)
  await call(api, 'POST', maps, aMap('a', { x: '1', y: '2' }))
  const merge = { type: 'application/merge-patch+json' }
  t.same((await call(api, 'PATCH', `${maps}/a`, { data: { x: null } }, merge)).body.data, { y: '2' })
  t.match(await call(api, 'PATCH', `${maps}/a`, { metadata: { uid: 'other' } }, merge), {
    code: 422,
    body: { message: 'ConfigMap "a" is invalid: metadata.uid: Invalid value: "other": field is immutable' },
  })
  t.match(await call(api, 'PATCH', `${maps}/a`, { metadata: { resourceVersion: '1' } }, merge), { code: 409 })
})

t.test('a dry run answers what would be and stores nothing', async (t) => {
  const api = await started(t)
  const dry = await call(api, 'POST', `${maps}?dryRun=All`, aMap('a'))
  t.equal(dry.code, 201)
  t.equal((await call(api, 'GET', `${maps}/a`)).code, 404)
  t.equal((await call(api, 'POST', `${maps}?dryRun=Some`, aMap('a'))).code, 422)
})

t.test('an object with finalizers is marked, refuses new ones, and goes with its last', async (t) => {
  const api = await started(t)
  await call(api, 'POST', maps, aMap('a', {}, { finalizers: ['x.example/y'] }))
  const marked = await call(api, 'DELETE', `${maps}/a`)
  t.match(marked.body, { kind: 'ConfigMap', metadata: { deletionTimestamp: /Z$/ } })
  const merge = { type: 'application/merge-patch+json' }
  t.match(
    await call(
      api,
      'PATCH',
      `${maps}/a`,
      { metadata: { finalizers: ['x.example/y', 'x.example/z'] } },
      merge,
    ),
    {
      code: 422,
      body: {
        message:
          /metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted/,
      },
    },
  )
  t.equal((await call(api, 'PATCH', `${maps}/a`, { metadata: { finalizers: null } }, merge)).code, 200)
  t.equal((await call(api, 'GET', `${maps}/a`)).code, 404)
})

t.test('generation rises with the spec, not with the status or the metadata', async (t) => {
  const api = await started(t)
  api.seed([shipCrd])
  t.equal((await call(api, 'POST', ships, aShip('a'))).body.metadata.generation, 1)
  const merge = { type: 'application/merge-patch+json' }
  const generationAfter = async (path: string, patch: unknown): Promise<number> =>
    (await call(api, 'PATCH', path, patch, merge)).body.metadata.generation
  t.equal(await generationAfter(`${ships}/a`, { metadata: { labels: { a: 'b' } } }), 1)
  t.equal(await generationAfter(`${ships}/a/status`, { status: { phase: 'Ready' }, spec: { sails: 5 } }), 1)
  t.equal(await generationAfter(`${ships}/a`, { spec: { sails: 4 }, status: { phase: 'Gone' } }), 2)
  t.match((await call(api, 'GET', `${ships}/a`)).body, { spec: { sails: 4 }, status: { phase: 'Ready' } })
})

t.test(
  'pages are consistent: what is written in between does not show, and a forgotten past is 410',
  async (t) => {
    const api = await started(t)
    api.seed(['a', 'b', 'c', 'd'].map((name) => aMap(name, { x: '1' })))
    const first = await call(api, 'GET', `${maps}?limit=2`)
    t.match(first.body, {
      metadata: { remainingItemCount: 2 },
      items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    })
    await call(api, 'DELETE', `${maps}/c`)
    const token = encodeURIComponent(first.body.metadata.continue)
    const second = await call(api, 'GET', `${maps}?limit=2&continue=${token}`)
    t.same(
      second.body.items.map((one: Loose) => one.metadata.name),
      ['c', 'd'],
    )
    api.compact()
    await call(api, 'DELETE', `${maps}/d`)
    const late = await call(api, 'GET', `${maps}?limit=2&continue=${token}`)
    t.match(late, { code: 410, body: { reason: 'Expired', metadata: { continue: /./ } } })
  },
)

const refused = {
  'a namespace that is not there': {
    path: '/api/v1/namespaces/nope/configmaps',
    body: aMap('a'),
    code: 404,
    message: 'namespaces "nope" not found',
  },
  'a namespace that differs from the path': {
    path: maps,
    body: aMap('a', {}, { namespace: 'other' }),
    code: 400,
    message: /does not match the namespace sent on the request/,
  },
  'a name that is none': {
    path: maps,
    body: aMap('A_b'),
    code: 422,
    message: /metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain/,
  },
  'no JSON': { path: maps, body: '{"a":', code: 400, message: /json parse error/ },
  'nesting without end': { path: maps, body: '{"a":'.repeat(2000), code: 400, message: /nested deeper/ },
  'a kind of another resource': {
    path: maps,
    body: { kind: 'Secret', apiVersion: 'v1' },
    code: 400,
    message: /cannot be handled as a ConfigMap/,
  },
  'an unknown field under Strict': {
    path: `${maps}?fieldValidation=Strict`,
    body: { ...aMap('a'), foo: 1 },
    code: 400,
    message: /strict decoding error: unknown field "foo"/,
  },
  'a wrong type in a built-in kind': {
    path: maps,
    body: { ...aMap('a'), data: { x: 1 } },
    code: 400,
    message: /cannot unmarshal number into Go struct field ConfigMap.data of type string/,
  },
}
for (const [name, { path, body, code, message }] of Object.entries(refused)) {
  t.test(`${name} is refused`, async (t) => {
    const api = await started(t)
    t.match(await call(api, 'POST', path, body), { code, body: { message } })
  })
}

t.test('an unknown field is warned of by default', async (t) => {
  const api = await started(t)
  const reply = await call(api, 'POST', maps, { ...aMap('a'), foo: 1 })
  t.match(reply, { code: 201, headers: { warning: '299 - "unknown field \\"foo\\""' } })
})

t.test('keys such as __proto__ are plain data', async (t) => {
  const api = await started(t)
  const body =
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"x","constructor":"y"}}'
  t.equal((await call(api, 'POST', maps, body)).code, 201)
  const got = await call(api, 'GET', `${maps}/a`)
  t.same(Object.keys(got.body.data), ['__proto__', 'constructor'])
})

t.test('a Table shows the columns of the kind, protobuf alone is not acceptable', async (t) => {
  const api = await started(t)
  api.seed([shipCrd, aShip('a', { stage: 'Sailing' })])
  const table = await call(api, 'GET', ships, undefined, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  })
  t.match(table.body, {
    kind: 'Table',
    columnDefinitions: [{ name: 'Name' }, { name: 'Stage' }],
    rows: [{ cells: ['a', 'Sailing'] }],
  })
  const proto = await call(api, 'GET', maps, undefined, {
    headers: { accept: 'application/vnd.kubernetes.protobuf' },
  })
  t.equal(proto.code, 406)
})

t.test('the scale subresource reads and writes the replicas', async (t) => {
  const api = await started(t)
  api.seed([shipCrd, aShip('a', { sails: 2 })])
  t.match((await call(api, 'GET', `${ships}/a/scale`)).body, { kind: 'Scale', spec: { replicas: 2 } })
  await call(
    api,
    'PATCH',
    `${ships}/a/scale`,
    { spec: { replicas: 7 } },
    { type: 'application/merge-patch+json' },
  )
  t.equal((await call(api, 'GET', `${ships}/a`)).body.spec.sails, 7)
})

t.test('each answer says what time it is by the clock of the server', async (t) => {
  const now = Date.now() + 3_600_000
  const api = await started(t, { clock: { now: () => now, after: () => () => {} } })
  const { headers } = await call(api, 'GET', '/api/v1/namespaces')
  t.equal(headers.date, new Date(now).toUTCString())
})
