/** `tidewaiter holds list`: what is held, since when, for what, and where each stands. */
import { knobs } from '../knobs.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { findHolds, type FoundHold } from './found-holds.ts'
import { asJson, asYaml, outputProblems, type TableFlags } from './output.ts'
import { plain } from './plain.ts'
import { screenOf, type Tone } from './screen.ts'
import { table, type Column } from './table.ts'
import { tellUsage } from './usage.ts'
import { ageOf, agoOf } from './when.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type HoldsFlags = ClusterFlags & TableFlags & { readonly allNamespaces: boolean | undefined }

// What an install says otherwise is not known here; it decides only about what Velero has not moved for so long.
const stuckAfterMs = 1000 * Number(knobs.find(({ flag }) => flag === 'stuck-after-seconds')?.fallback)

/** Lists, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function holdsListed(
  flags: HoldsFlags,
  problems: readonly string[],
  world: CliWorld,
): Promise<void> {
  const all = [...problems, ...outputProblems(flags)]
  if (all.length > 0) return tellUsage(world, 'tidewaiter holds list', all)
  await inCluster(flags, world, async (cluster) => {
    const namespace = flags.allNamespaces === true ? undefined : flags.namespace
    const warn = (text: string) => world.stderr(`tidewaiter: warning: ${plain(text)}\n`)
    const now = clockOf(world).now()
    const holds = await findHolds(cluster, { namespace, now, stuckAfterMs, warn })
    world.stdout(written(holds, flags, world))
    if (holds.length === 0) {
      const where = namespace === undefined ? 'in any namespace' : `in namespace ${namespace} (-n, -A)`
      world.stderr(`Nothing is held ${where}.\n`)
    }
    world.exitCode(0)
  })
}

function written(holds: readonly FoundHold[], flags: HoldsFlags, world: CliWorld): string {
  switch (flags.output) {
    case 'json':
      return asJson({ items: holds })
    case 'yaml':
      return asYaml({ items: holds })
    case 'name':
      return holds.map(({ kind, name }) => `${kind.toLowerCase()}.velero.io/${name}\n`).join('')
    default: {
      if (holds.length === 0) return ''
      const style = { screen: screenOf(world), headers: flags.headers, wide: flags.output === 'wide' }
      return table(columns(flags.allNamespaces === true, clockOf(world).now()), holds, style)
    }
  }
}

const columns = (isOfAll: boolean, now: number): readonly Column<FoundHold>[] => [
  ...(isOfAll ? [{ head: 'NAMESPACE', cell: ({ namespace }: FoundHold) => namespace }] : []),
  { head: 'KIND', cell: ({ kind }) => kind, spare: true },
  { head: 'NAME', cell: ({ name }) => name, whole: true },
  { head: 'HELD', cell: ({ heldSince }) => agoOf(heldSince, now) },
  { head: 'LEFT', cell: ({ heldUntil }) => leftOf(heldUntil, now), spare: true },
  { head: 'STANDING', cell: ({ standing }) => standing, tone: toneOf },
  { head: 'ACTIONS', cell: ({ actions }) => actions?.join(',') ?? '-', spare: true },
  { head: 'RUN', cell: ({ run }) => run ?? '-', spare: true },
  { head: 'WHY', cell: ({ why }) => why ?? '-', wide: true, spare: true },
  { head: 'SCHEDULE', cell: ({ schedule }) => schedule ?? '-', wide: true, spare: true },
  { head: 'UNTIL', cell: ({ heldUntil }) => heldUntil ?? '-', wide: true, spare: true },
]

/** How long it may still be held. */
function leftOf(until: string | undefined, now: number): string {
  if (until === undefined) return '-'
  const left = Date.parse(until) - now
  return left > 0 ? ageOf(left) : 'none'
}

const tones: Readonly<Record<FoundHold['state'], Tone | undefined>> = {
  New: 'dim',
  Waiting: 'dim',
  Next: undefined,
  Running: 'good',
  KeyTaken: 'warn',
  Ending: undefined,
  Aborting: 'bad',
  Deleting: 'bad',
}
const toneOf = ({ state }: FoundHold): Tone | undefined => tones[state]
