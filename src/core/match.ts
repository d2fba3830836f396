/** Whether an Action is for a Backup or Restore: all conditions given must hold. */
import type { ActionSpec } from '../api/action.ts'
import { enumerated } from '../api/text.ts'
import { mayTouch } from './namespaces.ts'
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

/** Evaluates one CEL expression; never throws, never hangs. */
export type Evaluate = (source: string, values: Json) => { readonly ok: unknown } | { readonly error: string }

/** What matching looks at. */
export type MatchFacts = {
  /** The object with Velero's defaults filled in. */
  readonly object: Json
  /** The Schedules it comes from: its label; for a Restore also spec.scheduleName and its backup's Schedule. */
  readonly scheduleNames: readonly string[]
  /** What expressions see: `backup` or `restore`. */
  readonly variables: Json
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
  const object = withDefaults(kind, raw, await sources.defaultsOf(namespace))
  return {
    object,
    scheduleNames: await scheduleNamesOf(kind, raw, sources),
    variables: { [kind === 'Backup' ? 'backup' : 'restore']: object },
  }
}

async function scheduleNamesOf(
  kind: VeleroKind,
  raw: Json,
  { scheduleOfBackup }: MatchSources,
): Promise<readonly string[]> {
  const backup = kind === 'Restore' ? textAt(raw, 'spec', 'backupName') : ''
  const made = backup === '' ? '' : await scheduleOfBackup(textAt(raw, 'metadata', 'namespace'), backup)
  const named = [
    textMapAt(raw, 'metadata', 'labels')[scheduleLabel] ?? '',
    textAt(raw, 'spec', 'scheduleName'),
  ]
  return [...named, made].filter((name) => name !== '')
}

/** Matched, not matched and why, or an expression that failed (which refuses). */
export type Match =
  | { readonly matched: true }
  | { readonly matched: false; readonly because: string }
  | { readonly error: string }

/** Decides whether the Action is for the object. */
export function match(spec: ActionSpec, facts: MatchFacts, evaluate: Evaluate): Match {
  const wanted = spec.match
  if (wanted === undefined) return { matched: true }
  const { expression } = wanted
  const because = ruledOut(wanted, facts)
  if (because !== undefined) return { matched: false, because }
  return expression === undefined ? { matched: true } : holds(expression, facts, evaluate)
}

type Wanted = NonNullable<ActionSpec['match']>

/** Why the object is out before anything is evaluated, if it is. */
function ruledOut(
  { scheduleNames, includedNamespaces, selector }: Wanted,
  { scheduleNames: made, object }: MatchFacts,
): string | undefined {
  if (scheduleNames !== undefined && !made.some((name) => scheduleNames.includes(name))) {
    const got = made.length === 0 ? 'no Schedule' : `Schedule ${enumerated([...new Set(made)], 'and')}`
    return `scheduleNames wants ${enumerated(scheduleNames, 'or')}, got ${got}`
  }
  if (includedNamespaces !== undefined && !mayTouch(namespaceScopeOf(object), includedNamespaces))
    return `includedNamespaces wants ${enumerated(includedNamespaces, 'or')}, which it cannot touch`
  if (selector !== undefined && !selects(selector, textMapAt(object, 'metadata', 'labels')))
    return 'its labels are not those that selector wants'
  return undefined
}

function holds(expression: string, facts: MatchFacts, evaluate: Evaluate): Match {
  const result = evaluate(expression, facts.variables)
  if ('error' in result) return result
  if (typeof result.ok !== 'boolean') return { error: `must give true or false, got ${typeof result.ok}` }
  return result.ok ? { matched: true } : { matched: false, because: 'its expression is false' }
}

type Selector = NonNullable<Wanted['selector']>

/** A label selector as in meta/v1: labels.go of apimachinery (NotIn also holds where the label is absent). */
export function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const value = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  const same = Object.entries(selector.matchLabels ?? {}).every(([key, wanted]) => value(key) === wanted)
  if (!same) return false
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const got = value(key)
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
  })
}
