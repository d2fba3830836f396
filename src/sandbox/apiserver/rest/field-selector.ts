/** Field selectors: `metadata.name=x,status.phase!=Running`. */
import { badRequest } from '../errors/status.ts'
import { textAt, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'

/** Whether an object is selected. */
export type FieldSelector = (object: JsonObject) => boolean

/** Parses a field selector; throws 400 on one that is none, and on fields that the resource cannot be selected by. */
export function parseFieldSelector(text: string, resource: Resource): FieldSelector {
  if (text === '') return () => true
  const terms = text
    .split(/(?<!\\),/)
    .filter(Boolean)
    .map((term) => termOf(term, resource))
  return (object) => terms.every((term) => term(object))
}

function termOf(term: string, resource: Resource): FieldSelector {
  const [, field, sign, raw] = /^([^=!]+)(==|=|!=)(.*)$/s.exec(term) ?? []
  if (field === undefined || raw === undefined) {
    throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`)
  }
  const get = getterOf(field.trim(), resource)
  const wanted = raw.replace(/\\([\\,=])/g, '$1')
  return (object) => (get(object) === wanted) === (sign !== '!=')
}

function getterOf(field: string, resource: Resource): (object: JsonObject) => string {
  if (field === 'metadata.name') return (object) => textAt(object, 'metadata', 'name')
  if (field === 'metadata.namespace' && resource.namespaced)
    return (object) => textAt(object, 'metadata', 'namespace')
  const get = Object.hasOwn(resource.selectable, field) ? resource.selectable[field] : undefined
  if (get === undefined) {
    // Kinds that have fields of their own say it in their own words.
    const label =
      resource.custom || Object.keys(resource.selectable).length > 0
        ? `field label not supported: ${field}`
        : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`
    throw badRequest(label)
  }
  return get
}
