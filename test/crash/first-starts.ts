/** The first start of an install: nothing of it is there yet, and each call that its processes make meets each fault, in a cluster of its own. */
import { rmSync } from 'node:fs'
import { seenInto, type Outcome, type Run } from './campaign.ts'
import type { Case } from './case.ts'
import { lanesOf } from './cluster.ts'
import { seeded, type Coverage, type Plan } from './coverage.ts'
import { textOf } from './faults.ts'
import type { Harness, Played } from './harness.ts'
import type { Happening } from './history.ts'
import { isUnfired } from './judge.ts'
import { scenarios } from './scenarios.ts'
import { startHarness } from './start.ts'

/** What the plan of such a run calls its scenario: an object like any other, whose faults come before it. */
export const firstStart = 'first-start'

/** How much. */
export type FirstStartOptions = {
  readonly seed: number
  readonly speed: number
  readonly replicas: number
  /** Where the logs of those that went wrong are kept. */
  readonly folder: string
  /** So many installs at once. */
  readonly lanes: number
  /** Clean ones at the beginning. */
  readonly traces: number
  /** None begins after this, milliseconds of the wall. */
  readonly longestMs: number
  readonly untilWrong: boolean
  /** These and no others, instead of every triple. */
  readonly only?: readonly Plan[]
  readonly onPlayed: (run: Run) => void
}

const [lane = never()] = lanesOf(
  scenarios.filter(({ name }) => name === 'inline'),
  1,
)

const clean: Plan = { scenario: firstStart, armed: [], why: 'trace' }

/** Plays them: clean ones, then one for each triple that those show. */
export async function firstStarts(coverage: Coverage, options: FirstStartOptions): Promise<Outcome> {
  const began = performance.now()
  const count = { index: 0, unjudged: 0, unfired: 0, faults: 0, starts: 0, kills: 0 }
  const wrong: Run[] = []
  const isStopped = () =>
    performance.now() - began > options.longestMs || (options.untilWrong && wrong.length > 0)

  const play = async (plan: Plan): Promise<void> => {
    const index = (count.index += 1)
    const played = await playOne(`${firstStart}-${options.seed}-${index}`, plan, { coverage, options, count })
    coverage.played(plan, played)
    const run = { ...played, index: -index, plan }
    count.faults += run.fired.length
    if (!run.isJudged) count.unjudged += 1
    if (isUnfired(run.story)) count.unfired += 1
    if (run.wrongs.length > 0) wrong.push(run)
    options.onPlayed(run)
  }
  const playAll = (next: () => Plan | undefined): Promise<unknown> =>
    Promise.all(
      Array.from({ length: options.lanes }, async () => {
        for (let plan = next(); plan !== undefined && !isStopped(); plan = next()) await play(plan)
      }),
    )

  const left = [...(options.only ?? Array.from({ length: options.traces }, () => clean))]
  await playAll(() => left.shift())
  const traced = options.only === undefined ? count.index : 0
  coverage.isTracing = false
  const random = seeded(options.seed)
  if (options.only === undefined)
    await playAll(() => of(coverage.next('', true) ?? coverage.any('', random, true)))
  const seconds = (performance.now() - began) / 1000
  return { ...count, runs: count.index - traced, voids: 0, wrong, seconds }
}

function never(): never {
  throw new TypeError('first starts need the scenario "inline"')
}

const of = (plan: Plan | undefined): Plan | undefined =>
  plan === undefined ? undefined : { ...plan, scenario: firstStart }

type Playing = {
  readonly coverage: Coverage
  readonly options: FirstStartOptions
  readonly count: { starts: number; kills: number }
}

/** One install, and one object in it. */
async function playOne(name: string, plan: Plan, { coverage, options, count }: Playing): Promise<Played> {
  const { speed, replicas } = options
  const log = `${options.folder}/${name}.log`
  const see = seenInto(coverage)
  let first: Case | undefined
  let isStarting = true
  // All that a start does, also about the Actions that are applied then; what an install that stands does is for the other runs.
  const onSite: typeof see = (seen) => {
    if (isStarting) see({ ...seen, lane: undefined, after: [...(first?.fired ?? [])] })
  }
  const whole = (played: Omit<Played, 'isVoid'>): Played => {
    if (played.wrongs.length === 0) rmSync(log, { force: true })
    return { ...played, isVoid: false }
  }
  try {
    const harness = await startHarness({ lanes: [lane], speed, replicas, log, onSite }, (made) => {
      first = made.prepare(name, lane, plan)
    })
    isStarting = false
    try {
      if (first === undefined) throw new TypeError('nothing was prepared')
      const played = await harness.playPrepared(first)
      return whole({
        ...played,
        wrongs: [...played.wrongs, ...(await refused(harness, played)), ...harness.late],
      })
    } finally {
      count.starts += harness.services.starts
      count.kills += harness.services.kills
      await harness.stop()
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const wrongs = [
      `the install never worked after ${(first?.fired ?? plan.armed).map(textOf).join(', ') || 'no fault'}: ${why}`,
    ]
    return whole({ name, wrongs, story: first?.story ?? [], fired: first?.fired ?? [], isJudged: true })
  }
}

/** An object that a fault refused says nothing of the install: it must take another. */
async function refused(harness: Harness, { name, story, fired }: Played): Promise<readonly string[]> {
  const why = refusalIn(story)
  if (why === undefined) return []
  if (fired.length === 0) return [`the install refuses: ${why}`]
  let after: Played | undefined
  for (let tries = 0; tries < 3; tries += 1) {
    after = await harness.play(`${name}-after-${tries}`, lane, { armed: [] })
    const still = refusalIn(after.story)
    if (still === undefined) return after.wrongs
    if (!after.isVoid && !tooLate.test(still)) break
  }
  return [...(after?.wrongs ?? []), `the install still refuses: ${refusalIn(after?.story ?? [])}`]
}

// On a machine that others keep busy the time of an object may be over before it is looked at: that is no word about the install.
const tooLate = /an admission request has \d+ s/

function refusalIn(story: readonly Happening[]): string | undefined {
  const answer = story.find((one) => one.is === 'answered')
  return answer === undefined || answer.code < 300 ? undefined : `${answer.code} ${answer.message}`
}
