/** What a Backup carries is read as it is, and not believed. */
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { signStatement } from '../../src/wiring/outputs-signature.ts'
import { carriedBy } from './carried.ts'

const { privateKey: key, publicKey } = generateKeyPairSync('ed25519')
const x = publicKey.export({ format: 'jwk' }).x ?? ''
const statement = {
  v: 1 as const,
  cluster: 'c',
  namespace: 'velero',
  backup: 'b1',
  uid: 'u1',
  run: 'r1',
  at: '2026-08-01T00:00:00Z',
  outputs: { '10-freeze-l01': { lsn: 7 } },
}
const text = await signStatement(statement, { key, kid: 'k' })
const backup = (carried: string, name = 'b1') => ({
  metadata: { name, uid: 'u1', annotations: { 'tidewaiter.io/outputs': carried } },
})
const whole = { isSigned: true, isOwn: true, outputs: { '10-freeze': { lsn: 7 } } }

t.test('a signature is held against the keys, and what is said against who carries it', async (t) => {
  t.same(carriedBy(backup(text), { keys: ['A'.repeat(43), x], run: 'r1' }), whole)
  t.match(carriedBy(backup(text), { keys: [], run: 'r1' }), { isSigned: false })
  const [header, , signature] = text.split('.')
  const forged = Buffer.from(JSON.stringify({ ...statement, run: 'r2' })).toString('base64url')
  const moved = `${header}.${forged}.${signature}`
  t.match(carriedBy(backup(text, 'b2'), { keys: [x], run: 'r1' }), { isOwn: false })
  t.match(carriedBy(backup(text), { keys: [x], run: 'r2' }), { isOwn: false })
  t.match(carriedBy(backup(moved), { keys: [x], run: 'r2' }), { isSigned: false, isOwn: true })
})

t.test('what carries none', async (t) => {
  t.equal(carriedBy({ metadata: { name: 'b1', uid: 'u1' } }, { keys: [x], run: 'r1' }), undefined)
})
