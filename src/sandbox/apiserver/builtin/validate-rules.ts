/** The CEL rules in the schema of a CRD: they compile, know their fields, give what they should, and do not cost too much. */
import { checkExpression } from '../cel/check.ts'
import { excess } from '../cel/cost.ts'
import type { Scope } from '../cel/types.ts'
import { forbiddenField, required, wrong, type FieldError } from '../errors/field.ts'
import { isObject, listAt, own, textAt, type Json } from '../json.ts'
import type { Node } from '../schema/node.ts'
import type { Place } from './validate-schema.ts'

/** The problems of the rules of a place. */
export function ruleProblems(place: Place): readonly FieldError[] {
  return listAt(place.schema, 'x-kubernetes-validations').flatMap((rule, index) =>
    oneProblems(place, rule, `${place.field}.x-kubernetes-validations[${index}]`),
  )
}

// The value that errors show is a struct of Go.
const shown = (rule: Json): Json => ({
  Rule: textAt(rule, 'rule'),
  Message: textAt(rule, 'message'),
  MessageExpression: textAt(rule, 'messageExpression'),
  Reason: textAt(rule, 'reason') || null,
  FieldPath: textAt(rule, 'fieldPath'),
  OptionalOldSelf: isObject(rule) ? (own(rule, 'optionalOldSelf') ?? null) : null,
})

const tooDear =
  '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'

function oneProblems({ node, times }: Place, rule: Json, field: string): readonly FieldError[] {
  const expression = textAt(rule, 'rule')
  if (expression.trim() === '') return [required(`${field}.rule`, 'rule is not specified')]
  const scope = scopeOf(node, rule)
  const checked = checkExpression(expression, { scope, type: 'bool' })
  if ('problem' in checked)
    return [wrong(`${field}.rule`, shown(rule), `compilation failed: ${checked.problem}`)]
  if ('type' in checked)
    return [wrong(`${field}.rule`, shown(rule), 'cel expression must evaluate to a bool')]
  const factor = excess(checked.ast, scope, times)
  const cost =
    factor === undefined
      ? []
      : [
          forbiddenField(
            `${field}.rule`,
            `estimated rule cost exceeds budget by factor of ${factor} ${tooDear}`,
          ),
        ]
  return [...cost, ...messageProblems(scope, rule, field)]
}

function messageProblems(scope: Scope, rule: Json, field: string): readonly FieldError[] {
  const expression = textAt(rule, 'messageExpression')
  if (expression === '') return []
  const checked = checkExpression(expression, { scope, type: 'string' })
  const place = `${field}.messageExpression`
  if ('problem' in checked)
    return [wrong(place, shown(rule), `messageExpression compilation failed: ${checked.problem}`)]
  return 'type' in checked ? [wrong(place, shown(rule), 'messageExpression must evaluate to a string')] : []
}

function scopeOf(node: Node, rule: Json): Scope {
  const isOptional = isObject(rule) && own(rule, 'optionalOldSelf') === true
  return new Map([
    ['self', node],
    ['oldSelf', isOptional ? undefined : node],
  ])
}
