/** From a declared kind to its reference page, in Markdown: a section for each object, a line for each field. */
import {
  group,
  version,
  type AnyNode,
  type Column,
  type Kind,
  type ListNode,
  type Node,
  type ShapeNode,
  type TextNode,
  type WholeNode,
} from './schema.ts'
import { defaultMaxBytes, defaultMaxDepth } from './json-bounds.ts'
import { enumerated } from './text.ts'

/** The reference page of a kind. */
export function referenceOf(kind: Kind): string {
  const blocks = [
    `# ${kind.kind}`,
    kind.doc,
    ...(kind.more === undefined ? [] : [kind.more]),
    `\`apiVersion: ${group}/${version}\`, \`kind: ${kind.kind}\`, namespaced. With kubectl: ${names(kind)}; ${code('tidewaiter')} stands for all kinds.`,
    ...(kind.rootRules === undefined ? [] : [rulesBlock(kind.rootRules.map(({ message }) => message))]),
    ...sectionsOf('spec', kind.spec),
    ...sectionsOf('status', kind.status),
    '## Columns of `kubectl get`',
    kind.columns.map(columnLine).join('\n'),
  ]
  return `${blocks.join('\n\n')}\n`
}

const names = ({ plural, shortNames }: Kind) => enumerated([plural, ...shortNames].map(code), 'or')

const columnLine = ({ name, doc, priority }: Column) =>
  `- **${name}**${priority === 1 ? ' (with `-o wide`)' : ''}: ${doc}`

const code = (text: string) => `\`${text}\``

function sectionsOf(path: string, node: ShapeNode): readonly string[] {
  const fields = Object.entries(node.fields)
  const now = fields.filter(([, field]) => field.later === undefined)
  const later = fields.filter(([, field]) => field.later !== undefined).map(([name]) => code(name))
  const rules = [
    ...(node.rules ?? []),
    ...now.flatMap(([, field]) => (isShape(field) ? [] : (field.rules ?? []))),
  ]
  return [
    `${path.includes('.') ? '###' : '##'} ${code(path)}`,
    node.doc,
    now.map(([name, field]) => fieldLine(`${path}.${name}`, field, node.required.includes(name))).join('\n'),
    ...(rules.length === 0 ? [] : [rulesBlock(rules.map(({ message }) => message))]),
    ...(later.length === 0 ? [] : [`Declared, not there yet, and refused by name: ${enumerated(later)}.`]),
    ...now.flatMap(([name, field]) => innerSections(`${path}.${name}`, field)),
  ]
}

const rulesBlock = (messages: readonly string[]) =>
  `Rules:\n\n${messages.map((message) => `- ${message}`).join('\n')}`

const isShape = (node: Node): node is ShapeNode => node.type === 'object'

function innerSections(path: string, node: Node): readonly string[] {
  if (isShape(node)) return sectionsOf(path, node)
  if (node.type === 'array') return innerSections(`${path}[]`, node.items)
  if (node.type === 'map') return innerSections(`${path}[key]`, node.values)
  return []
}

function fieldLine(path: string, node: Node, required: boolean): string {
  const name = path.slice(path.lastIndexOf('.') + 1)
  const traits = [
    typeOf(node, path),
    ...(required ? ['**required**'] : []),
    ...limitsOf(node),
    ...defaultOf(node),
  ]
  return `- ${code(name)}: ${traits.join(', ')}. ${node.doc}`
}

function typeOf(node: Node, path: string): string {
  switch (node.type) {
    case 'string':
      return node.format === undefined ? `text${orWhole(node)}` : 'time'
    case 'integer':
      return 'whole number'
    case 'boolean':
      return 'true or false'
    case 'array':
      return `list of ${typeOf(node.items, `${path}[]`)}`
    case 'object':
      return `[object](#${anchorOf(path)})`
    case 'map':
      return `map from text to ${typeOf(node.values, `${path}[key]`)}`
    case 'any':
      return node.object === true ? 'any JSON object' : 'any JSON'
  }
}

const orWhole = ({ orWhole: bounds }: TextNode) =>
  bounds === undefined ? '' : ` or whole number from ${bounds.minimum} to ${bounds.maximum}`

/** The anchor that a Markdown heading gets: lower case, letters and digits only. */
const anchorOf = (heading: string) => heading.toLowerCase().replaceAll(/[^a-z0-9]/gu, '')

function limitsOf(node: Node): readonly string[] {
  switch (node.type) {
    case 'string':
      return textLimits(node)
    case 'integer':
      return [rangeOf(node)]
    case 'array':
      return listLimits(node)
    case 'map':
      return [`at most ${node.maxProperties} keys`]
    case 'any':
      return [sizeOf(node)]
    case 'boolean':
    case 'object':
      return []
  }
}

const rangeOf = ({ minimum, maximum }: WholeNode) =>
  maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum}` : `from ${minimum} to ${maximum}`

const sizeOf = ({ maxBytes = defaultMaxBytes, maxDepth = defaultMaxDepth }: AnyNode) =>
  `at most ${maxBytes} bytes and ${maxDepth} levels`

function textLimits(node: TextNode): readonly string[] {
  if (node.enum !== undefined) return [`one of ${enumerated(node.enum.map(code), 'or')}`]
  const { pattern, format, minLength = 0, maxLength } = node
  if (format !== undefined) return ['as `2026-01-31T12:00:00Z`']
  const length =
    minLength === 0 ? `at most ${maxLength} characters` : `${minLength} to ${maxLength} characters`
  return [
    length,
    ...(pattern === undefined
      ? []
      : [`matching ${pattern.includes('`') ? `\`\`${pattern}\`\`` : code(pattern)}`]),
  ]
}

function listLimits({
  items,
  minItems = 0,
  maxItems,
  listType,
  listMapKeys = [],
}: ListNode): readonly string[] {
  const count = minItems === 0 ? `at most ${maxItems}` : `${minItems} to ${maxItems}`
  const unique =
    listType === 'map'
      ? [`no two of one ${enumerated(listMapKeys.map(code))}`]
      : listType === 'set'
        ? ['no two the same']
        : []
  return [
    count,
    ...unique,
    ...(items.type === 'string' ? textLimits(items).map((limit) => `each ${limit}`) : []),
  ]
}

const defaultOf = (node: Node): readonly string[] =>
  'default' in node && node.default !== undefined
    ? [`default ${code(typeof node.default === 'string' ? node.default : JSON.stringify(node.default))}`]
    : []
