/** A soak from its first process to its last word. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from './cluster.ts'
import { startEffects } from './effects.ts'
import { furnish } from './furnish.ts'
import { growing, unbalanced } from './judge.ts'
import { decisionsOf, leftBehind, leftInside, whenQuiet } from './leftovers.ts'
import type { SoakOptions } from './options.ts'
import { playAll, type Watching } from './playing.ts'
import { end, firstLine, profiled, start } from './processes.ts'
import { report } from './report.ts'
import { metricsOf } from './sampler.ts'
import { startService } from './service.ts'
import { Tally } from './tally.ts'

/** Runs it; everything that is wrong. */
export async function soak(
  options: SoakOptions & { readonly folder: string },
  watching: Watching,
): Promise<readonly string[]> {
  const { folder, dir } = options
  const profile = options.profile ? dir : undefined
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  const undo: (() => Promise<unknown>)[] = []
  try {
    const box = start({
      args: [
        ...profiled(profile, 'cluster'),
        fileURLToPath(new URL('cluster-main.ts', import.meta.url)),
        folder,
      ],
      log: join(dir, 'cluster.log'),
    })
    undo.push(() => end(box))
    await firstLine(box, 'the cluster')
    const effects = await startEffects(join(dir, 'effects.log'))
    undo.push(effects.stop)
    const kubeconfig = join(folder, 'tidewaiter.kubeconfig')
    const log = join(dir, 'service.log')
    const { service, port } = await startService({ kubeconfig, log, temporary, profile })
    undo.push(() => end(service))
    const cluster = await connect(join(folder, 'admin.kubeconfig'))
    undo.push(cluster.stop)
    await furnish(cluster, { lanes: options.lanes + 1, effects: effects.url })
    const tally = new Tally()
    const stage = { cluster, effects, tally }
    const samples = await playAll(stage, { service, port }, { options, watching })
    await whenQuiet(stage, port)
    const metrics = await metricsOf(port)
    const inside = await leftInside(stage, metrics)
    const behind = await leftBehind(cluster, { code: await end(service), temporary })
    const decisions = await decisionsOf(cluster)
    watching.say(report({ tally, samples, metrics, decisions }))
    return [
      ...tally.wrongs,
      ...unbalanced({ tally, metrics, decisions }),
      ...growing(samples),
      ...inside,
      ...behind,
    ]
  } finally {
    for (const one of undo.toReversed()) await one()
  }
}
