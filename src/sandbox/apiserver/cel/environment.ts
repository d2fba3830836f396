/** CEL as the API server speaks it: optional types, and the libraries that Kubernetes adds. */
import { Environment, EvaluationError } from '@marcbachmann/cel-js'
import { matches, patternOf } from '../schema/pattern.ts'
import { Authorizer, Check, authorizerFunctions } from './authorizer.ts'
import { safeMatches } from './matches.ts'

// Expressions come from clients; these bounds keep one evaluation short. Kubernetes has a cost budget instead.
const limits = { maxAstNodes: 20_000, maxDepth: 100, maxListElements: 10_000, maxMapEntries: 10_000 }

let made: Environment | undefined

/** The environment; made at the first use. */
export function environment(): Environment {
  made ??= withLists(withTexts(bare()))
  return made
}

function bare(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits,
  })
  environment.registerType('Authorizer', { ctor: Authorizer, fields: { requestResource: 'Authorizer' } })
  environment.registerType('Check', { ctor: Check, fields: {} })
  for (const [signature, run] of Object.entries(authorizerFunctions))
    environment.registerFunction(signature, run)
  return environment
}

function withTexts(environment: Environment): Environment {
  return environment
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      text.replaceAll(from, () => to),
    )
    .registerFunction(
      'string.charAt(int): string',
      (text: string, index: bigint) => Array.from(text)[Number(index)] ?? '',
    )
    .registerFunction(
      'string.find(string): string',
      (text: string, pattern: string) => allOf(text, pattern)[0] ?? '',
    )
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
      allOf(text, pattern),
    )
    .registerFunction(`string.${safeMatches}(string): bool`, found)
    .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text))
}

function withLists(environment: Environment): Environment {
  const total = (list: readonly (bigint | number)[]): bigint | number =>
    list.reduce(
      (sum, one) =>
        typeof sum === 'bigint' && typeof one === 'bigint' ? sum + one : Number(sum) + Number(one),
      0n,
    )
  return environment
    .registerFunction('list.sum(): dyn', total)
    .registerFunction('list.min(): dyn', (list: readonly (bigint | number | string)[]) =>
      extreme(list, (a, b) => a < b),
    )
    .registerFunction('list.max(): dyn', (list: readonly (bigint | number | string)[]) =>
      extreme(list, (a, b) => a > b),
    )
    .registerFunction('list.isSorted(): bool', (list: readonly (bigint | number | string)[]) =>
      list.every((one, index) => index === 0 || (list[index - 1] ?? one) <= one),
    )
}

function found(text: string, pattern: string): boolean {
  if (patternOf(pattern) === undefined) throw new EvaluationError(`error parsing regexp: ${pattern}`)
  return matches(pattern, text)
}

function allOf(text: string, pattern: string): readonly string[] {
  const matcher = patternOf(pattern)?.matcher(text)
  if (matcher === undefined) throw new EvaluationError(`error parsing regexp: ${pattern}`)
  const found: string[] = []
  while (matcher.find()) found.push(matcher.group() ?? '')
  return found
}

function extreme<T>(list: readonly T[], better: (a: T, b: T) => boolean): T {
  const [first, ...rest] = list
  if (first === undefined) throw new EvaluationError('min/max called on empty list')
  return rest.reduce((best, one) => (better(one, best) ? one : best), first)
}
