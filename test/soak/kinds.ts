/** The objects of a soak: which actions act on each kind of them, and what must come of it. */
import { actingBody } from '../crash/targets.ts'
import type { Loose } from '../support/asking.ts'

/** One kind. */
export type Kind = {
  readonly name: string
  readonly of: 'Backup' | 'Restore'
  /** How often it comes, relative to the others. */
  readonly weight: number
  /** What chooses its actions, and what those are answered. */
  readonly labels: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** The phase in which it ends; undefined: it is refused, and never is. */
  readonly ends: string | undefined
  /** The phases in which its runs end, with how the actions of each end. */
  readonly pre?: Ending
  readonly post?: Ending
  /** What the other side hears: each once, an undo as `ROLE/undo`. */
  readonly effects: readonly string[]
  /** What is changed as an account, and put back: each is changed twice. */
  readonly acts?: readonly string[]
}

/** How a run ends. `as`: what the metrics call it, which count a run once, when its own actions have ended. */
export type Ending = {
  readonly phase: string
  readonly as: string
  readonly actions: Readonly<Record<string, string>>
}

const invalid = { 'sandbox.velero.io/outcome': 'FailedValidation' }
const wellDone = { phase: 'Succeeded', as: 'Succeeded' }
const noted: Ending = { ...wellDone, actions: { '90-note': 'Succeeded' } }
const skipped: Ending = { phase: 'Skipped', as: 'Skipped', actions: { '90-note': 'Skipped' } }
const both = { '10-freeze': 'Succeeded', '20-check': 'Succeeded' }
const checkFails = { '10-freeze': 'Succeeded', '20-check': 'Failed' }
const thawed = ['10-freeze', '20-check', '10-freeze/undo']

/** All of them. */
export const soakKinds: readonly Kind[] = [
  { name: 'plain', of: 'Backup', weight: 10, labels: {}, ends: 'Completed', effects: [] },
  {
    name: 'inline',
    of: 'Backup',
    weight: 20,
    labels: { pre: 'inline', check: '200', note: '200' },
    ends: 'Completed',
    pre: { ...wellDone, actions: both },
    post: noted,
    effects: ['10-freeze', '20-check', '90-note'],
  },
  {
    name: 'refused',
    of: 'Backup',
    weight: 15,
    labels: { pre: 'inline', check: '503', note: '200' },
    ends: undefined,
    pre: { phase: 'Undone', as: 'Refused', actions: checkFails },
    effects: thawed,
  },
  {
    name: 'invalid',
    of: 'Backup',
    weight: 10,
    labels: { pre: 'inline', check: '200' },
    annotations: invalid,
    ends: 'FailedValidation',
    pre: { phase: 'Undone', as: 'Succeeded', actions: both },
    effects: thawed,
  },
  {
    name: 'held',
    of: 'Backup',
    weight: 15,
    labels: { pre: 'held', check: '200', note: '200' },
    ends: 'Completed',
    pre: { phase: 'Undone', as: 'Succeeded', actions: { '10-hold': 'Succeeded', '20-check': 'Succeeded' } },
    post: noted,
    effects: ['10-hold', '20-check', '10-hold/undo', '90-note'],
  },
  {
    name: 'held-refused',
    of: 'Backup',
    weight: 10,
    labels: { pre: 'held', check: '503', note: '200' },
    ends: 'FailedValidation',
    pre: { phase: 'Undone', as: 'Refused', actions: { '10-hold': 'Succeeded', '20-check': 'Failed' } },
    post: skipped,
    effects: ['10-hold', '20-check', '10-hold/undo'],
  },
  {
    name: 'acting',
    of: 'Backup',
    weight: 10,
    labels: { pre: 'acting', note: '200' },
    ends: 'Completed',
    pre: {
      phase: 'Undone',
      as: 'Succeeded',
      actions: { '10-stop': 'Succeeded', '15-scale': 'Succeeded', '20-drained': 'Succeeded' },
    },
    post: noted,
    effects: ['90-note'],
    acts: ['10-stop', '15-scale'],
  },
  {
    name: 'post-failed',
    of: 'Backup',
    weight: 10,
    labels: { note: '500' },
    ends: 'Completed',
    post: { phase: 'Failed', as: 'Failed', actions: { '90-note': 'Failed' } },
    effects: ['90-note'],
  },
]

/** What the lane of Restores plays, which are none of the Backups that are asked for. */
export const restoreKind: Kind = {
  name: 'restore',
  of: 'Restore',
  weight: 0,
  labels: { pre: 'restore', note: '200' },
  ends: 'Completed',
  pre: { phase: 'Undone', as: 'Succeeded', actions: { '10-thaw': 'Succeeded' } },
  post: { ...wellDone, actions: { '91-note': 'Succeeded' } },
  effects: ['10-thaw', '10-thaw/undo', '91-note'],
}

/** The kind of this name. */
export function kindOfName(name: string): Kind {
  const found = [...soakKinds, restoreKind].find((kind) => kind.name === name)
  if (found === undefined) throw new Error(`there is no kind ${name}`)
  return found
}

/** One of the kinds of Backups, by a number in [0, 1). */
export function kindBy(number: number): Kind {
  let left = number * soakKinds.reduce((sum, { weight }) => sum + weight, 0)
  const found = soakKinds.find(({ weight }) => (left -= weight) < 0)
  return found ?? soakKinds[0] ?? restoreKind
}

type Actions = { readonly lane: string; readonly pair: string; readonly effects: string }

/** The Actions of a lane: those of one lane never wait for another's, but for the two of a pair that hold. */
export function actionsOf({ lane, pair, effects }: Actions): readonly Loose[] {
  const url = (role: string) => `${effects}/${role}`
  const answered = (role: string, object: string, label: string) =>
    `${url(role)}?status=\${${object}.metadata.labels.${label}}`
  const undone = (role: string) => ({
    http: { url: url(role) },
    undo: { http: { url: `${url(role)}/undo` } },
  })
  const of = (role: string, stage: string, labels: Loose, spec: Loose): Loose => ({
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'Action',
    metadata: { name: `${role}-${lane}`, namespace: 'velero' },
    spec: { stage, timeoutSeconds: 10, match: { selector: matching(lane, labels) }, ...spec },
  })
  const [acting, stands] = [{ pre: 'acting' }, { mode: 'Hold', undoAt: 'Always' }]
  return [
    of('10-freeze', 'PreBackup', { pre: 'inline' }, { mode: 'Refuse', ...undone('10-freeze') }),
    of(
      '10-hold',
      'PreBackup',
      { pre: 'held' },
      { mode: 'Hold', exclusive: pair, undoAt: 'Always', ...undone('10-hold') },
    ),
    of('10-stop', 'PreBackup', acting, { ...stands, ...actingBody('patch', lane) }),
    of('15-scale', 'PreBackup', acting, { ...stands, ...actingBody('scale', lane) }),
    of('20-drained', 'PreBackup', acting, { mode: 'Hold', ...actingBody('wait', lane) }),
    of('20-check', 'PreBackup', { check: '' }, { http: { url: answered('20-check', 'backup', 'check') } }),
    of('90-note', 'PostBackup', { note: '' }, { http: { url: answered('90-note', 'backup', 'note') } }),
    of(
      '10-thaw',
      'PreRestore',
      { pre: 'restore' },
      { mode: 'Refuse', undoAt: 'Always', ...undone('10-thaw') },
    ),
    of('91-note', 'PostRestore', { note: '' }, { http: { url: url('91-note') } }),
  ]
}

/** Labels by their values; one without a value need only be there. */
const matching = (lane: string, labels: Readonly<Record<string, string>>) => ({
  matchLabels: {
    lane,
    ...Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== '')),
  },
  matchExpressions: Object.entries(labels)
    .filter(([, value]) => value === '')
    .map(([key]) => ({ key, operator: 'Exists' })),
})

/** An object of a kind, as a person creates it. */
export const objectOf = (name: string, kind: Kind, lane: string): Loose => ({
  apiVersion: 'velero.io/v1',
  kind: kind.of,
  metadata: {
    name,
    namespace: 'velero',
    labels: { ...kind.labels, lane },
    annotations: kind.annotations ?? {},
  },
  // Velero runs Backups of one namespace one after another: each lane has its own.
  spec: {
    includedNamespaces: [lane],
    ...(kind.of === 'Restore' ? { backupName: 'base' } : {}),
  },
})
