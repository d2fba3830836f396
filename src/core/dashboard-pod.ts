/** Which pod of the dashboard can be called. */
import { at, textAt, type Json } from './velero.ts'

/** The pod, or what was found instead of one and what to do. */
export type DashboardPod = { readonly name: string } | { readonly got: string; readonly next: string }

/** The pod that is ready and not on its way out. */
export function dashboardPod(pods: readonly Json[]): DashboardPod {
  const living = pods.filter((pod) => textAt(pod, 'metadata', 'deletionTimestamp') === '')
  const ready = living.find(isReady)
  if (ready !== undefined) return { name: textAt(ready, 'metadata', 'name') }
  if (living.length === 0)
    return {
      got: 'none',
      next: 'install it with the component deploy/components/dashboard, or name another namespace with -n',
    }
  const [name = ''] = living.map((pod) => textAt(pod, 'metadata', 'name'))
  return { got: `the pod ${name}, which is not`, next: `see: kubectl describe pod ${name}` }
}

function isReady(pod: Json): boolean {
  const conditions = at(pod, 'status', 'conditions')
  return (
    Array.isArray(conditions) &&
    conditions.some((one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True')
  )
}
