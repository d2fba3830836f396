/** AdmissionDecision: what one replica decided, and why; repeats of the same decision are counted in one record. */
import type { Infer, Kind, Metadata, ShapeNode } from './schema.ts'

/** What became of a request. Error: a fault of tidewaiter itself, which refuses. */
export const verdicts = ['Allowed', 'Refused', 'Error'] as const

/** What was found about one Action. */
export const considerations = [
  'Matched',
  'NotMatched',
  'MatchFailed',
  'Skipped',
  'Suspended',
  'NotAdopted',
] as const

const text = (doc: string, maxLength: number) => ({ type: 'string', doc, maxLength }) as const
const time = (doc: string) => ({ type: 'string', doc, format: 'date-time', maxLength: 32 }) as const
const whole = (doc: string) =>
  ({ type: 'integer', doc, minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) as const
const hash = (doc: string) => ({ type: 'string', doc, maxLength: 64 }) as const

const spec = {
  type: 'object',
  doc: 'What makes decisions the same: a request of which all this is equal is counted in this record.',
  fields: {
    replica: text('The process that decided: its pod and a random part. Each counts for itself.', 320),
    webhook: text('Which of our webhooks was asked: backups, restores, actions, author ...', 63),
    operation: text('What was about to be done: CREATE, UPDATE ...', 16),
    apiGroup: text('The API group of the object.', 253),
    kind: text('The kind of the object.', 63),
    schedule: text('The Schedule that made the object, if one did.', 253),
    generateName: text(
      'The beginning of its name, if no Schedule made it and the API server chose the rest.',
      253,
    ),
    name: text('Its name, if it has neither.', 253),
    verdict: { type: 'string', doc: 'What became of the request.', enum: verdicts },
    reason: text('Why, in one word: see the reference of reasons.', 64),
    action: text('The Action that failed, if one did.', 253),
    user: text('Who asked, as the API server authenticated them.', 1024),
    key: text(
      'The Ed25519 key that signs this record: its 32 public bytes in base64url. A checkpoint in the audit log names it too.',
      43,
    ),
  },
  required: ['replica', 'webhook', 'operation', 'kind', 'verdict', 'reason', 'user', 'key'],
  rules: [{ cel: 'self == oldSelf', message: 'the spec of an AdmissionDecision never changes' }],
} as const satisfies ShapeNode

const event = (doc: string) =>
  ({
    type: 'object',
    doc,
    fields: {
      seq: whole(
        'Its number among the decisions of this replica in this namespace, from 1, without gaps. Dry runs have none.',
      ),
      time: time('When it was answered.'),
      request: text('The uid of the request; the same if the API server asked again.', 64),
      uid: text('The uid of the object.', 64),
      name: text('The name of the object.', 253),
      milliseconds: whole('How long the answer took.'),
      message: text(
        'What the client was told: whole in the log, here cut, control characters and known forms of credentials taken out.',
        2048,
      ),
      warnings: whole('How many warnings the answer had.'),
      patches: whole('How many operations its patch had.'),
      run: text('The ActionRun of its pre actions, if there is one.', 253),
      detail: hash('The SHA-256 of the detail that was recorded with it, in hex.'),
      digest: hash(
        'The SHA-256, in hex, of namespace, spec without its key, and all of the above, as JSON with sorted keys.',
      ),
      chain: hash(
        'The SHA-256, in hex, of the chain before it followed by its digest, both as hex: it stands for all decisions up to this one.',
      ),
    },
    required: ['seq', 'time', 'request', 'name', 'milliseconds', 'digest', 'chain'],
  }) as const satisfies ShapeNode

const briefEvent = {
  type: 'object',
  doc: 'One decision in short.',
  fields: {
    seq: whole('Its number.'),
    time: time('When it was answered.'),
    name: text('The name of the object.', 253),
    milliseconds: whole('How long the answer took.'),
    run: text('The ActionRun of its pre actions.', 253),
    digest: hash('Its digest.'),
  },
  required: ['seq', 'time', 'name', 'milliseconds', 'digest'],
} as const satisfies ShapeNode

const considered = {
  type: 'object',
  doc: 'One Action, and what was found about it.',
  fields: {
    action: text('Its name.', 253),
    stage: text('Its stage.', 16),
    found: { type: 'string', doc: 'What was found.', enum: considerations },
    because: text('Why, in a sentence.', 512),
  },
  required: ['action', 'stage', 'found'],
} as const satisfies ShapeNode

const call = {
  type: 'object',
  doc: 'One pre action as it went inside the request.',
  fields: {
    action: text('Its name.', 253),
    phase: text('Its phase in the run.', 16),
    attempts: whole('How often it was tried.'),
    request: text('What was sent, rendered, secrets masked; cut: the ActionRun has up to 8 KiB of it.', 1024),
    answer: text('What it answered, secrets masked; cut.', 512),
  },
  required: ['action', 'phase'],
} as const satisfies ShapeNode

const status = {
  type: 'object',
  doc: 'How often, when, and the newest in full. At most 8 KiB with the spec; written by tidewaiter only.',
  fields: {
    count: whole('How many decisions this record stands for.'),
    first: event('The first of them.'),
    last: event('The newest of them.'),
    recent: {
      type: 'array',
      doc: 'The newest ones between the first and the last, oldest first, as many as have room.',
      maxItems: 64,
      listType: 'atomic',
      items: briefEvent,
    },
    seqs: text('The numbers of all of them: 3, 7-12, 20.', 2048),
    groups: {
      type: 'array',
      doc: 'The groups of the user at the newest one; the first ones, if there are many.',
      maxItems: 16,
      listType: 'atomic',
      items: text('A group.', 256),
    },
    considered: {
      type: 'array',
      doc: 'Which Actions were looked at for the newest one: what matched, what did not, and why.',
      maxItems: 64,
      listType: 'atomic',
      items: considered,
    },
    calls: {
      type: 'array',
      doc: 'What its pre actions sent and got.',
      maxItems: 64,
      listType: 'atomic',
      items: call,
    },
    cut: text('What of the newest one had no room here, in a sentence.', 512),
    chain: {
      type: 'object',
      doc: 'What the replica said of all its decisions in this namespace when it wrote this.',
      fields: {
        since: time('When its first decision was.'),
        seq: whole('The number of the newest decision.'),
        chain: hash('The chain up to it.'),
        lost: text('The numbers of those that could not be recorded: 5, 9-11.', 512),
        waiting: text('The numbers of those that other records were still to be written for.', 512),
        ended: { type: 'boolean', doc: 'True if the replica has ended, and this was its last word.' },
      },
      required: ['since', 'seq', 'chain'],
    },
    signature: text(
      'The Ed25519 signature, in base64url, of namespace, name, spec and all of the status but this, as JSON with sorted keys.',
      86,
    ),
  },
  required: ['count', 'first', 'last', 'seqs', 'chain', 'signature'],
} as const satisfies ShapeNode

/** The kind AdmissionDecision, declared. */
export const admissionDecisionKind = {
  kind: 'AdmissionDecision',
  plural: 'admissiondecisions',
  singular: 'admissiondecision',
  shortNames: ['twd'],
  doc: 'What one replica of tidewaiter decided about a request, and why. Repeats of the same decision are counted in one record for a day. Written by tidewaiter only; at most 500 are kept in a namespace, for 7 days.',
  more: 'What is recorded, how it is chained and signed, and what a check of it can see: [decisions](../decisions.md).',
  columns: [
    { name: 'Verdict', type: 'string', jsonPath: '.spec.verdict', doc: 'What became of the request.' },
    { name: 'Kind', type: 'string', jsonPath: '.spec.kind', doc: 'The kind of the object.' },
    { name: 'Object', type: 'string', jsonPath: '.status.last.name', doc: 'The newest object.' },
    { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule', doc: 'The Schedule that made it.' },
    { name: 'Reason', type: 'string', jsonPath: '.spec.reason', doc: 'Why, in one word.' },
    { name: 'Attempts', type: 'integer', jsonPath: '.status.count', doc: 'How often it was decided so.' },
    {
      name: 'Milliseconds',
      type: 'integer',
      jsonPath: '.status.last.milliseconds',
      doc: 'How long the newest took.',
    },
    { name: 'Last', type: 'date', jsonPath: '.status.last.time', doc: 'When the newest was.' },
    { name: 'User', type: 'string', jsonPath: '.spec.user', doc: 'Who asked.', priority: 1 },
    { name: 'Replica', type: 'string', jsonPath: '.spec.replica', doc: 'Who decided.', priority: 1 },
    { name: 'UID', type: 'string', jsonPath: '.status.last.uid', doc: 'The newest object.', priority: 1 },
    {
      name: 'Message',
      type: 'string',
      jsonPath: '.status.last.message',
      doc: 'What the client was told.',
      priority: 1,
    },
  ],
  wholeWrites: true,
  spec,
  status,
} as const satisfies Kind

/** What makes decisions the same. */
export type DecisionSpec = Infer<typeof spec>
/** How often, when, and the newest in full. */
export type DecisionStatus = Infer<typeof status>

/** An AdmissionDecision as we hold it. */
export type AdmissionDecision = {
  readonly metadata: Metadata
  readonly spec: DecisionSpec
  readonly status: DecisionStatus
}
/** One decision as it is recorded. */
export type DecisionEvent = DecisionStatus['first']
/** What a replica said of all its decisions. */
export type ChainHead = DecisionStatus['chain']
/** What there is to say about a decision beyond its event. */
export type DecisionDetail = Pick<DecisionStatus, 'groups' | 'considered' | 'calls' | 'cut'>
/** One Action, and what was found about it. */
export type Considered = NonNullable<DecisionStatus['considered']>[number]
/** One pre action as it went inside the request. */
export type DecisionCall = NonNullable<DecisionStatus['calls']>[number]
