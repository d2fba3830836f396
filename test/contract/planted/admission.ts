/** Bugs in admission: webhooks and policies. */
import { inFile, type Bug } from './bug.ts'

const chain = inFile(
  'apiserver/admission/chain.ts',
  '^(validating|mutating|webhook|policies|admission finer|dry run)',
)
const webhook = inFile(
  'apiserver/admission/webhook.ts',
  '^(validating|mutating|webhook|policies|admission finer|dry run)',
)
const matching = inFile(
  'apiserver/admission/matching.ts',
  '^(validating|mutating|webhook|policies|admission finer|dry run)',
)
const policies = inFile(
  'apiserver/admission/policies.ts',
  '^(validating|mutating|webhook|policies|admission finer|dry run)',
)
const variables = inFile(
  'apiserver/admission/variables.ts',
  '^(validating|mutating|webhook|policies|admission finer|dry run)',
)

/** The bugs. */
export const bugs: readonly Bug[] = [
  matching('webhooks are called in the reverse order of their configurations', [
    `return world.store.keys(resource).flatMap(`,
    `return world.store.keys(resource).toReversed().flatMap(`,
  ]),
  matching('a namespaceSelector does not look at a Namespace itself', [
    `if (isNamespace) return selects(textMapAt(call.object ?? call.oldObject, 'metadata', 'labels'))`,
    `if (isNamespace) return true`,
  ]),
  matching('an objectSelector does not look at the object as it was', [
    `return [call.object, call.oldObject].some(`,
    `return [call.object ?? call.oldObject].some(`,
  ]),
  matching('a rule for a resource is one for its subresources', [
    `return (wanted === '*' || wanted === resource.plural) && (sub === '*' || sub === subresource)`,
    `return (wanted === '*' || wanted === resource.plural) && (sub === '*' || sub === '' || sub === subresource)`,
  ]),
  matching('excludeResourceRules are not heard', [
    `if (rulesMatch(listAt(match, 'excludeResourceRules'), call)) return false`,
    ``,
  ]),
  matching('a rule of scope Cluster is one for what is namespaced', [
    `return scope === 'Cluster' ? !call.resource.namespaced : true`,
    `return true`,
  ]),
  chain('a webhook is reinvoked though nothing changed after it', [
    `if (!same(changed, object)) for (const id of called) outdated.add(id)`,
    `for (const id of called) outdated.add(id)`,
  ]),
  chain('a webhook that changes the object is reinvoked for its own change', [
    `    const changed = (await mutate(world, hook, now)) ?? object`,
    `    if (textAt(hook.webhook, 'reinvocationPolicy') === 'IfNeeded') called.add(hook.id)
    const changed = (await mutate(world, hook, now)) ?? object`,
  ]),
  chain('a reinvoked webhook sees the object as it was sent', [
    `{ call: { ...call, object: first.object }, again: first.again }`,
    `{ call, again: first.again }`,
  ]),
  chain('a webhook that cannot be called admits unless it says Fail', [
    `if (textAt(webhook, 'failurePolicy') !== 'Ignore') throw internal(error.message)`,
    `if (textAt(webhook, 'failurePolicy') === 'Never') throw internal(error.message)`,
  ]),
  chain('validating webhooks are asked before policies', [
    `  checkPolicies(world, call)
`,
    `  setImmediate(() => undefined)
`,
  ]),
  webhook('a dry run is refused for a webhook without side effects in dry runs', [
    `!['None', 'NoneOnDryRun'].includes(`,
    `!['None'].includes(`,
  ]),
  webhook('the timeout that a webhook is told is rounded down', [
    `Math.ceil(ms / 1000)`,
    `Math.floor(ms / 1000)`,
  ]),
  webhook('a webhook has its own timeout though the request has less time', [
    `Math.min((typeof seconds === 'number' ? seconds : 10) * 1000, call.endsAt - world.clock.now())`,
    `(typeof seconds === 'number' ? seconds : 10) * 1000`,
  ]),
  webhook('a refusal without a code is a 403', [
    `code: typeof code === 'number' && code >= 400 ? code : 400,`,
    `code: typeof code === 'number' && code >= 400 ? code : 403,`,
  ]),
  webhook('an answer for another uid is taken', [`if (got !== uid) return`, `if (got === '') return`]),
  webhook('the warnings of a webhook that refuses are lost', [
    `for (const warning of textsAt(response, 'warnings')) call.warn(warning)`,
    `if (at(response, 'allowed') === true) for (const warning of textsAt(response, 'warnings')) call.warn(warning)`,
  ]),
  inFile('apiserver/admission/hooks.ts', '^(validating|mutating|webhook|policies|admission finer|dry run)')(
    'a match condition that fails refuses under Ignore too',
    [`if (textAt(webhook, 'failurePolicy') === 'Ignore') return false`, ``],
  ),
  variables('a match condition that fails decides before one that is false', [
    `if (results.some((one) => 'value' in one && one.value === false)) return { matches: false }`,
    `if (results.every((one) => 'value' in one) && results.some((one) => one.value === false)) return { matches: false }`,
  ]),
  variables('authorizer.requestResource forgets the subresource', [
    `  resource: resource.plural,
  subresource,
  namespace,`,
    `  resource: resource.plural,
  subresource: '',
  namespace,`,
  ]),
  variables('webhooks are not told of a dry run', [`dryRun: call.dryRun,`, `dryRun: false,`]),
  policies('a variable that cannot be evaluated is null', [
    `throw new Error(\`composited variable "\${name}" fails to evaluate: \${result.error}\`)`,
    `return null`,
  ]),
  policies('a messageExpression of several lines is told', [
    `if (text !== '' && !text.includes('\\n')) return text`,
    `if (text !== '') return text`,
  ]),
  policies('the matchResources of a binding are not heard', [
    `matchResourcesMatch(world, at(one, 'spec', 'matchResources'), call)`,
    `matchResourcesMatch(world, undefined, call)`,
  ]),
  policies('a policy that only warns denies', [
    `return actions.includes('Deny') ?`,
    `return actions.includes('Deny') || actions.includes('Warn') ?`,
  ]),
  policies('an expression that cannot be evaluated denies under Ignore too', [
    `const closed = textAt(policy, 'spec', 'failurePolicy') !== 'Ignore'`,
    `const closed = true`,
  ]),
  policies('the reason of a validation does not set the code', [`code: codes[why] ?? 403,`, `code: 422,`]),
]
