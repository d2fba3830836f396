/**
 * `npm run soak`: the service, its API server and its Velero in processes of their own, and as many Backups as are asked for, a few at
 * once. See README.md beside this.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsed, usage } from './options.ts'
import { soak } from './soak.ts'

const options = parsed(process.argv.slice(2))
if ('help' in options) {
  console.log(usage)
  process.exit(0)
}
if ('problem' in options) {
  console.error(`${options.problem}\n\n${usage}`)
  process.exit(2)
}
const folder = mkdtempSync(join(tmpdir(), 'soak-'))
mkdirSync(options.dir, { recursive: true })
const log = join(options.dir, 'soak.log')
rmSync(log, { force: true })
const say = (line: string): void => {
  console.log(line)
  appendFileSync(log, `${line}\n`)
}

const stopping = new AbortController()
process.on('SIGINT', onSignal)
process.on('SIGTERM', onSignal)
function onSignal(): void {
  // The second time somebody is in a hurry: 'exit' ends the processes.
  if (stopping.signal.aborted) process.exit(130)
  say('stopping: what is under way comes to its end first; once more ends it at once')
  stopping.abort()
}

try {
  const wrongs = await soak({ ...options, folder }, { say, signal: stopping.signal })
  for (const wrong of wrongs) say(`WRONG: ${wrong}`)
  say(`${wrongs.length} wrong (seed ${options.seed})`)
  process.exitCode = wrongs.length > 0 ? 1 : stopping.signal.aborted ? 130 : 0
} finally {
  rmSync(folder, { recursive: true, force: true })
}
