/** All lanes at the same time, and a look at the service every ten seconds. */
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '../crash/coverage.ts'
import { laneName } from './furnish.ts'
import { kindBy, restoreKind, type Kind } from './kinds.ts'
import { play, type Stage } from './lane.ts'
import type { SoakOptions } from './options.ts'
import { progress } from './report.ts'
import { sample, type Sample } from './sampler.ts'
import type { SoakService } from './service.ts'
import { sum } from './tally.ts'

/** What a soak tells, and what ends it early. */
export type Watching = { readonly say: (line: string) => void; readonly signal: AbortSignal }

type How = { readonly options: SoakOptions; readonly watching: Watching }

const sampleMs = 10_000
// Where nobody looks on, every third line is enough.
const saidEvery = process.stdout.isTTY ? 1 : 3
// The API server keeps Events for an hour; at this pace that is far more than it has room for here.
const eventsMs = 30_000
// One thing that is wrong is wrong a thousand times.
const mostWrongs = 20

/** Plays all of them; the looks at the service. */
export async function playAll(stage: Stage, at: SoakService, how: How): Promise<readonly Sample[]> {
  const done = new AbortController()
  const samples: Sample[] = []
  const looking = look(stage, { at, samples, done: done.signal }, how)
  const pruning = pruneEvents(stage, done.signal)
  try {
    await lanes(stage, how)
  } finally {
    done.abort()
    await Promise.all([looking, pruning])
  }
  return samples
}

async function lanes(stage: Stage, { options, watching }: How): Promise<void> {
  const { backups, seed, minutes } = options
  const endsAt = performance.now() + minutes * 60_000
  const random = seeded(seed)
  let begun = 0
  let isOver = false
  const next = (): Kind | undefined => {
    isOver ||= begun >= backups || performance.now() > endsAt
    isOver ||= watching.signal.aborted || stage.tally.wrongs.length >= mostWrongs
    return isOver ? undefined : kindBy(random())
  }
  const removals: Promise<void>[] = []
  const along = async (at: number, take: () => Kind | undefined): Promise<void> => {
    const lane = laneName(at)
    let before: Promise<void> = Promise.resolve()
    for (let kind = take(), n = 0; kind !== undefined; kind = take(), n += 1) {
      const { removed } = await play({ name: `${kind.name}-${lane}-${n}`, kind, lane }, stage)
      // At most a few behind: what is removed is bounded too.
      await before
      before = removed
    }
    removals.push(before)
  }
  const ofBackups = Array.from({ length: options.lanes }, (_, at) =>
    along(at, () => {
      const kind = next()
      if (kind !== undefined) begun += 1
      return kind
    }),
  )
  await Promise.all([...ofBackups, along(options.lanes, () => (isOver ? undefined : restoreKind))])
  await Promise.all(removals)
}

async function look(
  { tally }: Stage,
  { at, samples, done }: { readonly at: SoakService; readonly samples: Sample[]; readonly done: AbortSignal },
  { options, watching }: How,
): Promise<void> {
  const began = performance.now()
  while (!done.aborted) {
    await sleep(sampleMs, undefined, { signal: done }).catch(() => undefined)
    if (done.aborted) return
    const atMs = performance.now() - began
    const one = await sample(at, { atMs, done: sum(tally.ended) })
    samples.push(one)
    if (samples.length % saidEvery === 0) watching.say(progress(one, options.backups, tally.wrongs.length))
  }
}

async function pruneEvents({ cluster }: Stage, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    await sleep(eventsMs, undefined, { signal: done }).catch(() => undefined)
    await cluster.request({
      method: 'DELETE',
      path: '/api/v1/namespaces/velero/events',
      timeoutMs: eventsMs,
    })
  }
}
