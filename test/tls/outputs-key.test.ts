import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import {
  isOutputsKeyDamaged,
  outputsKeyRenewal,
  outputsKeysOf,
  renewedOutputsKey,
} from '../../src/tls/outputs-key.ts'

const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
})

t.test('a Secret without a key gets one, and its public half beside it', async (t) => {
  t.equal(outputsKeyRenewal({}), 'missing')
  const made = renewedOutputsKey({})
  t.equal(outputsKeyRenewal(made), undefined)
  const found = outputsKeysOf(made)
  t.same(found?.publicKeys, [found && createPublicKey(found.key).export({ format: 'jwk' }).x])
})

for (const [name, damage] of Object.entries({
  'was taken away to turn it': { 'outputs.key': '' },
  'is of another kind': { 'outputs.key': rsa.toString() },
  'is half written': { 'outputs.key': '-----BEGIN PRIVATE KEY-----\nMC4' },
}))
  t.test(`where the key ${name} another is made, and the former public key stays`, async (t) => {
    const good = renewedOutputsKey({})
    const before = outputsKeysOf(good)?.publicKeys ?? []
    t.not(outputsKeyRenewal({ ...good, ...damage }), undefined)
    const after = outputsKeysOf(renewedOutputsKey({ ...good, ...damage }))?.publicKeys ?? []
    t.equal(after.length, 2)
    t.same(after.slice(1), before)
  })

t.test('a good key stays when its public half is written down again', async (t) => {
  const good = renewedOutputsKey({})
  const lost = { ...good, 'outputs.pub': 'junk\n' }
  t.equal(outputsKeyRenewal(lost), 'not among the public keys')
  t.same(outputsKeysOf(renewedOutputsKey(lost)), outputsKeysOf(good))
  t.same(outputsKeysOf(lost)?.publicKeys, outputsKeysOf(good)?.publicKeys, 'it signs meanwhile')
})

t.test('of former keys the last 23 are kept', async (t) => {
  let values = renewedOutputsKey({})
  for (let turn = 0; turn < 30; turn++) values = renewedOutputsKey({ ...values, 'outputs.key': '' })
  t.equal(outputsKeysOf(values)?.publicKeys.length, 24)
})

t.test('a Secret that was deleted gets back what a process had read of it', async (t) => {
  const had = outputsKeysOf(renewedOutputsKey(renewedOutputsKey({})))
  t.same(outputsKeysOf(renewedOutputsKey({}, had)), had)
  const turned = renewedOutputsKey({ ...renewedOutputsKey({}, had), 'outputs.key': '' }, had)
  t.not(
    outputsKeysOf(turned)?.publicKeys[0],
    had?.publicKeys[0],
    'and a key that was taken away is not brought back',
  )
})

for (const [name, damage] of Object.entries({
  'the key': { 'outputs.key': 'garbage' },
  'the public halves': { 'outputs.pub': 'garbage' },
  both: { 'outputs.key': 'garbage', 'outputs.pub': 'garbage' },
}))
  t.test(`where ${name} was damaged all that was known comes back`, async (t) => {
    const good = renewedOutputsKey({ ...renewedOutputsKey({}), 'outputs.key': '' })
    const had = outputsKeysOf(good)
    const values = { ...good, ...damage }
    t.ok(isOutputsKeyDamaged(values))
    t.same(outputsKeysOf(renewedOutputsKey(values, had)), had)
    t.equal(had?.publicKeys.length, 2)
  })

t.test('what was taken away, or is whole, is not damaged', async (t) => {
  const good = renewedOutputsKey({})
  t.notOk(isOutputsKeyDamaged(good))
  t.notOk(isOutputsKeyDamaged({}))
  t.notOk(isOutputsKeyDamaged({ ...good, 'outputs.key': '' }))
})
