/** A number of runs: first clean ones for their traces, then every triple once, then random ones, all lanes at the same time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded, type Coverage, type Plan } from './coverage.ts'
import type { Harness, Played, SeenSite } from './harness.ts'
import type { Lane } from './cluster.ts'
import { isUnfired } from './judge.ts'

/** How much. */
export type CampaignOptions = {
  readonly seed: number
  readonly runs: number
  /** No run begins after this, milliseconds of the wall. */
  readonly longestMs: number
  /** Ends with the first run that is wrong. */
  readonly untilWrong?: boolean
  /** Clean runs of each lane at the beginning. */
  readonly traces?: number
  /** These and no others, instead of all that. */
  readonly only?: readonly Plan[]
  readonly onPlayed?: (run: Run) => void
}

/** One run. */
export type Run = Played & { readonly index: number; readonly plan: Plan }

/** What came of it. */
export type Outcome = {
  /** Those that were to meet faults: the clean ones before do not count. */
  readonly runs: number
  readonly voids: number
  /** Of those that the machine was too busy for. */
  readonly unjudged: number
  /** Of those whose object says that its post actions were not fired. */
  readonly unfired: number
  readonly wrong: readonly Run[]
  readonly seconds: number
  /** Faults that happened. */
  readonly faults: number
  /** Processes of the service, and those of them that were killed. */
  readonly starts: number
  readonly kills: number
}

/** Tells a book of coverage what a harness sees. */
export const seenInto =
  (coverage: Coverage) =>
  ({ lane, site, phase, after }: SeenSite): void =>
    coverage.see({ scenario: lane?.scenario.name ?? '', site, phase, after })

/** Whether a process may be killed, as soon as one may; false after two seconds. */
async function mayKillSoon(harness: Harness): Promise<boolean> {
  for (let left = 2_000; left > 0; left -= 100) {
    await sleep(100)
    if (harness.mayKill()) return true
  }
  return false
}

/** First each triple by itself, then, in turn, those that did not come so and whatever chance has. */
function nextOf(
  coverage: Coverage,
  scenario: string,
  { random, mayKill }: { readonly random: () => number; readonly mayKill: boolean },
): Plan {
  const alone = coverage.next(scenario, mayKill)
  if (alone !== undefined) return alone
  const of = random() < 0.2 ? '' : scenario
  const any = random() < 0.6 ? coverage.any(of, random, mayKill) : undefined
  return any === undefined ? coverage.random(scenario, random, mayKill) : { ...any, scenario }
}

/** Plays them. */
export async function campaign(
  harness: Harness,
  { lanes, coverage }: { readonly lanes: readonly Lane[]; readonly coverage: Coverage },
  options: CampaignOptions,
): Promise<Outcome> {
  const began = performance.now()
  let [index, traced, voids, unjudged, unfired, faults, draws] = [0, 0, 0, 0, 0, 0, 0]
  const wrong: Run[] = []
  const isStopped = () =>
    performance.now() - began > options.longestMs || (options.untilWrong === true && wrong.length > 0)
  const isOver = ({ why }: Plan) => isStopped() || (why !== 'trace' && index - traced >= options.runs)
  const play = async (lane: Lane, plan: Plan): Promise<void> => {
    const number = (index += 1)
    for (let tries = 0; tries < 4; tries += 1) {
      const again = tries === 0 ? '' : `-${tries}`
      const played = await harness.play(`${lane.scenario.name}-${options.seed}-${number}${again}`, lane, plan)
      if (played.isVoid && tries < 3) {
        voids += 1
        if (played.wrongs.length === 0) continue
      }
      coverage.played(plan, played)
      const run = { ...played, index: number, plan }
      faults += played.fired.length
      if (!played.isJudged) unjudged += 1
      if (isUnfired(played.story)) unfired += 1
      if (run.wrongs.length > 0) wrong.push(run)
      options.onPlayed?.(run)
      return
    }
  }
  const along = async (
    lane: Lane,
    next: () => Plan | undefined | Promise<Plan | undefined>,
  ): Promise<void> => {
    for (let plan = await next(); plan !== undefined && !isOver(plan); plan = await next()) {
      await harness.whenBearable()
      await play(lane, plan)
    }
  }
  if (options.only !== undefined) {
    const left = [...options.only]
    await Promise.all(
      lanes.map((lane) =>
        along(
          lane,
          () =>
            left.splice(
              left.findIndex(({ scenario }) => scenario === lane.scenario.name),
              1,
            )[0],
        ),
      ),
    )
  } else {
    // For the calls of a start.
    harness.restartStandby()
    await Promise.all(
      lanes.map((lane) => {
        let left = options.traces ?? 2
        return along(lane, () =>
          (left -= 1) < 0 ? undefined : { scenario: lane.scenario.name, armed: [], why: 'trace' },
        )
      }),
    )
    coverage.isTracing = false
    traced = index
    await Promise.all(
      lanes.map((lane) =>
        along(lane, async () => {
          const { name } = lane.scenario
          const random = seeded(options.seed * 1_000_003 + (draws += 1))
          let mayKill = harness.mayKill()
          while (coverage.canMeet(name)) {
            const plan = nextOf(coverage, name, { random, mayKill })
            // What would meet nothing shows nothing: then only kills are left, or what others try now.
            if (plan.armed.length > 0 || plan.anyOf !== undefined || isOver(plan)) return plan
            mayKill = await mayKillSoon(harness)
          }
          return undefined
        }),
      ),
    )
  }
  const { starts, kills } = harness.services
  const seconds = (performance.now() - began) / 1000
  return { runs: index - traced, voids, unjudged, unfired, faults, wrong, seconds, starts, kills }
}
