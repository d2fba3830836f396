/** What is wrong with an Action beyond its shape: expressions, templates, the URL, headers. All problems at once. */
import type { ActionSpec, HttpBody } from '../api/action.ts'
import type { PatchBody } from '../api/patch-body.ts'
import { nearest } from '../api/nearest.ts'
import type { FieldProblem } from '../api/problems.ts'
import { knownFields, responseFields, type Fields, type UnknownField } from './fields.ts'
import { checkHttpBody, checkRetry } from './http-body.ts'
import { checkPatchBody, patchTemplates } from './patch/body.ts'
import { checkUrl } from './render.ts'
import { variableNames } from './run/variables.ts'
import { targetProblems, type Target } from './target.ts'
import { expressionsIn } from './template.ts'

/** The tools that a check needs from other rooms. */
export type CheckTools = {
  /** A sentence if the expression may not be used; `want` is the type it must give where that is known. */
  readonly checkExpression: (
    source: string,
    variables: readonly string[],
    want: 'bool' | 'any',
  ) => string | undefined
  /** The fields that an expression selects and that are not among those that are known. */
  readonly unknownFields: (
    source: string,
    variables: readonly string[],
    known: Readonly<Record<string, Fields>>,
  ) => readonly UnknownField[]
  /** A sentence if the text is not a list of PEM certificates. */
  readonly parsePem: (pem: string) => string | undefined
}

/** Every problem of a spec whose shape is right. */
export function checkAction(spec: ActionSpec, tools: CheckTools): readonly FieldProblem[] {
  const { found, problems } = expressionsOf(spec)
  const isOfBody = ({ path }: Expression) => /^spec\.(undo\.)?(http|patch)\./.test(path)
  return [
    ...found.filter((one) => !isOfBody(one)).flatMap((one) => checkOne(one, spec, tools)),
    ...aimsOf(spec).flatMap(({ aim, path }) => targetProblems(aim, path)),
    ...(spec.retry === undefined ? [] : checkRetry(spec.retry, 'spec.retry', spec.http?.expectStatus)),
    ...httpOf(spec).flatMap(({ http, path }) => [
      ...checkUrl(http.url, `${path}.url`),
      ...checkHttpBody(http, path, tools.parsePem),
    ]),
    ...patchOf(spec).flatMap(({ patch, path }) => checkPatchBody(patch, path)),
    ...problems,
    ...found.filter(isOfBody).flatMap((one) => checkOne(one, spec, tools)),
  ]
}

/** What the bodies that are checked for nothing else aim at, each with the field it stands in. */
const aimsOf = ({ scale, wait }: ActionSpec): readonly { readonly aim: Target; readonly path: string }[] =>
  Object.entries({ scale, wait }).flatMap(([body, aim]) =>
    aim === undefined ? [] : [{ aim, path: `spec.${body}` }],
  )

/** The HTTP bodies of a spec, each with the field it stands in. */
function httpOf({ http, undo }: ActionSpec): readonly { readonly http: HttpBody; readonly path: string }[] {
  return [
    ...(http === undefined ? [] : [{ http, path: 'spec.http' }]),
    ...(undo?.http === undefined ? [] : [{ http: undo.http, path: 'spec.undo.http' }]),
  ]
}

/** The patches of a spec, each with the field it stands in. */
function patchOf({
  patch,
  undo,
}: ActionSpec): readonly { readonly patch: PatchBody; readonly path: string }[] {
  return [
    ...(patch === undefined ? [] : [{ patch, path: 'spec.patch' }]),
    ...(undo?.patch === undefined ? [] : [{ patch: undo.patch, path: 'spec.undo.patch' }]),
  ]
}

/** What is most likely wrong with a spec that may be used: a line for each field that Velero is not known to have. */
export function doubtsOf(spec: ActionSpec, tools: Pick<CheckTools, 'unknownFields'>): readonly string[] {
  return expressionsOf(spec).found.flatMap(({ path, source, variables }) =>
    tools
      .unknownFields(source, variables, knownFields)
      .map((field) => `${path}: ${noField(field)}, and an expression that finds it absent fails`),
  )
}

const fewKnown = 8

/** Which field was most likely meant, in brackets; or which there are. */
export function meant({ name, known }: UnknownField): string {
  const near = nearest(name, known)
  if (near !== undefined) return ` (did you mean ${near}?)`
  return known.length > fewKnown ? '' : ` (there is ${[...known].sort().join(', ')})`
}

/** That Velero does not have a field, as far as its CRDs are known here, and what was most likely meant. */
export const noField = (field: UnknownField): string =>
  `${field.path} is no field of Velero 1.18${meant(field)}`

/** An expression, the field it stands in, the variables it finds, and what it must give. */
type Expression = {
  readonly path: string
  readonly source: string
  readonly variables: readonly string[]
  readonly want: 'bool' | 'any'
}

type Expressions = { readonly found: readonly Expression[]; readonly problems: readonly FieldProblem[] }

/** Every expression of a spec, and every template that holds none because it is broken. */
export function expressionsOf(spec: ActionSpec): Expressions {
  const variables = variableNames(spec.stage)
  const [object = 'backup'] = variables
  const match = spec.match?.expression
  const templates = [
    ...httpOf(spec).map((one) => inTemplates(httpTemplates(one), variables)),
    ...patchOf(spec).map(({ patch, path }) => inTemplates(patchTemplates(patch, path), variables)),
  ]
  const found: readonly Expression[] = [
    ...(match === undefined
      ? []
      : [{ path: 'spec.match.expression', source: match, variables: [object], want: 'bool' as const }]),
    ...(spec.outputs ?? []).map(({ expression }, i) => ({
      path: `spec.outputs[${i}].expression`,
      source: expression,
      variables: ['response'],
      want: 'any' as const,
    })),
    ...untilOf(spec, variables),
    ...templates.flatMap((one) => one.found),
  ]
  return { found, problems: templates.flatMap((one) => one.problems) }
}

function untilOf({ wait }: ActionSpec, variables: readonly string[]): readonly Expression[] {
  if (wait?.until === undefined) return []
  const objects = wait.selector === undefined ? ['object'] : ['object', 'objects']
  return [
    { path: 'spec.wait.until', source: wait.until, variables: [...variables, ...objects], want: 'bool' },
  ]
}

/** The expressions in the body of a spec, not in that of its undo. */
export const templatesOf = ({ undo: _undo, ...spec }: ActionSpec): readonly Expression[] =>
  [
    ...httpOf(spec).flatMap(httpTemplates),
    ...patchOf(spec).flatMap(({ patch, path }) => patchTemplates(patch, path)),
  ].flatMap((one) => inTemplates([one], variableNames(spec.stage)).found)

/** A text or a tree with expressions in it, and the field it stands in. */
type Template = readonly [unknown, string]

const httpTemplates = ({
  http,
  path,
}: {
  readonly http: HttpBody
  readonly path: string
}): readonly Template[] => [
  [checkUrl(http.url, `${path}.url`).length > 0 ? '' : http.url, `${path}.url`],
  [http.body, `${path}.body`],
  ...(http.headers ?? []).map(({ value }, i) => [value ?? '', `${path}.headers[${i}].value`] as const),
]

function inTemplates(templates: readonly Template[], variables: readonly string[]): Expressions {
  const all = templates.map(([template, path]) => expressionsIn(template, path))
  return {
    found: all.flatMap(({ found }) =>
      found.map(({ path, expression }) => ({ path, source: expression, variables, want: 'any' as const })),
    ),
    problems: all.flatMap(({ problems }) => problems),
  }
}

function checkOne(
  { path, source, variables, want }: Expression,
  spec: ActionSpec,
  tools: CheckTools,
): readonly FieldProblem[] {
  const problem =
    withExportedHint(tools.checkExpression(source, variables, want), spec) ??
    // The answer of an action has our fields and no others: one that is not there will never be.
    tools
      .unknownFields(source, variables, { response: responseOf(spec) })
      .map((field) => `${field.path} is not there${meant(field)}`)
      .at(0)
  return problem === undefined ? [] : [{ path, want: `be a CEL expression that can be used: ${problem}` }]
}

/** Where exported outputs are to be had, added to a problem that comes of looking for them elsewhere. */
function withExportedHint(problem: string | undefined, { stage }: ActionSpec): string | undefined {
  if (problem?.startsWith('unknown variable "exported"') !== true) return problem
  const where = stage.endsWith('Backup')
    ? 'exported is there only in actions of a Restore (PreRestore, PostRestore); outputs of earlier actions of this stage are in outputs'
    : 'exported is there in what an action does (http, patch, wait.until), and not in match or outputs'
  return `${problem}: ${where}`
}

function responseOf({ patch, scale, wait }: ActionSpec): Fields {
  if (wait !== undefined) return responseFields[wait.name === undefined ? 'wait' : 'waitForOne']
  if (scale !== undefined) return responseFields.scale
  return responseFields[patch === undefined ? 'http' : 'patch']
}

/** The Secrets that a spec refers to. */
export function secretsOf(
  spec: ActionSpec,
): readonly { readonly name: string; readonly key: string; readonly path: string }[] {
  return httpOf(spec).flatMap(({ http, path }) =>
    (http.headers ?? []).flatMap(({ valueFrom }, i) =>
      valueFrom === undefined
        ? []
        : [{ ...valueFrom.secretKeyRef, path: `${path}.headers[${i}].valueFrom.secretKeyRef` }],
    ),
  )
}
