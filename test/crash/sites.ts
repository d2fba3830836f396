/** Names the call sites: what a call of the service to the API server is for, whatever object it is about. Pure. */
import type { Loose } from '../support/asking.ts'
import { laneOfTarget } from './targets.ts'
import { roleOf, statusWords } from './history.ts'

/** A call as it goes over the wire. */
export type Wire = { readonly method: string; readonly url: string; readonly body: Loose }

/** What a call is for, and what names the object that it is about, if it is about one. */
export type Site = {
  readonly site: string
  readonly reads: boolean
  /** One of a Backup, a run, a Lease or who is to have it, an Action; undefined: the call is about the process. */
  readonly about?: {
    readonly by: 'object' | 'run' | 'lease' | 'holder' | 'action' | 'target'
    readonly name: string
  }
}

type Parts = {
  readonly verb: string
  readonly resource: string
  readonly name: string
  readonly subresource: string
  readonly body: Loose
  /** The one object that a list or a watch is about. */
  readonly selected: string
  readonly isDryRun: boolean
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** `/apis/G/V/namespaces/NS/RESOURCE/NAME/SUB` and its shorter forms. */
function partsOf({ method, url, body }: Wire): Parts {
  const { pathname, searchParams } = new URL(url, 'http://api')
  const words = pathname.split('/').filter(Boolean).map(decodeURIComponent)
  const rest = words.slice(words[0] === 'api' ? 2 : 3)
  const named = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest
  const [resource = pathname, name = '', subresource = ''] = named
  const reading = name !== '' ? 'get' : searchParams.get('watch') === null ? 'list' : 'watch'
  const selected = /metadata\.name=([^,]+)/.exec(searchParams.get('fieldSelector') ?? '')?.[1] ?? ''
  const isDryRun = searchParams.get('dryRun') !== null
  return { verb: verbs[method] ?? reading, resource, name, subresource, body, selected, isDryRun }
}

/** What a call is for. */
export function siteOf(wire: Wire): Site {
  const parts = partsOf(wire)
  const { verb, resource, subresource } = parts
  const reads = ['get', 'list', 'watch'].includes(verb)
  const what = `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`
  const acting = ofTarget(parts)
  if (acting !== undefined) return { site: `act ${what}${acting.detail}`, reads, about: acting.about }
  const found: Found = detailOf[resource]?.(parts) ?? { detail: '' }
  const detail = found.detail === '' ? '' : ` ${found.detail}`
  return { site: `${what}${detail}`, reads, ...(found.about === undefined ? {} : { about: found.about }) }
}

/** What an action does, as its account, to the object of its lane. */
function ofTarget({ name, selected, isDryRun }: Parts): Required<Found> | undefined {
  const target = name === '' ? selected : name
  if (laneOfTarget(target) === '') return undefined
  return { detail: isDryRun ? ' dry' : '', about: { by: 'target', name: target } }
}

type Found = { readonly detail: string; readonly about?: NonNullable<Site['about']> }

const about = (by: NonNullable<Site['about']>['by'], name: string) => ({ about: { by, name } })

const detailOf: Readonly<Record<string, (parts: Parts) => Found>> = {
  actionruns: ofRun,
  backups: ofObject,
  restores: ofObject,
  leases: ofLease,
  events: ofEvent,
  actions: ({ name }) => (name === '' ? { detail: '' } : { detail: roleOf(name), ...about('action', name) }),
}

const stages: Readonly<Record<string, string>> = {
  prebackup: 'PreBackup',
  postbackup: 'PostBackup',
  prerestore: 'PreRestore',
  postrestore: 'PostRestore',
}

function ofRun({ verb, name, body }: Parts): Found {
  const run: string = verb === 'create' ? body?.metadata?.name : name
  if (run === '' || run === undefined) return { detail: '' }
  const stage = stages[/-(\w+)$/.exec(run)?.[1] ?? ''] ?? ''
  const conditions = (body?.status?.conditions ?? []).map(({ type }: Loose) => type).join('+')
  const words =
    verb === 'update' ? ` ${statusWords(body?.status)}${conditions === '' ? '' : ` ${conditions}`}` : ''
  return { detail: `${stage}${words}`, ...about('run', run) }
}

function ofObject({ verb, name, body }: Parts): Found {
  // What is created by the service is the canary of the guard.
  if (verb === 'create' || name === '') return { detail: verb === 'create' ? 'canary' : '' }
  const notes = Object.entries(body?.metadata?.annotations ?? {}).map(
    ([key, value]) => `${value === null ? '-' : '+'}${key.replace('tidewaiter.io/', '')}`,
  )
  const phase = body?.status?.phase
  return {
    detail: [...notes.sort(), ...(phase === undefined ? [] : [phase])].join(' '),
    ...about('object', name),
  }
}

function ofLease({ name, body }: Parts): Found {
  const lease: string = name === '' ? (body?.metadata?.name ?? '') : name
  if (lease.endsWith('-leader')) return { detail: 'leader' }
  const kind = /^tidewaiter-(claim|exclusive)-/.exec(lease)?.[1]
  if (kind === undefined) return { detail: '' }
  // Several objects may want one key: who asks for it says for whom.
  const holder: string | undefined = kind === 'exclusive' ? body?.spec?.holderIdentity : undefined
  return { detail: kind, ...(holder === undefined ? about('lease', lease) : about('holder', holder)) }
}

function ofEvent({ name, body }: Parts): Found {
  const of: string = body?.involvedObject?.name ?? name.replace(/\.[0-9a-f]+$/, '')
  return { detail: body?.reason ?? '', ...about('object', of) }
}

/** What the API server asks the service: by which webhook, and about what. */
export function admissionSite({ url, body }: Wire): Site {
  const { resource, name, object, dryRun } = body?.request ?? {}
  const route = new URL(url, 'http://webhook').pathname.split('/').at(-1) ?? ''
  const of: string = resource?.resource ?? ''
  const site = `admit ${route}${route === of ? '' : ` ${of}`}${dryRun === true ? ' dry' : ''}`
  const named: string = name || (object?.metadata?.name ?? '')
  const by = ({ backups: 'object', restores: 'object', actions: 'action' } as const)[of]
  return { site, reads: false, ...(by === undefined ? {} : about(by, named)) }
}

/** The call of an action: POST of the action itself, or of its undo. */
export const actionSite = (role: string, undo: boolean): string => `call ${role}${undo ? ' undo' : ''}`
