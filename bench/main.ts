/**
 * `npm run bench [-- NAME] [--quick]`: the measurements by name, each a process of its own, so that none warms up another. Without a
 * name those of speed, one after another, and what they say goes into bench/RESULTS.md.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collect, measure, prepare, speed } from './speed/all.ts'

/** Those that are told by themselves. */
const others: Readonly<Record<string, readonly string[]>> = {
  history: ['bench/history.ts', 'bench/history-routes.ts', 'bench/history-starts.ts'],
  plugins: ['bench/plugins-admission.ts'],
  'plugins-start': ['bench/plugins-start.ts'],
  storm: ['bench/storm.ts'],
}

/** Runs the parts of one; those that failed. They share a file: one that is given is kept, for loading takes longest. */
function run(files: readonly string[], args: readonly string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-bench-'))
  const shared = files.length === 1 || args.includes('--file') ? [] : ['--file', join(folder, 'shared.db')]
  const failed = files.filter((file, i) => {
    if (i > 0) console.log()
    return spawnSync(process.execPath, [file, ...args, ...shared], { stdio: 'inherit' }).status !== 0
  })
  rmSync(folder, { recursive: true })
  return failed
}

function runSpeed(names: readonly string[], args: readonly string[]): readonly string[] {
  prepare()
  return names.length === speed.length ? collect(args) : names.filter((name) => !measure(name, args))
}

const usage = `usage: npm run bench -- [NAME] [--quick]

  NAME     one of: ${[...speed, ...Object.keys(others)].join(', ')}
           Without a name those of speed, one after another (half an hour on a quiet machine); they are written into bench/RESULTS.md.
  --quick  so short that its figures mean little: whether it works
`
const [first = ''] = process.argv.slice(2)
if (['--help', '-h', 'help'].includes(first)) {
  console.log(usage)
  process.exit(0)
}
const isNamed = first !== '' && !first.startsWith('--')
const args = process.argv.slice(isNamed ? 3 : 2)
const known = [...speed, ...Object.keys(others)]
if (isNamed && !known.includes(first)) {
  console.error(`a bench must be one of ${known.join(', ')}, got "${first}"\n\n${usage}`)
  process.exit(2)
}
const parts = others[first]
const failed = parts === undefined ? runSpeed(isNamed ? [first] : speed, args) : run(parts, args)
if (failed.length > 0) {
  console.error(`\nnot as it should be: ${failed.join(', ')}`)
  process.exitCode = 1
}
