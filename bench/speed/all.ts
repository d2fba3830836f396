/** The measurements of speed: what they need is built, each runs alone, and what they say is put together. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { release } from 'node:os'
import { machine } from '../report.ts'
import { buildGo } from './go.ts'
import { canIsolate, runIsolated } from './isolated.ts'
import { besideGoals, type Section } from './section.ts'
import { flagsOfImage } from './world.ts'

/** Their names: the files beside this one. */
export const speed = [
  'admission',
  'profile',
  'least',
  'selection',
  'starts',
  'watcher',
  'churn',
  'ending',
  'sizes',
  'idle',
] as const

function must(command: string, args: readonly string[], cwd = '.'): void {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} in ${cwd} ended with ${status}`)
}

/** Builds what is measured and what it is measured beside. Throws where that cannot be. */
export function prepare(): void {
  if (!canIsolate())
    throw new Error(
      'measuring speed needs Linux, two processors, and the right to make a network namespace (unshare, ip, taskset)',
    )
  console.error('building ...')
  must('npm', ['run', 'build', '--silent'])
  if (!buildGo()) throw new Error('measuring speed needs Go: the load generator is written in it (bench/go)')
  if (!existsSync('bench/pepr/node_modules')) {
    console.error('installing the peer (bench/pepr) ...')
    must('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], 'bench/pepr')
  }
}

/** Runs one; whether it could. */
export const measure = (name: string, args: readonly string[]): boolean =>
  runIsolated([`bench/speed/${name}.ts`, ...args])

/** Runs all, and writes down what they say; those that could not. With `--quick` nothing is written: the figures mean little. */
export function collect(args: readonly string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-bench-'))
  const outOf = (name: string) => join(folder, `${name}.json`)
  try {
    const failed = speed.filter((name) => !measure(name, [...args, '--out', outOf(name)]))
    const sections = speed
      .filter((name) => existsSync(outOf(name)))
      .map((name) => JSON.parse(readFileSync(outOf(name), 'utf8')) as Section)
    if (!args.includes('--quick')) writeFileSync('bench/RESULTS.md', pageOf(sections, failed))
    return failed
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What was measured, on what, and beside which goal. */
function pageOf(sections: readonly Section[], failed: readonly string[]): string {
  const commit = spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).stdout.trim()
  const go = spawnSync('go', ['version'], { encoding: 'utf8' }).stdout.trim()
  const day = new Date().toISOString().slice(0, 10)
  const goals = sections.flatMap(({ goals: all }) => all)
  return `${[
    '# What tidewaiter takes, measured beside others',
    '',
    `Written by \`npm run bench\` on ${day}, commit ${commit}: ${machine()}, Linux ${release()}; ${go}. Node has the flags of the image`,
    `(\`${flagsOfImage().join(' ')}\`). Ratios are of servers that were asked in turn, on one processor, by a load generator on another, in a`,
    'network namespace of its own. Absolute figures are of this machine.',
    ...(failed.length === 0 ? [] : ['', `**Not measured, because it failed: ${failed.join(', ')}.**`]),
    '',
    '## Goals',
    '',
    besideGoals(goals),
    ...sections.flatMap(({ title, text }) => ['', `## ${title}`, '', text]),
  ].join('\n')}\n`
}
