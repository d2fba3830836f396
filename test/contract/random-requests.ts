/** The request of an operation. */
import type { Api, patchTypes } from './api.ts'
import type { Answer, Json, Options } from './http.ts'
import { pathOf, typeOf, type Customs } from './random-kinds.ts'
import type { Base, Operation, Precondition } from './random-operations.ts'

/** Where a sequence is played. */
export type Stage = {
  readonly api: Api
  readonly ns: string
  readonly kinds: Customs
  /** The objects that were answered, by kind and name, oldest first. */
  readonly seen: Map<string, Json[]>
}

type Doing<D extends Operation['do']> = Operation & { readonly do: D }

/** Sends the request of an operation. */
export function perform(stage: Stage, operation: Operation): Promise<Answer> {
  switch (operation.do) {
    case 'create':
      return stage.api.post(
        collectionOf(stage, operation),
        whole(stage, operation, operation.fields),
        queryOf(operation),
      )
    case 'update':
      return stage.api.put(objectOf(stage, operation), updated(stage, operation), queryOf(operation))
    case 'merge':
    case 'json':
    case 'strategic':
    case 'apply':
      return patch(stage, operation)
    case 'delete':
      return remove(stage, operation)
    case 'delete-collection':
      return stage.api.delete(collectionOf(stage, operation), operation.options, {
        ...choiceOf(operation),
        ...(operation.dryRun === true ? { dryRun: 'All' } : {}),
      })
    case 'get':
    case 'list':
      return read(stage, operation)
  }
}

const collectionOf = ({ kinds, ns }: Stage, { kind }: Operation): string => pathOf(kinds, kind, { ns })

const objectOf = ({ kinds, ns }: Stage, operation: Operation): string =>
  pathOf(kinds, operation.kind, { ns, name: operation.name }) +
  ('status' in operation && operation.status ? '/status' : '')

const queryOf = ({ dryRun, validation }: Operation): NonNullable<Options['query']> => ({
  fieldManager: 'player',
  ...(dryRun === true ? { dryRun: 'All' } : {}),
  ...(validation === undefined ? {} : { fieldValidation: validation }),
})

function seenAs({ seen }: Stage, { kind, name }: Operation, base: Base): Json {
  const all = seen.get(`${kind} ${name}`) ?? []
  if (base === 'none') return undefined
  return base === 'latest' ? all.at(-1) : all[0]
}

const strangerUid = '11111111-1111-4111-8111-111111111111'

/** The value with the uids in it that placeholders stand for. */
function filled(stage: Stage, operation: Operation, value: Json): Json {
  if (typeof value === 'string' && value.startsWith('$uid '))
    return seenAs(stage, { ...operation, name: value.slice(5) }, 'latest')?.metadata.uid ?? strangerUid
  if (Array.isArray(value)) return value.map((one) => filled(stage, operation, one))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(stage, operation, one)]))
}

/** A whole object from scratch. */
function whole(stage: Stage, operation: Operation, fields: Json): Json {
  const { metadata, ...content } = filled(stage, operation, fields)
  return {
    ...typeOf(stage.kinds, operation.kind),
    metadata: { name: operation.name, ...metadata },
    ...content,
  }
}

function updated(stage: Stage, operation: Doing<'update'>): Json {
  const old = seenAs(stage, operation, operation.base)
  const fresh = whole(stage, operation, operation.fields)
  const object =
    old === undefined ? fresh : { ...old, ...fresh, metadata: { ...old.metadata, ...fresh.metadata } }
  const change = (fields: Json): Json => ({ ...object, metadata: { ...object.metadata, ...fields } })
  switch (operation.tampering) {
    case 'uid':
      return change({ uid: strangerUid })
    case 'no-managers':
      return change({ managedFields: null })
    case 'reset-managers':
      return change({ managedFields: [{}] })
    case 'name':
      return change({ name: 'other' })
    case 'kind':
      return { ...object, kind: 'Other' }
    case 'status':
      return { ...object, status: null }
    case undefined:
      return object
  }
}

function patch(
  stage: Stage,
  operation: Doing<'merge'> | Doing<'json'> | Doing<'strategic'> | Doing<'apply'>,
): Promise<Answer> {
  const path = objectOf(stage, operation)
  const send = (type: keyof typeof patchTypes, body: object, more: Options['query'] = {}): Promise<Answer> =>
    stage.api.patch(path, body, { type, query: { ...queryOf(operation), ...more } })
  switch (operation.do) {
    case 'json':
      return send('json', operation.steps)
    case 'strategic':
      return send('strategic', filled(stage, operation, operation.fields))
    case 'merge':
      return send('merge', versioned(stage, operation, filled(stage, operation, operation.fields)))
    case 'apply': {
      const { by, force } = operation
      const config = versioned(stage, operation, whole(stage, operation, operation.fields))
      return send('apply', config, { fieldManager: by, force })
    }
  }
}

function versioned(stage: Stage, operation: Doing<'merge'> | Doing<'apply'>, body: Json): Json {
  const { resourceVersion } = seenAs(stage, operation, operation.base)?.metadata ?? {}
  return resourceVersion === undefined ? body : { ...body, metadata: { ...body.metadata, resourceVersion } }
}

function remove(stage: Stage, operation: Doing<'delete'>): Promise<Answer> {
  const { dryRun, options, inQuery } = operation
  const path = objectOf(stage, operation)
  if (inQuery)
    return stage.api.delete(path, undefined, { ...options, ...(dryRun === true ? { dryRun: 'All' } : {}) })
  const preconditions = preconditionsOf(stage, operation)
  return stage.api.delete(path, {
    ...options,
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(dryRun === true ? { dryRun: ['All'] } : {}),
  })
}

function preconditionsOf(stage: Stage, operation: Doing<'delete'>): Json {
  const base = operation.precondition === 'stale' ? 'stale' : 'latest'
  const { uid, resourceVersion } = seenAs(stage, operation, base)?.metadata ?? {}
  const all: Readonly<Record<Precondition, Json>> = {
    none: undefined,
    uid: { uid },
    'wrong-uid': { uid: strangerUid },
    stale: { resourceVersion },
    latest: { uid, resourceVersion },
  }
  return all[operation.precondition]
}

const choiceOf = ({
  selector,
  fields,
}: {
  selector?: string
  fields?: string
}): NonNullable<Options['query']> => ({
  ...(selector === undefined ? {} : { labelSelector: selector }),
  ...(fields === undefined ? {} : { fieldSelector: fields }),
})

async function read(stage: Stage, operation: Doing<'get'> | Doing<'list'>): Promise<Answer> {
  const { version, view } = operation
  const latest = seenAs(stage, operation, 'latest')?.metadata.resourceVersion
  const resourceVersion = version === 'latest' ? latest : version
  const query = resourceVersion === undefined ? {} : { resourceVersion }
  const accept = view === undefined ? {} : { accept: `application/json;as=${view};g=meta.k8s.io;v=v1` }
  const ask = (path: string, more: Options['query']): Promise<Answer> =>
    stage.api.request('GET', path, { query: { ...query, ...more }, ...accept })
  // What is read from the cache may be old: a read of the newest makes it catch up.
  if (version !== undefined) await stage.api.get(collectionOf(stage, operation), { limit: 1 })
  if (operation.do === 'get') return ask(objectOf(stage, operation), {})
  const { limit } = operation
  const chosen = { ...choiceOf(operation), ...(limit === undefined ? {} : { limit }) }
  const path = collectionOf(stage, operation)
  const first = await ask(path, chosen)
  const token = first.body?.metadata?.continue
  if (typeof token !== 'string' || token === '') return first
  const next = await stage.api.request('GET', path, { query: { ...chosen, continue: token }, ...accept })
  return { ...first, body: { ...first.body, next: next.body } }
}
