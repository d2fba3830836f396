/** ValidatingAdmissionPolicies: CEL in this server, no pod needed (apiserver pkg/admission/plugin/policy/validating). */
import { evaluate, type Evaluated } from '../cel/evaluate.ts'
import { ApiError, qualified } from '../errors/status.ts'
import { at, listAt, textAt, textsAt, type Json, type JsonObject } from '../json.ts'
import { nameOfResource } from '../resources/resource.ts'
import type { World } from '../world.ts'
import type { Call } from './call.ts'
import { isExempt, matchResourcesMatch, registrations } from './matching.ts'
import { conditionsHold, variablesOf } from './variables.ts'

type Denial = {
  readonly policy: string
  readonly binding: string
  readonly message: string
  readonly reason: string
}
type Failed = { readonly message: string; readonly reason: string }
type Variables = Readonly<Record<string, unknown>>

/** Throws the first denial of a policy. */
export function checkPolicies(world: World, call: Call): void {
  if (isExempt(call)) return
  const bindings = registrations(world, 'validatingadmissionpolicybindings')
  if (bindings.length === 0) return
  const denials: Denial[] = []
  for (const policy of registrations(world, 'validatingadmissionpolicies')) {
    const name = textAt(policy, 'metadata', 'name')
    const bound = bindings.filter((one) => textAt(one, 'spec', 'policyName') === name)
    if (bound.length === 0 || !matchResourcesMatch(world, at(policy, 'spec', 'matchConstraints'), call))
      continue
    const matching = bound.filter((one) =>
      matchResourcesMatch(world, at(one, 'spec', 'matchResources'), call),
    )
    if (matching.length === 0) continue
    const failed = judge(policy, variablesOf(world, call))
    for (const binding of matching) denials.push(...enforced(call, { policy: name, binding, failed }))
  }
  const [first] = denials
  if (first !== undefined) throw denied(call, first)
}

function judge(policy: JsonObject, variables: Variables): readonly Failed[] {
  const closed = textAt(policy, 'spec', 'failurePolicy') !== 'Ignore'
  if (textAt(policy, 'spec', 'paramKind', 'kind') !== '') {
    return closed
      ? [{ message: 'failed to configure policy: params are not supported by the sandbox', reason: '' }]
      : []
  }
  const conditions = conditionsHold(listAt(policy, 'spec', 'matchConditions'), variables)
  if ('errors' in conditions) return closed ? [{ message: conditions.errors.join(', '), reason: '' }] : []
  if (!conditions.matches) return []
  const all = { ...variables, variables: lazily(listAt(policy, 'spec', 'variables'), variables) }
  return listAt(policy, 'spec', 'validations').flatMap((one) => validation(one, all, closed))
}

// Composition: a variable is evaluated when it is first used, and may use those before it.
function lazily(declared: readonly Json[], variables: Variables): object {
  const known = new Map<string, Evaluated>()
  const composed = {}
  for (const one of declared) {
    Object.defineProperty(composed, textAt(one, 'name'), {
      enumerable: true,
      get: () => {
        const name = textAt(one, 'name')
        const result =
          known.get(name) ?? evaluate(textAt(one, 'expression'), { ...variables, variables: composed })
        known.set(name, result)
        if ('error' in result)
          throw new Error(`composited variable "${name}" fails to evaluate: ${result.error}`)
        return result.value
      },
    })
  }
  return composed
}

function validation(one: Json, variables: Variables, closed: boolean): readonly Failed[] {
  const expression = textAt(one, 'expression')
  const result = evaluate(expression, variables)
  const reason = textAt(one, 'reason')
  if ('error' in result) {
    return closed
      ? [{ message: `expression '${expression.trim()}' resulted in error: ${result.error}`, reason }]
      : []
  }
  return result.value === true ? [] : [{ message: messageOf(one, variables), reason }]
}

function messageOf(one: Json, variables: Variables): string {
  const computed = textAt(one, 'messageExpression')
  const result = computed === '' ? undefined : evaluate(computed, variables)
  if (result !== undefined && 'value' in result && typeof result.value === 'string') {
    const text = result.value.trim()
    if (text !== '' && !text.includes('\n')) return text
  }
  return textAt(one, 'message').trim() || `failed expression: ${textAt(one, 'expression').trim()}`
}

type Enforcing = { readonly policy: string; readonly binding: JsonObject; readonly failed: readonly Failed[] }

function enforced(call: Call, { policy, binding, failed }: Enforcing): readonly Denial[] {
  const name = textAt(binding, 'metadata', 'name')
  const actions = textsAt(binding, 'spec', 'validationActions')
  if (actions.includes('Warn')) {
    for (const one of failed)
      call.warn(
        `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${name}': ${one.message}`,
      )
  }
  return actions.includes('Deny') ? failed.map((one) => ({ policy, binding: name, ...one })) : []
}

const codes: Readonly<Record<string, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  Invalid: 422,
  RequestEntityTooLarge: 413,
}

function denied(call: Call, { policy, binding, message, reason }: Denial): ApiError {
  const text = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`
  const of = nameOfResource(call.resource)
  const name = call.name || textAt(call.object, 'metadata', 'generateName')
  const shown = name === '' ? qualified(of) : `${qualified(of)} ${JSON.stringify(name)}`
  const why = reason === '' ? 'Invalid' : reason
  return new ApiError({
    code: codes[why] ?? 403,
    reason: why,
    message: `${shown} is forbidden: ${text}`,
    details: {
      ...(name === '' ? {} : { name }),
      ...(of.group === '' ? {} : { group: of.group }),
      kind: of.resource,
      causes: [{ message: text }],
    },
  })
}
