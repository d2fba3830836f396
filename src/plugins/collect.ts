/** From texts (files, ConfigMaps) to one list of plugins, and everything that is wrong with its place. */
import { sentenceOf } from '../api/problems.ts'
import type { DeclaredPlugin } from '../core/plugin/declared.ts'
import { gather } from '../core/plugin/gather.ts'
import type { Hash } from '../core/plugin/names.ts'
import { throughProxy } from '../core/plugin/proxy.ts'
import { readDocument, type Override, type PluginDocument } from '../core/plugin/sources.ts'
import { readYaml, type YamlDocument } from './yaml-text.ts'

/** One text, and how it is called when something is wrong in it. */
export type NamedText = { readonly name: string; readonly text: string }

/** Something wrong: where, and a sentence. */
export type LocatedProblem = { readonly file: string; readonly line: number; readonly message: string }

/** Values that must be merged over ours, in order. */
export type ReadOverride = { readonly label: string; readonly value: unknown }

/** What the texts hold. */
export type Collected = {
  readonly plugins: readonly DeclaredPlugin[]
  readonly overrides: readonly ReadOverride[]
  readonly problems: readonly LocatedProblem[]
  readonly warnings: readonly string[]
  /** How many documents could declare plugins, also with an empty list. */
  readonly documents: number
  /** The namespaces of the VeleroPlugins that were left out, as they are for another one than was asked for. */
  readonly elsewhere: readonly string[]
  /** The namespace that the VeleroPlugins are for; undefined: none says one. */
  readonly namespace: string | undefined
}

/** How to read them. */
export type CollectOptions = {
  readonly hash: Hash
  /** Only VeleroPlugins of this namespace, or of none; undefined: all must be of one. */
  readonly namespace: string | undefined
  /** What stands for proxy.replicated.com; undefined: itself. */
  readonly proxyDomain: string | undefined
}

/** Where a document stands: its file, and the lines of its fields. */
type Placement = {
  readonly file: string
  /** What comes before a path of the document. */
  readonly prefix: string
  /** Whether it is a text in another document. */
  readonly isNested: boolean
  readonly lineOf: (path: string) => number
}
type Found = { readonly document: PluginDocument; readonly at: Placement }
type Finds = { readonly found: readonly Found[]; readonly problems: readonly LocatedProblem[] }

/** Reads all texts. */
export function collect(texts: readonly NamedText[], options: CollectOptions): Collected {
  const finds = texts.map(({ name, text }) =>
    inText(text, { file: name, prefix: '', isNested: false, lineOf: () => 1 }, (line) => line),
  )
  const all = finds.flatMap((one) => one.found)
  const found = all.filter(({ document }) => isFor(document, options.namespace))
  const documents = found.map(({ document }) => throughProxy(document, options.proxyDomain))
  const gathered = gather(documents, options.hash)
  const overrides = found.flatMap(({ document, at }) =>
    document.overrides.map((one) => readOverride(one, document, at)),
  )
  const located = gathered.problems.map(({ document, ...problem }) => {
    const at = found[document]?.at
    return at === undefined ? undefined : problemAt(at, problem.path, `${at.prefix}${sentenceOf(problem)}`)
  })
  return {
    plugins: gathered.plugins,
    overrides: overrides.flatMap((one) => ('value' in one ? one : [])),
    problems: [
      ...finds.flatMap(({ problems }) => problems),
      ...located.flatMap((one) => one ?? []),
      ...overrides.flatMap((one) => ('value' in one ? [] : one)),
      ...severalNamespaces(found, options.namespace),
    ],
    warnings: [...gathered.warnings, ...found.flatMap(withoutPlugins)],
    documents: found.length,
    elsewhere: [
      ...new Set(all.filter((one) => !found.includes(one)).flatMap((one) => one.document.namespace ?? [])),
    ],
    namespace:
      options.namespace ?? found.find(({ document }) => document.namespace !== undefined)?.document.namespace,
  }
}

/** That nothing at all is declared in texts of these names, if so. */
export function nothingDeclared(
  { documents, elsewhere, namespace, problems }: Collected,
  names: readonly string[],
): readonly LocatedProblem[] {
  if (documents > 0 || problems.length > 0) return []
  const message =
    elsewhere.length === 0
      ? 'must hold a VeleroPlugin (tidewaiter.io), or a Config or Installation of Embedded Cluster (embeddedcluster.replicated.com), and holds none'
      : `must hold a VeleroPlugin of namespace ${namespace}, and holds only those of ${elsewhere.join(', ')}`
  return [{ file: names.join(', '), line: 1, message }]
}

// A Config need not declare any; but who names it as a file of plugins believes that it does.
const withoutPlugins = ({ document, at }: Found): readonly string[] =>
  [...document.plugins, ...document.problems, ...document.warnings].length > 0
    ? []
    : [`${at.file}: ${document.label} declares no plugins: it has none in extensions.velero.plugins`]

// A VeleroPlugin without a namespace is for the one it is applied to.
const isFor = ({ namespace }: PluginDocument, wanted: string | undefined): boolean =>
  wanted === undefined || namespace === undefined || namespace === wanted

const problemAt = ({ file, lineOf }: Placement, path: string, message: string): LocatedProblem => ({
  file,
  line: lineOf(path),
  message,
})

/** Everything in one text; `outer` turns its lines into those of the file. */
function inText(text: string, at: Placement, outer: (line: number) => number): Finds {
  const { documents, problems } = readYaml(text)
  const finds = documents.map((one) =>
    inDocument(one.value, one, { ...at, lineOf: (path) => outer(one.lineOf(path)) }),
  )
  const unread = problems.map(({ line, message }) => ({
    file: at.file,
    line: outer(line),
    message: `${at.prefix}the YAML ${message}`,
  }))
  return {
    found: finds.flatMap(({ found }) => found),
    problems: [...unread, ...finds.flatMap((one) => one.problems)],
  }
}

const none: Finds = { found: [], problems: [] }

function inDocument(value: unknown, yaml: YamlDocument, at: Placement): Finds {
  const read = readDocument(value)
  switch (read.kind) {
    case 'plugins':
      return { found: [{ document: read.document, at }], problems: [] }
    case 'list':
      return together(read.items.map((item, index) => inItem(item, { yaml, at, path: `items[${index}]` })))
    case 'texts':
      // A ConfigMap in a ConfigMap is nobody's intention.
      return at.isNested ? none : together(read.texts.map((one) => nested(one, yaml, at)))
    case 'other':
      return none
  }
}

const together = (finds: readonly Finds[]): Finds => ({
  found: finds.flatMap(({ found }) => found),
  problems: finds.flatMap(({ problems }) => problems),
})

type Item = { readonly yaml: YamlDocument; readonly at: Placement; readonly path: string }

/** An item of a List: a document whose paths begin with the item's. */
function inItem(item: unknown, { yaml, at, path }: Item): Finds {
  const within = (inner: string): string => `${path}.${inner}`
  const moved: YamlDocument = {
    value: item,
    lineOf: (inner) => yaml.lineOf(within(inner)),
    blockAt: (inner) => yaml.blockAt(within(inner)),
  }
  const placed = { ...at, prefix: `${path}.`, lineOf: (inner: string) => at.lineOf(within(inner)) }
  // A List in a List is nobody's intention either.
  return readDocument(item).kind === 'list' ? none : inDocument(item, moved, placed)
}

/** A text in a ConfigMap. */
function nested({ path, text }: Override, yaml: YamlDocument, at: Placement): Finds {
  const block = yaml.blockAt(path)
  const here = at.lineOf(path)
  const outer = (line: number): number => (block === undefined ? here : here + line)
  return inText(text, { ...at, prefix: `${at.prefix}${path}: `, isNested: true }, outer)
}

function readOverride(
  { path, text }: Override,
  { label }: PluginDocument,
  at: Placement,
): ReadOverride | LocatedProblem {
  const { documents, problems } = readYaml(text)
  const value = documents[0]?.value ?? {}
  const isMap = typeof value === 'object' && !Array.isArray(value)
  if (problems.length === 0 && documents.length < 2 && isMap) return { label: `${label} ${path}`, value }
  const why = problems[0]?.message ?? `got ${documents.length > 1 ? 'several documents' : 'no map'}`
  return problemAt(at, path, `${at.prefix}${path} must be one map of chart values in YAML: ${why}`)
}

function severalNamespaces(
  found: readonly Found[],
  namespace: string | undefined,
): readonly LocatedProblem[] {
  const named = found.flatMap(({ document, at }) =>
    document.namespace === undefined ? [] : [{ name: document.namespace, at }],
  )
  const [first] = named
  const other = named.find(({ name }) => name !== first?.name)
  if (namespace !== undefined || first === undefined || other === undefined) return []
  return [
    problemAt(
      other.at,
      'metadata.namespace',
      `metadata.namespace must be ${first.name} as before, got ${other.name}: each Velero has its own values, choose one with --namespace`,
    ),
  ]
}
