/** The metadata that we read of every object, checked as the API server does (apimachinery, api/validation/objectmeta.go). */
import type { FieldProblem } from './problems.ts'
import type { Infer, Metadata, ShapeNode } from './schema.ts'
import { shortened } from './text.ts'

const textMap = (doc: string, maxLength: number) =>
  ({
    type: 'map',
    doc,
    maxProperties: 4096,
    values: { type: 'string', doc: 'The value.', maxLength },
  }) as const

/** Names of objects: DNS subdomains. */
export const namePattern = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'

/** The declared metadata; every other field is the API server's own, and kept. */
export const metadataNode = {
  type: 'object',
  doc: 'Metadata as of every Kubernetes object.',
  fields: {
    name: { type: 'string', doc: 'Its name.', pattern: namePattern, minLength: 1, maxLength: 253 },
    namespace: { type: 'string', doc: "Velero's namespace.", maxLength: 63, default: '' },
    uid: { type: 'string', doc: 'Its uid.', maxLength: 64, default: '' },
    resourceVersion: { type: 'string', doc: 'The version of this copy.', maxLength: 64, default: '' },
    generation: {
      type: 'integer',
      doc: 'Counts the changes of the spec.',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
    },
    creationTimestamp: { type: 'string', doc: 'When it was created.', maxLength: 32, default: '' },
    deletionTimestamp: { type: 'string', doc: 'When its deletion began.', maxLength: 32 },
    labels: textMap('Labels.', 63),
    annotations: textMap('Annotations.', 262_144),
  },
  required: ['name'],
} as const satisfies ShapeNode

const subdomain = new RegExp(namePattern, 'u')
const localName = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/u

/** Whether a key is a qualified name: `app`, `example.com/app`. */
function isQualified(key: string): boolean {
  const slash = key.indexOf('/')
  const prefix = slash === -1 ? undefined : key.slice(0, slash)
  const fits = prefix === undefined || (prefix.length <= 253 && subdomain.test(prefix))
  return fits && localName.test(key.slice(slash + 1))
}

// As the API server: the keys of annotations count in lower case.
const keyProblem = (field: string, key: string): readonly FieldProblem[] =>
  isQualified(field === 'annotations' ? key.toLowerCase() : key)
    ? []
    : [{ path: `metadata.${field}`, want: 'have keys like app or example.com/app', got: shortened(key) }]

const valueProblem = (key: string, value: string): readonly FieldProblem[] =>
  value === '' || localName.test(value)
    ? []
    : [
        {
          path: `metadata.labels[${shortened(key)}]`,
          want: 'be letters, digits, -, _ and ., at most 63',
          got: shortened(value),
        },
      ]

const longestAnnotations = 256 * 1024

function sizeProblem(annotations: Readonly<Record<string, string>>): readonly FieldProblem[] {
  const bytes = Buffer.byteLength(Object.entries(annotations).flat().join(''))
  return bytes <= longestAnnotations
    ? []
    : [
        {
          path: 'metadata.annotations',
          want: `be at most ${longestAnnotations} bytes, keys and values`,
          got: bytes,
        },
      ]
}

const mostProblems = 64

/** What is wrong with the keys, values and size of labels and annotations. */
export function labelProblems({
  labels = {},
  annotations = {},
}: Infer<typeof metadataNode>): readonly FieldProblem[] {
  return [
    ...Object.entries(labels).flatMap(([key, value]) => [
      ...keyProblem('labels', key),
      ...valueProblem(key, value),
    ]),
    ...Object.keys(annotations).flatMap((key) => keyProblem('annotations', key)),
    ...sizeProblem(annotations),
  ].slice(0, mostProblems)
}

/** The metadata as we hold it: only the declared fields. */
export function heldMetadata(parsed: Infer<typeof metadataNode>): Metadata {
  const held = Object.entries(parsed).filter(([name]) => Object.hasOwn(metadataNode.fields, name))
  // Only declared fields are left, each with its declared type.
  return Object.fromEntries(held) as unknown as Metadata
}
