/** What is wrong with an Action beyond its shape: expressions, templates, the URL, headers. All problems at once. */
import type { ActionSpec, HttpBody } from '../api/action.ts'
import type { FieldProblem } from '../api/problems.ts'
import { checkHttpBody, checkRetry } from './http-body.ts'
import { checkUrl } from './render.ts'
import { variableNames } from './run/variables.ts'
import { expressionsIn } from './template.ts'

/** The tools that a check needs from other rooms. */
export type CheckTools = {
  /** A sentence if the expression may not be used; `want` is the type it must give where that is known. */
  readonly checkExpression: (
    source: string,
    variables: readonly string[],
    want: 'bool' | 'any',
  ) => string | undefined
  /** A sentence if the text is not a list of PEM certificates. */
  readonly parsePem: (pem: string) => string | undefined
}

/** Every problem of a spec whose shape is right. */
export function checkAction(spec: ActionSpec, tools: CheckTools): readonly FieldProblem[] {
  const variables = variableNames(spec.stage)
  const [object = 'backup'] = variables
  return [
    ...checkExpressionAt('spec.match.expression', spec.match?.expression, {
      variables: [object],
      tools,
      want: 'bool',
    }),
    ...(spec.outputs ?? []).flatMap(({ expression }, i) =>
      checkExpressionAt(`spec.outputs[${i}].expression`, expression, {
        variables: ['response'],
        tools,
        want: 'any',
      }),
    ),
    ...(spec.retry === undefined ? [] : checkRetry(spec.retry, 'spec.retry', spec.http?.expectStatus)),
    ...(spec.http === undefined ? [] : checkHttp(spec.http, variables, tools)),
  ]
}

type How = {
  readonly variables: readonly string[]
  readonly tools: CheckTools
  readonly want: 'bool' | 'any'
}

function checkExpressionAt(path: string, source: string | undefined, how: How): readonly FieldProblem[] {
  if (source === undefined) return []
  const problem = how.tools.checkExpression(source, how.variables, how.want)
  return problem === undefined ? [] : [{ path, want: `be a CEL expression that can be used: ${problem}` }]
}

function checkHttp(http: HttpBody, variables: readonly string[], tools: CheckTools): readonly FieldProblem[] {
  const urlProblems = checkUrl(http.url)
  const templates: readonly (readonly [unknown, string])[] = [
    [urlProblems.length > 0 ? '' : http.url, 'spec.http.url'],
    [http.body, 'spec.http.body'],
    ...(http.headers ?? []).map(({ value }, i) => [value ?? '', `spec.http.headers[${i}].value`] as const),
  ]
  const inTemplates = templates.flatMap(([template, path]) => {
    const { found, problems } = expressionsIn(template, path)
    const bad = found.flatMap((one) =>
      checkExpressionAt(one.path, one.expression, { variables, tools, want: 'any' }),
    )
    return [...problems, ...bad]
  })
  return [...urlProblems, ...checkHttpBody(http, 'spec.http', tools.parsePem), ...inTemplates]
}

/** The Secrets that a spec refers to. */
export function secretsOf(
  spec: ActionSpec,
): readonly { readonly name: string; readonly key: string; readonly path: string }[] {
  return (spec.http?.headers ?? []).flatMap(({ valueFrom }, i) =>
    valueFrom === undefined
      ? []
      : [{ ...valueFrom.secretKeyRef, path: `spec.http.headers[${i}].valueFrom.secretKeyRef` }],
  )
}
