/** What the objects of a lane go through: which actions there are for them, and what Velero and people do. */
import type { Loose } from '../support/asking.ts'
import type { Acting } from './targets.ts'

/** An action of a scenario. */
export type Role = {
  readonly role: string
  readonly stage: 'PreBackup' | 'PostBackup' | 'PreRestore' | 'PostRestore'
  /** What the other side answers. */
  readonly status?: number
  /** What it answers the first time that it is asked. */
  readonly first?: number
  readonly hasUndo?: boolean
  /** It calls nobody, but acts on an object of the cluster as an account; its undo puts back what was there. */
  readonly on?: Acting
  readonly spec?: Loose
}

/** One kind of object. */
export type Scenario = {
  readonly name: string
  readonly kind?: 'Backup' | 'Restore'
  readonly roles: readonly Role[]
  /** Annotations for the stand-in of Velero. */
  readonly script?: Readonly<Record<string, string>>
  /** A person deletes the object when this action had its effect. */
  readonly deletedAt?: string
  /** A person changes what this action changed, as soon as it has. */
  readonly changedAt?: string
}

const freeze: Role = { role: '10-freeze', stage: 'PreBackup', hasUndo: true }
const check: Role = { role: '20-check', stage: 'PreBackup' }
const note: Role = { role: '90-note', stage: 'PostBackup' }
const stop: Role = { role: '10-stop', stage: 'PreBackup', hasUndo: true, on: 'patch' }
const scale: Role = { role: '15-scale', stage: 'PreBackup', hasUndo: true, on: 'scale' }
const drained: Role = { role: '20-drained', stage: 'PreBackup', on: 'wait' }
const held = (one: Role, spec: Loose = {}): Role => ({ ...one, spec: { mode: 'Hold', ...spec } })
/** What it is answered goes with the Backup, which is held for that. */
const exporting = (one: Role): Role => ({
  ...one,
  spec: { ...one.spec, outputs: [{ name: 'lsn', expression: 'response.body.lsn', export: true }] },
})
/** It is refused at first, and tried again. What gets no answer is not: then each attempt that is recorded was heard. */
const retried = (one: Role): Role => {
  const retry = { limit: 2, retryOn: ['5xx', '429', 'network'] }
  return { ...one, first: 503, spec: { ...one.spec, retry } }
}
const invalid = { 'sandbox.velero.io/outcome': 'FailedValidation' }

/** All of them. */
export const scenarios: readonly Scenario[] = [
  { name: 'inline', roles: [freeze, check, note] },
  { name: 'inline-refused', roles: [freeze, { ...check, status: 503 }, note] },
  { name: 'inline-invalid', roles: [freeze, check], script: invalid },
  { name: 'held', roles: [held(freeze, { undoAt: 'Always' }), held(check), note] },
  { name: 'held-refused', roles: [held(freeze), held({ ...check, status: 503 }), note] },
  { name: 'held-invalid', roles: [held(freeze), note], script: invalid },
  { name: 'held-deleted', roles: [held(freeze), held(check)], deletedAt: '10-freeze' },
  {
    name: 'post-once',
    roles: [note, { role: '95-once', stage: 'PostBackup', spec: { idempotent: false } }],
  },
  {
    name: 'post-counted',
    roles: [{ ...note, status: 500, spec: { countsAgainstResult: true, onError: 'Continue' } }],
    script: { 'sandbox.velero.io/duration': '1500ms' },
  },
  {
    name: 'restore',
    kind: 'Restore',
    roles: [
      { ...held(freeze, { undoAt: 'Always' }), stage: 'PreRestore' },
      { ...note, stage: 'PostRestore' },
    ],
  },
  // All of these want the same two keys, in both orders.
  {
    name: 'exclusive',
    roles: [held(freeze, { undoAt: 'Always', exclusive: 'shop' }), held(check, { exclusive: 'cart' }), note],
  },
  {
    name: 'exclusive-turned',
    roles: [held(freeze, { exclusive: 'cart' }), held(check, { exclusive: 'shop' }), note],
  },
  {
    name: 'exclusive-refused',
    roles: [
      { ...freeze, spec: { exclusive: 'shop' } },
      { ...check, status: 503, spec: { exclusive: 'cart' } },
    ],
  },
  { name: 'exported', roles: [exporting({ ...freeze, spec: { undoAt: 'Always' } }), exporting(check), note] },
  { name: 'retried', roles: [retried(freeze), check, retried(note)] },
  {
    name: 'retried-held',
    roles: [held(check), retried(held({ ...freeze, role: '30-freeze' }, { undoAt: 'Always' }))],
  },
  { name: 'patched', roles: [held(stop, { undoAt: 'Always' }), held(drained), note] },
  { name: 'patched-refused', roles: [stop, { ...check, role: '30-check', status: 503 }] },
  { name: 'patched-changed', roles: [held(stop, { undoAt: 'Always' })], changedAt: '10-stop' },
  { name: 'scaled', roles: [held(stop, { undoAt: 'Always' }), held(scale, { undoAt: 'Always' })] },
  { name: 'scaled-changed', roles: [scale, { ...check, status: 503 }], changedAt: '15-scale' },
]
