/** The columns of pods; their status is made from phase, reason and container states. */
import { at, listAt, textAt, type JsonObject } from '../json.ts'
import type { Column } from '../resources/resource.ts'
import { age } from './age.ts'

const base = { type: 'string', format: '', priority: 0, description: '' }
function statusOf(pod: JsonObject): string {
  if (textAt(pod, 'metadata', 'deletionTimestamp') !== '') return 'Terminating'
  for (const container of listAt(pod, 'status', 'containerStatuses')) {
    const reason =
      textAt(container, 'state', 'waiting', 'reason') || textAt(container, 'state', 'terminated', 'reason')
    if (reason !== '') return reason
  }
  return textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase')
}

function restarts(pod: JsonObject): string {
  const counts = listAt(pod, 'status', 'containerStatuses').map((one) => Number(at(one, 'restartCount') ?? 0))
  return String(counts.reduce((sum, one) => sum + one, 0))
}

function ready(pod: JsonObject): string {
  const count = listAt(pod, 'status', 'containerStatuses').filter((one) => at(one, 'ready') === true).length
  return `${count}/${listAt(pod, 'spec', 'containers').length}`
}

/** What `kubectl get pods` shows. */
export const podColumns: readonly Column[] = [
  { ...base, name: 'Name', format: 'name', cell: (pod) => textAt(pod, 'metadata', 'name') },
  { ...base, name: 'Ready', cell: ready },
  { ...base, name: 'Status', cell: statusOf },
  { ...base, name: 'Restarts', cell: restarts },
  { ...base, name: 'Age', cell: (pod, now) => age(textAt(pod, 'metadata', 'creationTimestamp'), now) },
  { ...base, name: 'IP', priority: 1, cell: (pod) => textAt(pod, 'status', 'podIP') || '<none>' },
  { ...base, name: 'Node', priority: 1, cell: (pod) => textAt(pod, 'spec', 'nodeName') || '<none>' },
  { ...base, name: 'Nominated Node', priority: 1, cell: () => '<none>' },
  { ...base, name: 'Readiness Gates', priority: 1, cell: () => '<none>' },
]
