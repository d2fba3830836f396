/** Whether a dashboard can be looked at. */
import type { Reflector } from '../kube/reflector-options.ts'
import { cutOffMs, unheard } from './life.ts'

type Followed = Pick<Reflector<unknown>, 'synced' | 'trouble' | 'silentMs'>

/** Why it cannot. What cannot be read is told on its pages and keeps nothing else from being shown: nothing at all must be known. */
export function dashboardNotReady(copies: readonly Followed[]): readonly string[] {
  const seen = copies.filter((copy) => copy.synced())
  if (copies.some((copy) => !copy.synced() && copy.trouble() === undefined))
    return ['the dashboard has not read everything yet']
  if (seen.length === 0) return ['the dashboard can read nothing of the cluster']
  return seen.every((copy) => copy.silentMs() > cutOffMs) ? [unheard] : []
}
