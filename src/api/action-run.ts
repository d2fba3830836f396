/** ActionRun: the record of one stage for one Backup or Restore, a row for each action. */
import { stages } from './action.ts'
import { conditions } from './conditions.ts'
import type { Infer, Kind, Metadata, ShapeNode } from './schema.ts'

/** The life of a run. Refused: a pre stage said no. Failed: a post stage has a failed action. Unknown: nobody knows what was done. */
export const runPhases = [
  'Pending',
  'Running',
  'Succeeded',
  'Refused',
  'Failed',
  'Undoing',
  'Undone',
  'Skipped',
  'Unknown',
] as const

/** The life of one action in a run. What became of its undo stands beside it: `undo.phase`. */
export const rowPhases = ['Pending', 'Running', 'Succeeded', 'Failed', 'Skipped', 'Unknown'] as const

/** The life of the undo of one action. Stuck: it failed for long, was reported, and is tried again from time to time. */
export const undoPhases = ['Undoing', 'Undone', 'Stuck'] as const

const time = (doc: string) => ({ type: 'string', doc, format: 'date-time', maxLength: 32 }) as const
const text = (doc: string, maxLength: number) => ({ type: 'string', doc, maxLength }) as const
/** What we write ourselves is bounded when it is written; etcd holds 1.5 MiB, and an Action's body may be 32 levels deep in it. */
export const keptBounds = { maxBytes: 1_572_864, maxDepth: 64 } as const
const kept = (doc: string) => ({ type: 'any', object: true, doc, ...keptBounds }) as const

const spec = {
  type: 'object',
  doc: 'What will be done, frozen when the run was written.',
  fields: {
    stage: { type: 'string', doc: 'The moment.', enum: stages },
    objectRef: {
      type: 'object',
      doc: 'The Backup or Restore, in the namespace of the run.',
      fields: {
        kind: { type: 'string', doc: 'Backup or Restore.', enum: ['Backup', 'Restore'] },
        name: text('Its name.', 253),
        uid: text('Its uid.', 64),
      },
      required: ['kind', 'name', 'uid'],
    },
    cluster: text(
      'The uid of the namespace kube-system where the run was written; a run of another cluster is never acted on.',
      64,
    ),
    held: {
      type: 'boolean',
      doc: 'True: the object waits (annotation tidewaiter.io/hold) until these actions have ended. Otherwise they ran inside its admission request.',
    },
    holdMaxSeconds: {
      type: 'integer',
      doc: 'Of a held one: after so long it fails, whatever its actions do (--hold-max-seconds when the run was written).',
      minimum: 1,
      maximum: 86_400,
    },
    requestedBy: text('Who created the object; empty if it was first seen later.', 1024),
    scheduleName: text('The Schedule that made the object, if one did.', 253),
    fingerprint: text(
      'A hash of namespace, name and spec of the object, by which identical requests are known.',
      64,
    ),
    actionsHash: text('A hash of the actions (uid and generation) that were planned.', 64),
    object: kept(
      'The object as it was, without managed fields; cut down to its metadata if it is larger than 128 KiB or nests deeper.',
    ),
    objectCut: { type: 'boolean', doc: 'True if the object was cut down.' },
    exported: {
      type: 'object',
      doc: 'Of a Restore whose actions refer to them: the outputs that its Backup exported, as they were read and verified when the run was written.',
      fields: {
        backup: text('The Backup; empty if none was found.', 253),
        cluster: text('The uid of the namespace kube-system of the cluster in which they were signed.', 64),
        key: text('The key that signed them (its thumbprint).', 64),
        at: time('When they were signed.'),
        outputs: kept('The outputs, by action and name.'),
        problem: text(
          'Why they may not be used: an action that refers to them fails with these words.',
          1024,
        ),
      },
      required: ['backup'],
    },
    actions: {
      type: 'array',
      doc: 'The actions, in the order in which they run.',
      maxItems: 256,
      listType: 'atomic',
      items: {
        type: 'object',
        doc: 'One action as it was.',
        fields: {
          name: text('Its name.', 253),
          uid: text('Its uid.', 64),
          generation: {
            type: 'integer',
            doc: 'Its generation.',
            minimum: 0,
            maximum: Number.MAX_SAFE_INTEGER,
          },
          author: kept('Who wrote its spec: username and groups.'),
          spec: kept('Its spec, defaults filled in.'),
          skip: text('Why it is not run, if it is not: the skip annotation and who wrote it.', 1024),
        },
        required: ['name', 'uid', 'generation', 'spec'],
      },
    },
  },
  required: ['stage', 'objectRef', 'cluster', 'fingerprint', 'actionsHash', 'actions'],
  rules: [{ cel: 'self == oldSelf', message: 'the spec of an ActionRun is frozen' }],
} as const satisfies ShapeNode

const status = {
  type: 'object',
  doc: 'What was done.',
  fields: {
    phase: { type: 'string', doc: 'Where the run is in its life.', enum: runPhases },
    undoneFrom: {
      type: 'string',
      doc: 'The phase that the run had ended in before its actions were undone.',
      enum: runPhases,
    },
    owner: text('Who acts: a webhook replica (pod name and start), or the leader.', 253),
    deadline: time('Until when the owner acts; after it and a margin for clocks the leader takes over.'),
    startTimestamp: time(
      'When the first action was claimed, for the last time before it was sent: a wait for an exclusive key is over by then.',
    ),
    completionTimestamp: time('When the run ended.'),
    reason: text(
      'Why the run ended as it did, in one word (ActionFailed, OutOfTime, ClientGone, OwnerLost, Unguarded ...).',
      64,
    ),
    endedAs: text('Post stages: the end of the object that set it off.', 16),
    message: text('In one sentence, what became of it; for a refusal, what the client was told.', 32768),
    actions: {
      type: 'array',
      doc: 'A row for each action, in order.',
      maxItems: 256,
      listType: 'map',
      listMapKeys: ['name'],
      items: {
        type: 'object',
        doc: 'One action.',
        fields: {
          name: text('Its name.', 253),
          phase: { type: 'string', doc: 'Where it is in its life.', enum: rowPhases },
          attempts: { type: 'integer', doc: 'How often it was tried.', minimum: 0, maximum: 1_000_000 },
          startTimestamp: time('When it was claimed; after a wait for an exclusive key, again.'),
          completionTimestamp: time('When it ended.'),
          message: text('What it answered, secrets masked.', 4096),
          request: text(
            'What was sent, rendered, secrets masked; for a dry run, what would have been.',
            8192,
          ),
          outputs: kept('Its outputs, secrets masked.'),
          before: kept(
            'What it found before it changed anything (at most 64 KiB), written down before the change: what its undo puts back.',
          ),
          noEffect: {
            type: 'boolean',
            doc: 'True if it failed and it is certain that nothing reached the other side: there is nothing to undo.',
          },
          cutShort: {
            type: 'boolean',
            doc: 'True if it was cut short once, or its owner ended while it ran: it may have had its effect, whatever came of it later.',
          },
          undo: {
            type: 'object',
            doc: 'Its undo, once that is owed.',
            fields: {
              phase: {
                type: 'string',
                doc: 'Where the undo is in its life.',
                enum: undoPhases,
              },
              attempts: { type: 'integer', doc: 'How often it was tried.', minimum: 0, maximum: 1_000_000 },
              lastTimestamp: time('When it was last tried.'),
              message: text('What it answered, secrets masked.', 4096),
              request: text('What was sent, rendered, secrets masked.', 8192),
            },
            required: ['phase', 'attempts'],
          },
        },
        required: ['name', 'phase', 'attempts'],
      },
    },
    conditions: conditions(
      'Seen: the object came to be. Started: Velero began with it. Unguarded: it began although its pre actions did not succeed. Orphaned: it never came to be after it was admitted. UndoStuck: an undo fails for long.',
    ),
  },
  required: [],
} as const satisfies ShapeNode

/** The kind ActionRun, declared. */
export const actionRunKind = {
  kind: 'ActionRun',
  plural: 'actionruns',
  singular: 'actionrun',
  shortNames: ['twr'],
  doc: 'The record of one stage for one Backup or Restore. Written by tidewaiter only.',
  columns: [
    { name: 'Stage', type: 'string', jsonPath: '.spec.stage', doc: 'The moment.' },
    { name: 'Object', type: 'string', jsonPath: '.spec.objectRef.name', doc: 'The Backup or Restore.' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase', doc: 'Where the run is in its life.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', doc: 'Since when it exists.' },
    { name: 'Message', type: 'string', jsonPath: '.status.message', doc: 'What became of it.', priority: 1 },
    { name: 'Owner', type: 'string', jsonPath: '.status.owner', doc: 'Who acts.', priority: 1 },
  ],
  spec,
  status,
} as const satisfies Kind

/** What will be done, frozen. */
export type RunSpec = Infer<typeof spec>
/** What was done. */
export type RunStatus = Infer<typeof status>
/** One action of a run as it was planned. */
export type PlannedAction = RunSpec['actions'][number]
/** One action of a run as it went. */
export type RunRow = NonNullable<RunStatus['actions']>[number]
/** The undo of one action as it went. */
export type RowUndo = NonNullable<RunRow['undo']>

/** An ActionRun as we hold it. */
export type ActionRun = { readonly metadata: Metadata; readonly spec: RunSpec; readonly status: RunStatus }
