import t from 'tap'
import { parseAdmissionDecision } from '../../src/api/parse.ts'
import { aDecision } from '../support/decisions.ts'

const raw = (given = aDecision()) => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'AdmissionDecision',
  ...given,
})

t.test('a record is read as it was written', async (t) => {
  t.same(parseAdmissionDecision(raw()), { ok: aDecision() })
})

t.test('a field that a newer tidewaiter wrote is kept, for it is signed with the rest', async (t) => {
  const newer = { ...raw(), status: { ...aDecision().status, weather: 'fair' } }
  t.match(parseAdmissionDecision(newer), { ok: { status: { weather: 'fair' } } })
})

t.test('a record without a status is none', async (t) => {
  const { status: _status, ...rest } = raw()
  t.match(parseAdmissionDecision(rest), { problems: [{ path: 'status' }] })
})

t.test('what is no record is told with each field that is wrong', async (t) => {
  const wrong = raw(aDecision({ spec: { verdict: 'Maybe' as 'Error' }, status: { count: -1 } }))
  t.match(parseAdmissionDecision(wrong), { problems: [{ path: 'spec.verdict' }, { path: 'status.count' }] })
})
