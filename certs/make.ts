#!/usr/bin/env node
/** Mints a throw-away authority and certificates for development, with the code that the service itself uses. Keys stay out of git. */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { mintAuthority, mintLeaf, type Pair } from '../src/tls/authority.ts'

type Options = {
  readonly out: string
  readonly name: readonly string[]
  readonly days: number
  readonly force?: true
}

const defaultOut = join(import.meta.dirname, 'out')
const defaultNames = ['localhost', '127.0.0.1', '::1']
const dayMs = 24 * 60 * 60 * 1000

const wholeDays = (text: string): number => {
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= 365) return days
  throw new InvalidArgumentError('must be a whole number from 1 to 365.')
}

async function make({ out, name, days, force }: Options): Promise<void> {
  const now = Date.now()
  const authority = await mintAuthority({ name: 'tidewaiter throw-away', now, validMs: days * dayMs })
  const server = await mintLeaf({ authority, names: name, now, validMs: days * dayMs })
  const client = await mintLeaf({ authority, names: [], now, validMs: days * dayMs, use: 'client' })
  const pairs: Readonly<Record<string, Pair>> = { ca: authority, tls: server, client }
  await mkdir(out, { recursive: true, mode: 0o700 })
  for (const file of Object.keys(pairs)) await refuseIfThere(join(out, `${file}.key`), force === true)
  for (const [file, { cert, key }] of Object.entries(pairs)) {
    await writeFile(join(out, `${file}.crt`), cert)
    await writeFile(join(out, `${file}.key`), key, { mode: 0o600 })
  }
  process.stdout.write(`minted ca, tls (${name.join(', ')}) and client in ${out}, good for ${days} days\n`)
}

async function refuseIfThere(path: string, force: boolean): Promise<void> {
  const there = await stat(path).then(
    () => true,
    () => false,
  )
  if (there && !force)
    throw new Error(`${path} is there already; give another --out, or --force to replace it`)
}

const command = new Command('make.ts')
  .description(
    'Mints a throw-away CA, a server certificate (tls.crt, tls.key) and a client certificate for mutual TLS.\n' +
      'For development and tests only: in a cluster the service makes its own, see certs/README.md.',
  )
  .option('--out <dir>', 'where to write', defaultOut)
  .option('--name <names...>', 'DNS names and IP addresses of the server', defaultNames)
  .option('--days <number>', 'how long they last', wholeDays, 30)
  .option('--force', 'replace what is there')
  .showHelpAfterError()

try {
  command.parse()
  await make(command.opts<Options>())
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
