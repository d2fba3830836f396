/** The reviews: who am I, who is this, may they do that. Nothing of them is stored. */
import { accountGroups, type User } from '../authn/users.ts'
import { wrong } from '../errors/field.ts'
import { badRequest, invalid } from '../errors/status.ts'
import { at, isObject, objectAt, setAt, textAt, textsAt, type Json, type JsonObject } from '../json.ts'
import { groupVersion, type Resource } from '../resources/resource.ts'
import { parseBody } from '../rest/body.ts'
import { decode } from '../rest/decode.ts'
import { json, type Answer, type Request } from '../rest/request.ts'
import { writeOptions } from '../rest/write-options.ts'
import type { World } from '../world.ts'
import type { Attributes } from './attributes.ts'
import { rulesFor } from './rules-review.ts'

type Review = (world: World, request: Request, object: JsonObject) => JsonObject

/** Answers the POST of a review. */
export async function answerReview(world: World, request: Request, resource: Resource): Promise<Answer> {
  const options = writeOptions(request, 'create')
  const body = await parseBody(request.body, request.contentType)
  const object = decode(resource, body, { options, warn: request.warn })
  const status = kinds[resource.kind]?.(world, request, object) ?? {}
  const placed = resource.namespaced
    ? setAt(object, ['metadata', 'namespace'], request.info.namespace)
    : object
  return json({ ...placed, kind: resource.kind, apiVersion: groupVersion(resource), status }, 201)
}

const kinds: Readonly<Record<string, Review>> = {
  SubjectAccessReview: (world, _request, object) => access(world, subjectOf(object), object),
  LocalSubjectAccessReview: local,
  SelfSubjectAccessReview: (world, request, object) => access(world, request.user, object),
  SelfSubjectReview: (_world, request) => ({ userInfo: userInfo(request.user) }),
  SelfSubjectRulesReview: (world, request, object) =>
    rulesFor(world, request.user, textAt(object, 'spec', 'namespace')),
  TokenReview: tokenReview,
}

/** A user as Kubernetes writes it. */
export function userInfo(user: User): JsonObject {
  const extra: Json = user.extra
  return {
    username: user.name,
    ...(user.uid === '' ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra }),
  }
}

function local(world: World, request: Request, object: JsonObject): JsonObject {
  const asked = textAt(object, 'spec', 'resourceAttributes', 'namespace')
  if (asked !== request.info.namespace) {
    throw invalid({ group: 'authorization.k8s.io', kind: '' }, '', [
      wrong('spec.resourceAttributes.namespace', asked, 'must match metadata.namespace'),
    ])
  }
  return access(world, subjectOf(object), object)
}

function subjectOf(object: JsonObject): User {
  const name = textAt(object, 'spec', 'user')
  const groups = textsAt(object, 'spec', 'groups')
  if (name === '' && groups.length === 0) {
    throw invalid({ group: 'authorization.k8s.io', kind: 'SubjectAccessReview' }, '', [
      wrong('spec.user', '', 'at least one of user or group must be specified'),
    ])
  }
  const extra = Object.fromEntries(
    Object.entries(objectAt(object, 'spec', 'extra')).map(([key]) => [
      key,
      textsAt(object, 'spec', 'extra', key),
    ]),
  )
  // Unlike authentication, a review adds no groups; only those that are named count.
  return { name, uid: textAt(object, 'spec', 'uid'), groups, extra }
}

function access(world: World, user: User, object: JsonObject): JsonObject {
  const answer = world.authorize(user, questionOf(object))
  return { allowed: answer.allowed, ...(answer.reason === '' ? {} : { reason: answer.reason }) }
}

function questionOf(object: JsonObject): Attributes {
  const of = at(object, 'spec', 'resourceAttributes')
  const path = at(object, 'spec', 'nonResourceAttributes')
  if (isObject(of) === isObject(path)) {
    throw invalid({ group: 'authorization.k8s.io', kind: textAt(object, 'kind') }, '', [
      wrong(
        'spec.resourceAttributes',
        isObject(of) ? of : null,
        isObject(of)
          ? 'cannot be specified in combination with nonResourceAttributes'
          : 'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    ])
  }
  const [verb, group, version] = [
    textAt(isObject(of) ? of : path, 'verb'),
    textAt(of, 'group'),
    textAt(of, 'version'),
  ]
  return {
    verb,
    group,
    version,
    resource: textAt(of, 'resource'),
    subresource: textAt(of, 'subresource'),
    namespace: textAt(of, 'namespace'),
    name: textAt(of, 'name'),
    path: textAt(path, 'path'),
  }
}

function tokenReview(world: World, _request: Request, object: JsonObject): JsonObject {
  const token = textAt(object, 'spec', 'token')
  if (token === '') throw badRequest('token is required for TokenReview in authentication')
  const asked = textsAt(object, 'spec', 'audiences')
  const found = world.users.ofToken(token, {
    now: world.clock.now(),
    ...(asked.length === 0 ? {} : { audiences: asked }),
  })
  if (found === undefined || found.user.name === '') return { user: {}, error: 'invalid bearer token' }
  const { user, audiences } = found
  const isTold = asked.length > 0 || accountGroups(user.name) !== undefined
  return { authenticated: true, user: userInfo(user), ...(isTold ? { audiences } : {}) }
}
