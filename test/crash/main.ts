/**
 * `npm run crash`: the service in processes of its own that are killed, cut off and refused at every call they make, and what must
 * hold all the same. See README.md beside this.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { campaign, seenInto, type Run } from './campaign.ts'
import { lanesOf } from './cluster.ts'
import { Coverage, type Plan } from './coverage.ts'
import { textOf } from './faults.ts'
import { startHarness } from './start.ts'
import { told } from './history.ts'
import { scenarios } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '6' },
    lanes: { type: 'string', default: '3' },
    speed: { type: 'string', default: '5' },
    replicas: { type: 'string', default: '2' },
    // Only these scenarios, call sites and faults: regular expressions.
    scenarios: { type: 'string', default: '' },
    sites: { type: 'string', default: '' },
    faults: { type: 'string', default: '' },
    traces: { type: 'string', default: '2' },
    replay: { type: 'string' },
    'until-wrong': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
})

const folder = '.crash'
const fileOf = (name: string): string => `${folder}/${name.replace('/', '-')}.json`
const keep = ({ index, plan }: Run): string => {
  const name = `${values.seed}/${index}`
  writeFileSync(fileOf(name), JSON.stringify(plan))
  return name
}
const say = (line: string): void => console.log(line)

function tell(run: Run): void {
  if (values.verbose) say(`${run.name}: ${run.fired.map(textOf).join('; ') || 'no fault'}`)
  if (run.wrongs.length === 0) return
  say(`\nWRONG: ${run.name}\n${run.wrongs.map((one) => `  ${one}`).join('\n')}`)
  say(run.story.map((one) => `    ${told(one)}`).join('\n'))
  say(`  again: npm run crash -- --replay ${keep(run)}`)
}

// Which other objects are under way decides about the moment: one is played until it goes wrong again, twenty times at most.
const replayTimes = 20
const replayed = (name: string): readonly Plan[] =>
  Array.from({ length: replayTimes }, () => JSON.parse(readFileSync(fileOf(name), 'utf8')) as Plan)

const only = values.replay === undefined ? undefined : replayed(values.replay)
const lanes = lanesOf(
  scenarios.filter(({ name }) =>
    only === undefined ? new RegExp(values.scenarios).test(name) : name === only[0]?.scenario,
  ),
  Number(values.lanes),
)
mkdirSync(folder, { recursive: true })
const log = `${folder}/service.log`
rmSync(log, { force: true })
const coverage = new Coverage({ sites: new RegExp(values.sites), faults: new RegExp(values.faults) })
const harness = await startHarness({
  lanes,
  log,
  speed: Number(values.speed),
  replicas: Number(values.replicas),
  onSite: seenInto(coverage),
})
// Ended by hand: 'exit' ends the processes of the service, and that of the effects ends by itself.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  const outcome = await campaign(
    harness,
    { lanes, coverage },
    {
      seed: Number(values.seed),
      runs: Number(values.runs),
      traces: Number(values.traces),
      longestMs: Number(values.minutes) * 60_000,
      untilWrong: values['until-wrong'] || only !== undefined,
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
  for (const { triple, tries } of traced.missed) say(`  not reached in ${tries} tries: ${textOf(triple)}`)
  say(
    `what was seen only after a fault: ${later.sites} call sites in their phases, ${later.triples} triples, ${later.covered} covered`,
  )
  for (const line of harness.late) say(`LATE: ${line}`)
  say(`${outcome.wrong.length + harness.late.length} wrong (seed ${values.seed})`)
  process.exitCode = outcome.wrong.length + harness.late.length === 0 ? 0 : 1
} finally {
  await harness.stop()
}
