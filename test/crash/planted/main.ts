/**
 * `node test/crash/planted/main.ts [PATTERN]`: plants one bug at a time in a copy of the service and demands that the harness finds what
 * the bug is to cause. Exit 1 if one survives, or shows as something else. About a minute for each.
 */
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plantedIn, type Bug } from './bug.ts'
import { bugs } from './bugs.ts'
import { look } from './look.ts'
import { isClean, verdictOn, type Told } from './verdict.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const pattern = new RegExp(process.argv[2] ?? '')
const chosen = bugs.filter(({ name }) => pattern.test(name))

const say = (head: string, lines: readonly string[] = []): void =>
  console.log([head, ...lines.map((line) => `         ${line}`)].join('\n'))
const lastOf = ({ code, last }: Told): string => `exit ${code}: ${last}`

/** Whether the harness finds what the bug is to cause. */
async function judged(folder: string, bug: Bug): Promise<boolean> {
  const file = join(folder, 'src', bug.file)
  const source = await readFile(file, 'utf8')
  await writeFile(file, plantedIn(source, bug))
  const told = await look(folder, bug)
  await writeFile(file, source)
  const verdict = verdictOn(bug, told)
  if (verdict.is === 'found') say(`found    ${bug.name}`, [verdict.by])
  if (verdict.is === 'mistaken') say(`MISTAKEN ${bug.name}`, [`wanted ${bug.wrong}, got:`, ...verdict.got])
  if (verdict.is === 'survived') say(`SURVIVED ${bug.name}`, [lastOf(told)])
  return verdict.is === 'found'
}

const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'crash-planted-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
for (const one of ['package.json', 'src', 'test/crash', 'test/support'])
  await cp(join(root, one), join(folder, one), { recursive: true })
await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
// Else finding something proves nothing.
const clean = await look(folder, { scenarios: '^(inline|held|post-once)$', sites: '^call ', faults: '' })
const isGood = isClean(clean)
say(
  `nothing planted: ${isGood ? 'nothing is wrong' : 'WRONG'}`,
  isGood ? [] : [...clean.wrong, lastOf(clean)],
)
let found = 0
for (const bug of chosen) if (await judged(folder, bug)) found += 1
console.log(
  `\n${found} of ${chosen.length} planted bugs are found, ${Math.round((performance.now() - began) / 1000)} s`,
)
process.exitCode = isGood && found === chosen.length && found > 0 ? 0 : 1
await rm(folder, { recursive: true, force: true })
