/** From a declared kind to its CustomResourceDefinition (apiextensions.k8s.io/v1). */
import {
  group,
  version,
  type Column,
  type FreeTextNode,
  type Kind,
  type ListNode,
  type MapNode,
  type Node,
  type Rule,
  type ShapeNode,
  type TextNode,
} from './schema.ts'

/** Any JSON object that goes into a manifest. */
export type Manifest = Readonly<Record<string, unknown>>

/** The CustomResourceDefinition of a kind. It carries no velero.io/exclude-from-backup: a Restore must find the kinds it restores. */
export function crdOf(kind: Kind): Manifest {
  const { plural, singular, shortNames } = kind
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: {
        'app.kubernetes.io/name': 'tidewaiter',
        'app.kubernetes.io/component': 'crd',
        'app.kubernetes.io/part-of': 'tidewaiter',
      },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural,
        singular,
        shortNames,
        categories: ['tidewaiter'],
      },
      versions: [versionOf(kind)],
    },
  }
}

const versionOf = (kind: Kind): Manifest => ({
  name: version,
  served: true,
  storage: true,
  ...(kind.wholeWrites === true ? {} : { subresources: { status: {} } }),
  additionalPrinterColumns: kind.columns.map(columnOf),
  schema: { openAPIV3Schema: rootOf(kind) },
})

const columnOf = ({ name, type, jsonPath, doc, priority }: Column): Manifest => ({
  name,
  type,
  jsonPath,
  description: doc,
  ...(priority === undefined ? {} : { priority }),
})

const rootOf = (kind: Kind): Manifest => ({
  type: 'object',
  description: kind.doc,
  required: ['spec'],
  properties: {
    apiVersion: { type: 'string', description: 'The version of the schema of this object.' },
    kind: { type: 'string', description: 'The kind of this object.' },
    metadata: { type: 'object' },
    spec: schemaOf(kind.spec),
    status: schemaOf(kind.status),
  },
  ...validations(kind.rootRules ?? []),
})

/** The structural schema of a declared value. */
export function schemaOf(node: Node): Manifest {
  const common = {
    description: node.doc,
    ...('default' in node && node.default !== undefined ? { default: node.default } : {}),
  }
  return { ...typed(node), ...common, ...validations(rulesOf(node)) }
}

function typed(node: Node): Manifest {
  switch (node.type) {
    case 'string':
      return textSchema(node)
    case 'integer':
      return { type: 'integer', format: 'int64', minimum: node.minimum, maximum: node.maximum }
    case 'boolean':
      return { type: 'boolean' }
    case 'array':
      return listSchema(node)
    case 'object':
      return shapeSchema(node)
    case 'map':
      return mapSchema(node)
    case 'any':
      return {
        ...(node.object === true ? { type: 'object' } : {}),
        'x-kubernetes-preserve-unknown-fields': true,
      }
  }
}

const textSchema = (node: TextNode): Manifest =>
  node.enum === undefined ? freeTextSchema(node) : { type: 'string', enum: node.enum }

const freeTextSchema = ({ pattern, format, minLength, maxLength, orWhole }: FreeTextNode): Manifest => ({
  // Words for texts say nothing of numbers, nor theirs of texts.
  ...(orWhole === undefined ? { type: 'string' } : { 'x-kubernetes-int-or-string': true, ...orWhole }),
  ...(pattern === undefined ? {} : { pattern }),
  ...(format === undefined ? {} : { format }),
  ...(minLength === undefined ? {} : { minLength }),
  maxLength,
})

const listSchema = ({ items, minItems, maxItems, listType, listMapKeys }: ListNode): Manifest => ({
  type: 'array',
  items: schemaOf(items),
  ...(minItems === undefined ? {} : { minItems }),
  maxItems,
  ...(listType === undefined ? {} : { 'x-kubernetes-list-type': listType }),
  ...(listMapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': listMapKeys }),
})

const shapeSchema = ({ fields, required }: ShapeNode): Manifest => ({
  type: 'object',
  ...(required.length === 0 ? {} : { required }),
  properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schemaOf(field)])),
})

const mapSchema = ({ values, maxProperties }: MapNode): Manifest => ({
  type: 'object',
  additionalProperties: schemaOf(values),
  maxProperties,
})

type Validation = Rule & { readonly fieldPath?: string; readonly reason?: string }

function rulesOf(node: Node): readonly Validation[] {
  return [...(node.type === 'object' ? laterRules(node) : []), ...(node.rules ?? [])]
}

// A field that a later release brings is refused by its parent, at the field and by name, instead of being called unknown.
function laterRules({ fields }: ShapeNode): readonly Validation[] {
  return Object.entries(fields).flatMap(([name, { later }]) =>
    later === undefined
      ? []
      : [
          {
            cel: `!has(self.${celName(name)})`,
            message: later,
            fieldPath: `.${name}`,
            reason: 'FieldValueForbidden',
          },
        ],
  )
}

function validations(rules: readonly Validation[]): Manifest {
  if (rules.length === 0) return {}
  const written = rules.map(
    ({ cel, message, at, reason, fieldPath = at === undefined ? undefined : `.${celName(at.field)}` }) => ({
      rule: cel,
      message,
      ...(fieldPath === undefined ? {} : { fieldPath }),
      ...(reason === undefined ? {} : { reason }),
    }),
  )
  return { 'x-kubernetes-validations': written }
}

const reserved: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

/** The name of a field in CEL, by the escapes of x-kubernetes-validations (apiextensions/v1, ValidationRule.rule). */
export const celName = (field: string): string =>
  reserved.has(field)
    ? `__${field}__`
    : field
        .replaceAll('__', '__underscores__')
        .replaceAll('.', '__dot__')
        .replaceAll('-', '__dash__')
        .replaceAll('/', '__slash__')
