import t from 'tap'
import { claimName, claimStep } from '../../src/core/claim.ts'
import { probed, probeMessage, probeName } from '../../src/core/probe.ts'
import { allow, deny, patched } from '../../src/core/verdict.ts'
import { aBackup } from '../support/build.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'
import { aRequest } from '../support/fake-gate.ts'

const lease = { holder: 'a', resourceVersion: '1', acquiredAt: newYear }

for (const [name, { given, uid, now, want }] of Object.entries({
  'one own': { given: {}, uid: 'a', now: newYear, want: { do: 'own' } },
  'one held by another': { given: {}, uid: 'b', now: newYear + 60_000, want: { do: 'held', by: 'a' } },
  'one that ran out': { given: {}, uid: 'b', now: newYear + 60_001, want: { do: 'take-over' } },
  'one that nobody holds': { given: { holder: '' }, uid: 'b', now: newYear, want: { do: 'take-over' } },
  'one without a time': {
    given: { acquiredAt: Number.NaN },
    uid: 'b',
    now: newYear,
    want: { do: 'take-over' },
  },
  'one from far ahead': {
    given: { acquiredAt: newYear + 3_600_000 },
    uid: 'b',
    now: newYear,
    want: { do: 'take-over' },
  },
} as const)) {
  t.test(`a claim on a name: ${name}`, async (t) => {
    t.same(claimStep({ ...lease, ...given }, uid, now), want)
  })
}

t.test('a claim is named from kind and name', async (t) => {
  t.equal(
    claimName('Backup', 'b1', (text) => `${text}${'0'.repeat(64)}`),
    `tidewaiter-claim-backup-b1${'0'.repeat(22)}`,
  )
})

t.test('a probe is a dry-run CREATE of its name, and nothing else', async (t) => {
  const request = (given: object) =>
    aRequest(aBackup(), new FakeClock(), { name: probeName, dryRun: true, ...given })
  t.match(probed(request({})), { allowed: false, reason: 'Probe', message: probeMessage })
  for (const given of [{ dryRun: false }, { name: 'b1' }, { operation: 'UPDATE' }])
    t.equal(probed(request(given)), undefined)
})

t.test('one constructor for each answer', async (t) => {
  t.match(allow('DryRun', 'm', ['w']), {
    allowed: true,
    code: 200,
    reason: 'DryRun',
    message: 'm',
    warnings: ['w'],
    patch: [],
    audit: {},
  })
  t.match(deny('NoUid', 'm'), { allowed: false, code: 403 })
  t.match(deny('NoUid', 'm', { code: 422, warnings: ['w'] }), { code: 422, warnings: ['w'] })
  t.match(patched('Stamped', [{ op: 'remove', path: '/x' }]), { allowed: true, patch: [{ op: 'remove' }] })
})
