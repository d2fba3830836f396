/** Plays a sequence of operations on one server and writes down what came of it. */
import type { Api } from './api.ts'
import type { Answer, Json } from './http.ts'
import { paths } from './objects.ts'
import type { Base, Change, Operation } from './random-operations.ts'
import type { WatchEvent } from './watch.ts'
import type { Kind } from './widgets.ts'

/** What came of a sequence, as the server said it. */
export type Played = {
  readonly ns: string
  readonly group: string
  readonly answers: readonly {
    readonly status: number
    readonly warnings: readonly string[]
    readonly body: Json
  }[]
  /** The events of each watch. */
  readonly watches: readonly (readonly WatchEvent[])[]
}

type Stage = {
  readonly api: Api
  readonly ns: string
  readonly widget: Kind
  /** The objects that were answered, by kind and name, oldest first. */
  readonly seen: Map<string, Json[]>
}

const pathOf = ({ ns, widget }: Stage, { kind }: Operation, name?: string): string =>
  kind === 'secret' ? paths.secrets(ns, name) : widget.path(ns, name)

/** The fields of an object that a change is about. */
function fieldsOf(kind: Operation['kind'], { n, tag, odd, tier, finalizers }: Change): Json {
  const content =
    kind === 'secret'
      ? {
          ...(n === undefined ? {} : { data: { n: typeof n === 'number' ? btoa(String(n)) : n } }),
          ...(tag === undefined ? {} : { stringData: { tag } }),
        }
      : n === undefined && tag === undefined
        ? {}
        : { spec: { ...(n === undefined ? {} : { n }), ...(tag === undefined ? {} : { tag }) } }
  const metadata = {
    ...(tier === undefined ? {} : { labels: { tier } }),
    ...(finalizers === undefined ? {} : { finalizers }),
  }
  return {
    ...content,
    ...(odd === true ? { odd: 1 } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  }
}

const typeOf = ({ widget }: Stage, kind: Operation['kind']) =>
  kind === 'secret' ? { apiVersion: 'v1', kind: 'Secret' } : { apiVersion: widget.apiVersion, kind: 'Widget' }

/** A whole object from scratch. */
const whole = (stage: Stage, { kind, name }: Operation, given: Change): Json => {
  const { metadata, ...fields } = fieldsOf(kind, given)
  return { ...typeOf(stage, kind), metadata: { name, ...metadata }, ...fields }
}

function based(stage: Stage, operation: Operation, base: Base): Json {
  const seen = stage.seen.get(`${operation.kind} ${operation.name}`) ?? []
  if (base === 'none') return undefined
  return base === 'latest' ? seen.at(-1) : seen[0]
}

const statusOf = ({ n }: Change) => ({ phase: n === 'bad' ? 'bad' : `P${n ?? 0}` })

function updated(stage: Stage, operation: Operation & { do: 'update' }): Json {
  const old = based(stage, operation, operation.base)
  const fresh = whole(stage, operation, operation.change)
  if (old === undefined) return fresh
  const metadata = { ...old.metadata, ...fresh.metadata }
  return { ...old, ...fresh, metadata, ...(operation.status ? { status: statusOf(operation.change) } : {}) }
}

function jsonPatch(operation: Operation & { do: 'json' }): readonly object[] {
  const { n, tier } = operation.change
  const root = operation.kind === 'secret' ? '/data' : '/spec'
  return [
    ...(operation.test ? [{ op: 'test', path: '/metadata/name', value: 'a' }] : []),
    ...(n === null ? [{ op: 'remove', path: `${root}/n` }] : []),
    ...(typeof n === 'number'
      ? [{ op: 'replace', path: `${root}/n`, value: operation.kind === 'secret' ? btoa(String(n)) : n }]
      : []),
    ...(tier === undefined
      ? []
      : [{ op: 'add', path: '/metadata/labels', value: tier === null ? {} : { tier } }]),
  ]
}

function deletion(stage: Stage, operation: Operation & { do: 'delete' }): Json {
  const old = based(stage, operation, operation.precondition === 'stale' ? 'stale' : 'latest')
  const preconditions = {
    none: undefined,
    uid: { uid: old?.metadata.uid },
    'wrong-uid': { uid: '11111111-1111-4111-8111-111111111111' },
    stale: { resourceVersion: old?.metadata.resourceVersion },
  }[operation.precondition]
  return {
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(operation.policy === undefined ? {} : { propagationPolicy: operation.policy }),
    ...(operation.dryRun ? { dryRun: ['All'] } : {}),
  }
}

function perform(stage: Stage, operation: Operation): Promise<Answer> {
  const { api } = stage
  const one = pathOf(stage, operation, operation.name)
  const all = pathOf(stage, operation)
  const query = { fieldManager: 'player', ...(operation.dryRun ? { dryRun: 'All' } : {}) }
  switch (operation.do) {
    case 'create': {
      const { validation, change } = operation
      return api.post(all, whole(stage, operation, change), {
        ...query,
        ...(validation === undefined ? {} : { fieldValidation: validation }),
      })
    }
    case 'update':
      return api.put(operation.status ? `${one}/status` : one, updated(stage, operation), query)
    case 'merge': {
      const { resourceVersion } = based(stage, operation, operation.base)?.metadata ?? {}
      const fields = fieldsOf(operation.kind, operation.change)
      const metadata = { ...fields.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) }
      const status = operation.status ? { status: statusOf(operation.change) } : {}
      return api.patch(
        operation.status ? `${one}/status` : one,
        { ...fields, metadata, ...status },
        { type: 'merge', query },
      )
    }
    case 'json':
      return api.patch(one, jsonPatch(operation), { type: 'json', query })
    case 'strategic':
      return api.patch(one, fieldsOf(operation.kind, operation.change), { type: 'strategic', query })
    case 'apply':
      return api.patch(one, whole(stage, operation, operation.change), {
        type: 'apply',
        query: { ...query, fieldManager: operation.by, force: operation.force },
      })
    case 'delete':
      return api.delete(one, deletion(stage, operation))
    case 'delete-collection':
      return api.delete(all, undefined, {
        ...query,
        ...(operation.selector === undefined ? {} : { labelSelector: operation.selector }),
      })
    case 'get':
      return api.get(one)
    case 'list': {
      const { selector, fields, limit } = operation
      return api.get(all, {
        ...(selector === undefined ? {} : { labelSelector: selector }),
        ...(fields === undefined ? {} : { fieldSelector: fields }),
        ...(limit === undefined ? {} : { limit }),
      })
    }
  }
}

function remember({ seen }: Stage, { kind, dryRun }: Operation, body: Json): void {
  const { name, resourceVersion } = body?.metadata ?? {}
  if (dryRun || name === undefined || resourceVersion === undefined) return
  const key = `${kind} ${name}`
  seen.set(key, [...(seen.get(key) ?? []), body])
}

const last = 'zz-last'

/** Plays a sequence in a namespace of its own, with watches on both kinds. */
export async function play(api: Api, widget: Kind, operations: readonly Operation[]): Promise<Played> {
  const ns = await api.namespace()
  const stage: Stage = { api, ns, widget, seen: new Map() }
  const collections = [paths.secrets(ns), widget.path(ns)]
  const begun = await Promise.all(
    collections.flatMap((path) => [api.watch(path), api.watch(path, { labelSelector: 'tier=x' })]),
  )
  const answers: Played['answers'][number][] = []
  for (const operation of operations) {
    const { status, warnings, body } = await perform(stage, operation)
    remember(stage, operation, body)
    answers.push({ status, warnings, body })
  }
  const metadata = { name: last, labels: { tier: 'x' } }
  await api.post(paths.secrets(ns), { metadata })
  await api.post(widget.path(ns), { ...typeOf(stage, 'widget'), metadata })
  const watches = await Promise.all(
    begun.map(async (watch) => {
      const events: WatchEvent[] = []
      await watch.until((event) => {
        events.push(event)
        return event.object.metadata.name === last
      })
      watch.close()
      return events
    }),
  )
  await release(stage)
  return { ns, group: widget.group, answers, watches }
}

/** Takes finalizers away, which would keep the namespace in a whole cluster for ever. */
async function release({ api, ns, widget }: Stage): Promise<void> {
  for (const path of [paths.secrets(ns), widget.path(ns)]) {
    const { items } = (await api.get(path)).body
    for (const { metadata } of items) {
      if (metadata.finalizers === undefined) continue
      await api.patch(`${path}/${metadata.name}`, { metadata: { finalizers: null } }, { type: 'merge' })
    }
  }
}
