/** Label selectors: in queries (`a=b,c in (d,e),!f`) and in objects (matchLabels, matchExpressions). */
import { isObject, listAt, textAt, textMapAt, textsAt, type Json, type JsonObject } from '../json.ts'
import { parseRequirements, type Requirement } from './label-parser.ts'

/** Whether labels are selected. */
export type LabelSelector = (labels: Readonly<Record<string, string>>) => boolean

/** Parses a selector of a query; throws 400 on one that is none. */
export function parseLabelSelector(text: string): LabelSelector {
  const requirements = parseRequirements(text)
  return (labels) => requirements.every((one) => holds(one, labels))
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
