/** What a body that calls the Kubernetes API aims at: its selector as the API server takes it, and in words. */
import type { LabelSelector } from '../api/label-selector.ts'
import type { FieldProblem } from '../api/problems.ts'

/** One object, or those with some labels. */
export type Target = {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace?: string
  readonly name?: string
  readonly selector?: LabelSelector
}

/** Most objects that one action takes on. */
export const mostObjects = 100

// apimachinery pkg/util/validation: IsQualifiedName, IsValidLabelValue.
const key = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const value = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

/** Every problem of a target at `path`: labels that no object can have, and a selector that selects everything. */
export function targetProblems({ selector, name }: Target, path: string): readonly FieldProblem[] {
  if (name === '.' || name === '..')
    return [{ path: `${path}.name`, want: 'be the name of an object', got: name }]
  if (selector === undefined) return []
  const { matchLabels = {}, matchExpressions = [] } = selector
  const keys = [...Object.keys(matchLabels), ...matchExpressions.map((one) => one.key)]
  const values = [...Object.values(matchLabels), ...matchExpressions.flatMap((one) => one.values ?? [])]
  const at = `${path}.selector`
  return [
    ...(keys.length === 0
      ? [{ path: at, want: 'name at least one label: else it would be every object' }]
      : []),
    ...keys
      .filter((one) => !key.test(one))
      .map((got) => ({ path: at, want: 'name labels that an object can have', got })),
    ...values
      .filter((one) => !value.test(one))
      .map((got) => ({ path: at, want: 'name values that a label can have', got })),
  ]
}

/** A selector as the API server takes it: `app=web,tier in (a,b),!old`. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.entries(matchLabels).map(([name, wanted]) => `${name}=${wanted}`)
  const others = matchExpressions.map(({ key: name, operator, values = [] }) => {
    switch (operator) {
      case 'In':
        return `${name} in (${values.join(',')})`
      case 'NotIn':
        return `${name} notin (${values.join(',')})`
      case 'Exists':
        return name
      case 'DoesNotExist':
        return `!${name}`
    }
  })
  return [...labels, ...others].join(',')
}

/** A target in words: `apps/v1 Deployment shop/web`, `batch/v1 CronJob shop/*[app=web]`. */
export function targetText({ apiVersion, kind, namespace, name, selector }: Target): string {
  const which = name ?? `*[${selectorText(selector ?? {})}]`
  return `${apiVersion} ${kind} ${namespace === undefined ? '' : `${namespace}/`}${which}`
}
