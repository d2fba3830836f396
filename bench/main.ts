/** `npm run bench -- NAME [ARGUMENTS]`: the measurements by name, each a process of its own, so that none warms up another. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const benches: Readonly<Record<string, readonly string[]>> = {
  history: ['bench/history.ts', 'bench/history-routes.ts', 'bench/history-starts.ts'],
  plugins: ['bench/plugins-admission.ts'],
  'plugins-start': ['bench/plugins-start.ts'],
  storm: ['bench/storm.ts'],
}

const [name = '', ...rest] = process.argv.slice(2)
const files = benches[name]
if (files === undefined) {
  console.error(
    `a bench must be one of ${Object.keys(benches).join(', ')}, got "${name}": npm run bench -- history`,
  )
  process.exit(2)
}
// The parts of a bench share a file: one that is given is kept, for loading takes longest.
const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-bench-'))
const shared = files.length === 1 || rest.includes('--file') ? [] : ['--file', join(folder, 'shared.db')]
const failed = files.filter((file, i) => {
  if (i > 0) console.log()
  return spawnSync(process.execPath, [file, ...rest, ...shared], { stdio: 'inherit' }).status !== 0
})
rmSync(folder, { recursive: true })
if (failed.length > 0) {
  console.error(`\nnot as it should be: ${failed.join(', ')}`)
  process.exitCode = 1
}
