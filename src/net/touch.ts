/** Reaches a server and goes away again: its name is looked up, a connection opened, TLS spoken, and nothing is sent. */
import { createContexts } from './contexts.ts'
import { openInTime, type CallPorts } from './call.ts'
import type { Failed, Refused } from './ports.ts'
import { readUrl } from './target.ts'

/** Reached (which address answered), not let out by the rules, or why not. */
export type Touched =
  { readonly ok: { readonly address: string } } | Omit<Refused, 'sent'> | Omit<Failed, 'sent'>

/** What it touches. */
export type Touching = {
  readonly url: string
  readonly ca?: string | undefined
  readonly signal: AbortSignal
}

/** Makes what touches servers, within the same rules and the same time as calls. */
export function createTouch(ports: Omit<CallPorts, 'contexts'>): (touching: Touching) => Promise<Touched> {
  const contexts = createContexts()
  return async ({ url, ca, signal }) => {
    const read = readUrl(url, ca)
    if (!(read instanceof URL)) return { refused: 'egress', message: read.problem }
    const opened = await openInTime(read, { ca, signal }, { ...ports, contexts })
    if (!('connection' in opened)) return opened
    opened.connection.destroy()
    return { ok: { address: opened.address } }
  }
}
