/** YAML of one or many documents, bounded, with the line of every field. JSON is YAML too. */
import type { Document, LineCounter, Range } from 'yaml'
import { yaml } from '../lean/yaml.ts'

/** Longest text that is read: as much as an object in a cluster may have. */
export const longestText = 1024 * 1024
/** Most documents in one text. */
export const mostDocuments = 1000
// Anchors may be used this often, so that a few lines cannot become gigabytes.
const mostAliases = 100
// The parser's time grows with the square of explicit keys in a line ("? ? ? ..."): half a megabyte of them takes minutes.
const mostExplicitKeys = 64

/** One document. */
export type YamlDocument = {
  readonly value: unknown
  /** The line of a field (`spec.plugins[0].image`), or of the nearest part of the path that is there. */
  readonly lineOf: (path: string) => number
  /** The line before the text that stands below a field as a block (`key: |`), line by line as it is; undefined for other texts. */
  readonly blockAt: (path: string) => number | undefined
}

/** Why a text, or a part of it, is not YAML that we read: `the YAML` and the message are a sentence. */
export type YamlProblem = { readonly line: number; readonly message: string }

/** What a text holds; empty documents are left out. */
export type YamlText = {
  readonly documents: readonly YamlDocument[]
  readonly problems: readonly YamlProblem[]
}

const refused = (message: string): YamlText => ({ documents: [], problems: [{ line: 1, message }] })

/** Reads a text. */
export function readYaml(text: string): YamlText {
  if (text.length > longestText)
    return refused(`must have at most ${longestText} characters, got ${text.length}: split it`)
  if (text.split('\n').some((line) => line.split('? ').length > mostExplicitKeys + 1))
    return refused(`must have at most ${mostExplicitKeys} explicit keys ("? ") in a line`)
  const lines = new (yaml().LineCounter)()
  // Both are slower than linear: the parser compares each key with each (we look for duplicates below), and shows each error in its
  // line, however long that is.
  const parsed = yaml().parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    merge: true,
    logLevel: 'silent',
  })
  const documents = 'empty' in parsed ? [] : parsed
  if (documents.length > mostDocuments)
    return refused(`must have at most ${mostDocuments} documents, got ${documents.length}: split it`)
  const read = documents.map((one) => readOne(one, lines))
  return {
    documents: read.flatMap((one) => ('problems' in one ? [] : one)).filter(({ value }) => value !== null),
    problems: read.flatMap((one) => ('problems' in one ? one.problems : [])),
  }
}

type Read = YamlDocument | { readonly problems: readonly YamlProblem[] }

const mostProblems = 16

function readOne(document: Document.Parsed, lines: LineCounter): Read {
  const line = (offset: number): number => Math.max(1, lines.linePos(offset).line)
  const wrong = [
    ...document.errors.map(({ message, pos }) => ({ line: line(pos[0]), message: unreadable(message) })),
    ...duplicates(document).map(({ key, at }) => ({ line: line(at), message: `has the key ${key} twice` })),
  ]
  if (wrong.length > 0) return { problems: wrong.slice(0, mostProblems) }
  try {
    const value: unknown = document.toJS({ maxAliasCount: mostAliases })
    const lineOf = (path: string): number => line(offsetOf(document, path))
    const blockAt = (path: string) => {
      const node = document.getIn(partsOf(path), true)
      return yaml().isScalar(node) && node.type === 'BLOCK_LITERAL' ? lineOf(path) : undefined
    }
    return { value, lineOf, blockAt }
  } catch (error) {
    // An alias without its anchor, or too many of them.
    return { problems: [{ line: line(document.range[0]), message: unreadable(messageOf(error)) }] }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const unreadable = (message: string): string => `cannot be read: ${message.split('\n')[0] ?? ''}`

function duplicates(document: Document.Parsed): readonly { readonly key: string; readonly at: number }[] {
  const found: { readonly key: string; readonly at: number }[] = []
  yaml().visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        if (!yaml().isScalar(key)) continue
        // Merges may be repeated.
        if (seen.has(key.value) && key.value !== '<<')
          found.push({ key: String(key.value), at: key.range?.[0] ?? 0 })
        seen.add(key.value)
      }
    },
  })
  return found
}

/** `a.b[0][c.d]` in its parts; a part in brackets that is a number is an index. */
const partsOf = (path: string): readonly (string | number)[] =>
  [...path.matchAll(/\[([^\]]*)\]|([^.[\]]+)/gu)].map(([, inner, name = '']) =>
    inner === undefined ? name : /^\d+$/u.test(inner) ? Number(inner) : inner,
  )

/** Where a field is, or the nearest part of its path that is there. */
function offsetOf(document: Document.Parsed, path: string): number {
  const parts = partsOf(path)
  for (let length = parts.length; length > 0; length -= 1) {
    const range = rangeAt(document, parts.slice(0, length))
    if (range !== undefined) return range[0]
  }
  return document.contents?.range[0] ?? document.range[0]
}

/** The range of a part's key where it has one, so that a block of text is found by its first line; else of the part itself. */
function rangeAt(document: Document.Parsed, parts: readonly (string | number)[]): Range | undefined {
  const parent = parts.length === 1 ? document.contents : document.getIn(parts.slice(0, -1), true)
  const key = yaml().isMap(parent)
    ? parent.items.find((pair) => keyText(pair.key) === parts.at(-1))?.key
    : undefined
  const node = yaml().isScalar(key) ? key : document.getIn(parts, true)
  return yaml().isNode(node) ? (node.range ?? undefined) : undefined
}

const keyText = (key: unknown): unknown => (yaml().isScalar(key) ? key.value : undefined)
