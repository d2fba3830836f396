/** The status of VeleroPlugins and the Events on them. Leader only. */
import type { VeleroPluginStatus } from '../api/velero-plugin.ts'
import { createQueue, type Queue } from '../control/queue.ts'
import { pluginNotes, type PluginNote } from '../core/plugin/notes.ts'
import { pluginStatus, type PluginFacts } from '../core/plugin/status.ts'
import { standingOf } from '../core/plugin/findings.ts'
import { isKubeError } from '../kube/errors.ts'
import type { KeptPlugin } from './plugin-sources.ts'
import type { Plugins } from './plugins.ts'
import { writeEvent } from './events.ts'
import type { World } from './world.ts'

/** Writes them while this process leads. */
export type PluginKeeper = {
  /** Something that the status of the plugins of a namespace is made of changed; dropped while this process does not lead. */
  readonly onPlugin: (namespace: string) => void
  /** Leads until the signal aborts. */
  readonly lead: (signal: AbortSignal) => Promise<void>
}

const everyMs = 60_000
const mostTold = 4096

/** The keeper of one process. */
export function createPluginKeeper(world: () => World, plugins: () => Plugins): PluginKeeper {
  let queue: Queue | undefined
  const onPlugin = (namespace: string) => {
    for (const { name } of plugins().sources.get(namespace)?.plugins.list() ?? [])
      queue?.add(`${namespace}/${name}`)
  }
  return {
    onPlugin,
    lead: async (signal) => {
      const { clock, log } = world()
      const told: Told = new Map()
      const seed = () => [...plugins().sources.keys()].forEach(onPlugin)
      const own = createQueue({
        clock,
        log,
        name: 'plugin status',
        onRoom: seed,
        work: (key) => reconcile({ world: world(), plugins: plugins(), told }, key),
      })
      queue = own
      const counting = async () => {
        while (!signal.aborted) {
          count(world(), plugins())
          seed()
          await clock.sleep(everyMs, signal).catch(() => undefined)
        }
      }
      try {
        await Promise.all([own.start(signal), counting()])
      } finally {
        queue = undefined
        world().metrics.plugins.reset()
      }
    },
  }
}

/** How often something was told by this leader, by Event. */
type Told = Map<string, { readonly count: number; readonly firstAt: number }>
type Keeping = { readonly world: World; readonly plugins: Plugins; readonly told: Told }

async function reconcile({ world, plugins, told }: Keeping, key: string): Promise<void> {
  const [namespace = '', name = ''] = key.split('/')
  const kept = plugins.sources.get(namespace)?.plugins.get(namespace, name)
  const facts = kept === undefined ? undefined : factsOf(plugins, { namespace, kept })
  if (kept === undefined || facts === undefined) return
  const status = pluginStatus(facts, world.clock.now())
  if (status === undefined || !(await written(world, { namespace, kept }, status))) return
  // Only after the record: what was not written is told by whoever writes it.
  for (const note of pluginNotes(kept.status, status)) await tell({ world, told }, { namespace, kept }, note)
}

/** Undefined while it is not known what is declared, or nothing is known of this one. */
function factsOf({ book, sources }: Plugins, { namespace, kept }: Which): PluginFacts | undefined {
  const { generation, status, document } = kept
  const page = book.now(namespace)
  const problems = page?.faults.get(document.label)
  const findings = page?.findings.find(({ plugin }) => plugin.declaredIn === document.label)
  const known = problems === undefined ? findings : { problems }
  const deployments = sources.get(namespace)?.deployments
  const isRead = deployments?.synced() === true
  return (
    known && { namespace, generation, status, known, deployments: isRead ? deployments.list() : undefined }
  )
}

type Which = { readonly namespace: string; readonly kept: KeptPlugin }

/** A merge patch replaces lists whole; what is no longer said is taken away by its null. */
async function written(
  world: World,
  { namespace, kept }: Which,
  status: VeleroPluginStatus,
): Promise<boolean> {
  const { resourceVersion, name } = kept
  const patch = {
    metadata: { resourceVersion },
    status: { digest: null, initContainer: null, ...status },
  }
  try {
    await world.calls.own('veleroplugins', namespace).mergePatch(name, patch, { subresource: 'status' })
    return true
  } catch (error) {
    // Written by somebody else meanwhile: its change brings this key again.
    if (isKubeError(error, 'NOT_FOUND', 'CONFLICT')) return false
    throw error
  }
}

async function tell(
  { world, told }: Pick<Keeping, 'world' | 'told'>,
  { namespace, kept: { name, uid } }: Which,
  { type, reason, message }: PluginNote,
): Promise<void> {
  const now = world.clock.now()
  const before = told.get(`${uid} ${reason}`)
  const series = {
    cause: reason,
    count: (before?.count ?? 0) + 1,
    firstAt: before?.firstAt ?? now,
    lastAt: now,
  }
  // Plugins come and go; a count that begins anew does no harm.
  if (told.size > mostTold) told.clear()
  told.set(`${uid} ${reason}`, series)
  await writeEvent(world, {
    regarding: { kind: 'VeleroPlugin', namespace, name, uid },
    type,
    reason,
    message,
    series,
  })
}

function count({ metrics }: World, { book, sources }: Plugins): void {
  for (const namespace of sources.keys()) {
    const known = book.now(namespace)
    if (known === undefined) continue
    for (const standing of ['Ready', 'NotReady', 'Unknown'] as const)
      metrics.plugins.set(
        { namespace, standing },
        known.findings.filter((one) => standingOf(one) === standing).length,
      )
    metrics.plugins.set({ namespace, standing: 'Invalid' }, known.faults.size)
  }
}
