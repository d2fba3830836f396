/** One list of plugins from all documents that declare some: the same rules for all, and everything that is wrong told at once. */
import type { FieldProblem } from '../../api/problems.ts'
import { parseImage, placeOf } from '../image.ts'
import type { DeclaredPlugin } from './declared.ts'
import { derivedName, type Hash } from './names.ts'
import type { PluginDocument, WrittenPlugin } from './sources.ts'

/** Something wrong in one of the documents. */
export type DocumentProblem = FieldProblem & {
  /** Which of the documents, counted from 0. */
  readonly document: number
}

/** The list, in the order of declaration; plugins with a problem are not in it. */
export type Gathered = {
  readonly plugins: readonly DeclaredPlugin[]
  readonly problems: readonly DocumentProblem[]
  readonly warnings: readonly string[]
}

/** A plugin and where it comes from. */
type Seen = { readonly document: number; readonly label: string; readonly written: WrittenPlugin }

/** Gathers the plugins of all documents. */
export function gather(documents: readonly PluginDocument[], hash: Hash): Gathered {
  const seen = documents.flatMap(({ label, plugins }, document) =>
    plugins.map((written): Seen => ({ document, label, written })),
  )
  const twice = [...duplicates(seen, nameKey, 'a name'), ...duplicates(seen, placeKey, 'a repository')]
  const judged = seen.map((one) => {
    const own = ownProblems(one.written).map((problem) => ({ ...problem, document: one.document }))
    const problems = [...own, ...twice.filter(({ of }) => of === one).map(({ problem }) => problem)]
    return { problems, plugin: problems.length > 0 ? undefined : declared(one, hash) }
  })
  return {
    plugins: judged.flatMap(({ plugin }) => plugin ?? []),
    problems: [
      ...documents.flatMap(({ problems }, document) => problems.map((problem) => ({ ...problem, document }))),
      ...judged.flatMap(({ problems }) => problems),
    ],
    warnings: documents.flatMap(({ warnings }) => warnings),
  }
}

function ownProblems({ path, image, problems }: WrittenPlugin): readonly FieldProblem[] {
  const field = `${path}.image`
  if (typeof image !== 'string' || problems.some((problem) => problem.path === field)) return problems
  const read = parseImage(image)
  return 'ok' in read ? problems : [...problems, { path: field, ...read.fault }]
}

function declared({ label, written }: Seen, hash: Hash): DeclaredPlugin | undefined {
  const { name, fields } = written
  const read = parseImage(fields?.image ?? '')
  if (fields === undefined || !('ok' in read) || typeof name !== 'string') return undefined
  const { image, imagePullPolicy, imagePullSecret, enforcement, initContainer } = fields
  return {
    name,
    declaredIn: label,
    image,
    reference: read.ok,
    imagePullPolicy,
    ...(imagePullSecret === undefined ? {} : { imagePullSecret }),
    enforcement,
    initContainer: initContainer ?? derivedName(image, hash),
  }
}

// --- duplicates ---

type Key = { readonly path: string; readonly key: string; readonly got: string }

function nameKey({ written: { name, namePath } }: Seen): Key | undefined {
  return typeof name === 'string' && name !== '' ? { path: namePath, key: name, got: name } : undefined
}

function placeKey({ written: { image, path } }: Seen): Key | undefined {
  const read = typeof image === 'string' ? parseImage(image) : undefined
  return typeof image === 'string' && read !== undefined && 'ok' in read
    ? { path: `${path}.image`, key: placeOf(read.ok), got: image }
    : undefined
}

/** Each one whose key an earlier one has. Two initContainers of one name are refused by the API server, two of one plugin end Velero. */
function duplicates(
  seen: readonly Seen[],
  keyOf: (one: Seen) => Key | undefined,
  what: string,
): readonly { readonly of: Seen; readonly problem: DocumentProblem }[] {
  const first = new Map<string, { readonly of: Seen; readonly path: string }>()
  return seen.flatMap((of) => {
    const found = keyOf(of)
    if (found === undefined) return []
    const earlier = first.get(found.key)
    if (earlier === undefined) {
      first.set(found.key, { of, path: found.path })
      return []
    }
    const want = `not be ${what} that another plugin has: ${earlier.of.label} ${earlier.path}`
    return [{ of, problem: { document: of.document, path: found.path, want, got: found.got } }]
  })
}
