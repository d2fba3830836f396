/** What an uninstall waits for, and what is shown of an Action before it is adopted: pure rules. */
import t from 'tap'
import { actsAs, callsOf, stampedFor } from '../../src/core/adoption.ts'
import type { RunStatus } from '../../src/api/action-run.ts'
import { seenObjectOf } from '../../src/core/post.ts'
import { heldInHand, inHandText, runInHand } from '../../src/core/uninstall/in-hand.ts'
import { aBackup, aPlannedAction, aRow, aRun, type RunGiven, type VeleroObject } from '../support/build.ts'

const cluster = 'this-cluster'
const now = Date.parse('2026-11-21T12:00:00Z')
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString()
const begun = aBackup({ phase: 'InProgress', status: { startTimestamp: ago(3) } })
const aCall = (url: string) => ({ url, method: 'POST', expectStatus: ['2xx'], followRedirects: 0 }) as const
const undoable = (undoAt: 'Abort' | 'Always' = 'Abort') => [
  aPlannedAction({ name: '10-freeze', undoAt, undo: { http: aCall('http://shop.example/thaw') } }),
]
const isTrue = (type: string) =>
  ({ type, status: 'True', reason: type, message: '', lastTransitionTime: ago(5) }) as const

const ended = (
  phase: NonNullable<RunStatus['phase']>,
  more: Partial<RunStatus> = {},
): Partial<RunStatus> => ({
  phase,
  completionTimestamp: ago(5),
  actions: [aRow({ name: '10-freeze', phase: 'Succeeded' })],
  ...more,
})
type Case = { readonly run: RunGiven; readonly object?: VeleroObject; readonly want: string | undefined }

const cases: Readonly<Record<string, Case>> = {
  'a run that waits': { run: { cluster }, want: 'Pending' },
  'a run that goes on': { run: { cluster, status: { phase: 'Running' } }, want: 'Running' },
  'a run that is being undone': {
    run: { cluster, actions: undoable(), status: ended('Undoing', { undoneFrom: 'Refused' }) },
    want: 'Undoing',
  },
  'a run of which an undo fails for long': {
    run: {
      cluster,
      actions: undoable(),
      status: ended('Undoing', {
        undoneFrom: 'Refused',
        actions: [aRow({ name: '10-freeze', phase: 'Succeeded', undo: { phase: 'Stuck', attempts: 8 } })],
      }),
    },
    want: 'Undoing, stuck',
  },
  'a run of another cluster': { run: { cluster: 'another', status: { phase: 'Running' } }, want: undefined },
  'a run that is done': { run: { cluster, status: ended('Succeeded') }, want: undefined },
  'a refusal that is to be undone, however long ago it was': {
    run: { cluster, actions: undoable(), status: ended('Refused', { completionTimestamp: ago(6000) }) },
    want: 'Refused, may be undone',
  },
  'a refusal whose action had no effect': {
    run: {
      cluster,
      actions: undoable(),
      status: ended('Refused', { actions: [aRow({ name: '10-freeze', phase: 'Failed', noEffect: true })] }),
    },
    want: undefined,
  },
  'a success whose object has not come yet': {
    run: { cluster, actions: undoable(), status: ended('Succeeded') },
    want: 'Succeeded, may be undone',
  },
  'a success whose object has come, and not begun': {
    run: { cluster, actions: undoable(), status: ended('Succeeded', { conditions: [isTrue('Seen')] }) },
    object: aBackup({ phase: 'New' }),
    want: 'Succeeded, may be undone',
  },
  'a success whose object has begun': {
    run: { cluster, actions: undoable(), status: ended('Succeeded', { conditions: [isTrue('Seen')] }) },
    object: begun,
    want: undefined,
  },
  'a freeze that is undone when its object has ended': {
    run: {
      cluster,
      actions: undoable('Always'),
      status: ended('Succeeded', { conditions: [isTrue('Seen')] }),
    },
    object: begun,
    want: 'Succeeded, undone when it ends',
  },
  'a freeze whose object began and is gone': {
    run: {
      cluster,
      actions: undoable('Always'),
      status: ended('Succeeded', { conditions: [isTrue('Started')] }),
    },
    want: 'Succeeded, may be undone',
  },
  'an exclusive key without anything to undo': {
    run: {
      cluster,
      actions: [aPlannedAction({ name: '10-freeze', exclusive: 'shop' })],
      status: ended('Succeeded'),
    },
    object: begun,
    want: undefined,
  },
  'a run that was undone': {
    run: {
      cluster,
      actions: undoable(),
      status: ended('Undone', {
        undoneFrom: 'Refused',
        actions: [aRow({ name: '10-freeze', phase: 'Succeeded', undo: { phase: 'Undone', attempts: 1 } })],
      }),
    },
    want: undefined,
  },
}

for (const [name, { run, object, want }] of Object.entries(cases))
  t.test(`in hand: ${name}`, async (t) => {
    const given = aRun({ ...run, status: { actions: [aRow({ name: '10-freeze' })], ...run.status } })
    const seen = object === undefined ? undefined : seenObjectOf('Backup', object)
    const found = runInHand(given, { cluster, object: seen, now })
    t.equal(found?.text, want && `run velero/${given.metadata.name} (${want}, PreBackup of Backup b1)`)
    t.equal(found?.uid, want && given.spec.objectRef.uid)
  })

const backup = (phase: string | undefined, annotations: Readonly<Record<string, string>>) => ({
  metadata: { namespace: 'velero', name: 'b1', uid: 'u1', annotations },
  ...(phase === undefined ? {} : { status: { phase } }),
})

t.test('in hand is what is held, as long as it has not ended', async (t) => {
  const hold = { 'tidewaiter.io/hold': 'pre-actions' }
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
  const patch = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', patch: {} }
  t.equal(
    callsOf(action({ patch: { ...patch, subresource: 'scale' }, undo: { revert: true } })),
    'PATCH apps/v1 Deployment shop/web (scale), undo: puts back what was there',
  )
  const { name: _name, ...many } = { ...patch, selector: 'unchecked' }
  t.equal(callsOf(action({ patch: many })), 'PATCH apps/v1 Deployment shop/* (by labels)')
  t.equal(actsAs(action({}), 'alice'), 'alice')
  t.equal(actsAs(action({ serviceAccountName: 'quiescer' }), 'alice'), 'ServiceAccount quiescer, for alice')
  t.equal(stampedFor(action({})), '')
  const stamp = JSON.stringify({ user: 'bob', groups: [], spec: 'x', mac: 'y' })
  t.equal(stampedFor(action({}, { 'tidewaiter.io/author': stamp })), 'bob')
})
