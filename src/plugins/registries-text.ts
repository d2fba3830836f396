/** The settings of registries as an install writes them in YAML: where images may come from, and how registries are reached. */
import { parse } from '../api/parse.ts'
import { sentenceOf } from '../api/problems.ts'
import type { Infer, ShapeNode } from '../api/schema.ts'
import { readYaml } from './yaml-text.ts'

const place = { type: 'string', doc: 'HOST[:PORT][/PATH].', minLength: 1, maxLength: 512 } as const

const registry = {
  type: 'object',
  doc: 'How one registry is reached.',
  fields: {
    registry: { ...place, doc: 'As in references: docker.io, registry.example.com:5000.' },
    mirrors: {
      type: 'array',
      doc: 'Tried in this order before the registry itself, HOST[:PORT][/PATH].',
      maxItems: 16,
      items: place,
    },
    ca: {
      type: 'string',
      doc: 'Certificates of authorities that are trusted for it besides the public ones, PEM.',
      minLength: 1,
      maxLength: 262_144,
    },
    caFile: {
      type: 'string',
      doc: 'A file with such certificates instead; relative to this file.',
      minLength: 1,
      maxLength: 4096,
    },
    plainHttp: { type: 'boolean', doc: 'It speaks HTTP without TLS. Credentials are never sent to it.' },
    realms: {
      type: 'array',
      doc: 'If given, the only other hosts, HOST[:PORT], whose token servers get its credentials.',
      maxItems: 16,
      items: place,
    },
  },
  required: ['registry'],
} as const satisfies ShapeNode

const settings = {
  type: 'object',
  doc: 'Where images of plugins may come from, and how registries are reached.',
  fields: {
    allowed: {
      type: 'array',
      doc: 'Registries, or paths in them, that images may come from; none: any.',
      maxItems: 256,
      items: place,
    },
    registries: {
      type: 'array',
      doc: 'Registries that are not reached as usual.',
      maxItems: 256,
      items: registry,
    },
  },
  required: [],
} as const satisfies ShapeNode

/** What the file says. */
export type RegistriesText = Infer<typeof settings>

/** Reads it; or everything that is wrong with it, a sentence each. */
export function readRegistries(
  text: string,
): { readonly ok: RegistriesText } | { readonly problems: readonly string[] } {
  const { documents, problems } = readYaml(text)
  if (problems.length > 0)
    return { problems: problems.map(({ line, message }) => `line ${line}: the YAML ${message}`) }
  const [document, second] = documents
  if (second !== undefined) return { problems: [`must hold one document, got ${documents.length}`] }
  if (document === undefined) return { ok: {} }
  const parsed = parse(settings, document.value, '')
  if ('ok' in parsed) return { ok: parsed.ok }
  return {
    problems: parsed.problems.map(
      (problem) => `line ${document.lineOf(problem.path)}: ${sentenceOf(problem).trimStart()}`,
    ),
  }
}
