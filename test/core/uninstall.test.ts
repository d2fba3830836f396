/** What an uninstall waits for, and what is shown of an Action before it is adopted: pure rules. */
import t from 'tap'
import { actsAs, callsOf, stampedFor } from '../../src/core/adoption.ts'
import { heldInHand, inHandText, runInHand } from '../../src/core/uninstall/in-hand.ts'
import { aPlannedAction, aRow, aRun } from '../support/build.ts'

const cluster = 'this-cluster'
const now = Date.parse('2026-11-21T12:00:00Z')
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString()
const undoable = () => {
  const action = aPlannedAction({ name: '10-freeze' })
  return [{ ...action, spec: { ...action.spec, undo: { http: { url: 'http://shop.example/thaw' } } } }]
}
const seen = {
  type: 'Seen',
  status: 'True',
  reason: 'Seen',
  message: '',
  lastTransitionTime: ago(5),
} as const

const cases = {
  'a run that waits': { run: { cluster }, want: 'Pending' },
  'a run that goes on': { run: { cluster, status: { phase: 'Running' } }, want: 'Running' },
  'a run that is being undone': { run: { cluster, status: { phase: 'Undoing' } }, want: 'Undoing' },
  'a run of another cluster': { run: { cluster: 'another', status: { phase: 'Running' } }, want: undefined },
  'a run that is done': {
    run: { cluster, status: { phase: 'Succeeded', completionTimestamp: ago(5) } },
    want: undefined,
  },
  'a refusal that may be undone': {
    run: { cluster, actions: undoable(), status: { phase: 'Refused', completionTimestamp: ago(5) } },
    want: 'Refused, may be undone',
  },
  'a refusal of long ago, which would have been undone by now': {
    run: { cluster, actions: undoable(), status: { phase: 'Refused', completionTimestamp: ago(600) } },
    want: undefined,
  },
  'a success whose object has not come yet': {
    run: { cluster, actions: undoable(), status: { phase: 'Succeeded', completionTimestamp: ago(5) } },
    want: 'Succeeded, may be undone',
  },
  'a success whose object has come': {
    run: {
      cluster,
      actions: undoable(),
      status: { phase: 'Succeeded', completionTimestamp: ago(5), conditions: [seen] },
    },
    want: undefined,
  },
  'a run that was undone': {
    run: { cluster, actions: undoable(), status: { phase: 'Undone', completionTimestamp: ago(5) } },
    want: undefined,
  },
} as const

for (const [name, { run, want }] of Object.entries(cases))
  t.test(`in hand: ${name}`, async (t) => {
    const given = aRun({
      ...run,
      status: { actions: [aRow({ name: '10-freeze' })], ...('status' in run ? run.status : {}) },
    })
    const found = runInHand(given, cluster, now)
    t.equal(found?.text, want && `run velero/${given.metadata.name} (${want}, PreBackup of Backup b1)`)
    t.equal(found?.uid, want && given.spec.objectRef.uid)
  })

const backup = (phase: string | undefined, annotations: Readonly<Record<string, string>>) => ({
  metadata: { namespace: 'velero', name: 'b1', uid: 'u1', annotations },
  ...(phase === undefined ? {} : { status: { phase } }),
})

t.test('in hand is what is held, as long as it has not ended', async (t) => {
  const hold = { 'tidewaiter.io/hold': 'pre' }
  for (const phase of [undefined, 'New'])
    t.match(heldInHand('Backup', backup(phase, hold)), { uid: 'u1', text: 'Backup velero/b1 (held)' })
  t.equal(heldInHand('Backup', backup('FailedValidation', hold)), undefined)
  t.equal(heldInHand('Restore', backup('New', { 'tidewaiter.io/pre': '{}' })), undefined)
})

t.test('of much in hand ten are named, and the others counted', async (t) => {
  const all = Array.from({ length: 12 }, (_, i) => ({ uid: `u${i}`, text: `t${i}` }))
  t.equal(inHandText(all.slice(0, 2)), 't0, t1')
  t.match(inHandText(all), /^t0, .*t9 and 2 more$/)
})

t.test('an Action is shown by what it calls, its undo too, and by whom it acts as', async (t) => {
  const action = (spec: object, annotations = {}) => ({ metadata: { annotations }, spec })
  t.equal(callsOf(action({ http: { url: 'http://a/' } })), 'POST http://a/')
  t.equal(
    callsOf(action({ http: { method: 'PUT', url: 'http://a/' }, undo: { http: { url: 'http://b/' } } })),
    'PUT http://a/, undo: POST http://b/',
  )
  t.equal(callsOf(action({ exec: {} })), '')
  t.equal(actsAs(action({}), 'alice'), 'alice')
  t.equal(actsAs(action({ serviceAccountName: 'quiescer' }), 'alice'), 'ServiceAccount quiescer, for alice')
  t.equal(stampedFor(action({})), '')
  const stamp = JSON.stringify({ user: 'bob', groups: [], spec: 'x', mac: 'y' })
  t.equal(stampedFor(action({}, { 'tidewaiter.io/author': stamp })), 'bob')
})
