/** The options of DELETE: from the body if there is one, else from the query (apimachinery pkg/apis/meta/v1/validation). */
import { unsupported, wrong, type FieldError } from '../errors/field.ts'
import { badRequest, invalid } from '../errors/status.ts'
import { at, isObject, textAt, textsAt, type Json, type JsonObject } from '../json.ts'
import { parseBody } from './body.ts'
import type { Request } from './request.ts'
import { isTrue } from './request-info.ts'

/** What becomes of the objects that the deleted one owns. */
export type Policy = 'Orphan' | 'Foreground' | 'Background'

/** How to delete. */
export type DeleteOptions = {
  /** Undefined where nothing is said: then it is as an earlier deletion said. */
  readonly policy: Policy | undefined
  /** Whether the client said orphanDependents=false, and so is told by a 202 that something is still there. */
  readonly cascading: boolean
  /** Preconditions; '' for none. */
  readonly uid: string
  readonly resourceVersion: string
  readonly dryRun: boolean
  /** As webhooks see them. */
  readonly asSent: JsonObject
}

/** Reads the options of a deletion; throws 400 and 422. */
export async function deleteOptions(request: Request): Promise<DeleteOptions> {
  const sent =
    request.body.length === 0
      ? queried(request.query)
      : decoded(await parseBody(request.body, request.contentType))
  const errors = problems(sent)
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
  return {
    policy: policyOf(sent),
    cascading: at(sent, 'orphanDependents') === false,
    uid: textAt(sent, 'preconditions', 'uid'),
    resourceVersion: textAt(sent, 'preconditions', 'resourceVersion'),
    dryRun: textsAt(sent, 'dryRun').includes('All'),
    asSent: { ...sent, kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
  }
}

function decoded(body: Json): JsonObject {
  if (!isObject(body)) throw badRequest(`expected DeleteOptions, got ${JSON.stringify(body).slice(0, 100)}`)
  const kind = textAt(body, 'kind')
  if (kind === '' || kind === 'DeleteOptions') return body
  const version = textAt(body, 'apiVersion')
  throw badRequest(
    `${kind} in version ${JSON.stringify(version.slice(version.indexOf('/') + 1))} cannot be handled as DeleteOptions`,
  )
}

function queried(query: URLSearchParams): JsonObject {
  const policy = query.get('propagationPolicy') ?? ''
  const orphan = query.get('orphanDependents')
  const dryRun = query.getAll('dryRun')
  return {
    ...(policy === '' ? {} : { propagationPolicy: policy }),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
  }
}

const policies: readonly string[] = ['Foreground', 'Background', 'Orphan']

function problems(options: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = []
  const policy = textAt(options, 'propagationPolicy')
  const dryRun = textsAt(options, 'dryRun')
  if (policy !== '' && typeof at(options, 'orphanDependents') === 'boolean') {
    errors.push(
      wrong('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'),
    )
  }
  if (policy !== '' && !policies.includes(policy))
    errors.push(unsupported('propagationPolicy', policy, [...policies, 'nil']))
  if (dryRun.some((one) => one !== 'All')) errors.push(unsupported('dryRun', dryRun, ['All']))
  return errors
}

function policyOf(options: JsonObject): Policy | undefined {
  const orphan = at(options, 'orphanDependents')
  if (typeof orphan === 'boolean') return orphan ? 'Orphan' : 'Background'
  const asked = textAt(options, 'propagationPolicy')
  return asked === 'Orphan' || asked === 'Foreground' || asked === 'Background' ? asked : undefined
}
