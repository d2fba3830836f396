/** kubeconfig files as text: read, checked for their shape, and merged as kubectl does. */
import { dirname, resolve } from 'node:path'
import { yaml } from '../lean/yaml.ts'
import { AccessError } from './access.ts'
import { objectIn, textIn } from './errors.ts'

/** One named entry of a kubeconfig, and where it stands: relative paths in it start from that folder. */
export type Entry = {
  readonly name: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly file: string
}

/** What one or more kubeconfig files say. */
export type Kubeconfig = {
  readonly files: string
  readonly currentContext?: string
  readonly contexts: readonly Entry[]
  readonly clusters: readonly Entry[]
  readonly users: readonly Entry[]
}

// A kubeconfig of thousands of clusters has about this size; more is a wrong file.
const largest = 8 * 1024 * 1024

/** Parses one kubeconfig. */
export function parseKubeconfig(text: string, file: string): Kubeconfig {
  const root = objectIn(yamlIn(text, file))
  if (root === undefined) throw notYaml(file, 'a list, a plain text, or nothing')
  const currentContext = textIn(root['current-context'])
  return {
    files: file,
    ...(currentContext === undefined || currentContext === '' ? {} : { currentContext }),
    contexts: entriesOf(root['contexts'], 'context', file),
    clusters: entriesOf(root['clusters'], 'cluster', file),
    users: entriesOf(root['users'], 'user', file),
  }
}

function yamlIn(text: string, file: string): unknown {
  if (text.length > largest) throw notYaml(file, `${text.length} characters`)
  const document = yaml().parseDocument(text)
  const problem = document.errors[0]
  if (problem !== undefined) throw notYaml(file, problem.message, problem)
  try {
    return document.toJS()
  } catch (cause) {
    throw notYaml(file, cause instanceof Error ? cause.message : String(cause), cause) // Too many aliases.
  }
}

function notYaml(file: string, got: string, cause?: unknown): AccessError {
  return new AccessError(
    'NOT_YAML',
    `${file} must be a kubeconfig in YAML, got ${got}; check the path, or write it anew with kubectl config view --flatten`,
    { cause },
  )
}

function entriesOf(list: unknown, noun: 'context' | 'cluster' | 'user', file: string): readonly Entry[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((value: unknown) => {
    const entry = objectIn(value)
    const name = textIn(entry?.['name'])
    return name === undefined ? [] : [{ name, fields: objectIn(entry?.[noun]) ?? {}, file }]
  })
}

/** Merges files as kubectl does for KUBECONFIG=a:b: whoever says a thing first has said it. */
export function mergeKubeconfigs(all: readonly Kubeconfig[]): Kubeconfig {
  const currentContext = all.find((one) => one.currentContext !== undefined)?.currentContext
  return {
    files: all.map((one) => one.files).join(', '),
    ...(currentContext === undefined ? {} : { currentContext }),
    contexts: all.flatMap((one) => one.contexts),
    clusters: all.flatMap((one) => one.clusters),
    users: all.flatMap((one) => one.users),
  }
}

/** The context, cluster and user that a kubeconfig has chosen. */
export type Chosen = { readonly context: Entry; readonly cluster: Entry; readonly user: Entry }

/** Follows current-context to its cluster and its user. */
export function chosenIn(config: Kubeconfig): Chosen {
  const name = config.currentContext
  const context = config.contexts.find((one) => one.name === name)
  if (name === undefined || context === undefined) {
    const got = name === undefined ? 'none' : `"${name}"`
    throw new AccessError(
      'NO_CONTEXT',
      `current-context of ${config.files} must name one of the contexts ${namesOf(config.contexts)}, got ${got}; run kubectl config use-context`,
    )
  }
  return {
    context,
    cluster: entryNamed(config.clusters, context, { noun: 'cluster', code: 'NO_CLUSTER' }),
    user: entryNamed(config.users, context, { noun: 'user', code: 'NO_USER' }),
  }
}

function entryNamed(
  entries: readonly Entry[],
  context: Entry,
  { noun, code }: { readonly noun: 'cluster' | 'user'; readonly code: 'NO_CLUSTER' | 'NO_USER' },
): Entry {
  const name = textIn(context.fields[noun])
  const found = entries.find((one) => one.name === name)
  if (found !== undefined) return found
  throw new AccessError(
    code,
    `context "${context.name}" in ${context.file} must name one of the ${noun}s ${namesOf(entries)}, got ${JSON.stringify(name ?? 'none')}; ` +
      `mend it with kubectl config set-context ${context.name} --${noun}=NAME`,
  )
}

function namesOf(entries: readonly Entry[]): string {
  const names = entries.slice(0, 10).map((one) => `"${one.name}"`)
  return names.length === 0 ? '(there are none)' : `${names.join(', ')}${entries.length > 10 ? ', ...' : ''}`
}

/** A path in an entry, made absolute from the folder of its file. */
export function pathIn(entry: Entry, field: string): string | undefined {
  const path = textIn(entry.fields[field])
  return path === undefined || path === '' ? undefined : resolve(dirname(entry.file), path)
}

/** A text in an entry that is not empty. */
export function fieldIn(entry: Entry, field: string): string | undefined {
  const text = textIn(entry.fields[field])
  return text === '' ? undefined : text
}
