/** What happened to one object, in the order in which it happened: what the judge judges by. */
import type { Loose } from '../support/asking.ts'
import type { Carried } from './carried.ts'

/** One thing that happened. */
export type Happening =
  /** A call of an action came to the other side. `copy`: the network delivered one call twice. */
  | {
      readonly is: 'effect'
      readonly stage: string
      readonly role: string
      readonly undo: boolean
      readonly copy: boolean
      /** Of an action that changes an object: what was there, and is now. */
      readonly from?: string
      readonly to?: string
    }
  /** What an action was answered: this the service heard, unless it was gone. */
  | {
      readonly is: 'replied'
      readonly role: string
      readonly undo: boolean
      readonly status: number
      /** What the other side gave with it, another each time; absent where it was not asked. */
      readonly lsn?: number
    }
  /** A person changed what an action had changed. */
  | { readonly is: 'changed'; readonly role: string; readonly to: string }
  /** What an action waits for has come to be. */
  | { readonly is: 'followed'; readonly role: string }
  /** A record was written, by whomever. */
  | { readonly is: 'record'; readonly stage: string; readonly status: Loose }
  /** The object was written. */
  | {
      readonly is: 'object'
      readonly phase: string
      readonly held: boolean
      readonly notes: Loose
      /** As its status counts them; absent while it does not. */
      readonly errors?: number
      /** The outputs of its actions that stand on it. */
      readonly carried?: Carried
    }
  | { readonly is: 'deleted' }
  /** An exclusive key of it was given back. */
  | { readonly is: 'freed' }
  /** Something was done, or undone, for another object that wants one of its exclusive keys. */
  | { readonly is: 'rival'; readonly by: string; readonly role: string; readonly undo: boolean }
  /** The answer to who created it. */
  | { readonly is: 'answered'; readonly code: number; readonly message: string }
  | { readonly is: 'fault'; readonly site: string; readonly phase: string; readonly fault: string }
  /** A call of the process met the fault of another object. */
  | { readonly is: 'disturbed'; readonly site: string; readonly fault: string }
  /** It came to no end. */
  | { readonly is: 'hangs'; readonly why: string }

/** How it reads. */
export function told(one: Happening): string {
  switch (one.is) {
    case 'effect':
      return `effect: ${one.undo ? 'undo of ' : ''}${one.role} (${one.stage})${one.copy ? ', delivered again' : ''}${one.to === undefined ? '' : `: from ${one.from} to ${one.to}`}`
    case 'replied':
      return `${one.undo ? 'undo of ' : ''}${one.role} is answered ${one.status}${one.lsn === undefined ? '' : ` with ${one.lsn}`}`
    case 'changed':
      return `a person sets what ${one.role} changed to ${one.to}`
    case 'followed':
      return `what ${one.role} waits for has come to be`
    case 'record':
      return `record: ${one.stage} ${statusWords(one.status)}${whyOf(one.status)}`
    case 'object':
      return `object: ${one.phase || 'no phase'}${one.held ? ', held' : ''}${one.errors === undefined ? '' : `, errors: ${one.errors}`}${one.carried === undefined ? '' : `, carries ${JSON.stringify(one.carried)}`}${Object.entries(
        one.notes,
      )
        .map(([key, value]) => ` ${key}=${String(value)}`)
        .join('')}`
    case 'deleted':
      return 'object: deleted'
    case 'freed':
      return 'its exclusive key is given back'
    case 'rival':
      return `another with its exclusive key: ${one.undo ? 'undo of ' : ''}${one.role} for ${one.by}`
    case 'answered':
      return `answer to its creator: ${one.code} ${one.message}`
    case 'fault':
      return `FAULT: ${one.fault} at ${one.site} (${one.phase})`
    case 'disturbed':
      return `another's fault: ${one.fault} at ${one.site}`
    case 'hangs':
      return `HANGS: ${one.why}`
  }
}

/** What rows that did not go well say, and who acts. */
function whyOf(status: Loose): string {
  const rows = (status?.actions ?? []).flatMap(({ phase, message, undo }: Loose) => [
    ...(['Failed', 'Unknown'].includes(phase) || (phase === 'Pending' && message) ? [message] : []),
    ...(undo?.message === undefined || undo.phase === 'Undone' ? [] : [`undo: ${undo.message}`]),
  ])
  return `${status?.owner === undefined ? '' : ` by ${status.owner}`}${rows.map((row: string) => ` (${row.slice(0, 160)})`).join('')}`
}

/** A status in a few words: `Running 10-freeze:Succeeded 20-check:Running`. */
export function statusWords(status: Loose): string {
  const rows = (status?.actions ?? []).map(
    ({ name, phase, undo }: Loose) => `${roleOf(name)}:${phase}${undo === undefined ? '' : `/${undo.phase}`}`,
  )
  return [status?.phase ?? 'Pending', ...rows].join(' ')
}

/** The name of an action without its lane: `10-freeze-l07` is the 10-freeze of lane l07. */
export const roleOf = (name: string): string => name.replace(/-l\d+$/, '')
