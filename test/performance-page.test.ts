/** docs/performance.md says the limits that the code has, and the sizes that bench/RESULTS.md has. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { mostInFlight } from '../src/admission/stage.ts'
import { longestActionSeconds, longestInsideSeconds } from '../src/api/action.ts'
import { parseConfig } from '../src/config.ts'
import { keepDecisionsMs, mostDecisions } from '../src/core/decision/ring.ts'
import { mostCallsPerHost } from '../src/net/places.ts'

const page = readFileSync('docs/performance.md', 'utf8')

/** A number that a file keeps for itself. */
const constantOf = (file: string, name: string): number =>
  Number(
    new RegExp(`^const ${name} = ([\\d_]+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1]?.replaceAll('_', ''),
  )

const config = parseConfig({}, {})
const limits: Readonly<Record<string, number>> = {
  'Backups, and Restores, being admitted by one replica at one time': mostInFlight,
  'objects that the leader works on at one time, quick ones': constantOf(
    'src/wiring/controller.ts',
    'workers',
  ),
  'longest that the actions of an admission may take together, s': longestInsideSeconds,
  'longest an action may take, s': longestActionSeconds,
  'longest a Backup or Restore may be held, s (`--hold-max-seconds`)': config.holdMaxSeconds,
  'ActionRuns kept of an Action (`--runs-per-action`)': config.runsPerAction,
  'days an ActionRun is kept (`--runs-days`)': config.runsDays,
  'decisions kept of a namespace': mostDecisions,
  'days a decision is kept': keepDecisionsMs / 86_400_000,
  'records of decisions that a replica writes, a second':
    (1000 * constantOf('src/observe/recorder.ts', 'roundSize')) /
    constantOf('src/observe/recorder.ts', 'roundMs'),
  'calls of actions at one time, to one host': mostCallsPerHost,
  'calls to the API server at one time, of a replica': constantOf('src/kube/transport.ts', 'mostCalls'),
}

const cellsOf = (line: string): readonly string[] => line.split('|').map((cell) => cell.trim())

t.test('the limits are those of the code, all of them', async (t) => {
  const [, after = ''] = page.split('## What limits it')
  const told = after
    .split('\n## ')[0]
    ?.split('\n')
    .filter((line) => line.startsWith('| '))
    .map(cellsOf)
  const rows = told?.slice(2).map(([, what = '', limit = '']) => [what, Number(limit.replaceAll(',', ''))])
  t.same(Object.fromEntries(rows ?? []), limits)
})

t.test('the sizes are those that were measured', async (t) => {
  const sizesIn = (file: string) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /^\| (10|1000|50000) +\|/.test(line))
      .map((line) => cellsOf(line).slice(1, -1))
  const measured = sizesIn('bench/RESULTS.md')
  t.equal(measured.length, 3)
  t.same(sizesIn('docs/performance.md'), measured)
})
