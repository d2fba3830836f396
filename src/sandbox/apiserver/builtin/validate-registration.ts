/** Webhook configurations and policies (kubernetes pkg/apis/admissionregistration/validation). */
import { required, unsupported, wrong, type FieldError } from '../errors/field.ts'
import { at, listAt, textAt, textsAt, type Json, type JsonObject } from '../json.ts'
import { expressionProblems } from './validate-expression.ts'

/** The problems of a webhook configuration. */
export function webhookProblems(object: JsonObject): readonly FieldError[] {
  const names = new Set<string>()
  return listAt(object, 'webhooks').flatMap((hook, index) => {
    const field = `webhooks[${index}]`
    const name = textAt(hook, 'name')
    const duplicate: readonly FieldError[] = names.has(name)
      ? [{ type: 'FieldValueDuplicate', field: `${field}.name`, value: name }]
      : []
    names.add(name)
    return [...duplicate, ...hookProblems(hook, field)]
  })
}

function hookProblems(hook: Json, field: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const name = textAt(hook, 'name')
  if (name.split('.').length < 3)
    errors.push(
      wrong(`${field}.name`, name, 'should be a domain with at least three segments separated by dots'),
    )
  const seconds = at(hook, 'timeoutSeconds')
  if (typeof seconds === 'number' && (seconds < 1 || seconds > 30)) {
    errors.push(
      wrong(`${field}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds'),
    )
  }
  return [
    ...errors,
    ...contractProblems(hook, field),
    ...clientProblems(hook, `${field}.clientConfig`),
    ...conditionProblems(listAt(hook, 'matchConditions'), `${field}.matchConditions`),
  ]
}

function contractProblems(hook: Json, field: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const effects = textAt(hook, 'sideEffects')
  if (effects === '') errors.push(required(`${field}.sideEffects`, 'must specify one of None, NoneOnDryRun'))
  else if (!['None', 'NoneOnDryRun'].includes(effects))
    errors.push(unsupported(`${field}.sideEffects`, effects, ['None', 'NoneOnDryRun']))
  const versions = textsAt(hook, 'admissionReviewVersions')
  if (versions.length === 0)
    errors.push(required(`${field}.admissionReviewVersions`, 'must specify one of v1, v1beta1'))
  else if (!versions.includes('v1') && !versions.includes('v1beta1')) {
    errors.push(
      wrong(`${field}.admissionReviewVersions`, versions, 'must include at least one of v1, v1beta1'),
    )
  }
  const policy = textAt(hook, 'failurePolicy')
  if (!['Fail', 'Ignore'].includes(policy))
    errors.push(unsupported(`${field}.failurePolicy`, policy, ['Fail', 'Ignore']))
  return errors
}

function clientProblems(hook: Json, field: string): readonly FieldError[] {
  const url = textAt(hook, 'clientConfig', 'url')
  const service = textAt(hook, 'clientConfig', 'service', 'name')
  if ((url === '') === (service === '')) return [required(field, 'exactly one of url or service is required')]
  if (url === '') return []
  const parsed = URL.parse(url)
  if (parsed === null) return [required(`${field}.url`, `url must be a valid URL: ${url}`)]
  const form = '; desired format: https://host[/path]'
  const errors: FieldError[] = []
  if (parsed.protocol !== 'https:')
    errors.push(
      wrong(`${field}.url`, parsed.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`),
    )
  if (parsed.username !== '')
    errors.push(wrong(`${field}.url`, parsed.username, 'user information is not permitted in the URL'))
  if (parsed.search !== '')
    errors.push(
      wrong(`${field}.url`, parsed.search.slice(1), 'query parameters are not permitted in the URL'),
    )
  return errors
}

function conditionProblems(conditions: readonly Json[], field: string): readonly FieldError[] {
  return conditions.flatMap((condition, index) =>
    expressionProblems(textAt(condition, 'expression'), `${field}[${index}].expression`),
  )
}

/** The problems of a ValidatingAdmissionPolicy. */
export function policyProblems(object: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = []
  const validations = listAt(object, 'spec', 'validations')
  const audits = listAt(object, 'spec', 'auditAnnotations')
  if (validations.length === 0 && audits.length === 0)
    errors.push(
      required('spec.validations', 'validations or auditAnnotations must contain at least one item'),
    )
  if (listAt(object, 'spec', 'matchConstraints', 'resourceRules').length === 0) {
    errors.push(
      required(
        at(object, 'spec', 'matchConstraints') === undefined
          ? 'spec.matchConstraints'
          : 'spec.matchConstraints.resourceRules',
      ),
    )
  }
  return [
    ...errors,
    ...conditionProblems(listAt(object, 'spec', 'matchConditions'), 'spec.matchConditions'),
    ...composedProblems(object),
  ]
}

// Variables may use those before them; validations all.
function composedProblems(object: JsonObject): readonly FieldError[] {
  const declared: string[] = []
  const variables = listAt(object, 'spec', 'variables').flatMap((one, index) => {
    const problems = expressionProblems(textAt(one, 'expression'), `spec.variables[${index}].expression`, {
      type: 'any',
      declared: [...declared],
    })
    declared.push(textAt(one, 'name'))
    return problems
  })
  const validations = listAt(object, 'spec', 'validations').flatMap((one, index) => {
    const [field, message] = [`spec.validations[${index}]`, textAt(one, 'messageExpression')]
    return [
      ...expressionProblems(textAt(one, 'expression'), `${field}.expression`, { type: 'bool', declared }),
      ...(message === ''
        ? []
        : expressionProblems(message, `${field}.messageExpression`, { type: 'string', declared })),
    ]
  })
  return [...variables, ...validations]
}

/** The problems of a binding. */
export function bindingProblems(object: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = []
  if (textAt(object, 'spec', 'policyName') === '') errors.push(required('spec.policyName'))
  const actions = textsAt(object, 'spec', 'validationActions')
  if (actions.length === 0)
    errors.push(required('spec.validationActions', 'at least one validation action is required'))
  for (const [index, action] of actions.entries()) {
    if (!['Deny', 'Warn', 'Audit'].includes(action))
      errors.push(unsupported(`spec.validationActions[${index}]`, action, ['Audit', 'Deny', 'Warn']))
  }
  if (actions.includes('Deny') && actions.includes('Warn')) {
    errors.push(
      wrong(
        'spec.validationActions',
        actions,
        'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ),
    )
  }
  return errors
}
