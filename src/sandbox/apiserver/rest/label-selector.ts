/** Label selectors: in queries (`a=b,c in (d,e),!f`) and in objects (matchLabels, matchExpressions). */
import { badRequest } from '../errors/status.ts'
import { isObject, listAt, objectAt, textAt, textMapAt, textsAt, type Json, type JsonObject } from '../json.ts'

/** Whether labels are selected. */
export type LabelSelector = (labels: Readonly<Record<string, string>>) => boolean

type Requirement = { readonly key: string; readonly operator: string; readonly values: readonly string[] }

const set = /^\s*([^\s!=<>,()]+)\s+(in|notin)\s*\(([^()]*)\)\s*$/
const compare = /^\s*([^\s!=<>,()]+)\s*(==|=|!=|>|<)\s*([^\s!=<>,()]*)\s*$/
const exists = /^\s*(!?)\s*([^\s!=<>,()]+)\s*$/

/** Parses a selector of a query; throws 400 on one that is none. */
export function parseLabelSelector(text: string): LabelSelector {
  if (text.trim() === '') return () => true
  const requirements = text.split(/,(?![^(]*\))/).map(requirementOf)
  return (labels) => requirements.every((one) => holds(one, labels))
}

function requirementOf(text: string): Requirement {
  const [, setKey, operator, values] = set.exec(text) ?? []
  if (setKey !== undefined && operator !== undefined) {
    return { key: setKey, operator, values: (values ?? '').split(',').map((one) => one.trim()) }
  }
  const [, key, sign, value] = compare.exec(text) ?? []
  if (key !== undefined && sign !== undefined) return { key, operator: sign === '==' ? '=' : sign, values: [value ?? ''] }
  const [, not, alone] = exists.exec(text) ?? []
  if (alone !== undefined) return { key: alone, operator: not === '!' ? 'absent' : 'exists', values: [] }
  throw badRequest(`unable to parse requirement: found ${JSON.stringify(text.trim())}, expected: '=', '!=', '==', 'in', notin'`)
}

function holds({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'exists':
      return value !== undefined
    case 'absent':
      return value === undefined
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case '>':
      return value !== undefined && Number(value) > Number(values[0])
    case '<':
      return value !== undefined && Number(value) < Number(values[0])
    default:
      return value !== undefined && values.includes(value)
  }
}

const operators: Readonly<Record<string, string>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: 'absent' }

/** The selector of a metav1.LabelSelector; an absent or empty one selects all. */
export function labelSelectorOf(selector: Json | undefined): LabelSelector {
  if (!isObject(selector)) return () => true
  const requirements: Requirement[] = [
    ...Object.entries(textMapAt(selector, 'matchLabels')).map(([key, value]) => ({ key, operator: '=', values: [value] })),
    ...listAt(selector, 'matchExpressions').map((one) => ({
      key: textAt(one, 'key'),
      operator: operators[textAt(one, 'operator')] ?? 'exists',
      values: textsAt(one, 'values'),
    })),
  ]
  return (labels) => requirements.every((one) => holds(one, labels))
}

/** A metav1.LabelSelector as text, for the scale subresource. */
export function selectorText(selector: JsonObject): string {
  return Object.entries(objectAt(selector, 'matchLabels')).map(([key, value]) => `${key}=${String(value)}`).toSorted().join(',')
}
