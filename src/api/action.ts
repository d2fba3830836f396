/** Action: one thing to do at one stage for the Backups or Restores it matches. */
import { conditions } from './conditions.ts'
import { labelSelector } from './label-selector.ts'
import { patch } from './patch-body.ts'
import { scaleBody } from './scale-body.ts'
import type { Infer, Kind, Metadata, ShapeNode } from './schema.ts'
import { waitBody } from './wait-body.ts'

/** The four moments at which an Action runs. */
export const stages = ['PreBackup', 'PostBackup', 'PreRestore', 'PostRestore'] as const
/** One of the four moments. */
export type Stage = (typeof stages)[number]

/** How a Backup or Restore may end, as post actions name it: Velero's four terminal phases, and gone without one. */
export const outcomes = ['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation', 'Deleted'] as const
/** How a Backup or Restore ended. */
export type EndedAs = (typeof outcomes)[number]

/** Longest an action may take inside an admission request, seconds: that has at most 30 s, less 1.5 s because its timeout is rounded up. */
export const longestInsideSeconds = 28
/** Longest any action may take, seconds. */
export const longestActionSeconds = 3600

const bodies = ['http', 'exec', 'job', 'scale', 'patch', 'wait', 'restore', 'plugin'] as const

/** What may be tried again: a status (`503`), a class (`5xx`), no connection (`network`), no answer in time (`timeout`). */
export const retryPattern = '^([1-5][0-9]{2}|[1-5]xx|network|timeout)$'

// In YAML a status without quotes is a number.
const aStatus = { minimum: 100, maximum: 599 } as const

const expression = (doc: string) => ({ type: 'string', doc, minLength: 1, maxLength: 2048 }) as const

const secretKeyRef = {
  type: 'object',
  doc: 'A key of a Secret in the same namespace. The Secret must carry the label tidewaiter.io/for-actions: "true", and the author of the Action must be allowed to get it.',
  fields: {
    name: { type: 'string', doc: 'The name of the Secret.', minLength: 1, maxLength: 253 },
    key: { type: 'string', doc: 'The key in its data.', minLength: 1, maxLength: 253 },
  },
  required: ['name', 'key'],
} as const satisfies ShapeNode

const http = {
  type: 'object',
  doc: 'Calls an HTTP server once.',
  fields: {
    method: {
      type: 'string',
      doc: 'The request method.',
      enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      default: 'POST',
    },
    url: {
      type: 'string',
      doc: 'Where to call. Scheme, host and port are literal; ${...} in path and query is CEL, and its value is percent-encoded.',
      // No \s: it means other characters in RE2 (the API server) than in JavaScript. A space may stand inside ${...}.
      pattern: '^https?://[^\\x00-\\x20\\x7f][^\\x00-\\x1f\\x7f]*$',
      minLength: 8,
      maxLength: 4096,
    },
    headers: {
      type: 'array',
      doc: 'Header fields to send. Host, Content-Length, Transfer-Encoding, Connection and the ones that tidewaiter sets itself (Idempotency-Key, traceparent, User-Agent) are refused.',
      maxItems: 32,
      listType: 'map',
      listMapKeys: ['name'],
      items: {
        type: 'object',
        doc: 'One header field: a value, or where to take it from.',
        fields: {
          name: {
            type: 'string',
            doc: 'The field name.',
            pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
            minLength: 1,
            maxLength: 128,
          },
          value: {
            type: 'string',
            doc: 'The field value; ${...} is CEL. A value with a line break is refused.',
            maxLength: 8192,
          },
          valueFrom: {
            type: 'object',
            doc: 'Where the value comes from.',
            fields: { secretKeyRef },
            required: ['secretKeyRef'],
          },
        },
        required: ['name'],
        rules: [
          {
            cel: 'has(self.value) != has(self.valueFrom)',
            message: 'exactly one of value and valueFrom must be given',
            holds: (self: { value?: unknown; valueFrom?: unknown }) =>
              (self.value !== undefined) !== (self.valueFrom !== undefined),
          },
        ],
      },
    },
    body: {
      type: 'any',
      doc: 'What to send: text as it is, anything else as JSON (then with Content-Type: application/json). ${...} inside texts is CEL; its value stays a text in JSON.',
    },
    expectStatus: {
      type: 'array',
      doc: 'The answers that mean success: a status (`204`) or a class (`2xx`).',
      minItems: 1,
      maxItems: 16,
      default: ['2xx'],
      listType: 'set',
      items: {
        type: 'string',
        doc: 'A status or a class.',
        orWhole: aStatus,
        pattern: '^([1-5][0-9]{2}|[1-5]xx)$',
        maxLength: 3,
      },
    },
    caBundle: {
      type: 'string',
      doc: 'PEM certificates that the server must chain to, instead of the public ones. https only.',
      pattern: '^[ \\t\\r\\n]*-----BEGIN CERTIFICATE-----',
      maxLength: 65536,
    },
    followRedirects: {
      type: 'integer',
      doc: 'How many redirects to follow; each target is judged by the egress rules again, and the request keeps no secret header on another origin.',
      minimum: 0,
      maximum: 5,
      default: 0,
    },
  },
  required: ['url'],
  rules: [
    {
      cel: "!has(self.caBundle) || self.url.startsWith('https://')",
      message: 'caBundle is for https only',
      holds: (self: { url: string; caBundle?: string }) =>
        self.caBundle === undefined || self.url.startsWith('https://'),
    },
  ],
} as const satisfies ShapeNode

const isGiven = (self: Readonly<Record<string, unknown>>, name: string): boolean => self[name] !== undefined

/** The bodies that call the Kubernetes API: as the account that `serviceAccountName` names, never as ours. */
const accountBodies = ['patch', 'scale', 'wait'] as const
/** The bodies whose effect can be put back from what was there before: `undo: {revert: true}`. */
const revertibleBodies = ['patch', 'scale'] as const
/** The bodies that an undo may have: not a wait, which changes nothing, nor a scale, for revert knows the number of before. */
const undoBodies = bodies.filter((body) => body !== 'wait' && body !== 'scale')

type Bodied = Readonly<Record<string, unknown>> & { readonly undo?: Readonly<Record<string, unknown>> }

const callsTheApi = (self: Bodied): boolean =>
  accountBodies.some((body) => isGiven(self, body) || isGiven(self.undo ?? {}, body))

// One list for the rule in CEL and the one in TypeScript.
const callsTheApiInCel = accountBodies
  .flatMap((body) => [
    `has(self.${body})`,
    ...(undoBodies.some((one) => one === body) ? [`(has(self.undo) && has(self.undo.${body}))`] : []),
  ])
  .join(' || ')

const notYet = (name: string) =>
  ({ type: 'any', object: true, doc: `Not there yet.`, later: `${name} is not there yet` }) as const

const oneOf = (names: readonly string[], message: string) =>
  ({
    cel: `[${names.map((name) => `has(self.${name})`).join(', ')}].filter(x, x).size() == 1`,
    message,
    holds: (self: Readonly<Record<string, unknown>>) =>
      names.filter((name) => isGiven(self, name)).length === 1,
  }) as const

const oneBody = oneOf(bodies, 'exactly one body must be given (http, ...)')

/** The bodies that are not there yet, of an action and of its undo. */
const laterBodies = {
  exec: notYet('body exec'),
  job: notYet('body job'),
  restore: notYet('body restore'),
  plugin: notYet('body plugin'),
} as const

const undo = {
  type: 'object',
  doc: 'Pre stages: takes back what the action did. Run if the action started and is not known to be without effect: after a refusal by a later action, if the object never came to be, failed its validation or was deleted before it started; undoAt says when else. It must be idempotent: it is tried again until it succeeds.',
  fields: {
    revert: {
      type: 'boolean',
      doc: `Instead of a body: puts back what the action changed (${revertibleBodies.join(', ')}) to what it was before, as far as nobody changed it since. What was there is kept in the run.`,
      rules: [
        {
          cel: 'self',
          message: 'revert is true or absent',
          holds: (self: boolean) => self,
        },
      ],
    },
    http,
    patch,
    ...laterBodies,
  },
  required: [],
  rules: [oneOf(['revert', ...undoBodies], 'exactly one body, or revert, must be given (http, ...)')],
} as const satisfies ShapeNode

type Exporting = { readonly outputs?: readonly { readonly name: string; readonly export?: boolean }[] }

const exportsNothingInCel = '!has(self.outputs) || self.outputs.all(o, !has(o.export) || !o.export)'

const exported = ({ outputs = [] }: Exporting) =>
  outputs.flatMap((one, i) => (one.export === true ? [`outputs[${i}].export`] : []))

/** Where the rules on exported outputs are broken. No message of the API server can name each: its estimate of join() has no bound. */
const atExported = { field: 'outputs', paths: exported }

type Staged = Bodied & { readonly stage: string }

// A rule for each field, so that a message names what was given and nothing else.
const onlyAt = (when: 'pre' | 'post', field: string) => {
  const begins = when === 'pre' ? 'Pre' : 'Post'
  return {
    cel: `self.stage.startsWith('${begins}') || !has(self.${field})`,
    message: `${field} is for ${when} stages only`,
    holds: (self: Staged) => self.stage.startsWith(begins) || !isGiven(self, field),
  } as const
}

const notForWait = (field: string, because: string) =>
  ({
    cel: `!has(self.wait) || !has(self.${field})`,
    message: `${field} is not for wait: ${because}`,
    holds: (self: Bodied) => !isGiven(self, 'wait') || !isGiven(self, field),
  }) as const

const spec = {
  type: 'object',
  doc: 'What to do, when, and for which Backups or Restores.',
  fields: {
    stage: { type: 'string', doc: 'When to run.', enum: stages },
    match: {
      type: 'object',
      doc: 'Which Backups (Restores) of the namespace this is for: all conditions given must hold; none given means every one.',
      fields: {
        scheduleNames: {
          type: 'array',
          doc: 'Made by one of these Schedules (label velero.io/schedule-name; for a Restore, its spec.scheduleName or the schedule of its backup).',
          minItems: 1,
          maxItems: 256,
          listType: 'set',
          items: { type: 'string', doc: 'The name of a Schedule.', minLength: 1, maxLength: 253 },
        },
        includedNamespaces: {
          type: 'array',
          doc: 'The Backup (Restore) touches one of these namespaces; `*` stands for any text. It matches unless the two are provably disjoint.',
          minItems: 1,
          maxItems: 256,
          listType: 'set',
          items: {
            type: 'string',
            doc: 'A namespace or a pattern.',
            pattern: '^[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?$',
            minLength: 1,
            maxLength: 63,
          },
        },
        selector: labelSelector('Labels of the Backup (Restore) itself.'),
        expression: expression(
          "CEL that must be true; it sees `backup` (PreBackup, PostBackup) or `restore`, with Velero's defaults filled in. An error in it refuses.",
        ),
      },
      required: [],
    },
    when: {
      type: 'array',
      doc: 'Post stages: the ends at which to run. Default: Completed, PartiallyFailed, Failed. What must follow in any case, as a thaw, names all five.',
      minItems: 1,
      maxItems: 5,
      listType: 'set',
      items: { type: 'string', doc: 'An end.', enum: outcomes },
    },
    at: {
      type: 'string',
      doc: 'Post stages: Ended (default), or ItemsDone: as soon as the object leaves InProgress, which is hours earlier if data is moved, or jumps to an end.',
      enum: ['Ended', 'ItemsDone'],
    },
    mode: {
      type: 'string',
      doc: 'Pre stages: Refuse runs the actions inside the admission request, and an error refuses it. Hold admits the object and keeps Velero from starting it until they have ended. Auto holds what a Schedule made, and what may take longer than a request has. Among the matching actions, Hold beats Refuse beats Auto.',
      enum: ['Auto', 'Refuse', 'Hold'],
      default: 'Auto',
    },
    onError: {
      type: 'string',
      doc: 'What an error means: Fail refuses the Backup or Restore (post stages: fails the run and stops the stage); Continue only warns.',
      enum: ['Fail', 'Continue'],
      default: 'Fail',
    },
    dryRun: {
      type: 'boolean',
      doc: 'Match, render and record, but do nothing: for rolling an action out.',
      default: false,
    },
    suspend: { type: 'boolean', doc: 'Do not match anything.', default: false },
    timeoutSeconds: {
      type: 'integer',
      doc: 'For the whole action, retries and waits included. With mode Refuse at most 28, because an admission request has at most 30 s. The undo has as much again, each time it is tried.',
      minimum: 1,
      maximum: longestActionSeconds,
      default: 10,
    },
    retry: {
      type: 'object',
      doc: 'Whether and when to try again after an attempt that failed. While another may follow on a timeout, an attempt gets half of the time that is left.',
      fields: {
        limit: { type: 'integer', doc: 'Attempts after the first.', minimum: 0, maximum: 20, default: 0 },
        retryOn: {
          type: 'array',
          doc: 'What to try again: a status (`429`), a class (`5xx`), network (no connection, or it broke), timeout.',
          minItems: 1,
          maxItems: 16,
          default: ['5xx', '429', 'network', 'timeout'],
          listType: 'set',
          items: {
            type: 'string',
            doc: 'A reason to try again.',
            orWhole: aStatus,
            pattern: retryPattern,
            maxLength: 7,
          },
        },
        initialSeconds: {
          type: 'integer',
          doc: 'The wait before the second attempt.',
          minimum: 0,
          maximum: 600,
          default: 1,
        },
        factor: {
          type: 'integer',
          doc: 'By how much each wait is longer than the one before.',
          minimum: 1,
          maximum: 10,
          default: 2,
        },
        maxSeconds: {
          type: 'integer',
          doc: 'The longest wait. Waits are spread at random between half and the whole.',
          minimum: 1,
          maximum: 600,
          default: 10,
        },
      },
      required: [],
    },
    outputs: {
      type: 'array',
      doc: "Values taken from what the body gave back, for later actions of the stage (`outputs['10-a'].lsn`) and for the record.",
      maxItems: 16,
      listType: 'map',
      listMapKeys: ['name'],
      items: {
        type: 'object',
        doc: 'One output.',
        fields: {
          name: {
            type: 'string',
            doc: 'Its name.',
            pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
            minLength: 1,
            maxLength: 63,
          },
          expression: expression(
            'CEL over `response`. Of http: status, headers (lower case names), body (parsed JSON if the answer says so in its Content-Type, text otherwise), durationMs. Of patch: objects, each with name, namespace, resourceVersion and generation. Of scale: objects, each with name and replicas (the number of before). Of wait: objects, and with a name object, as the API server has them.',
          ),
          export: {
            type: 'boolean',
            doc: 'PreBackup: true lets it travel with the Backup, so that actions of a Restore read it in any cluster (`exported`); see docs/outputs.md. The Backup is then held. Default: false.',
          },
        },
        required: ['name', 'expression'],
      },
    },
    idempotent: {
      type: 'boolean',
      doc: 'False: after a crash in between, the action is left Unknown and reported instead of being done again with the same Idempotency-Key.',
      default: true,
    },
    exclusive: {
      type: 'string',
      doc: "Pre stages: a key. From the start of this action until its undo, or the object's post stage, has ended, no action with this key starts for another object of the namespace: a held one waits, another one is refused. Default for actions with undo: their name.",
      minLength: 1,
      maxLength: 253,
    },
    undo,
    undoAt: {
      type: 'string',
      doc: 'When to undo: Abort (default), if the object never starts; Always, also when it has ended, however it ended.',
      enum: ['Abort', 'Always'],
    },
    serviceAccountName: {
      type: 'string',
      doc: 'The ServiceAccount of this namespace as which the Kubernetes API is called. Whoever writes the Action must hold the verb use on it, asked again before each run; and the install must let tidewaiter act for it (deploy/components/actors). Wanted for the bodies that call the Kubernetes API, and refused for others.',
      // A DNS subdomain, RFC 1123 (apimachinery pkg/util/validation: IsDNS1123Subdomain).
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
      minLength: 1,
      maxLength: 253,
    },
    countsAgainstResult: {
      type: 'boolean',
      doc: 'Post stages: a failure of this action is shown in the Backup (Restore) itself, once it has ended: Completed becomes PartiallyFailed, and status.errors counts one more. Failed stays as it is. A Restore from a Schedule takes only Completed Backups. An action that did not run, because one before it ended the stage, is not counted. In object storage the Backup stays Completed: so another cluster, or this one after a sync, sees it. Default: false.',
    },
    http,
    patch,
    scale: scaleBody,
    wait: waitBody,
    ...laterBodies,
  },
  required: ['stage'],
  rules: [
    oneBody,
    {
      cel: `has(self.serviceAccountName) == (${callsTheApiInCel})`,
      message: `serviceAccountName must be given for a body that calls the Kubernetes API (${accountBodies.join(', ')}), and only for one`,
      holds: (self: Bodied) => isGiven(self, 'serviceAccountName') === callsTheApi(self),
    },
    {
      cel: `!has(self.undo) || !has(self.undo.revert) || ${revertibleBodies.map((body) => `has(self.${body})`).join(' || ')}`,
      message: `undo.revert is for bodies that can be put back (${revertibleBodies.join(', ')})`,
      holds: (self: Bodied) =>
        self.undo?.['revert'] === undefined || revertibleBodies.some((body) => isGiven(self, body)),
    },
    notForWait('undo', 'it changes nothing'),
    notForWait('retry', 'it asks again by itself'),
    onlyAt('post', 'when'),
    onlyAt('post', 'at'),
    {
      cel: "self.stage.startsWith('Post') || !has(self.countsAgainstResult) || !self.countsAgainstResult",
      message: 'countsAgainstResult is for post stages only: a pre action that fails refuses',
      holds: (self: { stage: string; countsAgainstResult?: boolean }) =>
        self.stage.startsWith('Post') || self.countsAgainstResult !== true,
    },
    {
      cel: "!(has(self.when) && has(self.at) && self.at == 'ItemsDone')",
      message: 'when and at: ItemsDone exclude each other',
      holds: (self: { when?: unknown; at?: string }) => !(self.when !== undefined && self.at === 'ItemsDone'),
    },
    {
      cel: "self.stage.startsWith('Pre') || !has(self.mode) || self.mode == 'Auto'",
      message: 'mode is for pre stages only',
      holds: (self: { stage: string; mode: string }) => self.stage.startsWith('Pre') || self.mode === 'Auto',
    },
    {
      cel: `${exportsNothingInCel} || self.stage == 'PreBackup'`,
      message:
        'export is for stage PreBackup only, because exported outputs go on the Backup before it starts',
      at: atExported,
      holds: (self: Exporting & { stage: string }) =>
        exported(self).length === 0 || self.stage === 'PreBackup',
    },
    {
      cel: `${exportsNothingInCel} || !has(self.mode) || self.mode != 'Refuse'`,
      message:
        'export is not for mode Refuse, because exported outputs go on the Backup when its hold ends: leave mode to Auto, or use Hold',
      at: atExported,
      holds: (self: Exporting & { mode: string }) => exported(self).length === 0 || self.mode !== 'Refuse',
    },
    {
      cel: "!has(self.mode) || self.mode != 'Refuse' || self.timeoutSeconds <= 28",
      message:
        'timeoutSeconds with mode Refuse must be at most 28, because an admission request has at most 30 s: leave mode to Auto, or use Hold',
      holds: (self: { mode: string; timeoutSeconds: number }) =>
        self.mode !== 'Refuse' || self.timeoutSeconds <= longestInsideSeconds,
    },
    onlyAt('pre', 'undo'),
    onlyAt('pre', 'exclusive'),
    {
      cel: 'has(self.undo) || !has(self.undoAt)',
      message: 'undoAt is for actions with undo only',
      holds: (self: { undo?: unknown; undoAt?: string }) =>
        self.undo !== undefined || self.undoAt === undefined,
    },
  ],
} as const satisfies ShapeNode

const status = {
  type: 'object',
  doc: 'What became of it.',
  fields: {
    observedGeneration: {
      type: 'integer',
      doc: 'The generation that the conditions speak of.',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
    },
    lastRunTimestamp: { type: 'string', doc: 'When it last ended.', format: 'date-time', maxLength: 32 },
    lastResult: { type: 'string', doc: 'How it last ended.', maxLength: 32 },
    conditions: conditions(
      'Accepted: it can run. False with the reason Suspended, Unadopted or Invalid otherwise.',
    ),
  },
  required: [],
} as const satisfies ShapeNode

/** The kind Action, declared. */
export const actionKind = {
  kind: 'Action',
  plural: 'actions',
  singular: 'action',
  shortNames: ['twa'],
  doc: 'One thing to do at one stage for the Backups or Restores it matches. Its name is its registered name; actions of a stage run in byte order of their names.',
  more: 'What CEL sees, can do and may cost, with examples for each stage: [Expressions](../expressions.md).',
  columns: [
    { name: 'Stage', type: 'string', jsonPath: '.spec.stage', doc: 'When it runs.' },
    { name: 'On-Error', type: 'string', jsonPath: '.spec.onError', doc: 'What an error means.' },
    {
      name: 'Timeout',
      type: 'integer',
      jsonPath: '.spec.timeoutSeconds',
      doc: 'Seconds for the whole action.',
    },
    {
      name: 'Accepted',
      type: 'string',
      jsonPath: ".status.conditions[?(@.type=='Accepted')].status",
      doc: 'Whether it can run.',
    },
    { name: 'Last-Result', type: 'string', jsonPath: '.status.lastResult', doc: 'How it last ended.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', doc: 'Since when it exists.' },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: ".status.conditions[?(@.type=='Accepted')].reason",
      doc: 'Why it cannot run.',
      priority: 1,
    },
  ],
  spec,
  status,
} as const satisfies Kind

/** The spec of an Action, defaults filled in. */
export type ActionSpec = Infer<typeof spec>
/** The status of an Action. */
export type ActionStatus = Infer<typeof status>
/** The body `http`, defaults filled in. */
export type HttpBody = Infer<typeof http>
/** When to try again. */
export type RetryPolicy = NonNullable<ActionSpec['retry']>

/** An Action as we hold it: parsed, its defaults filled in. */
export type Action = {
  readonly metadata: Metadata
  readonly spec: ActionSpec
  readonly status?: ActionStatus
}
