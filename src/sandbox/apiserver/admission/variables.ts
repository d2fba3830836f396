/** What expressions of policies and match conditions may speak of. */
import { accountGroups, type User } from '../authn/users.ts'
import { userInfo } from '../authz/reviews.ts'
import { Authorizer, type Ask, type Question } from '../cel/authorizer.ts'
import { evaluate, type Evaluated } from '../cel/evaluate.ts'
import { celValue, typedCelValue } from '../cel/value.ts'
import { listAt, textAt, type Json, type JsonObject } from '../json.ts'
import type { World } from '../world.ts'
import type { Call } from './call.ts'

/** The variables of a call. */
export function variablesOf(world: World, call: Call): Readonly<Record<string, unknown>> {
  const typed = (object: JsonObject | undefined): unknown =>
    object === undefined ? null : typedCelValue(call.resource.node, object)
  const namespace = call.namespace === '' ? undefined : world.store.get('/namespaces', call.namespace)
  const ask =
    (user: User): Ask =>
    (question) =>
      world.authorize(user, question)
  const forAccount = (namespace: string, name: string): Ask => {
    const user = `system:serviceaccount:${namespace}:${name}`
    return ask({
      name: user,
      uid: '',
      groups: [...(accountGroups(user) ?? []), 'system:authenticated'],
      extra: {},
    })
  }
  return {
    object: typed(call.object),
    oldObject: typed(call.oldObject),
    request: celValue(requestOf(call)),
    namespaceObject: namespace === undefined ? null : celValue(namespace),
    authorizer: new Authorizer(ask(call.user), forAccount, questionOf(call)),
    params: null,
  }
}

const questionOf = ({ resource, subresource, namespace, name }: Call): Question => ({
  verb: '',
  group: resource.group,
  version: resource.version,
  resource: resource.plural,
  subresource,
  namespace,
  name,
  path: '',
})

/** The part of an AdmissionRequest that does not hold the objects. */
export function requestOf(call: Call): JsonObject {
  const { resource } = call
  const kind = { group: resource.group, version: resource.version, kind: resource.kind }
  const which = { group: resource.group, version: resource.version, resource: resource.plural }
  const sub: JsonObject =
    call.subresource === '' ? {} : { subResource: call.subresource, requestSubResource: call.subresource }
  return {
    kind,
    resource: which,
    requestKind: kind,
    requestResource: which,
    ...sub,
    ...(call.name === '' ? {} : { name: call.name }),
    ...(call.namespace === '' ? {} : { namespace: call.namespace }),
    operation: call.operation,
    userInfo: userInfo(call.user),
    dryRun: call.dryRun,
    options: call.options,
  }
}

/** Whether all match conditions hold: one that is false decides, before any error. */
export function conditionsHold(
  conditions: readonly Json[],
  variables: Readonly<Record<string, unknown>>,
): { readonly matches: boolean } | { readonly errors: readonly string[] } {
  const results = conditions.map((one) => evaluate(textAt(one, 'expression'), variables))
  if (results.some((one) => 'value' in one && one.value === false)) return { matches: false }
  const errors = results.flatMap((one, index) => wordsOf(one, listAt({ conditions }, 'conditions')[index]))
  return errors.length > 0 ? { errors } : { matches: true }
}

function wordsOf(result: Evaluated, condition: Json | undefined): readonly string[] {
  const expression = textAt(condition, 'expression')
  if ('error' in result) return [`expression '${expression}' resulted in error: ${result.error}`]
  return result.value === true ? [] : [`expression '${expression}' resulted in error: result is not a bool`]
}
