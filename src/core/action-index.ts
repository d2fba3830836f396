/**
 * Finds the Actions that may be for an object without looking at all of them: by the Schedule, the label or the namespace that
 * they ask for. Whoever is not found does not match; whoever is found is still asked by `match`.
 */
import type { Action, Stage } from '../api/action.ts'
import type { MatchFacts } from './match.ts'
import { inRunOrder } from './order.ts'

/** The Actions of one stage. */
export type StageIndex = {
  /** All, in run order. */
  readonly all: readonly Action[]
  /** Those that may be for the object, in run order. */
  readonly maybeFor: (facts: MatchFacts) => readonly Action[]
}

type Selector = NonNullable<NonNullable<Action['spec']['match']>['selector']>
type Ranked = { readonly rank: number; readonly action: Action }
type Table = Map<string, Ranked[]>
/** Where an Action is looked for: under each of these keys of one table, or always. */
type Place =
  { readonly table: 'schedule' | 'label' | 'namespace'; readonly keys: readonly string[] } | undefined

const made = new WeakMap<readonly Action[], Map<Stage, StageIndex>>()

/** The index of one stage of these Actions. It is made once for each list: who keeps the list keeps it. */
export function indexOf(actions: readonly Action[], stage: Stage): StageIndex {
  const stages = made.get(actions) ?? new Map<Stage, StageIndex>()
  made.set(actions, stages)
  const found = stages.get(stage) ?? build(actions.filter(({ spec }) => spec.stage === stage))
  stages.set(stage, found)
  return found
}

function build(actions: readonly Action[]): StageIndex {
  const all = inRunOrder(actions)
  const always: Ranked[] = []
  const tables = { schedule: new Map(), label: new Map(), namespace: new Map() } satisfies Record<
    string,
    Table
  >
  all.forEach((action, rank) => {
    const place = placeOf(action)
    if (place === undefined) always.push({ rank, action })
    else for (const key of new Set(place.keys)) put(tables[place.table], key, { rank, action })
  })
  return { all, maybeFor: (facts) => ordered(always, found(tables, facts)) }
}

function put(table: Table, key: string, ranked: Ranked): void {
  const there = table.get(key)
  if (there === undefined) table.set(key, [ranked])
  else there.push(ranked)
}

/** By the condition that fewest objects meet; each that is given must hold, so one of them is enough to find it by. */
function placeOf({ spec: { match: wanted } }: Action): Place {
  if (wanted?.scheduleNames !== undefined) return { table: 'schedule', keys: wanted.scheduleNames }
  const labels = labelsIn(wanted?.selector)
  if (labels !== undefined) return { table: 'label', keys: labels }
  const namespaces = wanted?.includedNamespaces
  return namespaces?.every(isPlain) === true ? { table: 'namespace', keys: namespaces } : undefined
}

/** Labels of which the object must have one; undefined if it may have none of those that are named. */
function labelsIn(selector: Selector | undefined): readonly string[] | undefined {
  const [label] = Object.entries(selector?.matchLabels ?? {})
  if (label !== undefined) return [label.join('=')]
  const isIn = selector?.matchExpressions?.find(({ operator }) => operator === 'In')
  return isIn?.values?.map((value) => `${isIn.key}=${value}`)
}

// A name, and no pattern of any kind (DNS-1123).
const isPlain = (name: string): boolean => /^[a-z0-9-]{1,63}$/.test(name)

function found(
  tables: Readonly<Record<'schedule' | 'label' | 'namespace', Table>>,
  facts: MatchFacts,
): Ranked[] {
  const { schedule, label, namespace } = tables
  const all: Ranked[] = []
  const take = (table: Table, key: string) => {
    const there = table.get(key)
    if (there !== undefined) for (const one of there) all.push(one)
  }
  for (const name of facts.scheduleNames) take(schedule, name)
  if (label.size > 0) for (const one of Object.entries(facts.labels)) take(label, one.join('='))
  if (namespace.size > 0) for (const key of namespacesOf(facts) ?? namespace.keys()) take(namespace, key)
  return all
}

// `mayTouch` says yes where a list is too long to be compared; it must be asked about those.
const mostNamed = 100

/** The namespaces that the object touches; undefined if it says so by more than their names. */
function namespacesOf({ namespaces }: MatchFacts): readonly string[] | undefined {
  const { included, mapping } = namespaces().scope
  const named = [...new Set([...included, ...Object.values(mapping)])]
  const isKnown = included.length > 0 && named.length <= mostNamed && named.every(isPlain)
  return isKnown ? named : undefined
}

/** In run order, each once: it may be found under several keys. */
function ordered(always: readonly Ranked[], others: readonly Ranked[]): readonly Action[] {
  if (others.length === 0) return always.map(({ action }) => action)
  const byRank = new Map([...always, ...others].map(({ rank, action }) => [rank, action]))
  return [...byRank].sort(([a], [b]) => a - b).map(([, action]) => action)
}
