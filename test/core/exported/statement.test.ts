import t from 'tap'
import {
  foreignTo,
  readStatement,
  type Carrier,
  type Statement,
} from '../../../src/core/exported/statement.ts'

const signedAt = Date.UTC(2026, 0, 1, 2)
const minute = 60_000
const statement: Statement = {
  v: 1,
  cluster: 'cluster-a',
  namespace: 'velero',
  backup: 'nightly-1',
  uid: 'uid-in-a',
  run: 'nightly-1-prebackup',
  at: new Date(signedAt).toISOString(),
  outputs: { '10-a': { lsn: '0/16B' } },
}
const made: Carrier = {
  name: 'nightly-1',
  namespace: 'velero',
  uid: 'uid-in-a',
  synced: false,
  startedAt: signedAt + 1000,
}
const synced: Carrier = { ...made, synced: true, uid: 'uid-in-b', namespace: 'velero-b' }

for (const [name, { carrier, cluster, want }] of Object.entries<{
  readonly carrier: Carrier
  readonly cluster: string
  readonly want: RegExp | undefined
}>({
  'the very Backup, in the cluster that made it': { carrier: made, cluster: 'cluster-a', want: undefined },
  'the very Backup, for who does not know the cluster': { carrier: made, cluster: '', want: undefined },
  'its copy in another cluster, under another uid': {
    carrier: synced,
    cluster: 'cluster-b',
    want: undefined,
  },
  'its copy in its own cluster, brought back by a sync': {
    carrier: synced,
    cluster: 'cluster-a',
    want: undefined,
  },
  'another Backup': {
    carrier: { ...synced, name: 'nightly-2' },
    cluster: 'cluster-b',
    want: /another Backup \(nightly-1/,
  },
  'one of the same name that was made here anew': {
    carrier: { ...made, uid: 'uid-later' },
    cluster: 'cluster-a',
    want: /another Backup of this name.*uid-later/,
  },
  'its copy in another cluster, synced in the second in which it ended': {
    carrier: { ...synced, synced: false },
    cluster: 'cluster-b',
    want: undefined,
  },
  'one of the same name and uid that another cluster made on another day': {
    carrier: { ...made, startedAt: signedAt + 48 * 60 * minute },
    cluster: 'cluster-b',
    want: /another Backup of this name/,
  },
  'the other Velero of the same cluster': {
    carrier: { ...made, namespace: 'velero-2' },
    cluster: 'cluster-a',
    want: /another Backup of this name/,
  },
  'a copy that started before they were signed': {
    carrier: { ...synced, startedAt: signedAt - 6 * minute },
    cluster: 'cluster-b',
    want: /signed at 2026-01-01T02:00:00.000Z, and it started 2026-01-01T01:54/,
  },
  'a copy that started just before, by a clock that is behind': {
    carrier: { ...synced, startedAt: signedAt - 4 * minute },
    cluster: 'cluster-b',
    want: undefined,
  },
  'a copy of a later Backup of the same name': {
    carrier: { ...synced, startedAt: signedAt + 24 * 60 * minute + 1 },
    cluster: 'cluster-b',
    want: /another Backup of this name, or Velero took longer/,
  },
  'a copy that never says when it started': {
    carrier: { ...synced, startedAt: Number.NaN },
    cluster: 'cluster-b',
    want: /at no time/,
  },
}))
  t.test(`held against ${name}: ${want === undefined ? 'believed' : 'refused'}`, async (t) => {
    const got = foreignTo(carrier, statement, cluster)
    if (want === undefined) t.equal(got, undefined)
    else t.match(got, want)
  })

t.test('a statement is read back as it was signed', async (t) => {
  t.same(readStatement(JSON.parse(JSON.stringify(statement))), { ok: statement })
})

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) })

for (const [name, { value, want }] of Object.entries({
  'no object': { value: 'text', want: /format must be 1, got none/ },
  'a later format': { value: { ...statement, v: 2 }, want: /format must be 1, got 2: another version/ },
  'no uid': { value: { ...statement, uid: undefined }, want: /lacks a field/ },
  'an empty cluster': { value: { ...statement, cluster: '' }, want: /lacks a field/ },
  'no time': { value: { ...statement, at: 'soon' }, want: /lacks a field/ },
  'outputs that are a list': { value: { ...statement, outputs: [] }, want: /lacks a field/ },
  'outputs of an action that are a text': {
    value: { ...statement, outputs: { a: 'x' } },
    want: /lacks a field/,
  },
  'outputs too deep for a record': {
    value: { ...statement, outputs: { a: nested(60) } },
    want: /at most 34 levels/,
  },
}))
  t.test(`what is signed and has ${name} is refused`, async (t) => {
    t.match(readStatement(value), { problem: want })
  })
