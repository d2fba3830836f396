/** The options of writes: dry run, field manager, field validation. */
import { forbiddenField, required, unsupported, wrong, type FieldError } from '../errors/field.ts'
import { badRequest, invalid } from '../errors/status.ts'
import type { JsonObject } from '../json.ts'
import type { Request } from './request.ts'

/** How to write. */
export type WriteOptions = {
  readonly dryRun: boolean
  readonly manager: string
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore'
  readonly force: boolean
  /** As webhooks see them. */
  readonly asSent: JsonObject
}

type Verb = 'create' | 'update' | 'patch' | 'apply'

const kinds = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  apply: 'PatchOptions',
} as const

/** Reads the options of a write; throws 400 and 422. */
export function writeOptions(request: Request, verb: Verb): WriteOptions {
  const { query } = request
  const errors = [...patchProblems(query, verb), ...problems(query)]
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: kinds[verb] }, '', errors)
  const named = query.get('fieldManager') ?? ''
  const validation = query.get('fieldValidation')
  return {
    dryRun: isDry(query),
    manager: named || (request.userAgent.split('/')[0] ?? '') || 'unknown',
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    force: forced(query) === true,
    asSent: asSent(query, verb),
  }
}

const isDry = (query: URLSearchParams): boolean => query.getAll('dryRun').includes('All')

function asSent(query: URLSearchParams, verb: Verb): JsonObject {
  const given = ['fieldManager', 'fieldValidation'].flatMap((name) => {
    const value = query.get(name)
    return value === null || value === '' ? [] : [[name, value] as const]
  })
  return {
    // To admission a patch is an update, and force is nobody's business.
    kind: verb === 'create' ? kinds.create : kinds.update,
    apiVersion: 'meta.k8s.io/v1',
    ...(isDry(query) ? { dryRun: ['All'] } : {}),
    ...Object.fromEntries(given),
  }
}

function patchProblems(query: URLSearchParams, verb: Verb): readonly FieldError[] {
  if (verb === 'patch' && forced(query) !== undefined)
    return [forbiddenField('force', 'may not be specified for non-apply patch')]
  return verb === 'apply' && (query.get('fieldManager') ?? '') === ''
    ? [required('fieldManager', 'is required for apply patch')]
    : []
}

function problems(query: URLSearchParams): readonly FieldError[] {
  const errors: FieldError[] = []
  const dryRun = query.getAll('dryRun')
  const named = query.get('fieldManager') ?? ''
  const validation = query.get('fieldValidation') ?? ''
  if (dryRun.some((one) => one !== 'All' && one !== '')) errors.push(unsupported('dryRun', dryRun, ['All']))
  if (named.length > 128)
    errors.push({
      type: 'FieldValueTooLong',
      field: 'fieldManager',
      detail: 'may not be more than 128 bytes',
    })
  if (/[^\x20-\x7e]/.test(named))
    errors.push(wrong('fieldManager', named, 'should only contain printable characters'))
  if (!['', 'Strict', 'Warn', 'Ignore'].includes(validation)) {
    errors.push(unsupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']))
  }
  return errors
}

function forced(query: URLSearchParams): boolean | undefined {
  const force = query.get('force')
  if (force === null) return undefined
  if (!['true', 'false', '1', '0'].includes(force))
    throw badRequest(`force must be true or false, got ${JSON.stringify(force)}`)
  return force === 'true' || force === '1'
}
