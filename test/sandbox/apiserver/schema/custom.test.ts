import t from 'tap'
import { aShip, call, shipCrd, ships, started, type Loose } from '../client.ts'

t.test('a CRD is established and served at once, with defaults and pruning', async (t) => {
  const api = await started(t)
  const made = await call(api, 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', shipCrd)
  t.match(made.body.status.conditions, [
    { type: 'NamesAccepted', status: 'True' },
    { type: 'Established', status: 'True' },
  ])
  const ship = await call(api, 'POST', ships, aShip('a', { cargo: { any: { thing: 1 } }, flag: 'red' }))
  t.same(ship.body.spec, { sails: 3, home: 'Bremen', cargo: { any: { thing: 1 } } })
})

const refused: Record<string, { given: unknown; want: RegExp }> = {
  'a value outside an enum': {
    given: { stage: 'Sunk' },
    want: /^Ship.harbour.example "a" is invalid: \[?spec.stage: Unsupported value: "Sunk": supported values: "Sailing", "Moored"/,
  },
  'a wrong type': {
    given: { sails: 'x' },
    want: /spec.sails: Invalid value: "string": spec.sails in body must be of type integer: "string"/,
  },
  'a text that does not match': {
    given: { home: 'bremen' },
    want: /spec.home: Invalid value: "bremen": spec.home in body should match '\^\[A-Z\]'/,
  },
  'a text that is too long': {
    given: { home: 'Bremerhaven' },
    want: /spec.home: Too long: may not be more than 10 bytes/,
  },
  'too many items': {
    given: { crew: ['a', 'b', 'c', 'd'].map((name) => ({ name })) },
    want: /spec.crew: Too many: 4: must have at most 3 items/,
  },
  'two items of one key': {
    given: { crew: [{ name: 'x' }, { name: 'x' }] },
    want: /spec.crew\[1\]: Duplicate value: \{"name":"x"\}/,
  },
  'an item without its key': {
    given: { crew: [{ rank: 'x' }] },
    want: /spec.crew\[0\].name: Required value/,
  },
  'a rule that does not hold': {
    given: { sails: 10 },
    want: /is invalid: spec: Invalid value: nine sails at most$/,
  },
}
for (const [name, { given, want }] of Object.entries(refused)) {
  t.test(`${name} is refused in the words of the real server`, async (t) => {
    const api = await started(t)
    api.seed([shipCrd])
    t.match(await call(api, 'POST', ships, aShip('a', given as Loose)), {
      code: 422,
      body: { reason: 'Invalid', message: want },
    })
  })
}

t.test('a transition rule compares with the former value', async (t) => {
  const api = await started(t)
  api.seed([shipCrd])
  t.equal((await call(api, 'POST', ships, aShip('a'))).code, 201)
  const moved = await call(
    api,
    'PATCH',
    `${ships}/a`,
    { spec: { home: 'Emden' } },
    { type: 'application/merge-patch+json' },
  )
  t.match(moved, { code: 422, body: { message: /spec.home: Invalid value: the home port stays/ } })
})

t.test('what an update leaves as it was is not held against it', async (t) => {
  const api = await started(t)
  api.seed([shipCrd, aShip('a', { home: 'far too long a name' })])
  const merge = { type: 'application/merge-patch+json' }
  t.equal((await call(api, 'PATCH', `${ships}/a`, { spec: { sails: 4 } }, merge)).code, 200)
  t.equal((await call(api, 'PATCH', `${ships}/a`, { spec: { home: 'Also far too long' } }, merge)).code, 422)
})

t.test('a CRD without structure or with a broken rule is refused', async (t) => {
  const api = await started(t)
  const broken = structuredClone(shipCrd) as Loose
  broken.spec.versions[0].schema.openAPIV3Schema.properties.spec['x-kubernetes-validations'][0].rule =
    'self.sails <='
  const reply = await call(api, 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', broken)
  t.match(reply, {
    code: 422,
    body: {
      message: /x-kubernetes-validations\[0\].rule: Invalid value: .*: compilation failed/,
    },
  })
})

t.test('deleting a CRD takes its objects along', async (t) => {
  const api = await started(t)
  api.seed([shipCrd, aShip('a')])
  await call(api, 'DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ships.harbour.example')
  for (let turn = 0; api.read('harbour.example/ships', 'default', 'a') !== undefined && turn < 100; turn += 1)
    await call(api, 'GET', '/version')
  t.equal(api.read('harbour.example/ships', 'default', 'a'), undefined)
  t.equal((await call(api, 'GET', ships)).code, 404)
})
