/** The guard's expressions, evaluated as the sandbox's API server does; test/e2e/guard.test.ts asks a real one the same. */
import * as fc from 'fast-check'
import t from 'tap'
import { guardCanaryMessage, guardCanaryName, guardOf } from '../../src/core/guard.ts'
import { Authorizer, type Question } from '../../src/sandbox/apiserver/cel/authorizer.ts'
import { evaluate } from '../../src/sandbox/apiserver/cel/evaluate.ts'
import { celValue } from '../../src/sandbox/apiserver/cel/value.ts'
import type { Json } from '../../src/sandbox/apiserver/json.ts'
import { build, guardCases, rights, type Kind, type Parts, type Step, type User } from './guard-cases.ts'

const namespace = 'velero'
const ours = 'system:serviceaccount:tidewaiter:tidewaiter'
type Validation = {
  readonly expression: string
  readonly message: string
  readonly messageExpression?: string
}
type Spec = {
  readonly matchConstraints: { readonly resourceRules: readonly { readonly resources: readonly string[] }[] }
  readonly variables: readonly { readonly name: string; readonly expression: string }[]
  readonly validations: readonly Validation[]
}
// Of our own making, in the shape that src/core/guard.test.ts asserts.
const policies = guardOf({ name: 'tidewaiter', namespaces: [namespace], accounts: [ours] })
  .filter(({ kind }) => kind === 'ValidatingAdmissionPolicy')
  .map((policy) => policy['spec'] as Spec)

const resources: Readonly<Record<Kind, string>> = {
  Backup: 'backups',
  Restore: 'restores',
  Schedule: 'schedules',
  ActionRun: 'actionruns',
}
const any = (list: readonly string[], one: string) => list.includes('*') || list.includes(one)
const mayDo = (as: User, { group, resource, subresource, verb }: Question): boolean =>
  rights[as].some(
    (rule) =>
      any(rule.apiGroups, group) &&
      any(rule.resources, subresource === '' ? resource : `${resource}/${subresource}`) &&
      any(rule.verbs, verb),
  )

type Request = { readonly as: User; readonly kind: Kind; readonly object: Json; readonly oldObject: Json }

/** The messages of what refuses the request. */
function refusals({ as, kind, object, oldObject }: Request): readonly string[] {
  const resource = resources[kind]
  const spec = policies.find(({ matchConstraints }) =>
    matchConstraints.resourceRules[0]?.resources.includes(resource),
  )
  const ask = (question: Question) => ({ allowed: mayDo(as, question), reason: '' })
  const variables: Record<string, unknown> = {}
  const given = {
    object: celValue(object),
    oldObject: celValue(oldObject),
    request: celValue({
      namespace,
      resource: { resource },
      userInfo: { username: as === 'ours' ? ours : as },
    }),
    authorizer: new Authorizer(ask, () => ask),
    variables,
  }
  for (const { name, expression } of spec?.variables ?? []) {
    const result = evaluate(expression, given)
    if ('error' in result) throw new Error(`${name}: ${result.error}`)
    variables[name] = result.value
  }
  return (spec?.validations ?? []).flatMap(({ expression, message, messageExpression }) => {
    const result = evaluate(expression, given)
    if ('error' in result) throw new Error(`${expression}: ${result.error}`)
    if (result.value === true) return []
    const told = messageExpression === undefined ? { value: message } : evaluate(messageExpression, given)
    return ['value' in told ? String(told.value) : told.error]
  })
}

const isObject = (value: unknown): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7396. */
function merged(target: Json, patch: unknown): Json {
  if (!isObject(patch)) return patch as Json
  const result: Record<string, Json> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key] ?? null, value)
  }
  return result
}

const make = (kind: Kind, parts: Parts): Json =>
  merged(null, build(kind, parts, { namespace, name: parts.name ?? 'x' }))
function requestOf(as: User, step: Step): Request {
  if ('create' in step) return { as, kind: step.kind, object: make(step.kind, step.create), oldObject: null }
  const oldObject = make(step.kind, step.given)
  return { as, kind: step.kind, oldObject, object: merged(oldObject, step.patch) }
}

for (const [title, cases] of Object.entries(guardCases)) {
  t.test(title, async (t) => {
    for (const [name, as, wanted, step] of cases) {
      t.test(`${name}: ${as} ${wanted === 'passes' ? 'may' : 'may not'}`, async (t) => {
        const got = refusals(requestOf(as, step))
        if (wanted === 'passes') t.same(got, [])
        else t.match(got[0], wanted)
      })
    }
  })
}

t.test('the canary is denied to everybody, with the message that tells it', async (t) => {
  for (const kind of ['Backup', 'Restore', 'Schedule', 'ActionRun'] as const) {
    const [first] = refusals(requestOf('admin', { kind, create: { name: guardCanaryName } }))
    t.equal(first, guardCanaryMessage, kind)
  }
})

t.test('a refusal names the namespace in the way out', async (t) => {
  const step: Step = { kind: 'Backup', create: { annotations: { 'tidewaiter.io/pre': '' } } }
  t.match(refusals(requestOf('alice', step))[0], 'kubectl label namespace velero tidewaiter.io/gate=off')
})

const phase = fc.constantFrom(
  '',
  'New',
  'Queued',
  'ReadyToStart',
  'InProgress',
  'Finalizing',
  'Completed',
  'Failed',
  'FailedValidation',
  'Deleting',
)
const user = fc.constantFrom<User>('admin', 'alice', 'skipper', 'releaser', 'driver', 'velero', 'ours')

t.test('while it is held, nobody starts what has not begun', async () => {
  fc.assert(
    fc.property(user, fc.constantFrom('', 'New', 'FailedValidation'), phase, (as, from, to) => {
      const given: Parts = {
        annotations: { 'tidewaiter.io/hold': '1' },
        ...(from === '' ? {} : { phase: from }),
      }
      const step: Step = { kind: 'Backup', given, patch: { status: to === '' ? null : { phase: to } } }
      return (
        !['Queued', 'ReadyToStart', 'InProgress'].includes(to) || refusals(requestOf(as, step)).length > 0
      )
    }),
    { seed: 1, numRuns: 200 },
  )
})

t.test('who has no further right moves no phase', async () => {
  fc.assert(
    fc.property(fc.constantFrom<User>('alice', 'skipper', 'releaser'), phase, phase, (as, from, to) => {
      const step: Step = {
        kind: 'Restore',
        given: from === '' ? {} : { phase: from },
        patch: { status: to === '' ? null : { phase: to } },
      }
      return from === to || refusals(requestOf(as, step)).length > 0
    }),
    { seed: 1, numRuns: 200 },
  )
})

t.test('what changes nothing passes for everybody', async () => {
  const kind = fc.constantFrom<Kind>('Backup', 'Restore', 'Schedule', 'ActionRun')
  const annotations = fc.dictionary(
    fc.constantFrom('tidewaiter.io/hold', '10-a/prebackup', 'tidewaiter.io/skip-actions', 'x/y'),
    fc.constantFrom('', 'skip'),
  )
  const given = fc.record({ as: user, kind, phase: phase.filter((one) => one !== ''), annotations })
  fc.assert(
    fc.property(given, ({ as, kind, ...parts }) => {
      const object = make(kind, parts)
      return refusals({ as, kind, object, oldObject: object }).length === 0
    }),
    { seed: 1, numRuns: 200 },
  )
})
