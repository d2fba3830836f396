/** Label selectors: in queries (`a=b,c in (d,e),!f`) and in objects (matchLabels, matchExpressions). */
import { badRequest } from '../errors/status.ts'
import { isObject, listAt, textAt, textMapAt, textsAt, type Json, type JsonObject } from '../json.ts'

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
  const found = setRequirement(text) ?? comparison(text) ?? existence(text)
  if (found !== undefined) return found
  throw badRequest(
    `unable to parse requirement: found ${JSON.stringify(text.trim())}, expected: '=', '!=', '==', 'in', notin'`,
  )
}

function setRequirement(text: string): Requirement | undefined {
  const [, key, operator, values = ''] = set.exec(text) ?? []
  return key === undefined || operator === undefined
    ? undefined
    : { key, operator, values: values.split(',').map((one) => one.trim()) }
}

function comparison(text: string): Requirement | undefined {
  const [, key, sign, value = ''] = compare.exec(text) ?? []
  return key === undefined || sign === undefined
    ? undefined
    : { key, operator: sign === '==' ? '=' : sign, values: [value] }
}

function existence(text: string): Requirement | undefined {
  const [, not, key] = exists.exec(text) ?? []
  return key === undefined ? undefined : { key, operator: not === '!' ? 'absent' : 'exists', values: [] }
}

type Test = (value: string | undefined, values: readonly string[]) => boolean

const among: Test = (value, values) => value !== undefined && values.includes(value)
const notAmong: Test = (value, values) => !among(value, values)
const tests: Readonly<Record<string, Test>> = {
  exists: (value) => value !== undefined,
  absent: (value) => value === undefined,
  '=': among,
  in: among,
  '!=': notAmong,
  notin: notAmong,
  '>': (value, [wanted]) => value !== undefined && Number(value) > Number(wanted),
  '<': (value, [wanted]) => value !== undefined && Number(value) < Number(wanted),
}

function holds({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  return tests[operator]?.(value, values) === true
}

const operators: Readonly<Record<string, string>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: 'absent',
}

/** The selector of a metav1.LabelSelector; an absent or empty one selects all. */
export function labelSelectorOf(selector: Json | undefined): LabelSelector {
  if (!isObject(selector)) return () => true
  const requirements: Requirement[] = [
    ...Object.entries(textMapAt(selector, 'matchLabels')).map(([key, value]) => ({
      key,
      operator: '=',
      values: [value],
    })),
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
  return Object.entries(textMapAt(selector, 'matchLabels'))
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(',')
}
