/** Documents that declare plugins: VeleroPlugin, and Embedded Cluster's Config and Installation, also inside a ConfigMap. */
import { nearest } from '../../api/nearest.ts'
import { parse, parseVeleroPlugin } from '../../api/parse.ts'
import type { FieldProblem } from '../../api/problems.ts'
import { group, type Infer, type ShapeNode } from '../../api/schema.ts'
import { shortened, shown } from '../../api/text.ts'
import {
  imageNode,
  imagePullPolicyNode,
  imagePullSecretNode,
  veleroPluginKind,
} from '../../api/velero-plugin.ts'
import { at, objectAt, textAt, type Json } from '../velero.ts'

/** One plugin as it is written, and what is wrong with its fields by themselves (its image is judged later). */
export type WrittenPlugin = {
  /** Where its fields are: `spec`, `spec.extensions.velero.plugins[0]`. */
  readonly path: string
  /** Where its name is. */
  readonly namePath: string
  readonly name: unknown
  readonly image: unknown
  readonly problems: readonly FieldProblem[]
  /** Its fields with their defaults, if nothing is wrong with them. */
  readonly fields: PluginFields | undefined
}

/** The fields of a plugin, wherever it is declared; `initContainer` only where its name is said too. */
export type PluginFields = Omit<Infer<typeof listedPlugin>, 'name'> & {
  readonly enforcement: 'Enforce' | 'Warn'
  readonly initContainer?: string
}

/** Values for a built-in chart of Embedded Cluster, as YAML text. */
export type Override = { readonly path: string; readonly text: string }

/** A document that declares plugins. */
export type PluginDocument = {
  /** `VeleroPlugin velero/acme`. */
  readonly label: string
  /** The namespace that a VeleroPlugin is for, if it says. */
  readonly namespace: string | undefined
  readonly plugins: readonly WrittenPlugin[]
  readonly overrides: readonly Override[]
  readonly problems: readonly FieldProblem[]
  readonly warnings: readonly string[]
}

/** What a document is to us. */
export type DocumentKind =
  | { readonly kind: 'plugins'; readonly document: PluginDocument }
  /** A List, as `kubectl get -o yaml` prints it: each item is a document. */
  | { readonly kind: 'list'; readonly items: readonly unknown[] }
  /** A ConfigMap: a text of it may be a document. */
  | { readonly kind: 'texts'; readonly label: string; readonly texts: readonly Override[] }
  | { readonly kind: 'other' }

const embeddedCluster = 'embeddedcluster.replicated.com'

/** By API group and kind. Other kinds named Config (a kubeconfig, one of KOTS) are not ours. */
const readers: ReadonlyMap<string, (document: unknown) => DocumentKind> = new Map([
  ['/List', (document) => ({ kind: 'list', items: listOf(at(document, 'items')) ?? [] })],
  ['/ConfigMap', (document) => ({ kind: 'texts', ...textsOf(document) })],
  [`${group}/${veleroPluginKind.kind}`, (document) => plugins(veleroPlugin(document))],
  [`${embeddedCluster}/Config`, (document) => plugins(config(document, 'spec'))],
  [`${embeddedCluster}/Installation`, (document) => plugins(installation(document))],
])

const plugins = (document: PluginDocument): DocumentKind => ({ kind: 'plugins', document })

/** Says what a document is, and reads the plugins that it declares. */
export function readDocument(document: unknown): DocumentKind {
  const api = textAt(document, 'apiVersion')
  const apiGroup = api.includes('/') ? api.slice(0, api.indexOf('/')) : ''
  return readers.get(`${apiGroup}/${textAt(document, 'kind')}`)?.(document) ?? { kind: 'other' }
}

const listOf = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined)

function labelOf(document: unknown): string {
  const [kind, name] = [textAt(document, 'kind'), textAt(document, 'metadata', 'name')]
  const namespace = textAt(document, 'metadata', 'namespace')
  return [kind, [namespace, name].filter((part) => part !== '').join('/')]
    .filter((part) => part !== '')
    .join(' ')
}

// Only texts that can be one of ours: a ConfigMap holds anything.
function textsOf(document: unknown): { readonly label: string; readonly texts: readonly Override[] } {
  const texts = Object.entries(objectAt(document, 'data')).flatMap(([key, text]) =>
    typeof text === 'string' && text.includes(`${embeddedCluster}/`) ? [{ path: `data[${key}]`, text }] : [],
  )
  return { label: labelOf(document), texts }
}

// --- VeleroPlugin ---

function veleroPlugin(document: unknown): PluginDocument {
  const parsed = parseVeleroPlugin(document)
  const problems = 'problems' in parsed ? parsed.problems : []
  const plugin: WrittenPlugin = {
    path: 'spec',
    namePath: 'metadata.name',
    name: at(document, 'metadata', 'name'),
    image: at(document, 'spec', 'image'),
    // The rule of the CRD says less than what is said of an image's reference later.
    problems: problems.filter(
      ({ path, want }) => path !== 'spec.image' || !want.startsWith('keep this rule'),
    ),
    fields: 'ok' in parsed ? parsed.ok.spec : undefined,
  }
  const namespace = textAt(document, 'metadata', 'namespace')
  return {
    ...nothing(labelOf(document)),
    namespace: namespace === '' ? undefined : namespace,
    plugins: [plugin],
  }
}

const nothing = (label: string): PluginDocument => ({
  label,
  namespace: undefined,
  plugins: [],
  overrides: [],
  problems: [],
  warnings: [],
})

// --- Embedded Cluster ---

/** One item of `extensions.velero.plugins` (embedded-cluster kinds/apis/v1beta1/config_types.go). */
const listedPlugin = {
  type: 'object',
  doc: 'A plugin in the Config of Embedded Cluster.',
  fields: {
    name: {
      type: 'string',
      doc: 'The name of its initContainer.',
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      minLength: 1,
      maxLength: 63,
    },
    image: imageNode,
    imagePullPolicy: imagePullPolicyNode,
    imagePullSecret: imagePullSecretNode,
  },
  required: ['name', 'image'],
} as const satisfies ShapeNode

const mostPlugins = 64

function config(document: unknown, spec: string): PluginDocument {
  const root = spec.split('.').reduce((here: unknown, key) => at(here, key), document)
  const path = `${spec}.extensions.velero.plugins`
  const given = at(document, ...path.split('.')) ?? undefined
  const items = listOf(given)
  return {
    ...nothing(labelOf(document)),
    plugins: (items ?? []).slice(0, mostPlugins).map((item, index) => listed(item, `${path}[${index}]`)),
    overrides: overridesOf(root, spec),
    problems: [...misspelt(document, path.split('.')), ...listProblems(given, path)],
  }
}

/**
 * The one step of a path that is missing where a field of nearly its name stands. Embedded Cluster has more fields than we know, so
 * that an unknown one is none of ours; but a list under a wrong name would be taken for plugins that are declared no more.
 */
function misspelt(document: unknown, path: readonly string[]): readonly FieldProblem[] {
  const missing = path.findIndex((_, index) => at(document, ...path.slice(0, index + 1)) === undefined)
  const wanted = path[missing]
  if (wanted === undefined) return []
  const before = path.slice(0, missing)
  return Object.keys(objectAt(document, ...before)).flatMap((name) =>
    nearest(name, [wanted]) === undefined
      ? []
      : [
          {
            path: [...before, shortened(name)].join('.'),
            want: `not be given: there is no such field; did you mean ${wanted}?`,
          },
        ],
  )
}

function listProblems(given: unknown, path: string): readonly FieldProblem[] {
  const items = listOf(given)
  if (given !== undefined && items === undefined) return [{ path, want: 'be a list', got: shown(given) }]
  return (items ?? []).length > mostPlugins
    ? [{ path, want: `have at most ${mostPlugins} items`, got: items?.length }]
    : []
}

function listed(item: unknown, path: string): WrittenPlugin {
  const parsed = parse(listedPlugin, item, path)
  return {
    path,
    namePath: `${path}.name`,
    name: at(item, 'name'),
    image: at(item, 'image'),
    problems: 'problems' in parsed ? parsed.problems : [],
    fields:
      'ok' in parsed ? { ...parsed.ok, enforcement: 'Enforce', initContainer: parsed.ok.name } : undefined,
  }
}

// config_types.go, BuiltInExtension: values of the chart named velero are merged over what Embedded Cluster makes.
function overridesOf(root: unknown, spec: string): readonly Override[] {
  const path = `${spec}.unsupportedOverrides.builtInExtensions`
  return (listOf(at(root, 'unsupportedOverrides', 'builtInExtensions')) ?? []).flatMap((one, index) =>
    textAt(one, 'name') === 'velero' && textAt(one, 'values') !== ''
      ? [{ path: `${path}[${index}].values`, text: textAt(one, 'values') }]
      : [],
  )
}

function installation(document: unknown): PluginDocument {
  const read = config(document, 'spec.config')
  const secret: Json = objectAt(document, 'spec', 'configSecret')
  const name = textAt(secret, 'name')
  // installation_types.go: "This option supersedes (overrides) the Config field".
  return name === ''
    ? read
    : {
        ...read,
        warnings: [
          `${read.label}: the Config in Secret ${textAt(secret, 'namespace')}/${name} supersedes its spec.config: give that Config too if it differs`,
        ],
      }
}
