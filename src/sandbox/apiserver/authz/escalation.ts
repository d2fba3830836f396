/** Nobody grants what they do not have (kubernetes pkg/registry/rbac): who writes a role or a binding must hold its rules. */
import type { User } from '../authn/users.ts'
import { forbidden, notFound } from '../errors/status.ts'
import { listAt, objectAt, same, textAt, textsAt, without, type Json, type JsonObject } from '../json.ts'
import { nameOfResource, type Resource } from '../resources/resource.ts'
import type { World } from '../world.ts'
import type { Attributes } from './attributes.ts'
import { roleOf, ruleAllows } from './rbac.ts'
import { rulesFor } from './rules-review.ts'

/** A role or binding about to be written. */
export type Written = {
  readonly resource: Resource
  readonly object: JsonObject
  readonly before: JsonObject | undefined
}

const group = 'rbac.authorization.k8s.io'

/** Throws 403 if the object would grant more than the user holds. */
export function checkEscalation(world: World, user: User, written: Written): void {
  if (written.resource.group !== group || user.groups.includes('system:masters')) return
  if (written.before !== undefined && isOnlyForGarbage(written.before, written.object)) return
  const rules = written.resource.plural.endsWith('bindings')
    ? boundRules(world, user, written)
    : ownRules(world, user, written)
  const missing = missingRights(world, user, {
    rules,
    namespace: textAt(written.object, 'metadata', 'namespace'),
  })
  if (missing.length === 0) return
  const groups = user.groups.map((one) => JSON.stringify(one)).join(' ')
  const why = `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.join('\n')}`
  throw forbidden(nameOfResource(written.resource), textAt(written.object, 'metadata', 'name'), why)
}

// IsOnlyMutatingGCFields: anything else, a label too, is judged as if the whole were written anew.
function isOnlyForGarbage(before: JsonObject, object: JsonObject): boolean {
  const rest = (one: JsonObject): JsonObject => ({
    ...one,
    metadata: without(
      objectAt(one, 'metadata'),
      'ownerReferences',
      'finalizers',
      'managedFields',
      'resourceVersion',
    ),
  })
  return same(rest(before), rest(object))
}

function ownRules(world: World, user: User, { resource, object }: Written): readonly Json[] {
  const name = textAt(object, 'metadata', 'name')
  const may = mayDo(world, user, { verb: 'escalate', resource: resource.plural, name, of: object })
  return may ? [] : listAt(object, 'rules')
}

function boundRules(world: World, user: User, { resource, object }: Written): readonly Json[] {
  const name = textAt(object, 'roleRef', 'name')
  const plural = textAt(object, 'roleRef', 'kind') === 'ClusterRole' ? 'clusterroles' : 'roles'
  if (mayDo(world, user, { verb: 'bind', resource: plural, name, of: object })) return []
  const role = roleOf(world.store, object, textAt(object, 'metadata', 'namespace'))
  if (role === undefined) throw notFound(nameOfResource(resource), name)
  return listAt(role, 'rules')
}

const blank: Attributes = {
  verb: '',
  group: '',
  version: '*',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  path: '',
}

type Doing = Pick<Attributes, 'verb' | 'resource' | 'name'> & { readonly of: JsonObject }

function mayDo(world: World, user: User, { of, ...what }: Doing): boolean {
  const namespace = textAt(of, 'metadata', 'namespace')
  return world.authorize(user, { ...blank, ...what, group, namespace }).allowed
}

type Granting = { readonly rules: readonly Json[]; readonly namespace: string }

/** What the user lacks, one line each, in order. */
function missingRights(world: World, user: User, { rules, namespace }: Granting): readonly string[] {
  const held = rulesFor(world, user, namespace)
  const all = [...listAt(held, 'resourceRules'), ...listAt(held, 'nonResourceRules')]
  const missing = rules.flatMap(brokenDown).filter((what) => !all.some((rule) => ruleAllows(rule, what)))
  const verbs = Map.groupBy(missing, placeOf)
  return [...verbs]
    .map(([place, of]) => `{${place}, Verbs:[${quoted(of.map(({ verb }) => verb))}]}`)
    .toSorted()
}

const quoted = (texts: readonly string[]): string =>
  [...new Set(texts)].map((one) => JSON.stringify(one)).join(' ')

// As the real server compacts them: the same place with several verbs is one line; a path is one for each.
function placeOf(what: Attributes): string {
  if (what.path !== '') return `NonResourceURLs:["${what.path}"]`
  const resource = what.subresource === '' ? what.resource : `${what.resource}/${what.subresource}`
  const name = what.name === '' ? '' : `, ResourceNames:[${JSON.stringify(what.name)}]`
  return `APIGroups:[${JSON.stringify(what.group)}], Resources:[${JSON.stringify(resource)}]${name}`
}

function brokenDown(rule: Json): readonly Attributes[] {
  const names = textsAt(rule, 'resourceNames')
  return textsAt(rule, 'verbs').flatMap((verb) => [
    ...textsAt(rule, 'nonResourceURLs').map((path) => ({ ...blank, verb, path })),
    ...textsAt(rule, 'apiGroups').flatMap((group) =>
      textsAt(rule, 'resources').flatMap((full) => {
        const [resource = '', subresource = ''] = full.split('/')
        return (names.length === 0 ? [''] : names).map((name) => ({
          ...blank,
          verb,
          group,
          resource,
          subresource,
          name,
        }))
      }),
    ),
  ])
}
