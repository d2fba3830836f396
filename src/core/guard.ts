/**
 * The guard: ValidatingAdmissionPolicies that keep what a webhook cannot, because they need no pod of ours.
 *
 * What it cannot keep: the annotation tidewaiter.io/author on Actions. Our mutating webhook stamps it inside the request
 * of the person who writes the Action, and a policy sees one object, not who put what into it. The stamp carries a MAC instead.
 * For the same reason a hold that comes with a CREATE is let pass: our validating webhook refuses one that should not be there.
 */
import { ownLabels, scopeOf, type Manifest } from './registration.ts'
import { breakGlass } from './refusal.ts'

/** What the guard depends on. */
export type GuardInput = {
  /** The name of the install: `tidewaiter`, or `tidewaiter-dev-<id>`. */
  readonly name: string
  /** Velero's. */
  readonly namespaces: readonly string[]
  /** The user names that may write ActionRuns and AdmissionDecisions. */
  readonly accounts: readonly string[]
}

/** A name that every policy denies at CREATE: a dry run of it shows that the policy is in force. */
export const guardCanaryName = 'tidewaiter-guard-canary'
/** What a denied canary is told; it is in the API server's answer, after the names of policy and binding. */
export const guardCanaryMessage = 'tidewaiter guard: closed'

type Rule = {
  readonly expression: string
  /** What the user is told; NAMESPACE is filled in, and KEYS if there are some. */
  readonly message: string
  /** CEL: the keys of the annotations that the refusal is about. */
  readonly keys?: string
}
type Variable = { readonly name: string; readonly expression: string }
type Policy = {
  readonly name: string
  readonly group: string
  readonly operations?: readonly string[]
  readonly resources: readonly string[]
  readonly variables: readonly Variable[]
  readonly rules: readonly Rule[]
}

const emergency = breakGlass('NAMESPACE')
// The API server puts the policy's name before every message: hold.tidewaiter.io, whatever rule it is.
const notHeld = 'The policy named hold keeps this rule for what is not held too'

// Velero pkg/apis/velero/v1/{backup,restore}_types.go. Waiting: Velero has not begun. Starting: what a held object may not become.
const waiting = "['', 'New']"
const starting = "['Queued', 'ReadyToStart', 'InProgress']"
const notBegun = "['', 'New', 'Queued', 'ReadyToStart']"

const restoreFinalizer = 'restores.velero.io/external-resources-finalizer'

const common: readonly Variable[] = [
  { name: 'created', expression: 'oldObject == null' },
  { name: 'notes', expression: 'object.metadata.?annotations.orValue({})' },
  { name: 'oldNotes', expression: 'oldObject == null ? {} : oldObject.metadata.?annotations.orValue({})' },
]

// Variables are evaluated when they are first used: the authorizer is asked only where something forbidden would else be written.
const may = (verb: string, resource: string) =>
  `authorizer.group('tidewaiter.io').resource('${resource}').namespace(request.namespace).check('${verb}').allowed()`
const skipper: Variable = { name: 'skipper', expression: may('skip', 'actions') }
const keeper: Variable = { name: 'keeper', expression: may('release', 'actionruns') }

/** A CEL condition: the key of this map of annotations is a skip (core/skip.ts). */
const isSkip = (map: string) =>
  `k == 'tidewaiter.io/skip-actions' || (${map}[k] == 'skip' && (k.endsWith('/prebackup') || k.endsWith('/postbackup') || ` +
  "k.endsWith('/prerestore') || k.endsWith('/postrestore')))"
const isOurs = "k.startsWith('tidewaiter.io/') && k != 'tidewaiter.io/skip-actions'"
const isOursAtCreate = `${isOurs} && k != 'tidewaiter.io/hold'`

/** A CEL condition: what `which` picks of one map is in the other, unchanged. Linear, for annotations are 256 KiB of anything. */
const within = (which: string, one: string, other: string) =>
  `${one}.all(k, !(${which}) || (k in ${other} && ${other}[k] == ${one}[k]))`
const sameIn = (which: (map: string) => string, one: string, other: string) =>
  `${within(which(one), one, other)} && ${within(which(other), other, one)}`
/** A CEL list: the keys that keep `sameIn` from holding. */
const changedIn = (which: (map: string) => string, one: string, other: string) =>
  `${one}.filter(k, (${which(one)}) && !(k in ${other} && ${other}[k] == ${one}[k])) + ` +
  `${other}.filter(k, (${which(other)}) && !(k in ${one} && (${which(one)})))`

const canary: Rule = {
  expression: `!variables.created || object.metadata.?name.orValue('') != '${guardCanaryName}'`,
  message: guardCanaryMessage,
}

const phases: readonly Rule[] = [
  {
    // Nobody is exempt, not even who may release: the hold is lifted first. What began before it was held goes on, because a
    // queued Backup that Velero cannot move blocks its queue (backup_queue_controller.go).
    expression:
      '!(variables.held && variables.stays) || variables.phase == variables.oldPhase || ' +
      `(variables.oldPhase in ${waiting} ? variables.phase in ['FailedValidation', 'Deleting'] || variables.oldPhase == '' && variables.phase == 'New' : ` +
      `!(variables.phase in ${starting}) || variables.oldPhase in ${notBegun})`,
    message: `tidewaiter guard: held, because its pre actions have not ended. Wait, or lift the hold by removing the annotation tidewaiter.io/hold (needs the verb release on actionruns). ${emergency}`,
  },
  {
    // Velero's restore controller adds it before all else, again and again, and counts an attempt each time (restore_controller.go).
    expression: `!(variables.held && variables.stays) || !('${restoreFinalizer}' in object.metadata.?finalizers.orValue([])) || '${restoreFinalizer}' in oldObject.metadata.?finalizers.orValue([])`,
    message: 'tidewaiter guard: held, because its pre actions have not ended: Velero may not begin with it',
  },
  {
    expression:
      'variables.created || object.?status.orValue({}) == oldObject.?status.orValue({}) || variables.driver',
    message:
      'tidewaiter guard: status is written by Velero and tidewaiter only, because its phase sets off actions. Change the rest without it (kubectl replace drops it: use apply or patch), or hold the verb update on the status of this kind. ' +
      notHeld,
  },
  {
    expression: `!variables.created || variables.phase in ${waiting} || variables.driver`,
    message:
      'tidewaiter guard: a new object may not carry a phase later than New, because it would pass its pre actions by. Leave status out, or hold the verb update on the status of this kind. ' +
      notHeld,
  },
  {
    // Velero's merge patches are of its cache and name no resourceVersion: one of when it was held and New may come right after the
    // hold ended as a failure (backup_queue_controller.go; before Velero 1.18 backup_controller.go, straight to InProgress).
    expression: `variables.created || (variables.phase in ${waiting} ? variables.oldPhase in ${waiting} : variables.oldPhase != 'FailedValidation' || !(variables.phase in ${starting}))`,
    message:
      'tidewaiter guard: what has begun may not go back to New, and what ended as FailedValidation may not start, because Velero would run it. Create another object. ' +
      notHeld,
  },
]

const admitted: readonly Rule[] = [
  {
    expression: `variables.created || !(variables.oldPhase in ${notBegun}) || object.?spec.orValue({}) == oldObject.?spec.orValue({}) || variables.driver`,
    message:
      'tidewaiter guard: spec stays as it was admitted until Velero has begun, because the actions ran for it as it was. Delete the object and create another. ' +
      notHeld,
  },
  {
    expression:
      `variables.created || !(variables.oldPhase in ${notBegun}) || ` +
      'object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({}) || variables.driver',
    message:
      'tidewaiter guard: labels stay as they were admitted until Velero has begun, because Actions match by them. Delete the object and create another. ' +
      notHeld,
  },
]

const annotations: readonly Rule[] = [
  {
    // A finished Backup comes with the annotations of the cluster it was made in (backup sync): nobody reads those here.
    expression:
      `(variables.created ? !(variables.phase in ${waiting}) || !variables.notes.exists(k, ${isOursAtCreate}) : ` +
      `${sameIn(() => isOurs, 'variables.notes', 'variables.oldNotes')}) || variables.keeper`,
    keys: changedIn(() => isOurs, 'variables.notes', 'variables.oldNotes'),
    message: `tidewaiter guard: the annotations KEYS are written by tidewaiter only. Leave them as they are, or hold the verb release on actionruns. ${notHeld}. ${emergency}`,
  },
  {
    expression:
      `(variables.created ? !(variables.phase in ${waiting}) || !variables.notes.exists(k, ${isSkip('variables.notes')}) : ` +
      `${sameIn(isSkip, 'variables.notes', 'variables.oldNotes')}) || variables.skipper`,
    keys: changedIn(isSkip, 'variables.notes', 'variables.oldNotes'),
    message: `tidewaiter guard: the annotations KEYS skip actions, which needs the verb skip on actions, and what they say counts as of CREATE. Leave them out, or ask who holds that verb. ${notHeld}. ${emergency}`,
  },
]

const hold: Policy = {
  name: 'hold',
  group: 'velero.io',
  // Velero's kinds have no status subresource today; should they get one, it is guarded from the first day.
  resources: ['backups', 'restores', 'backups/status', 'restores/status'],
  variables: [
    ...common,
    { name: 'held', expression: "'tidewaiter.io/hold' in variables.oldNotes" },
    { name: 'stays', expression: "'tidewaiter.io/hold' in variables.notes" },
    { name: 'oldPhase', expression: "oldObject == null ? '' : oldObject.?status.phase.orValue('')" },
    { name: 'phase', expression: "object.?status.phase.orValue('')" },
    {
      name: 'driver',
      expression:
        "authorizer.group('velero.io').resource(request.resource.resource).subresource('status').namespace(request.namespace).check('update').allowed()",
    },
    keeper,
    skipper,
  ],
  rules: [canary, ...phases, ...admitted, ...annotations],
}

const templateNotes = '?spec.template.metadata.annotations.orValue({})'

/** A CEL list: annotations of ours that came to one map, or changed in it. */
const foreign = (one: string, other: string) =>
  `${one}.filter(k, ${isOurs} && !(k in ${other} && ${other}[k] == ${one}[k]))`

const schedules: Policy = {
  name: 'schedules',
  group: 'velero.io',
  resources: ['schedules', 'schedules/status'],
  variables: [
    ...common,
    { name: 'inner', expression: `object.${templateNotes}` },
    { name: 'oldInner', expression: `oldObject == null ? {} : oldObject.${templateNotes}` },
    {
      name: 'skips',
      expression: `variables.notes.exists(k, ${isSkip('variables.notes')}) || variables.inner.exists(k, ${isSkip('variables.inner')})`,
    },
    {
      // Where the template changes, what was skipped for one thing would be skipped for another.
      name: 'asBefore',
      expression:
        `!variables.created && ${within(isSkip('variables.notes'), 'variables.notes', 'variables.oldNotes')} && ` +
        'object.?spec.template.orValue({}) == oldObject.?spec.template.orValue({})',
    },
    keeper,
    skipper,
  ],
  rules: [
    canary,
    {
      expression: '!variables.skips || variables.asBefore || variables.skipper',
      keys: `variables.notes.filter(k, ${isSkip('variables.notes')}) + variables.inner.filter(k, ${isSkip('variables.inner')})`,
      message: `tidewaiter guard: a Schedule whose annotations KEYS skip actions may be written, or its template changed, only with the verb skip on actions, because Velero copies them to its Backups. Leave them out, or ask who holds that verb. ${emergency}`,
    },
    {
      expression: `${within(isOurs, 'variables.notes', 'variables.oldNotes')} && ${within(isOurs, 'variables.inner', 'variables.oldInner')} || variables.keeper`,
      keys: `${foreign('variables.notes', 'variables.oldNotes')} + ${foreign('variables.inner', 'variables.oldInner')}`,
      message: `tidewaiter guard: the annotations KEYS are written by tidewaiter only, and Velero would copy them to the Backups of this Schedule. Leave them out, or hold the verb release on actionruns. ${emergency}`,
    },
  ],
}

const unchanged = [
  'object.?spec.orValue({}) == oldObject.?spec.orValue({})',
  'object.?status.orValue({}) == oldObject.?status.orValue({})',
  'object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({})',
  'object.metadata.?annotations.orValue({}) == oldObject.metadata.?annotations.orValue({})',
  // An owner that does not exist makes the garbage collector delete the record.
  'object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([])',
].join(' && ')

const records = (accounts: readonly string[]): Policy => ({
  name: 'records',
  group: 'tidewaiter.io',
  resources: ['actionruns', 'actionruns/status', 'admissiondecisions', 'admissiondecisions/status'],
  variables: common,
  rules: [
    canary,
    {
      // Kubernetes itself takes finalizers off, and rewrites objects unchanged when the stored version moves.
      // A JSON text is a CEL text too.
      expression: `request.userInfo.username in ${JSON.stringify(accounts)} || !variables.created && ${unchanged}`,
      message: `tidewaiter guard: the records of what was done are written by tidewaiter only. ActionRuns may be deleted by whoever may delete them. ${emergency}`,
    },
  ],
})

// Whoever empties a namespace that goes: its controller has another account in every distribution, and in some that of all
// controllers. A CRD that is deleted takes its objects along unasked.
const emptied = 'has(namespaceObject.metadata.deletionTimestamp)'

const decisions = (accounts: readonly string[]): Policy => ({
  name: 'decisions',
  group: 'tidewaiter.io',
  operations: ['DELETE'],
  resources: ['admissiondecisions'],
  variables: [],
  rules: [
    {
      expression: `request.userInfo.username in ${JSON.stringify(accounts)} || ${emptied}`,
      message: `tidewaiter guard: the records of what was decided are deleted by tidewaiter only, the oldest when there are more than 500 in a namespace, and each after 7 days. ${emergency}`,
    },
  ],
})

/** A text as CEL that puts in the request's namespace, so that the way out can be copied, and the keys it is about. */
const celText = (text: string, keys: string | undefined) =>
  `'${text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('NAMESPACE', "' + request.namespace + '")
    .replaceAll('KEYS', keys === undefined ? 'KEYS' : `' + (${keys}).join(', ') + '`)}'`

const validation = ({ expression, message, keys }: Rule) => ({
  expression,
  reason: 'Forbidden',
  // Alone if the expression cannot be evaluated, as with more keys than fit into 5 KiB.
  message: message.replaceAll('KEYS', 'that it brings along'),
  ...(message.includes('NAMESPACE') ? { messageExpression: celText(message, keys) } : {}),
})

/** The name of a policy and of its binding. */
const nameOf = (install: string, policy: Policy) =>
  install === 'tidewaiter' ? `${policy.name}.tidewaiter.io` : `${policy.name}.${install}.tidewaiter.io`

function manifestsOf(policy: Policy, input: GuardInput): readonly Manifest[] {
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const metadata = { name: nameOf(input.name, policy), labels: ownLabels }
  const { group, operations = ['CREATE', 'UPDATE'], resources, variables, rules } = policy
  const rule = { apiGroups: [group], apiVersions: ['*'], operations, resources, scope: 'Namespaced' }
  const spec = {
    failurePolicy: 'Fail',
    matchConstraints: { matchPolicy: 'Equivalent', resourceRules: [rule] },
    variables,
    validations: rules.map(validation),
  }
  const binding = {
    policyName: metadata.name,
    validationActions: ['Deny'],
    matchResources: { namespaceSelector: scopeOf(input.namespaces) },
  }
  return [
    { apiVersion, kind: 'ValidatingAdmissionPolicy', metadata, spec },
    { apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata, spec: binding },
  ]
}

/** The policies and their bindings, for everything that must hold also while no pod of ours runs. */
export const guardOf = (input: GuardInput): readonly Manifest[] =>
  [hold, schedules, records(input.accounts), decisions(input.accounts)].flatMap((policy) =>
    manifestsOf(policy, input),
  )
