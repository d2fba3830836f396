/** TokenRequest: a bearer token for a service account; opaque here, for the audiences and the time that were asked for. */
import { randomBytes } from 'node:crypto'
import { stamp } from '../clock.ts'
import { at, objectAt, textsAt, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import { parseBody } from '../rest/body.ts'
import { getObject } from '../rest/list.ts'
import { uidOf } from '../rest/metadata.ts'
import { json, type Answer, type Request } from '../rest/request.ts'
import type { World } from '../world.ts'

/** Answers a POST to serviceaccounts/NAME/token. */
export async function issueToken(world: World, request: Request, resource: Resource): Promise<Answer> {
  const { namespace, name } = request.info
  const account = getObject(world, resource, { namespace, name })
  const body = await parseBody(request.body, request.contentType)
  const asked = at(body, 'spec', 'expirationSeconds')
  const seconds = typeof asked === 'number' && asked >= 600 ? asked : 3600
  const token = `sandbox.${randomBytes(24).toString('base64url')}`
  const asking = textsAt(body, 'spec', 'audiences')
  const expiresAt = world.clock.now() + seconds * 1000
  world.users.add({
    name: `system:serviceaccount:${namespace}:${name}`,
    token,
    uid: uidOf(account),
    expiresAt,
    ...(asking.length === 0 ? {} : { audiences: asking }),
  })
  const answer: JsonObject = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: stamp(world.clock.now()) },
    spec: { ...objectAt(body, 'spec'), expirationSeconds: seconds },
    status: { token, expirationTimestamp: stamp(expiresAt) },
  }
  return json(answer, 201)
}
