/** Which nodes a Velero may run on, as far as the architecture goes. */
import { normalized, type Platform } from '../plugin-check/platform.ts'
import { at, textAt } from '../velero.ts'

const architectureLabels: ReadonlySet<string> = new Set(['kubernetes.io/arch', 'beta.kubernetes.io/arch'])

type Demand = (architecture: string) => boolean

/**
 * Reads it from a Deployment: its nodeSelector and what its node affinity requires. Demands on other labels are taken as met, for a
 * plugin that fits one node too many does no harm. Velero's image is for Linux only.
 */
export function runsOn(deployment: unknown): (platform: Platform) => boolean {
  const pod = at(deployment, 'spec', 'template', 'spec')
  const selected = [...architectureLabels].flatMap((label): readonly Demand[] => {
    const value = textAt(pod, 'nodeSelector', label)
    return value === '' ? [] : [(architecture) => architecture === value]
  })
  const required = at(pod, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution')
  // Terms are alternatives; what is in one of them must hold together.
  const terms = listAt(required, 'nodeSelectorTerms').map((term) =>
    listAt(term, 'matchExpressions').flatMap(demandOf),
  )
  return (platform) => {
    const { os, architecture } = normalized(platform)
    const holds = (demand: Demand) => demand(architecture)
    return (
      os === 'linux' &&
      selected.every(holds) &&
      (terms.length === 0 || terms.some((term) => term.every(holds)))
    )
  }
}

function demandOf(expression: unknown): readonly Demand[] {
  if (!architectureLabels.has(textAt(expression, 'key'))) return []
  const values = new Set(listAt(expression, 'values'))
  switch (textAt(expression, 'operator')) {
    case 'In':
      return [(architecture) => values.has(architecture)]
    case 'NotIn':
      return [(architecture) => !values.has(architecture)]
    default:
      return []
  }
}

function listAt(object: unknown, key: string): readonly unknown[] {
  const value = at(object, key)
  return Array.isArray(value) ? value : []
}
