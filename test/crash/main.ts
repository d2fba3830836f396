/**
 * `npm run crash`: the service in processes of its own that are killed, cut off and refused at every call they make, and what must
 * hold all the same. See README.md beside this.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Book, codeOf } from './book.ts'
import { campaign, seenInto, type Outcome, type Run } from './campaign.ts'
import { lanesOf } from './cluster.ts'
import { Coverage, type Plan } from './coverage.ts'
import { textOf } from './faults.ts'
import { firstStart, firstStarts } from './first-starts.ts'
import { startHarness } from './start.ts'
import { told } from './history.ts'
import { bookFile, folder, parsed, planFile, usage, type CrashOptions } from './options.ts'
import { scenarios } from './scenarios.ts'

const values = asked()
const keep = ({ index, plan, fired }: Run): string => {
  const name = `${values.seed}/${index}`
  // Of many that might have come, those that came.
  const { anyOf, ...rest } = plan
  const armed =
    anyOf === undefined ? plan.armed : [...plan.armed, ...fired.filter((one) => anyOf.includes(one))]
  writeFileSync(planFile(name), JSON.stringify({ ...rest, armed }))
  return name
}
const say = (line: string): void => console.log(line)

// Where all is well nothing else is said for minutes.
const saidMs = 30_000
const mostUnjudged = 0.05
// It takes a leader that could not look for a minute of the faster time, and died: of all objects few may meet that.
const mostUnfired = 0.01
const fewUnfired = 2
const mostShown = 20
let [played, saidAt] = [0, performance.now()]

function tell(run: Run): void {
  played += 1
  if (performance.now() - saidAt > saidMs) {
    saidAt = performance.now()
    say(`${played} runs after ${Math.round(saidAt / 1000)} s`)
  }
  if (values.verbose) say(`${run.name}: ${run.fired.map(textOf).join('; ') || 'no fault'}`)
  if (run.wrongs.length === 0) return
  say(`\nWRONG: ${run.name}\n${run.wrongs.map((one) => `  ${one}`).join('\n')}`)
  say(run.story.map((one) => `    ${told(one)}`).join('\n'))
  say(`  again: npm run crash -- --replay ${keep(run)}`)
}

// Which other objects are under way decides about the moment: one is played until it goes wrong again, twenty times at most.
const replayTimes = 20
const replayed = (name: string): readonly Plan[] =>
  Array.from({ length: replayTimes }, () => JSON.parse(readFileSync(planFile(name), 'utf8')) as Plan)

const only = values.replay === undefined ? undefined : replayed(values.replay)
const isAsked = (name: string) =>
  only === undefined ? values.scenarios.test(name) : name === only[0]?.scenario
mkdirSync(folder, { recursive: true })
const log = `${folder}/service.log`
rmSync(log, { force: true })
// Ended by hand: 'exit' ends the processes of the service, and that of the effects ends by itself.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const { seed, speed, replicas, traces } = values
const longestMs = values.minutes * 60_000
const shared = {
  seed,
  traces,
  untilWrong: values.untilWrong || only !== undefined,
  ...(only === undefined ? {} : { only }),
  onPlayed: tell,
}
const book = new Book(bookFile, () => codeOf(['src', 'test/crash', 'test/support', 'package-lock.json']))
const cannot = values.goesOn ? book.goOn() : undefined
if (cannot !== undefined) say(`nothing to go on with, all is tried: ${cannot}`)
const coverageOf = (part: string) =>
  new Coverage({ sites: values.sites, faults: values.faults }, book.of(part))

/** Keeps what a part covers, while it runs and when it has ended. */
async function kept(part: string, coverage: Coverage, run: () => Promise<Outcome>): Promise<Outcome> {
  // Only who goes on with it writes it: a short look at something must not take away what hours have covered.
  const keep = () => {
    const cannot = values.goesOn ? book.keep(part, coverage) : undefined
    if (cannot !== undefined) say(`what was covered could not be kept: ${cannot}`)
  }
  const timer = setInterval(keep, saidMs)
  try {
    return await run()
  } finally {
    clearInterval(timer)
    keep()
  }
}

const chosen = scenarios.filter(({ name }) => isAsked(name))

let isWell = true
if (isAsked(firstStart)) {
  const coverage = coverageOf(firstStart)
  const outcome = await kept(firstStart, coverage, () =>
    firstStarts(coverage, {
      ...shared,
      speed,
      replicas,
      folder,
      lanes: values.lanes,
      longestMs: longestMs / (chosen.length > 0 ? 3 : 1),
    }),
  )
  isWell = summed('first starts', outcome, { coverage, mayBeEmpty: chosen.length > 0 })
}
if (chosen.length > 0 && (isWell || !shared.untilWrong)) {
  const coverage = coverageOf('runs')
  const see = seenInto(coverage)
  let isFirstStart = true
  const onSite: typeof see = (seen) => (isFirstStart ? undefined : see(seen))
  const lanes = lanesOf(chosen, values.lanes)
  const harness = await startHarness({ lanes, log, speed, replicas, onSite })
  isFirstStart = false
  try {
    const left = longestMs - performance.now()
    const told = { ...shared, runs: values.runs, longestMs: left }
    const outcome = await kept('runs', coverage, () => campaign(harness, { lanes, coverage }, told))
    for (const line of harness.late) say(`LATE: ${line}`)
    isWell = summed('runs', outcome, { coverage, late: harness.late.length }) && isWell
  } finally {
    await harness.stop()
  }
}
process.exitCode = isWell ? 0 : 1

type Told = { readonly coverage: Coverage; readonly late?: number; readonly mayBeEmpty?: boolean }

/** Says what came of a part; whether it was well. */
function summed(what: string, outcome: Outcome, { coverage, late = 0, mayBeEmpty = false }: Told): boolean {
  const { runs, faults, seconds, voids, starts, kills, unjudged, unfired } = outcome
  const { traced, later } = coverage.summary()
  const perMinute = Math.round((runs / seconds) * 60)
  const others = voids === 0 ? '' : `, and ${voids} that other objects' faults kept from beginning`
  say(
    `\n${runs} ${what} in ${Math.round(seconds)} s (${perMinute} a minute)${others}; ${starts} processes of the service, ${kills} of them killed`,
  )
  say(
    `what clean traces show: ${traced.sites} call sites in their phases, ${traced.triples} triples with their faults, ${traced.covered} covered`,
  )
  const shown = values.verbose ? traced.missed : traced.missed.slice(0, mostShown)
  for (const { triple, tries, seen } of shown)
    say(`  not reached in ${tries} tries of this run (its call was seen ${seen} times): ${textOf(triple)}`)
  if (shown.length < traced.missed.length)
    say(`  and ${traced.missed.length - shown.length} more: --verbose shows them`)
  say(
    `what was seen only after a fault: ${later.sites} call sites in their phases, ${later.triples} triples, ${later.covered} covered`,
  )
  if (unjudged > 0)
    say(`${unjudged} say nothing: the machine was too busy (give it a slower clock: --speed 2)`)
  const isSilent = unfired > Math.max(fewUnfired, runs * mostUnfired)
  if (unfired > 0)
    say(
      `${unfired} say that their post actions were not fired${isSilent ? ': far too many, a leader should have' : ''}`,
    )
  const wrong = outcome.wrong.length + late
  say(`${wrong} wrong (seed ${seed})`)
  // Where no call of a first start was asked for there is nothing to try.
  const isEmpty = faults === 0 && !values.goesOn && !(mayBeEmpty && traced.triples === 0)
  if (isEmpty) say('no fault was tried: more runs, or more time, is needed to show anything')
  const isShort = values.whole && traced.missed.length > 0
  if (isShort) say('not all that clean traces show is covered: go on with --continue, or give it more time')
  return wrong === 0 && !isSilent && !isEmpty && !isShort && unjudged <= runs * mostUnjudged
}

function asked(): CrashOptions {
  const read = parsed(process.argv.slice(2))
  if ('problem' in read) console.error(`${read.problem}\n\n${usage}`)
  else if ('help' in read) console.log(usage)
  else return read
  process.exit('problem' in read ? 2 : 0)
}
