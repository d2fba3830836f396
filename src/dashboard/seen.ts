/** What a visitor may see of what is known. */
import type { ActionRun } from '../api/action-run.ts'
import type { Filter, Gaps } from './history/store.ts'
import type { DashboardPorts, Known } from './ports.ts'
import type { View } from './rights.ts'
import type { Answer, Site, Visit } from './site.ts'

/** The namespaces in which the visitor may see a view. */
export const seenBy = async ({ ports }: Site, { visitor }: Visit, view: View): Promise<readonly Known[]> => {
  const namespaces = await visitor.sees(view)
  return ports.known.filter(({ namespace }) => namespaces.includes(namespace))
}

/** The runs that the visitor may see, by namespace. */
export const runsSeen = async (
  site: Site,
  visit: Visit,
): Promise<ReadonlyMap<string, readonly ActionRun[]>> =>
  new Map((await seenBy(site, visit, 'runs')).map((known) => [known.namespace, known.runs()]))

/** The namespaces of which the history has all that the cluster has: what it misses there is missing. */
export function readOf({ progress }: DashboardPorts, sight: readonly string[]): readonly string[] {
  const { reading } = progress()
  return sight.filter((namespace) => !reading.includes(namespace))
}

/** What of these namespaces is known to be missing in the history. */
export const gapsSeen = ({ ports }: Site, sight: readonly string[], filter: Filter): Promise<Gaps> =>
  ports.history.gaps({ sight: readOf(ports, sight), filter })

/** The answer where something is not there, or must not be seen: both sound the same. */
export const missing = (what: string): Answer => ({
  problem: {
    status: 404,
    title: 'There is no such thing',
    detail: `${what} It may be gone, or you may not see it.`,
    reason: 'NotFound',
  },
})
