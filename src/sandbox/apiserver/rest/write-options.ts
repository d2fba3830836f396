/** The options of writes: dry run, field manager, field validation. */
import { unsupported, wrong } from '../errors/field.ts'
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

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions'

/** Reads the options of a write. */
export function writeOptions(request: Request, kind: OptionsKind): WriteOptions {
  const { query } = request
  const refuse = (field: Parameters<typeof invalid>[2][number]): never => {
    throw invalid({ group: 'meta.k8s.io', kind }, '', [field])
  }
  const dryRun = query.getAll('dryRun')
  const bad = dryRun.find((one) => one !== 'All')
  if (bad !== undefined && bad !== '') refuse(unsupported('dryRun', dryRun, ['All']))
  const named = query.get('fieldManager') ?? ''
  if (named.length > 128) refuse({ type: 'FieldValueTooLong', field: 'fieldManager', detail: 'may not be more than 128 bytes' })
  if (/[^\x20-\x7e]/.test(named)) refuse(wrong('fieldManager', named, 'should only contain printable characters'))
  const validation = query.get('fieldValidation') ?? ''
  if (!['', 'Strict', 'Warn', 'Ignore'].includes(validation)) {
    refuse(unsupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']))
  }
  const force = query.get('force')
  if (force !== null && !['true', 'false', '1', '0'].includes(force)) throw badRequest(`invalid value for force: ${force}`)
  return {
    dryRun: dryRun.includes('All'),
    manager: named || (request.userAgent.split('/')[0] ?? '') || 'unknown',
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    force: force === 'true' || force === '1',
    asSent: {
      kind,
      apiVersion: 'meta.k8s.io/v1',
      ...(dryRun.includes('All') ? { dryRun: ['All'] } : {}),
      ...(named === '' ? {} : { fieldManager: named }),
      ...(validation === '' ? {} : { fieldValidation: validation }),
      ...(force === null ? {} : { force: force === 'true' || force === '1' }),
    },
  }
}
