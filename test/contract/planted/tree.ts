/** Copies of the tree, to plant bugs in: this checkout itself is never touched. */
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plantedIn, type Bug } from './bug.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const copied = ['package.json', 'src', 'test/contract', 'test/support']

/** A copy of what a suite needs. */
export type Tree = {
  /** Puts one bug in; the returned function takes it out. */
  readonly plant: (bug: Bug) => Promise<() => Promise<void>>
  /** Where a file of the copy is. */
  readonly path: (file: string) => string
  readonly remove: () => Promise<void>
}

/** The source that a bug is for, as it is in this checkout. */
export const sourceOf = ({ file }: Bug): Promise<string> => readFile(join(root, 'src/sandbox', file), 'utf8')

/** Makes a copy in the folder for temporary files. */
export async function copyTree(): Promise<Tree> {
  const folder = await mkdtemp(join(tmpdir(), 'planted-'))
  for (const one of copied) await cp(join(root, one), join(folder, one), { recursive: true })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const path = (file: string): string => join(folder, file)
  const plant: Tree['plant'] = async (bug) => {
    const [at, source] = [path(`src/sandbox/${bug.file}`), await sourceOf(bug)]
    await writeFile(at, plantedIn(source, bug))
    return () => writeFile(at, source)
  }
  const removeNow = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeNow)
  const remove = async (): Promise<void> => {
    process.off('exit', removeNow)
    await rm(folder, { recursive: true, force: true })
  }
  return { plant, path, remove }
}
