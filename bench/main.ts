/** `npm run bench -- NAME [ARGUMENTS]`: the measurements by name, each a process of its own, so that none warms up another. */
import { spawnSync } from 'node:child_process'

const benches: Readonly<Record<string, readonly string[]>> = {
  history: ['bench/history.ts'],
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
for (const file of files) {
  const { status } = spawnSync(process.execPath, [file, ...rest], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
