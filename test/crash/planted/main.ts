/**
 * `node test/crash/planted/main.ts [PATTERN]`: plants one bug at a time in a copy of the service and demands that the harness finds it.
 * Exit 1 if one survives. About a minute for each.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plantedIn, type Bug } from './bug.ts'
import { bugs } from './bugs.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const pattern = new RegExp(process.argv[2] ?? '')
const chosen = bugs.filter(({ name }) => pattern.test(name))

// A bug may make an object wait for an end that never comes: that takes a minute, and longer on a busy machine.
const longestMs = 6 * 60_000

type Told = { readonly code: number | null; readonly wrong: readonly string[]; readonly last: string }

/** Runs the harness of a copy where a bug is looked for. */
async function look(
  folder: string,
  { scenarios, sites, faults }: Pick<Bug, 'scenarios' | 'sites' | 'faults'>,
  runs = 80,
): Promise<Told> {
  const where = [
    '--scenarios',
    scenarios,
    '--sites',
    sites,
    '--faults',
    faults,
    '--lanes',
    '2',
    '--traces',
    '1',
  ]
  const much = ['--runs', String(runs), '--minutes', '3', '--until-wrong']
  const child = spawn(process.execPath, ['test/crash/main.ts', ...where, ...much], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: longestMs,
  })
  const end = (): void => void child.kill()
  process.once('exit', end)
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => lines.push(text))
  const [code] = (await once(child, 'close')) as [number | null]
  process.off('exit', end)
  const text = lines.join('')
  const wrong = [...text.matchAll(/^WRONG: .*\n {2}(.*)$|^LATE: (.*)$/gm)].map(
    ([, one, late]) => one ?? late ?? '',
  )
  return { code, wrong, last: text.slice(-600) }
}

async function judged(folder: string, bug: Bug): Promise<boolean> {
  const file = join(folder, 'src', bug.file)
  const source = await readFile(file, 'utf8')
  await writeFile(file, plantedIn(source, bug))
  const { code, wrong, last } = await look(folder, bug)
  await writeFile(file, source)
  const isFound = code === 1 && wrong.length > 0
  console.log(
    `${isFound ? 'found   ' : 'SURVIVED'} ${bug.name}\n         ${isFound ? wrong[0] : `exit ${code}: ${last}`}`,
  )
  return isFound
}

const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'crash-planted-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
for (const one of ['package.json', 'src', 'test/crash', 'test/support'])
  await cp(join(root, one), join(folder, one), { recursive: true })
await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
// Else finding something proves nothing.
const clean = await look(folder, { scenarios: '^(inline|held|post-once)$', sites: '^call ', faults: '' }, 20)
console.log(
  `nothing planted: ${clean.code === 0 ? 'nothing is wrong' : `WRONG: ${clean.wrong.join('; ')} ${clean.last}`}`,
)
let found = 0
for (const bug of chosen) if (await judged(folder, bug)) found += 1
console.log(
  `\n${found} of ${chosen.length} planted bugs are found, ${Math.round((performance.now() - began) / 1000)} s`,
)
process.exitCode = clean.code === 0 && found === chosen.length && found > 0 ? 0 : 1
await rm(folder, { recursive: true, force: true })
