/** The file of `--registries`: read whole and checked at the start, and followed as it changes. */
import { open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import { settingsProblems } from '../images/settings-check.ts'
import type { RegistrySettings } from '../images/settings.ts'
import type { Log } from '../log.ts'
import { parsePem } from '../net/pem.ts'
import { readRegistries, type RegistriesText } from '../plugins/registries-text.ts'
import { longestText } from '../plugins/yaml-text.ts'
import { StartError } from '../start-error.ts'

/** How registries are reached, and which may be used. */
export type RegistriesConfig = {
  readonly settings: readonly RegistrySettings[]
  /** `host[:port][/path]`; empty: all. */
  readonly allowed: readonly string[]
}

/** Where nothing is said. */
export const usualRegistries: RegistriesConfig = { settings: [], allowed: [] }

/** What the file says, or everything that is wrong with it. */
export type ReadRegistriesFile = { readonly ok: RegistriesConfig } | { readonly problems: readonly string[] }

/** The settings of a running service: those of the file as it was when it last was right. */
export type RegistriesFile = {
  readonly current: () => RegistriesConfig
  /** Follows the file until the signal aborts; tells of each change. */
  readonly start: (signal: AbortSignal, onChange: () => void) => Promise<void>
}

// A ConfigMap that is mounted turns within a minute or two (kubelet syncFrequency); one look is a few reads.
const everyMs = 30_000

/** Reads it for the first time, and says how to follow it. Throws StartError with everything that is wrong. */
export async function openRegistriesFile(
  file: string | undefined,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<RegistriesFile> {
  if (file === undefined) return { current: () => usualRegistries, start: () => Promise.resolve() }
  const first = await readRegistriesFile(file)
  if ('problems' in first) throw new StartError(4, `--registries: ${first.problems.join('; ')}`)
  let current = first.ok
  let told = ''
  const look = async (onChange: () => void) => {
    const read = await readRegistriesFile(file)
    const trouble = 'problems' in read ? read.problems.join('; ') : ''
    // A lasting fault is told once, not at every look.
    if (trouble !== '' && trouble !== told)
      log.error(
        { file, problems: trouble },
        'the settings of registries are wrong: the former ones stay in force',
      )
    told = trouble
    if ('problems' in read || isDeepStrictEqual(read.ok, current)) return
    current = read.ok
    log.info({ file }, 'the settings of registries have changed')
    onChange()
  }
  return {
    current: () => current,
    start: async (signal, onChange) => {
      while (!signal.aborted) {
        await clock.sleep(everyMs, signal).catch(() => undefined)
        if (!signal.aborted) await look(onChange)
      }
    },
  }
}

/** Reads the file and those that it names. Problems begin with the name of the file. */
export async function readRegistriesFile(file: string): Promise<ReadRegistriesFile> {
  const text = await textOf(file)
  const read = 'ok' in text ? readRegistries(text.ok) : { problems: [text.problem] }
  const made = 'ok' in read ? await withFiles(read.ok, dirname(file)) : read
  return 'ok' in made ? made : { problems: made.problems.map((problem) => `${file}: ${problem}`) }
}

async function withFiles(said: RegistriesText, folder: string): Promise<ReadRegistriesFile> {
  const problems: string[] = []
  const settings = await Promise.all(
    (said.registries ?? []).map(async ({ caFile, ...one }): Promise<RegistrySettings> => {
      if (caFile === undefined) return one
      const named = `caFile of registry ${JSON.stringify(one.registry)}`
      if (one.ca !== undefined) problems.push(`${named} is given and ca too. Leave one out`)
      const pem = await textOf(resolve(folder, caFile))
      if ('ok' in pem) return { ...one, ca: pem.ok }
      problems.push(`${named} ${pem.problem}`)
      return one
    }),
  )
  const allowed = said.allowed ?? []
  const all = [...problems, ...settingsProblems(settings, parsePem), ...allowed.flatMap(placeProblem)]
  return all.length > 0 ? { problems: all } : { ok: { settings, allowed } }
}

// What a reference can begin with, and no pattern: an entry that could never match must not look as if it did.
const place =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/[a-z0-9._-]+)*\/?$/u

const placeProblem = (entry: string): readonly string[] =>
  place.test(entry)
    ? []
    : [
        `allowed must list HOST[:PORT][/PATH], without https://, tag and *, got ${JSON.stringify(entry.slice(0, 200))}`,
      ]

async function textOf(file: string): Promise<{ readonly ok: string } | { readonly problem: string }> {
  try {
    const opened = await open(file)
    try {
      const { buffer, bytesRead } = await opened.read({ buffer: Buffer.alloc(longestText + 1) })
      return bytesRead > longestText
        ? { problem: `must have at most ${longestText} bytes: split it` }
        : { ok: buffer.toString('utf8', 0, bytesRead) }
    } finally {
      await opened.close()
    }
  } catch (error) {
    return {
      problem: `must be a file that can be read, got: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
}
