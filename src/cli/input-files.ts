/** What a command is given with -f: files, folders and stdin, bounded. */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { NamedText } from '../plugins/collect.ts'
import { longestText } from '../plugins/yaml-text.ts'
import { StartError } from '../start-error.ts'
import type { CliWorld } from './world.ts'

/** Most files that one command reads. */
export const mostFiles = 256
const mostBytes = 16 * longestText
// As kubectl: what else lies in a folder is none of ours.
const manifest = /\.(yaml|yml|json)$/u

/** Reads all of them, in the order given; a folder's files by name. Throws StartError. */
export async function readInputs(paths: readonly string[], world: CliWorld): Promise<readonly NamedText[]> {
  const names = (await Promise.all(paths.map(filesAt))).flat()
  if (names.length > mostFiles)
    throw new StartError(4, `-f must name at most ${mostFiles} files, got ${names.length}: name fewer`)
  const texts: NamedText[] = []
  let left = mostBytes
  for (const name of names) {
    const text = name === '-' ? await readStdin(world) : await readFile(name)
    left -= text.length
    if (left < 0) throw new StartError(4, `-f must name at most ${mostBytes} bytes in all: name fewer files`)
    texts.push({ name: name === '-' ? 'stdin' : name, text })
  }
  return texts
}

/** Reads one file. Throws StartError. */
export async function readFile(name: string): Promise<string> {
  const file = await open(name).catch((error: unknown) => {
    throw unreadable(name, error)
  })
  try {
    return await bounded(file.createReadStream({ autoClose: false }), name)
  } catch (error) {
    throw error instanceof StartError ? error : unreadable(name, error)
  } finally {
    await file.close()
  }
}

async function filesAt(path: string): Promise<readonly string[]> {
  if (path === '-') return [path]
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  if (!found.isDirectory()) return [path]
  const names = (await readdir(path)).filter((name) => manifest.test(name)).sort()
  if (names.length === 0)
    throw new StartError(4, `${path} must hold a file that ends in .yaml, .yml or .json, and holds none`)
  return names.map((name) => join(path, name))
}

async function readStdin(world: CliWorld): Promise<string> {
  try {
    return await bounded(world.stdin(), 'stdin')
  } catch (error) {
    throw error instanceof StartError ? error : unreadable('stdin', error)
  }
}

async function bounded(chunks: AsyncIterable<string | Uint8Array>, name: string): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    const part = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
    bytes += part.length
    if (bytes > longestText)
      throw new StartError(
        4,
        `${name} must have at most ${longestText} bytes: split it, or name only what is needed`,
      )
    parts.push(part)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    throw new StartError(4, `${name} must be text in UTF-8`)
  }
}

const why: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

function unreadable(name: string, error: unknown): StartError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new StartError(4, `${name} cannot be read: ${why[code] ?? String(error)}`, { cause: error })
}
