/** Label selectors of bodies: as the API server takes them in a query, and what is wrong with one. */
import type { LabelSelector } from '../api/label-selector.ts'
import type { FieldProblem } from '../api/problems.ts'

/** The selector as text (apimachinery pkg/labels/selector.go): `tier=db,app in (a,b),!x`; '' selects everything. */
export const selectorText = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string =>
  [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      switch (operator) {
        case 'In':
          return `${key} in (${values.join(',')})`
        case 'NotIn':
          return `${key} notin (${values.join(',')})`
        case 'Exists':
          return key
        case 'DoesNotExist':
          return `!${key}`
      }
    }),
  ].join(',')

// apimachinery pkg/util/validation/validation.go: IsQualifiedName, IsValidLabelValue.
const part = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const subdomain = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'
const labelName = new RegExp(`^(${subdomain}/)?${part}$`)
const labelValue = new RegExp(`^(${part})?$`)

/** What cannot be a label; in a query it would mean something else. */
export function selectorProblems(selector: LabelSelector, path: string): readonly FieldProblem[] {
  const name = (at: string, key: string) =>
    labelName.test(key) ? [] : [{ path: at, want: 'be the name of a label', got: key }]
  const value = (at: string, text: string) =>
    labelValue.test(text) ? [] : [{ path: at, want: 'be a value that a label can have', got: text }]
  return [
    ...Object.entries(selector.matchLabels ?? {}).flatMap(([key, text]) => [
      ...name(`${path}.matchLabels`, key),
      ...value(`${path}.matchLabels[${key}]`, text),
    ]),
    ...(selector.matchExpressions ?? []).flatMap(({ key, values = [] }, i) => [
      ...name(`${path}.matchExpressions[${i}].key`, key),
      ...values.flatMap((text, j) => value(`${path}.matchExpressions[${i}].values[${j}]`, text)),
    ]),
  ]
}
