/**
 * `npm run planted [-- PATTERN]`: plants one bug at a time in a copy of the sandbox and demands that the contract fails.
 * Exit 1 if one survives. About four minutes on two cores.
 */
import { availableParallelism } from 'node:os'
import { allBugs } from './all-bugs.ts'
import { suiteOf, type Bug } from './bug.ts'
import { judge, runOn, type Verdict } from './catch.ts'
import { copyTree, type Tree } from './tree.ts'

const bugs = allBugs.filter(({ name }) => new RegExp(process.argv[2] ?? '').test(name))
const began = performance.now()
const seconds = (): string => `${Math.round((performance.now() - began) / 1000)} s`

const shown = (verdict: Verdict): string => {
  if (verdict.is === 'survived') return 'SURVIVED: no case fails with it'
  if (verdict.is === 'too coarse') return `TOO COARSE: ${verdict.why}`
  const [first, ...others] = verdict.by
  return `${first}${others.length === 0 ? '' : ` (and ${others.length} more)`}`
}

/** The suites must hold before anything is planted, else failing proves nothing. */
async function checkUnplanted(tree: Tree): Promise<void> {
  for (const suite of new Set(bugs.map(suiteOf))) {
    const { cases, failed, broken } = await runOn(tree, { suite })
    if (cases === 0 || failed.length > 0 || broken !== undefined)
      throw new Error(
        `the ${suite} suite must hold on the sandbox as it is, got ${failed.length} of ${cases} failing: ${failed.join('; ')} ${broken ?? ''}`,
      )
    console.log(`nothing planted: all ${cases} cases of the ${suite} suite hold (${seconds()})`)
  }
}

async function judgeAll([clean, ...trees]: readonly [Tree, ...Tree[]]): Promise<ReadonlyMap<Bug, Verdict>> {
  const waiting = [...bugs]
  const verdicts = new Map<Bug, Verdict>()
  const worker = async (planted: Tree): Promise<void> => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const verdict = await judge({ planted, clean }, bug)
      verdicts.set(bug, verdict)
      console.log(`${verdicts.size}/${bugs.length} ${seconds()}  ${bug.name}\n    ${shown(verdict)}`)
    }
  }
  await Promise.all(trees.map(worker))
  return verdicts
}

// Ended by hand: 'exit' takes copies and suites away.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const atOnce = Math.min(4, availableParallelism())
const clean = await copyTree()
const trees = [clean, ...(await Promise.all(Array.from({ length: atOnce }, copyTree)))] as const
try {
  await checkUnplanted(clean)
  const verdicts = await judgeAll(trees)
  const missed = [...verdicts].filter(([, verdict]) => verdict.is !== 'caught')
  for (const [bug, verdict] of missed) console.log(`\n${bug.file}: ${bug.name}\n    ${shown(verdict)}`)
  console.log(`\n${verdicts.size - missed.length} of ${verdicts.size} planted bugs are caught, ${seconds()}`)
  process.exitCode = missed.length === 0 && verdicts.size > 0 ? 0 : 1
} finally {
  await Promise.all(trees.map((tree) => tree.remove()))
}
