/** The ConfigMap with the public keys: found by its label, also where an earlier version wrote it without. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { keySetText } from '../../src/core/exported/keys.ts'
import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/system-clock.ts'
import { ownKeys } from '../../src/wiring/exported.ts'
import { keysPublishedIn } from '../../src/wiring/found-keys.ts'
import { calls } from '../../src/wiring/kinds.ts'
import { keepPublished } from '../../src/wiring/published-keys.ts'
import { granted, startAccounts } from '../support/accounts.ts'
import { FakeLog } from '../support/fake-log.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const keys = { key: privateKey, publicKeys: [createPublicKey(privateKey).export({ format: 'jwk' }).x ?? ''] }
const text = keySetText(ownKeys(keys, 'cluster-a'))
const at = { namespace: 'velero', name: 'tidewaiter-dev-1-keys' }

t.test('the label comes onto a ConfigMap that an earlier version wrote without it', async (t) => {
  const { client } = await startAccounts(t, [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: at, data: { 'jwks.json': text } },
    ...granted('keys', 'velero', { kind: 'User', name: 'tidewaiter' }, [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'update'] },
    ]),
  ])
  const own = calls(client)
  t.same(await keysPublishedIn(own, 'velero'), { found: [], refused: [] })
  const stop = new AbortController()
  // It sleeps once it has published.
  const sleep = async () => stop.abort()
  const clock: Clock = { ...systemClock, sleep }
  const world = { calls: own, clock, log: new FakeLog(), cluster: 'cluster-a', at, outputsKeys: () => keys }
  await keepPublished(world, stop.signal)
  t.same((await keysPublishedIn(own, 'velero')).found, [{ ...at, text }])
})
