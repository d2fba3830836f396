/** Runs a suite on a copy of the tree, in a process of its own, and says which cases failed. */
import { spawn } from 'node:child_process'
import { suiteOf, type Bug, type Suite } from './bug.ts'
import type { Tree } from './tree.ts'

/** How a suite went. */
export type Run = {
  readonly cases: number
  readonly failed: readonly string[]
  /** Why there is nothing to judge by: the process ended badly, or not at all. */
  readonly broken: string | undefined
}

/** What became of a bug. */
export type Verdict =
  | { readonly is: 'caught'; readonly by: readonly string[] }
  | { readonly is: 'survived' }
  /** No proof of anything: the sandbox does not work at all with it. */
  | { readonly is: 'too coarse'; readonly why: string }

// The slowest suite takes 10 s alone; a bug may make cases wait until they give up, 10 s each, eight at a time.
const longestMs = 150_000
// A bug that many cases meet is none that a careful suite is needed for.
const mostFailing = 60

/** Which cases to run: all of a suite, or those whose names match. */
export type Part = { readonly suite: Suite; readonly only?: string }

/** Runs cases on this tree. */
export async function runOn(tree: Tree, { suite, only = '' }: Part): Promise<Run> {
  const child = spawn(process.execPath, [tree.path('test/contract/planted/suite-main.ts'), suite, only], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const end = (): void => void child.kill('SIGKILL')
  const timer = setTimeout(end, longestMs)
  // Also when this process is ended: a suite would run on.
  process.once('exit', end)
  const [out, err, code] = await Promise.all([
    child.stdout.setEncoding('utf8').toArray(),
    child.stderr.setEncoding('utf8').toArray(),
    new Promise<number | null>((resolve) => child.on('close', resolve)),
  ])
  clearTimeout(timer)
  process.off('exit', end)
  const results = out.join('').split('\n').filter(Boolean).map(resultOf)
  const failed = results.filter((one) => one.failed !== undefined).map((one) => one.name)
  const broken = code === 0 ? undefined : `it ended with ${code ?? 'a signal'}: ${err.join('').slice(-400)}`
  return { cases: results.length, failed: failed.toSorted(), broken }
}

type Line = { readonly name: string; readonly failed?: string }
const resultOf = (line: string): Line => JSON.parse(line)

/** A copy to plant in, and one that stays as it is. */
export type Trees = { readonly planted: Tree; readonly clean: Tree }

/** Plants a bug, runs the cases that are likely to catch it, or else all, and judges. */
export async function judge({ planted, clean }: Trees, bug: Bug): Promise<Verdict> {
  const takeOut = await planted.plant(bug)
  const suite = suiteOf(bug)
  const first = await runOn(planted, { suite, only: bug.first })
  const { failed, broken } = found(first) || bug.first === '' ? first : await runOn(planted, { suite })
  await takeOut()
  if (broken !== undefined) return { is: 'too coarse', why: broken }
  if (failed.length > mostFailing)
    return { is: 'too coarse', why: `${failed.length} cases fail with it, the first of them ${failed[0]}` }
  const by = failed.length === 0 ? [] : await holdingOn(clean, suite, failed)
  return by.length === 0 ? { is: 'survived' } : { is: 'caught', by }
}

const found = ({ failed, broken }: Run): boolean => failed.length > 0 || broken !== undefined

/** Those of the cases that hold where nothing is planted: on a busy machine one may fail for want of time, which proves nothing. */
async function holdingOn(clean: Tree, suite: Suite, names: readonly string[]): Promise<readonly string[]> {
  const literal = names.map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const { failed } = await runOn(clean, { suite, only: `^(?:${literal.join('|')})$` })
  return names.filter((name) => !failed.includes(name))
}
