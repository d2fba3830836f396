/** `tidewaiter decisions watch`: the last ten decisions, and each one as it comes, once, whatever becomes of the connection. */
import { group, version } from '../api/schema.ts'
import { textAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import { createReflector } from '../kube/reflector.ts'
import { collectionPath } from '../kube/resource.ts'
import type { Log } from '../log.ts'
import { inCluster } from './cluster.ts'
import { clockOf, logTo } from './command.ts'
import { writtenDecisions, type ListFlags } from './decisions-list.ts'
import { filterOf, findDecisions, foundDecision, type FoundDecision } from './found-decisions.ts'
import { outputProblems } from './output.ts'
import { tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

const shownAtFirst = 10

/** Shows decisions until it is stopped, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function watchDecisions(
  flags: ListFlags,
  problems: readonly string[],
  world: CliWorld,
): Promise<void> {
  const clock = clockOf(world)
  const filter = filterOf({ ...flags, since: undefined, until: undefined, limit: undefined }, clock.now())
  const all = [...problems, ...outputProblems(flags), ...filter.problems]
  if (all.length > 0) return tellUsage(world, 'tidewaiter decisions watch', all)
  const show = shower(flags, world)
  await inCluster(flags, world, async (cluster, stop) => {
    const namespace = flags.allNamespaces === true ? undefined : flags.namespace
    const news = new News()
    const there = (await findDecisions(cluster, namespace)).filter((one) => news.take(one))
    show(there.filter(filter.holds).slice(0, shownAtFirst).toReversed())
    const broken = new AbortController()
    await createReflector<FoundDecision>({
      client: cluster.client,
      clock,
      path: collectionPath({ group, version, plural: 'admissiondecisions', namespace }),
      log: watchLog(world, (error) => broken.abort(error)),
      project: foundDecision,
      onChange: ({ type, object }) => {
        if (type !== 'deleted' && news.take(object) && filter.holds(object)) show([object])
      },
    }).start(AbortSignal.any([stop, broken.signal]))
    broken.signal.throwIfAborted()
    // Ctrl-C, or a reader that has read enough, is how it is meant to end.
    world.exitCode(0)
  })
}

/** Writes decisions under one head, each piece as wide as those before. */
function shower(flags: ListFlags, world: CliWorld): (found: readonly FoundDecision[]) => void {
  const widths = new Map<string, number>()
  let isFirst = true
  return (found) => {
    if (found.length === 0) return
    const headers = flags.headers && isFirst
    isFirst = false
    world.stdout(writtenDecisions(found, { flags: { ...flags, headers }, world, inLines: { widths } }))
  }
}

/** What was told of each record: a list that begins anew after a break tells nothing twice. */
class News {
  readonly #told = new Map<string, { readonly uid: string; readonly count: number }>()

  /** Whether the record says more than was told of it. */
  take({ namespace, name, raw, record }: FoundDecision): boolean {
    const key = `${namespace}/${name}`
    const uid = textAt(raw, 'metadata', 'uid')
    const count = record?.status.count ?? 1
    const before = this.#told.get(key)
    this.#told.set(key, { uid, count })
    return before === undefined || before.uid !== uid || before.count < count
  }
}

/** A log for who watches: what time mends is a warning with its reason, what it does not mend ends the watch. */
function watchLog(world: CliWorld, end: (error: unknown) => void): Log {
  const log = logTo(world)
  return {
    ...log,
    warn: (fields, message) => {
      const error = 'err' in fields ? fields.err : undefined
      if (isKubeError(error, 'FORBIDDEN', 'UNAUTHORIZED', 'NOT_FOUND')) return end(error)
      log.warn(fields, error instanceof Error ? `${message}: ${error.message}` : message)
    },
  }
}
