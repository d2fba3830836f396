import t from 'tap'
import { failPatch, releasePatch, ttlMs } from '../../../src/core/hold/patches.ts'
import { backupsAtOnce } from '../../../src/core/hold/slots.ts'
import { aBackup, aRestore } from '../../support/build.ts'
import { newYear } from '../../support/fake-clock.ts'

const live = aBackup({ resourceVersion: '7', annotations: { 'tidewaiter.io/hold': 'pre-actions' } })
const annotations = { 'tidewaiter.io/pre': '{}' }
const common = { annotations, validationErrors: ['no'], storageLocation: 'default', now: newYear }
const metadata = {
  uid: live.metadata.uid,
  resourceVersion: '7',
  annotations: { 'tidewaiter.io/pre': '{}', 'tidewaiter.io/hold': null },
}

t.test('a release takes the hold off this very object, and nothing else', async (t) => {
  t.same(releasePatch(live, annotations), { metadata })
})

t.test('a failed Backup says why, and carries what Velero needs to remove it one day', async (t) => {
  t.same(failPatch({ kind: 'Backup', live, ...common }), {
    metadata,
    spec: { storageLocation: 'default' },
    status: { phase: 'FailedValidation', validationErrors: ['no'], expiration: '2026-01-31T00:00:00Z' },
  })
  const own = { ...live, spec: { storageLocation: 'eu', ttl: '24h0m0s' } }
  t.match(failPatch({ kind: 'Backup', live: own, ...common }), {
    spec: { storageLocation: 'eu' },
    status: { expiration: '2026-01-02T00:00:00Z' },
  })
})

t.test('a failed Restore says why', async (t) => {
  const { spec, status } = failPatch({ kind: 'Restore', live: aRestore(), ...common })
  t.same([spec, status], [undefined, { phase: 'FailedValidation', validationErrors: ['no'] }])
})

for (const [text, hours] of Object.entries({
  '720h0m0s': 720,
  '1h30m': 1.5,
  '90m': 1.5,
  '3600s': 1,
  '1.5h': 1.5,
  '': 720,
  '0s': 720,
  'a day': 720,
  '-1h': 720,
  '1h x': 720,
}))
  t.test(`a time to live of "${text}" is ${hours} hours`, async (t) => {
    t.equal(ttlMs(text), hours * 3_600_000)
  })

const velero = (args: readonly string[], name = 'velero') => ({
  metadata: { labels: { component: 'velero' } },
  spec: { template: { spec: { containers: [{ name: 'sidecar' }, { name, args }] } } },
})

for (const [name, { args, want }] of Object.entries({
  'its default': { args: ['server'], want: 1 },
  'with =': { args: ['server', '--concurrent-backups=3'], want: 3 },
  'as two words': { args: ['server', '--concurrent-backups', '4'], want: 4 },
  'the last one counts': { args: ['--concurrent-backups=3', '--concurrent-backups=5'], want: 5 },
  'what is no number is its default': { args: ['--concurrent-backups=many'], want: 1 },
  'none at all is one': { args: ['--concurrent-backups=0'], want: 1 },
  'a flag without a value': { args: ['--concurrent-backups'], want: 1 },
}))
  t.test(`how many Backups Velero works on at once: ${name}`, async (t) => {
    t.equal(backupsAtOnce(velero(args)), want)
  })

t.test('another Deployment says nothing of it', async (t) => {
  t.equal(backupsAtOnce(velero(['--concurrent-backups=3'], 'node-agent')), undefined)
  t.equal(backupsAtOnce({}), undefined)
})
