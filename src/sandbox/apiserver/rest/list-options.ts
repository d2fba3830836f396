/** The options of list and watch, checked as the real server checks them (apimachinery internalversion/validation). */
import { forbiddenField, unsupported, type FieldError } from '../errors/field.ts'
import { ApiError, badRequest, invalid } from '../errors/status.ts'
import type { JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import { textMapAt } from '../json.ts'
import { parseFieldSelector } from './field-selector.ts'
import { parseLabelSelector } from './label-selector.ts'
import { isTrue } from './request-info.ts'

/** What to list or watch. */
export type ListOptions = {
  readonly selects: (object: JsonObject) => boolean
  /** Whether there is any selector; then the number of remaining items is not told. */
  readonly selective: boolean
  readonly limit: number
  readonly continueToken: string
  readonly resourceVersion: string
  readonly match: string
  readonly sendInitialEvents: boolean
  readonly bookmarks: boolean
  readonly timeoutSeconds: number
}

const listKind = { group: 'meta.k8s.io', kind: 'ListOptions' }

/** Reads the options. */
export function listOptions(query: URLSearchParams, resource: Resource, watch: boolean): ListOptions {
  const get = (name: string): string => query.get(name) ?? ''
  const labels = parseLabelSelector(get('labelSelector'))
  const fields = parseFieldSelector(get('fieldSelector'), resource)
  const errors = problems(query, watch)
  if (errors.length > 0) throw invalid(listKind, '', errors)
  return {
    selects: (object) => fields(object) && labels(textMapAt(object, 'metadata', 'labels')),
    selective: get('labelSelector') !== '' || get('fieldSelector') !== '',
    limit: wholeNumber(query, 'limit'),
    continueToken: get('continue'),
    resourceVersion: checkedVersion(get('resourceVersion'), watch),
    match: get('resourceVersionMatch'),
    sendInitialEvents: isTrue(query.get('sendInitialEvents')),
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    timeoutSeconds: wholeNumber(query, 'timeoutSeconds'),
  }
}

function wholeNumber(query: URLSearchParams, name: string): number {
  const value = query.get(name) ?? ''
  if (value === '') return 0
  if (!/^-?\d{1,15}$/.test(value)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`)
  }
  return Math.max(0, Number(value))
}

// Only a list says in whose name it refuses.
function checkedVersion(text: string, watch: boolean): string {
  if (/^\d{0,19}$/.test(text)) return text
  const why = versionProblem(text)
  throw watch
    ? new ApiError({ code: 500, reason: '', message: why })
    : badRequest(`invalid resource version: ${why}`)
}

const versionProblem = (text: string): string =>
  `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`

/** Throws 500 on the resourceVersion of a GET that is no number. */
export function checkReadVersion(query: URLSearchParams): void {
  checkedVersion(query.get('resourceVersion') ?? '', true)
}

function problems(query: URLSearchParams, watch: boolean): readonly FieldError[] {
  const match = query.get('resourceVersionMatch') ?? ''
  if (watch) return watchProblems(match, query.has('sendInitialEvents'))
  if (query.has('sendInitialEvents'))
    return [forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list')]
  return match === ''
    ? []
    : listProblems(match, query.get('resourceVersion') ?? '', query.get('continue') ?? '')
}

function watchProblems(match: string, initial: boolean): readonly FieldError[] {
  if (initial)
    return match === 'NotOlderThan'
      ? []
      : [
          forbiddenField(
            'resourceVersionMatch',
            'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
          ),
        ]
  return match === ''
    ? []
    : [
        forbiddenField(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      ]
}

function listProblems(match: string, version: string, token: string): readonly FieldError[] {
  const errors: FieldError[] = []
  if (token !== '')
    errors.push(
      forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'),
    )
  if (version === '')
    errors.push(
      forbiddenField(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden unless resourceVersion is provided',
      ),
    )
  if (match !== 'Exact' && match !== 'NotOlderThan')
    errors.push(unsupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']))
  if (match === 'Exact' && version === '0') {
    errors.push(
      forbiddenField(
        'resourceVersionMatch',
        'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
      ),
    )
  }
  return errors
}
