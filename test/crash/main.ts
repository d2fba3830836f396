/**
 * `npm run crash`: the service in processes of its own that are killed, cut off and refused at every call they make, and what must
 * hold all the same. See README.md beside this.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { campaign, seenInto, type Run } from './campaign.ts'
import { lanesOf } from './cluster.ts'
import { Coverage, type Plan } from './coverage.ts'
import { textOf } from './faults.ts'
import { startHarness } from './start.ts'
import { told } from './history.ts'
import { folder, parsed, planFile, usage, type CrashOptions } from './options.ts'
import { scenarios } from './scenarios.ts'

const values = asked()
const keep = ({ index, plan }: Run): string => {
  const name = `${values.seed}/${index}`
  writeFileSync(planFile(name), JSON.stringify(plan))
  return name
}
const say = (line: string): void => console.log(line)

// Where all is well nothing else is said for minutes.
const saidMs = 30_000
const mostUnjudged = 0.05
const mostShown = 20
let [played, faults, saidAt] = [0, 0, performance.now()]

function tell(run: Run): void {
  played += 1
  faults += run.fired.length
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
const lanes = lanesOf(
  scenarios.filter(({ name }) =>
    only === undefined ? values.scenarios.test(name) : name === only[0]?.scenario,
  ),
  values.lanes,
)
mkdirSync(folder, { recursive: true })
const log = `${folder}/service.log`
rmSync(log, { force: true })
const coverage = new Coverage({ sites: values.sites, faults: values.faults })
const harness = await startHarness({
  lanes,
  log,
  speed: values.speed,
  replicas: values.replicas,
  onSite: seenInto(coverage),
})
// Ended by hand: 'exit' ends the processes of the service, and that of the effects ends by itself.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  const outcome = await campaign(
    harness,
    { lanes, coverage },
    {
      seed: values.seed,
      runs: values.runs,
      traces: values.traces,
      longestMs: values.minutes * 60_000,
      untilWrong: values.untilWrong || only !== undefined,
      ...(only === undefined ? {} : { only }),
      onPlayed: tell,
    },
  )
  const { traced, later } = coverage.summary()
  const perMinute = Math.round((outcome.runs / outcome.seconds) * 60)
  say(
    `\n${outcome.runs} runs in ${Math.round(outcome.seconds)} s (${perMinute} a minute), and ${outcome.voids} that other objects' faults kept from beginning; ` +
      `${harness.services.starts} processes of the service, ${harness.services.kills} of them killed`,
  )
  say(
    `what clean traces show: ${traced.sites} call sites in their phases, ${traced.triples} triples with their faults, ${traced.covered} covered`,
  )
  const shown = values.verbose ? traced.missed : traced.missed.slice(0, mostShown)
  for (const { triple, tries } of shown) say(`  not reached in ${tries} tries: ${textOf(triple)}`)
  if (shown.length < traced.missed.length)
    say(`  and ${traced.missed.length - shown.length} more: --verbose shows them`)
  say(
    `what was seen only after a fault: ${later.sites} call sites in their phases, ${later.triples} triples, ${later.covered} covered`,
  )
  for (const line of harness.late) say(`LATE: ${line}`)
  if (outcome.unjudged > 0)
    say(`${outcome.unjudged} say nothing: the machine was too busy (give it a slower clock: --speed 2)`)
  say(`${outcome.wrong.length + harness.late.length} wrong (seed ${values.seed})`)
  if (faults === 0) say('no fault was tried: more runs, or more time, is needed to show anything')
  const isWrong = outcome.wrong.length + harness.late.length > 0 || faults === 0
  process.exitCode = isWrong || outcome.unjudged > outcome.runs * mostUnjudged ? 1 : 0
} finally {
  await harness.stop()
}

function asked(): CrashOptions {
  const read = parsed(process.argv.slice(2))
  if ('problem' in read) console.error(`${read.problem}\n\n${usage}`)
  else if ('help' in read) console.log(usage)
  else return read
  process.exit('problem' in read ? 2 : 0)
}
