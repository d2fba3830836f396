/** Which webhooks a call is for, in the order in which they are called. */
import { forbidden } from '../errors/status.ts'
import { isObject, listAt, textAt, type JsonObject } from '../json.ts'
import { nameOfResource } from '../resources/resource.ts'
import type { World } from '../world.ts'
import type { Call } from './call.ts'
import { isExempt, registrations, rulesMatch, selectorsMatch } from './matching.ts'
import { conditionsHold, variablesOf } from './variables.ts'

/** One webhook with a name that is unique over all configurations. */
export type Hook = { readonly id: string; readonly webhook: JsonObject }

/** All webhooks of a sort: configurations by name, webhooks in their own order. */
export function hooksOf(
  world: World,
  plural: 'mutatingwebhookconfigurations' | 'validatingwebhookconfigurations',
): readonly Hook[] {
  return registrations(world, plural).flatMap((configuration) =>
    listAt(configuration, 'webhooks').flatMap((webhook, index) =>
      isObject(webhook) ? [{ id: `${textAt(configuration, 'metadata', 'name')}/${index}`, webhook }] : [],
    ),
  )
}

/** Whether a webhook is to be called; throws 403 where its conditions cannot be evaluated and it fails closed. */
export function isFor(world: World, { webhook }: Hook, call: Call): boolean {
  if (isExempt(call) || !rulesMatch(listAt(webhook, 'rules'), call) || !selectorsMatch(world, webhook, call))
    return false
  const conditions = listAt(webhook, 'matchConditions')
  if (conditions.length === 0) return true
  const result = conditionsHold(conditions, variablesOf(world, call))
  if ('matches' in result) return result.matches
  if (textAt(webhook, 'failurePolicy') === 'Ignore') return false
  throw forbidden(nameOfResource(call.resource), call.name, result.errors.join(', '))
}
