import t from 'tap'
import { auditedIn } from '../../../src/core/decision/audit-log.ts'

const chain = { replica: 'r', namespace: 'velero', seq: 3, digest: 'd' }
const checkpoint = {
  replica: 'r',
  namespace: 'velero',
  seq: 1,
  chain: 'c',
  time: 't',
  key: 'k',
  signature: 's',
}
const at = '2026-01-01T00:00:00.000000Z'
const event = (annotations: unknown) => ({ requestReceivedTimestamp: at, annotations })

t.test('the annotations of any of our webhooks are read', async (t) => {
  t.same(
    auditedIn(
      event({
        'authorization.k8s.io/decision': 'allow',
        'backups.tidewaiter.io/chain': JSON.stringify(chain),
        'backups.tidewaiter.io/checkpoint': JSON.stringify(checkpoint),
      }),
    ),
    [{ decision: { ...chain, at: Date.parse(at) } }, { checkpoint }],
  )
})

t.test('two of our webhooks that decided about one request are both read', async (t) => {
  const both = auditedIn(
    event({
      'hold-backups.tidewaiter.io/chain': JSON.stringify(chain),
      'backups.tidewaiter.io/chain': JSON.stringify({ ...chain, seq: 4 }),
    }),
  )
  t.same(
    both.map(({ decision }) => decision?.seq),
    [3, 4],
  )
})

for (const [what, given] of Object.entries({
  'no object': 'x',
  'no annotations': {},
  'annotations of others': event({ 'x.example.com/chain': JSON.stringify(chain) }),
  'no JSON': event({ 'backups.tidewaiter.io/chain': '{' }),
  'a list': event({ 'backups.tidewaiter.io/chain': '[]' }),
  'no number': event({ 'backups.tidewaiter.io/chain': JSON.stringify({ ...chain, seq: '3' }) }),
  'the number 0': event({ 'backups.tidewaiter.io/chain': JSON.stringify({ ...chain, seq: 0 }) }),
  'no digest': event({ 'backups.tidewaiter.io/chain': JSON.stringify({ ...chain, digest: undefined }) }),
  'half a checkpoint': event({ 'a.tidewaiter.io/checkpoint': JSON.stringify({ ...checkpoint, key: 1 }) }),
}))
  t.test(`${what} says nothing of decisions`, async (t) => t.same(auditedIn(given), []))
