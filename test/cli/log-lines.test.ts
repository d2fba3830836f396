import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const src = (file: string): string => fileURLToPath(new URL(`../../src/${file}`, import.meta.url))

const program = `
  import { pino } from 'pino'
  import { linesOfTurns } from ${JSON.stringify(src('cli/log-lines.ts'))}
  const log = pino({ base: null }, linesOfTurns())
  for (let i = 0; i < 1000; i += 1) log.info({ i, long: 'x'.repeat(i === 500 ? 200_000 : 200) }, 'said')
  setTimeout(() => {
    log.info({ i: 1000 }, 'the last')
    throw new Error('a fault')
  }, 20)
`

t.test('every line comes whole and in order, also the last one of a process that a fault ends', async (t) => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: src('..'),
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 30_000,
  })
  const lines = (await text(child.stdout)).trimEnd().split('\n')
  t.same(
    lines.map((line) => JSON.parse(line).i),
    Array.from({ length: 1001 }, (_, i) => i),
  )
})
