/** The files that pages load: read once; their address changes with what is in them, so that browsers keep them. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The files by their names. */
export type Assets = {
  readonly version: string
  readonly find: (name: string) => { readonly type: string; readonly body: Buffer } | undefined
}

const types = {
  'dashboard.css': 'text/css; charset=utf-8',
  'dashboard.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const

/** Reads them. */
export function readAssets(): Assets {
  const files = new Map(
    Object.entries(types).map(([name, type]) => {
      return [name, { type, body: readFileSync(new URL(`assets/${name}`, import.meta.url)) }] as const
    }),
  )
  const sum = createHash('sha256')
  for (const { body } of files.values()) sum.update(body)
  return { version: sum.digest('hex').slice(0, 12), find: (name) => files.get(name) }
}
