/** The folder of a run: kubeconfigs and a note of who uses it. One living sandbox for each folder. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { connect } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from './apiserver/clock.ts'

/** A folder that cannot be used, with what to do. */
export class FolderError extends Error {
  readonly code = 'FOLDER_UNUSABLE'
}

/** A folder that is ours until `leave`. */
export type Folder = {
  readonly path: string
  /** The full path of a file in it. */
  readonly file: (name: string) => string
  readonly leave: () => Promise<void>
}

/** What is written into it. */
export type FolderContent = {
  readonly url: string
  readonly ca: string
  /** File name to kubeconfig. */
  readonly kubeconfigs: Readonly<Record<string, string>>
}

const noteName = 'sandbox.json'
const answerMs = 2_000

/** Takes a folder. Throws FolderError if a living sandbox has it, or if it holds files that are not a sandbox's. */
export async function takeFolder(dir: string, { url, ca, kubeconfigs }: FolderContent): Promise<Folder> {
  const path = resolve(dir)
  const file = (name: string): string => join(path, name)
  const names = Object.keys(kubeconfigs)
  await makeFolder(path).catch((cause: unknown) => {
    throw new FolderError(`the folder ${path} cannot be made (${said(cause)}): choose another --dir`)
  })
  const strange = names.find((name) => existsSync(file(name)))
  if (strange !== undefined && !existsSync(file(noteName)))
    throw new FolderError(
      `${file(strange)} is there already and was not made by a sandbox: choose another --dir`,
    )
  await writeNote(path, { url, ca })
  for (const [name, text] of Object.entries(kubeconfigs)) await writeFile(file(name), text, { mode: 0o600 })
  const leave = async (): Promise<void> => {
    for (const name of [...names, noteName]) await rm(file(name), { force: true })
    // Somebody may keep things of their own in it.
    await rmdir(path).catch(() => undefined)
  }
  return { path, file, leave }
}

/** Makes a folder and those above it. Not by mkdir's `recursive`: for /proc/x that tries for ever (Node 24). */
async function makeFolder(path: string): Promise<void> {
  const make = (): Promise<void> =>
    mkdir(path, { mode: 0o700 }).catch((cause: unknown) => {
      if (!said(cause).includes('EEXIST')) throw cause
    })
  await make().catch(async (cause: unknown) => {
    if (!said(cause).includes('ENOENT') || dirname(path) === path) throw cause
    await makeFolder(dirname(path))
    await make()
  })
}

type Note = { readonly url: string; readonly ca: string }

const lockTries = 200
const lockWaitMs = 25
/** Nobody holds the lock for longer: looking whether another lives takes 2 s at most. What is older was left by a process that ended. */
const lockMs = 10_000

/** Does the work while no other process does; of many that come at once one goes first. */
async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = join(path, `${noteName}.lock`)
  for (let tries = 0; tries < lockTries; tries += 1) {
    try {
      await mkdir(lock)
    } catch (cause) {
      if (!said(cause).includes('EEXIST'))
        throw new FolderError(`${lock} cannot be made (${said(cause)}): choose another --dir`)
      const left = await stat(lock).catch(() => undefined)
      if (left !== undefined && systemClock.now() - left.mtimeMs > lockMs)
        await rmdir(lock).catch(() => undefined)
      await sleep(lockWaitMs)
      continue
    }
    try {
      return await work()
    } finally {
      await rmdir(lock).catch(() => undefined)
    }
  }
  throw new FolderError(`the folder ${path} is being taken by another sandbox: choose another --dir`)
}

async function writeNote(path: string, note: Note): Promise<void> {
  const file = join(path, noteName)
  await locked(path, async () => {
    const other = await readFile(file, 'utf8').catch(() => '')
    if (await isAlive(other))
      throw new FolderError(
        `the folder ${path} is in use by another sandbox (${urlIn(other)}): end it, or choose another --dir`,
      )
    await writeFile(file, JSON.stringify(note), { mode: 0o600 }).catch((cause: unknown) => {
      throw new FolderError(`${file} cannot be written (${said(cause)}): choose another --dir`)
    })
  })
}

function parseNote(text: string): Note | undefined {
  try {
    const value = JSON.parse(text) as Partial<Note> | null
    return typeof value?.url === 'string' && typeof value.ca === 'string'
      ? { url: value.url, ca: value.ca }
      : undefined
  } catch {
    return undefined
  }
}

const urlIn = (text: string): string => parseNote(text)?.url ?? 'just starting'

/** Whether the API server that a note names still answers, with a certificate of the same authority. */
async function isAlive(text: string): Promise<boolean> {
  const note = parseNote(text)
  if (note === undefined || !URL.canParse(note.url)) return false
  const { hostname, port } = new URL(note.url)
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket = connect({
      host,
      port: Number(port),
      ca: note.ca,
      timeout: answerMs,
      ALPNProtocols: ['http/1.1'],
    })
    const end = (alive: boolean) => () => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('secureConnect', end(true))
    // It took the connection and says nothing: stopped in a debugger or by Ctrl-Z, but there.
    socket.once('timeout', end(true))
    socket.once('error', end(false))
    socket.once('close', end(false))
  })
}

const said = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
