/** Whether an Action is for a Backup or Restore: all conditions given must hold. */
import type { ActionSpec } from '../api/action.ts'
import { comparable, mayTouch, type Namespaces } from './namespaces.ts'
import {
  namespaceScopeOf,
  scheduleLabel,
  textAt,
  textMapAt,
  withDefaults,
  type Json,
  type VeleroDefaults,
  type VeleroKind,
} from './velero.ts'

type Labels = Readonly<Record<string, string>>

/** Evaluates one CEL expression; never throws, never hangs. */
export type Evaluate = (source: string, values: Json) => { readonly ok: unknown } | { readonly error: string }

/** What matching looks at. What most Actions do not ask for is made when the first one does. */
export type MatchFacts = {
  readonly labels: Labels
  /** The Schedules it comes from: its label; for a Restore also spec.scheduleName and its backup's Schedule. */
  readonly scheduleNames: readonly string[]
  /** Its namespaces, the same for each Action: what all together may take to compare theirs is spent there. */
  readonly namespaces: () => Namespaces
  /** What expressions see: `backup` or `restore`, with Velero's defaults filled in. */
  readonly variables: () => Json
}

/** What must be asked to know what matching looks at. */
export type MatchSources = {
  readonly defaultsOf: (namespace: string) => Promise<VeleroDefaults>
  /** The Schedule that made a Backup, or ''. */
  readonly scheduleOfBackup: (namespace: string, backup: string) => Promise<string>
}

/** What matching looks at, for an object at its admission or later. */
export async function matchFactsOf(kind: VeleroKind, raw: Json, sources: MatchSources): Promise<MatchFacts> {
  const namespace = textAt(raw, 'metadata', 'namespace')
  const defaults = await sources.defaultsOf(namespace)
  const backup = kind === 'Restore' ? textAt(raw, 'spec', 'backupName') : ''
  const backupSchedule = backup === '' ? '' : await sources.scheduleOfBackup(namespace, backup)
  return matchFacts(kind, raw, { defaults, backupSchedule })
}

/** The same, of what was asked: `backupSchedule` is the Schedule of the Backup that a Restore is of, or ''. */
export function matchFacts(
  kind: VeleroKind,
  raw: Json,
  asked: { readonly defaults: VeleroDefaults; readonly backupSchedule: string },
): MatchFacts {
  const labels = textMapAt(raw, 'metadata', 'labels')
  const schedules = [labels[scheduleLabel] ?? '', textAt(raw, 'spec', 'scheduleName'), asked.backupSchedule]
  return {
    labels,
    scheduleNames: schedules.filter((name) => name !== ''),
    namespaces: madeOnce(() => comparable(namespaceScopeOf(raw))),
    variables: madeOnce(() => ({
      [kind === 'Backup' ? 'backup' : 'restore']: withDefaults(kind, raw, asked.defaults),
    })),
  }
}

function madeOnce<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** Matched, not matched (then which condition does not hold), or an expression that failed (which refuses). */
export type Match =
  | { readonly matched: true }
  | { readonly matched: false; readonly because: string }
  | { readonly error: string }

/** Decides whether the Action is for the object. */
export function match(spec: ActionSpec, facts: MatchFacts, evaluate: Evaluate): Match {
  const wanted = spec.match
  if (wanted === undefined) return { matched: true }
  const because = unmetSchedule(wanted, facts) ?? unmetNamespace(wanted, facts) ?? unmetLabel(wanted, facts)
  if (because !== undefined) return { matched: false, because }
  return wanted.expression === undefined ? { matched: true } : holds(wanted.expression, facts, evaluate)
}

type Wanted = NonNullable<ActionSpec['match']>

function unmetSchedule({ scheduleNames: wanted }: Wanted, { scheduleNames }: MatchFacts): string | undefined {
  if (wanted === undefined || scheduleNames.some((name) => wanted.includes(name))) return undefined
  const got = scheduleNames.length === 0 ? 'no Schedule' : `the Schedule ${listed(scheduleNames)}`
  return `scheduleNames: it comes from ${got}, wanted ${listed(wanted)}`
}

function unmetNamespace(
  { includedNamespaces: wanted }: Wanted,
  { namespaces }: MatchFacts,
): string | undefined {
  if (wanted === undefined || mayTouch(namespaces(), wanted)) return undefined
  const { scope } = namespaces()
  const without = scope.excluded.length === 0 ? '' : ` without ${listed(scope.excluded)}`
  const included = scope.included.length === 0 ? '*' : listed(scope.included)
  return `includedNamespaces: it touches ${included}${without}, wanted ${listed(wanted)}`
}

function unmetLabel({ selector }: Wanted, { labels }: MatchFacts): string | undefined {
  const unmet = selector && unmetRequirement(selector, labels)
  return unmet === undefined ? undefined : `selector: ${unmet}`
}

const fewListed = 8

const listed = (names: readonly string[]): string =>
  names.length <= fewListed
    ? names.join(', ')
    : `${names.slice(0, fewListed).join(', ')} and ${names.length - fewListed} more`

function holds(expression: string, facts: MatchFacts, evaluate: Evaluate): Match {
  const result = evaluate(expression, facts.variables())
  if ('error' in result) return result
  if (typeof result.ok !== 'boolean') return { error: `must give true or false, got ${typeof result.ok}` }
  return result.ok ? { matched: true } : { matched: false, because: 'expression: it is false' }
}

type Selector = NonNullable<Wanted['selector']>
type Requirement = NonNullable<Selector['matchExpressions']>[number]

/** The first requirement of a label selector that does not hold, in words; undefined if all hold. */
export function unmetRequirement(selector: Selector, labels: Labels): string | undefined {
  const requirements: readonly Requirement[] = [
    ...Object.entries(selector.matchLabels ?? {}).map(
      ([key, value]) => ({ key, operator: 'In', values: [value] }) as const,
    ),
    ...(selector.matchExpressions ?? []),
  ]
  const unmet = requirements.find((one) => !meets(one, valueOf(labels, one.key)))
  if (unmet === undefined) return undefined
  const { key, operator, values = [] } = unmet
  const got = valueOf(labels, key)
  const wanted = values.length === 0 ? '' : ` ${listed(values)}`
  return `the label ${key} must be ${operator}${wanted}, got ${got === undefined ? 'none' : JSON.stringify(got)}`
}

const valueOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined

/** As in meta/v1: labels.go of apimachinery (NotIn also holds where the label is absent). */
function meets({ operator, values = [] }: Requirement, got: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return got !== undefined && values.includes(got)
    case 'NotIn':
      return got === undefined || !values.includes(got)
    case 'Exists':
      return got !== undefined
    case 'DoesNotExist':
      return got === undefined
  }
}
