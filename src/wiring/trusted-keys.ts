/** The files of `--trusted-keys`: read and checked at the start, and again whenever they are needed, so that a changed ConfigMap counts at once. */
import { open } from 'node:fs/promises'
import { readKeySet, type OutputsKey, type ReadKeys } from '../core/exported/keys.ts'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { digest } from './exported.ts'

// 64 keys have 16 kB.
const longestFile = 64 * 1024

/**
 * The keys of all files. A file that is wrong later counts as it last was right, and holds up no other; one that is gone is trusted
 * no more. Throws StartError with everything that is wrong now.
 */
export async function openTrustedKeys(
  files: readonly string[],
  log: Pick<Log, 'error'>,
): Promise<() => Promise<readonly OutputsKey[]>> {
  const first = await readTrustedKeys(files)
  if ('problems' in first) throw new StartError(4, `--trusted-keys: ${first.problems.join('; ')}`)
  const known = new Map<string, readonly OutputsKey[]>()
  const keysOf = async (file: string): Promise<readonly OutputsKey[]> => {
    const read = await readFile(file)
    if ('ok' in read) known.set(file, read.ok)
    else if (read.isGone === true) {
      known.set(file, [])
      log.error({ problems: read.problems }, 'a file of trusted keys is gone: its keys are trusted no more')
    } else
      log.error(
        { problems: read.problems },
        'a file of trusted keys is wrong: what it held before stays in force',
      )
    return known.get(file) ?? []
  }
  await Promise.all(files.map(keysOf))
  return async () => (await Promise.all(files.map(keysOf))).flat()
}

/** Reads them. Problems begin with the name of their file. */
export async function readTrustedKeys(files: readonly string[]): Promise<ReadKeys> {
  const read = await Promise.all(files.map(readFile))
  const problems = read.flatMap((one) => ('problems' in one ? one.problems : []))
  return problems.length > 0 ? { problems } : { ok: read.flatMap((one) => ('ok' in one ? one.ok : [])) }
}

type ReadFile = ReadKeys & { readonly isGone?: boolean }

async function readFile(file: string): Promise<ReadFile> {
  const read = await keysIn(file)
  return 'ok' in read ? read : { ...read, problems: read.problems.map((problem) => `${file} ${problem}`) }
}

async function keysIn(file: string): Promise<ReadFile> {
  try {
    const opened = await open(file)
    try {
      const { buffer, bytesRead } = await opened.read({ buffer: Buffer.alloc(longestFile + 1) })
      return bytesRead > longestFile
        ? { problems: [`must have at most ${longestFile} bytes`] }
        : readKeySet(buffer.toString('utf8', 0, bytesRead), digest)
    } finally {
      await opened.close()
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return { problems: [`must be a file that can be read, got: ${why}`], isGone }
  }
}
