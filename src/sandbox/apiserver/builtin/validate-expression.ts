/** The expressions of registrations: what they may speak of, and what they must give. */
import { checkExpression, type Expected } from '../cel/check.ts'
import type { Scope } from '../cel/types.ts'
import { required, wrong, type FieldError } from '../errors/field.ts'
import type { JsonObject } from '../json.ts'
import { nodeOfDefinition, nodes } from '../schema/definitions.ts'

/** What an expression must give, and which variables were declared before it. */
export type Wanted = { readonly type: Expected['type']; readonly declared: readonly string[] }

const any: JsonObject = { 'x-kubernetes-preserve-unknown-fields': true }
const text: JsonObject = { type: 'string' }
const texts = (...names: readonly string[]): JsonObject => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, text])),
})
const kind = texts('group', 'version', 'kind')
const resource = texts('group', 'version', 'resource')

// admission.k8s.io/v1 AdmissionRequest without the objects.
const request: JsonObject = {
  type: 'object',
  properties: {
    uid: text,
    kind,
    resource,
    subResource: text,
    requestKind: kind,
    requestResource: resource,
    requestSubResource: text,
    name: text,
    namespace: text,
    operation: text,
    userInfo: {
      type: 'object',
      properties: {
        username: text,
        uid: text,
        groups: { type: 'array', items: text },
        extra: { type: 'object', additionalProperties: { type: 'array', items: text } },
      },
    },
    dryRun: { type: 'boolean' },
    options: any,
  },
}

function scopeOf(declared: readonly string[]): Scope {
  const composed: JsonObject = {
    type: 'object',
    properties: Object.fromEntries(declared.map((name) => [name, any])),
  }
  return new Map([
    ...['object', 'oldObject', 'params', 'authorizer'].map((name) => [name, undefined] as const),
    ['request', nodes.of(request)],
    ['namespaceObject', nodeOfDefinition('io.k8s.api.core.v1.Namespace')],
    ...(declared.length === 0 ? [] : [['variables', nodes.of(composed)] as const]),
  ])
}

/** The problems of one expression. */
export function expressionProblems(
  expression: string,
  field: string,
  { type, declared }: Wanted = { type: 'bool', declared: [] },
): readonly FieldError[] {
  if (expression.trim() === '') return [required(field)]
  const checked = checkExpression(expression, { scope: scopeOf(declared), type })
  if ('problem' in checked) return [wrong(field, expression, `compilation failed: ${checked.problem}`)]
  return 'type' in checked
    ? [wrong(field, expression, `must evaluate to ${type} but got ${checked.type}`)]
    : []
}
