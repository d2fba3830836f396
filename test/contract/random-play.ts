/** Plays a sequence of operations on one server and writes down what came of it. */
import assert from 'node:assert/strict'
import type { Api } from './api.ts'
import type { Answer, Json } from './http.ts'
import type { Feeds } from './random-feeds.ts'
import { pathOf, typeOf, type Customs, type KindName } from './random-kinds.ts'
import type { Operation, Sequence } from './random-operations.ts'
import { perform, type Stage } from './random-requests.ts'
import type { WatchEvent } from './watch.ts'

/** What came of a sequence, as the server said it. */
export type Played = {
  readonly ns: string
  /** The groups of the custom kinds. */
  readonly groups: readonly string[]
  readonly answers: readonly Answered[]
  /** The events of each watch. */
  readonly watches: readonly (readonly WatchEvent[])[]
}

/** An answer: its pages where a list had several. */
export type Answered = Pick<Answer, 'status' | 'warnings' | 'body'>

/** A server to play on, with the custom kinds made there, and everything watched. */
export type Theatre = { readonly api: Api; readonly kinds: Customs; readonly feeds: Feeds }

/** The name of the object that ends the watches of a sequence. */
export const last = 'zz-last'

/** Plays a sequence in a namespace of its own, with watches on its kinds. */
export async function play(
  { api, kinds, feeds }: Theatre,
  { operations, watches }: Sequence,
): Promise<Played> {
  const ns = api.name('ns')
  const made = await api.post('/api/v1/namespaces', { metadata: { name: ns } })
  assert.equal(made.status, 201, made.text)
  const stage: Stage = { api, ns, kinds, seen: new Map() }
  const answers: Answered[] = []
  for (const operation of operations) {
    const { status, warnings, body } = await perform(stage, operation)
    remember(stage, operation, body)
    answers.push({ status, warnings, body })
  }
  const used = [...new Set(operations.map(({ kind }) => kind))]
  // One after another: their versions are compared.
  for (const kind of used) await closeWith(stage, kind)
  const live = await Promise.all(used.flatMap((kind) => feeds.of(kind, ns)))
  const late = await Promise.all(watches.map((watch) => watchLate(stage, watch)))
  return { ns, groups: [kinds.widget.group, kinds.gadget.group], answers, watches: [...live, ...late] }
}

async function closeWith({ api, kinds, ns }: Stage, kind: KindName): Promise<void> {
  const metadata = { name: last, labels: { tier: 'x' } }
  const object = { ...typeOf(kinds, kind), metadata, ...(kind === 'lease' ? { spec: {} } : {}) }
  const made = await api.post(pathOf(kinds, kind, { ns }), object)
  assert.equal(made.status, 201, made.text)
}

async function watchLate(
  { api, ns, kinds, seen }: Stage,
  { kind, from, selector, fields }: Sequence['watches'][number],
): Promise<readonly WatchEvent[]> {
  const known = [...seen.entries()].flatMap(([key, objects]) => (key.startsWith(`${kind} `) ? objects : []))
  const version = known[Math.min(from, known.length - 1)]?.metadata.resourceVersion
  const watch = await api.watch(pathOf(kinds, kind, { ns }), {
    ...(version === undefined ? {} : { resourceVersion: version }),
    ...(selector === undefined ? {} : { labelSelector: selector }),
    ...(fields === undefined ? {} : { fieldSelector: fields }),
  })
  const events: WatchEvent[] = []
  await watch.until((event) => {
    events.push(event)
    return event.object.metadata.name === last
  })
  watch.close()
  return events
}

function remember({ seen }: Stage, { kind, dryRun }: Operation, body: Json): void {
  const { name, resourceVersion } = body?.metadata ?? {}
  if (dryRun === true || name === undefined || resourceVersion === undefined) return
  const key = `${kind} ${name}`
  // What was asked for in part cannot be written back.
  if (body.kind === 'PartialObjectMetadata') return
  seen.set(key, [...(seen.get(key) ?? []), body])
}
