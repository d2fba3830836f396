/** What `plan` is given: the documents of files, sorted by what they are for, and everything that is wrong with them. */
import type { Action } from '../api/action.ts'
import { parseAction } from '../api/parse.ts'
import { sentenceOf } from '../api/problems.ts'
import { group } from '../api/schema.ts'
import { checkAction, doubtsOf, type CheckTools } from '../core/action-check.ts'
import { at, objectAt, textAt, type Json } from '../core/velero.ts'
import type { LocatedProblem, NamedText } from '../plugins/collect.ts'
import { readYaml, type YamlDocument } from '../plugins/yaml-text.ts'
import { inNamespace } from '../wiring/foresight.ts'

/** One object of a file. */
export type Located = {
  readonly file: string
  readonly line: number
  readonly value: Json
  readonly lineOf: (path: string) => number
}

/** All objects of some texts, each with a namespace. */
export type Documents = {
  readonly all: readonly Located[]
  readonly problems: readonly LocatedProblem[]
}

/** Reads texts; what names no namespace is for this one. */
export function documentsOf(texts: readonly NamedText[], namespace: string): Documents {
  const read = texts.map(({ name: file, text }) => ({ file, ...readYaml(text) }))
  return {
    all: read.flatMap(({ file, documents }) => documents.flatMap((one) => objectsIn(one, file, namespace))),
    problems: read.flatMap(({ file, problems }) =>
      problems.map(({ line, message }) => ({ file, line, message: `the YAML ${message}` })),
    ),
  }
}

function objectsIn({ value, lineOf }: YamlDocument, file: string, namespace: string): readonly Located[] {
  const items = at(value, 'items')
  if (textAt(value, 'kind').endsWith('List') && Array.isArray(items))
    return items.map((item: unknown, i) => ({
      file,
      line: lineOf(`items[${i}]`),
      value: inNamespace(objectAt({ item }, 'item'), namespace),
      lineOf: (path) => lineOf(`items[${i}].${path}`),
    }))
  return [{ file, line: lineOf('kind'), value: inNamespace(objectAt({ value }, 'value'), namespace), lineOf }]
}

const subjects: ReadonlySet<unknown> = new Set(['Backup', 'Restore', 'Schedule'])

/** Whether it is something that actions run for: a Backup, a Restore, or a Schedule, which makes Backups. */
export const isSubject = ({ value }: Located): boolean =>
  textAt(value, 'apiVersion') === 'velero.io/v1' && subjects.has(value['kind'])

/** Whether it is an Action, of any version. */
export const isAction = ({ value }: Located): boolean =>
  textAt(value, 'apiVersion').startsWith(`${group}/`) && value['kind'] === 'Action'

/** What is wrong with a subject as far as it concerns a plan; the API server checks the rest. */
export function subjectProblems({ file, value, lineOf }: Located): readonly LocatedProblem[] {
  const named = textAt(value, 'metadata', 'name') || textAt(value, 'metadata', 'generateName')
  if (named !== '') return []
  return [{ file, line: lineOf('metadata'), message: 'metadata.name must be given' }]
}

/** The Actions among the objects, checked as they are when they are applied. */
export function actionsIn(
  all: readonly Located[],
  tools: CheckTools,
): {
  readonly actions: readonly Action[]
  readonly problems: readonly LocatedProblem[]
  readonly doubts: readonly LocatedProblem[]
} {
  const read = all.filter(isAction).map((one) => ({ one, parsed: parseAction(one.value) }))
  const sound = read.flatMap(({ one, parsed }) => ('ok' in parsed ? [{ one, action: parsed.ok }] : []))
  const located = ({ file, lineOf }: Located, path: string, message: string): LocatedProblem => ({
    file,
    line: lineOf(path),
    message,
  })
  const problems = read.flatMap(({ one, parsed }) =>
    ('ok' in parsed ? checkAction(parsed.ok.spec, tools) : parsed.problems).map((problem) =>
      located(one, problem.path, sentenceOf(problem)),
    ),
  )
  return {
    actions: sound.map(({ action }) => action),
    problems: [...problems, ...twice(sound)],
    doubts: sound.flatMap(({ one, action }) =>
      doubtsOf(action.spec, tools).map((doubt) => located(one, doubt.split(':')[0] ?? '', doubt)),
    ),
  }
}

function twice(
  sound: readonly { readonly one: Located; readonly action: Action }[],
): readonly LocatedProblem[] {
  const seen = new Set<string>()
  return sound.flatMap(({ one: { file, lineOf }, action: { metadata } }) => {
    const key = `${metadata.namespace}/${metadata.name}`
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    const message = `metadata.name must be given once, got the Action ${key} again`
    return [{ file, line: lineOf('metadata.name'), message }]
  })
}
