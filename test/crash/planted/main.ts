/**
 * `node test/crash/planted/main.ts [PATTERN]`: plants one bug at a time in a copy of the service and demands that the harness finds what
 * the bug is to cause, and that where it looks for it nothing is wrong without the bug. Exit 1 if one survives, or shows as something
 * else, or a control is not clean. For each bug and each control objects are begun for three minutes at most.
 */
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plantedIn, type Bug, type Where } from './bug.ts'
import { bugs } from './bugs.ts'
import { look, optionsOf } from './look.ts'
import { isClean, verdictOn, type Told } from './verdict.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const pattern = new RegExp(process.argv[2] ?? '')
const chosen = bugs.filter(({ name }) => pattern.test(name))

const say = (head: string, lines: readonly string[] = []): void =>
  console.log([head, ...lines.map((line) => `         ${line}`)].join('\n'))
const lastOf = ({ code, last }: Told): string => `exit ${code}: ${last}`

/** Whether nothing is wrong where nothing is planted: else finding something there proves nothing. */
async function checked(folder: string, where: Where): Promise<boolean> {
  const told = await look(folder, where)
  const place = optionsOf(where).join(' ')
  if (isClean(told)) say(`clean    control: ${place}`)
  else say(`UNCLEAN  control: ${place}`, [...told.wrong, lastOf(told)])
  return isClean(told)
}

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
// Bugs that are looked for at one place share its control.
const controls = new Map<string, boolean>()
let found = 0
for (const bug of chosen) {
  const place = optionsOf(bug).join(' ')
  if (!controls.has(place)) controls.set(place, await checked(folder, bug))
  if (await judged(folder, bug)) found += 1
}
const clean = [...controls.values()].filter(Boolean).length
console.log(
  `\n${found} of ${chosen.length} planted bugs are found, ${clean} of ${controls.size} controls are clean, ${Math.round((performance.now() - began) / 1000)} s`,
)
process.exitCode = clean === controls.size && found === chosen.length && found > 0 ? 0 : 1
await rm(folder, { recursive: true, force: true })
