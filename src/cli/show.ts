/** How one object of ours is found and printed: `runs show`, `decisions show`. */
import type { Json } from '../core/velero.ts'
import type { Reached } from '../wiring/reach.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { asJson, asYaml, outputProblems, withoutFields, type OutputFlags } from './output.ts'
import { screenOf, type Screen } from './screen.ts'
import { sheet } from './sheet.ts'
import { tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

/** The flags of `show`. */
export type ShowFlags = ClusterFlags & OutputFlags

/** How it is told. */
export type Telling = { readonly screen: Screen; readonly now: number; readonly wide: boolean }

/** A kind of which one object is shown. */
export type Shown<T> = {
  readonly command: string
  readonly kind: string
  readonly plural: string
  /** The object, or why this version cannot read it. */
  readonly read: (raw: Json) => { readonly ok: T } | { readonly problem: string }
  readonly told: (one: T, telling: Telling) => string
  /** What to do where there is none of that name. */
  readonly next: (name: string, namespace: string, cluster: Reached) => Promise<string>
}

/** What was asked for; `problems` are those that were found already. */
export type Asked = {
  readonly name: string
  readonly flags: ShowFlags
  readonly problems: readonly string[]
}

/** Shows one, or tells what is wrong with the flags. */
export async function showOne<T>(
  shown: Shown<T>,
  { name, flags, problems }: Asked,
  world: CliWorld,
): Promise<void> {
  const all = [...problems, ...outputProblems(flags)]
  if (all.length > 0) return tellUsage(world, `tidewaiter ${shown.command}`, all)
  await inCluster(flags, world, async (cluster) => {
    const { namespace, output } = flags
    const raw = await cluster.calls.own(shown.plural, namespace).find(name)
    if (raw === undefined) {
      const next = await shown.next(name, namespace, cluster)
      const what = `there is no ${shown.kind} ${JSON.stringify(name)} in namespace ${namespace}`
      world.stderr(`tidewaiter: ${what}; ${next}\n`)
      return world.exitCode(1)
    }
    world.stdout(written(shown, { raw, name, output }, world))
    world.exitCode(0)
  })
}

type Found = { readonly raw: Json; readonly name: string; readonly output: string }

function written<T>(shown: Shown<T>, { raw, name, output }: Found, world: CliWorld): string {
  switch (output) {
    case 'json':
      return asJson(withoutFields(raw))
    case 'yaml':
      return asYaml(withoutFields(raw))
    case 'name':
      return `${shown.kind.toLowerCase()}.tidewaiter.io/${name}\n`
    default: {
      const screen = screenOf(world)
      const read = shown.read(raw)
      if ('ok' in read)
        return shown.told(read.ok, { screen, now: clockOf(world).now(), wide: output === 'wide' })
      return sheet(
        [
          ['Name', name],
          ['Unreadable', read.problem, 'bad'],
        ],
        screen,
      )
    }
  }
}
