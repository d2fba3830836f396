/** What a visitor may see of what is known. */
import type { ActionRun } from '../api/action-run.ts'
import type { Gap, GapQuery } from './history/store.ts'
import type { Known } from './ports.ts'
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

/** What is known to be missing in the history; nothing is while it still reads what the cluster has. */
export const gapsSeen = async ({ ports }: Site, query: GapQuery): Promise<readonly Gap[]> =>
  ports.progress().isReading ? [] : (await ports.history.gaps(query)).gaps

/** The answer where something is not there, or must not be seen: both sound the same. */
export const missing = (what: string): Answer => ({
  problem: {
    status: 404,
    title: 'There is no such thing',
    detail: `${what} It may be gone, or you may not see it.`,
    reason: 'NotFound',
  },
})
