/** The refusal of an apply that would change what others own (apimachinery pkg/util/managedfields/internal/conflict.go). */
import { ApiError } from '../errors/status.ts'
import type { Json } from '../json.ts'
import { identityOf, type Manager } from './managed.ts'
import type { Conflict } from './ownership.ts'
import { pathsOf } from './set.ts'

/** 409, with each field and its owner. */
export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const inOrder = conflicts.toSorted((a, b) => (identityOf(a.owner) < identityOf(b.owner) ? -1 : 1))
  const groups = inOrder.map(({ owner, fields }) => ({ who: whoIs(owner), fields: pathsOf(fields) }))
  const causes: readonly Json[] = groups.flatMap(({ who, fields }) =>
    fields.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
  )
  return new ApiError({ code: 409, reason: 'Conflict', message: sentence(groups), details: { causes } })
}

type Group = { readonly who: string; readonly fields: readonly string[] }

function sentence(groups: readonly Group[]): string {
  const [first] = groups
  const count = groups.reduce((sum, { fields }) => sum + fields.length, 0)
  if (count === 1 && first !== undefined)
    return `Apply failed with 1 conflict: conflict with ${first.who}: ${first.fields.join('')}`
  const parts = groups.map(
    ({ who, fields }) => `conflicts with ${who}:\n${fields.map((field) => `- ${field}`).join('\n')}`,
  )
  return `Apply failed with ${count} conflicts: ${parts.join('\n')}`
}

// Appliers are named only.
function whoIs(owner: Manager): string {
  const subresource = owner.subresource === '' ? '' : ` with subresource ${JSON.stringify(owner.subresource)}`
  const name = `${JSON.stringify(owner.manager)}${subresource}`
  return owner.operation === 'Apply' ? name : `${name} using ${owner.apiVersion}`
}
