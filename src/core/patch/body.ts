/** What is wrong with the body `patch` of an Action beyond its shape, and how it is filled in. What it aims at is literal. */
import type { PatchBody } from '../../api/patch-body.ts'
import type { FieldProblem } from '../../api/problems.ts'
import { group } from '../../api/schema.ts'
import { renderBody, type Evaluate, type Rendered } from '../render.ts'
import { targetProblems } from '../target.ts'
import { isTree, type Tree } from './tree.ts'

/** Most operations of one JSON patch. The API server takes 10,000 (apiserver pkg/endpoints/handlers/patch.go). */
export const mostOperations = 1_000

/** Every problem of the body at `path`. */
export function checkPatchBody(body: PatchBody, path: string): readonly FieldProblem[] {
  return [...targetProblems(body, path), ...kindProblems(body, path), ...contentProblems(body, path)]
}

const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''

function kindProblems(
  { apiVersion, kind, subresource, type }: PatchBody,
  path: string,
): readonly FieldProblem[] {
  const of = groupOf(apiVersion)
  if (of === group)
    return [
      {
        path: `${path}.apiVersion`,
        want: `not be of ${group}: what tidewaiter keeps is no target`,
        got: apiVersion,
      },
    ]
  // What a patch changes is kept for its undo, and told in outputs: a Secret would be in both.
  if (of === '' && kind === 'Secret')
    return [{ path: `${path}.kind`, want: 'not be Secret: what is patched is recorded', got: kind }]
  if (type === 'apply' && subresource === 'scale')
    return [{ path: `${path}.type`, want: 'not be apply for the subresource scale: use merge', got: type }]
  return of === 'velero.io' && subresource !== undefined
    ? [
        {
          path: `${path}.subresource`,
          want: 'not be given for kinds of velero.io: their status is for Velero',
          got: subresource,
        },
      ]
    : []
}

function contentProblems(body: PatchBody, path: string): readonly FieldProblem[] {
  const at = `${path}.patch`
  if (body.type === 'json') return operationsProblems(body, at)
  if (!isTree(body.patch)) return [{ path: at, want: `be an object for type ${body.type}` }]
  const topmost = Object.keys(body.patch).map((key) => [key])
  const { metadata } = body.patch
  const below = isTree(metadata) ? Object.keys(metadata).map((key) => ['metadata', key]) : []
  return [...topmost, ...below].flatMap((steps) => {
    const want = refusal(steps, body)
    return want === undefined ? [] : [{ path: `${at}.${steps.join('.')}`, want }]
  })
}

// apimachinery pkg/apis/meta/v1/types.go: what the API server sets, or what names the object.
const fixed: ReadonlySet<string> = new Set([
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
])

/** Why a field must not be changed; undefined if it may. */
function refusal([first = '', second]: readonly string[], { apiVersion }: PatchBody): string | undefined {
  if (first === 'apiVersion' || first === 'kind')
    return 'not be given: apiVersion and kind of the body say it'
  if (first === 'metadata' && second !== undefined && fixed.has(second))
    return 'not be given: it names the object, or the API server sets it'
  return first === 'status' && groupOf(apiVersion) === 'velero.io'
    ? 'not be given for kinds of velero.io: their status is for Velero'
    : undefined
}

const operations: ReadonlySet<unknown> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

function operationsProblems(body: PatchBody, at: string): readonly FieldProblem[] {
  const { patch } = body
  if (!Array.isArray(patch) || patch.length === 0)
    return [{ path: at, want: 'be a list of operations (RFC 6902) for type json' }]
  if (patch.length > mostOperations)
    return [{ path: at, want: `have at most ${mostOperations} operations`, got: patch.length }]
  return patch.flatMap((operation: unknown, i) => operationProblems(operation, `${at}[${i}]`, body))
}

function operationProblems(operation: unknown, at: string, body: PatchBody): readonly FieldProblem[] {
  if (!isTree(operation)) return [{ path: at, want: 'be an operation: an object with op and path' }]
  const { op, path, from } = operation
  const takes = op === 'move' || op === 'copy'
  return [
    ...(operations.has(op)
      ? []
      : [{ path: `${at}.op`, want: `be one of ${[...operations].join(', ')}`, got: op }]),
    ...pointerProblems(path, `${at}.path`, body),
    ...(takes ? pointerProblems(from, `${at}.from`, body) : []),
    ...(['add', 'replace', 'test'].includes(String(op)) && !Object.hasOwn(operation, 'value')
      ? [{ path: `${at}.value`, want: `be given for ${String(op)}` }]
      : []),
  ]
}

function pointerProblems(pointer: unknown, at: string, body: PatchBody): readonly FieldProblem[] {
  // RFC 6901. The whole object is not to be replaced: it would name another, or lose what it is.
  if (typeof pointer !== 'string' || !/^(\/([^~/]|~[01])*)+$/.test(pointer))
    return [{ path: at, want: 'be a JSON pointer below the object: /spec/replicas', got: pointer }]
  if (pointer.includes('${')) return [{ path: at, want: 'be literal: ${...} is for values', got: pointer }]
  const steps = pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (steps.length === 1 && steps[0] === 'metadata')
    return [{ path: at, want: 'not be all of metadata: name the field in it', got: pointer }]
  const want = refusal(steps, body)
  return want === undefined ? [] : [{ path: at, want, got: pointer }]
}

/** The parts of the body in which `${...}` is CEL, each with its field. */
export function patchTemplates(body: PatchBody, path: string): readonly (readonly [unknown, string])[] {
  const { type, patch } = body
  if (type !== 'json' || !Array.isArray(patch)) return [[patch, `${path}.patch`]]
  return patch.map(
    (operation: unknown, i) =>
      [isTree(operation) ? operation['value'] : '', `${path}.patch[${i}].value`] as const,
  )
}

/** What is sent, filled in: of a JSON patch the values alone, else every text. */
export function renderPatch({ type, patch }: PatchBody, evaluate: Evaluate): Rendered<unknown> {
  if (type !== 'json' || !Array.isArray(patch)) return renderBody(patch, evaluate)
  // Together, so that the bounds of a body hold for all of them.
  const given: readonly Tree[] = patch.filter(isTree)
  const rendered = renderBody(
    given.map((operation) => operation['value'] ?? null),
    evaluate,
  )
  if ('problem' in rendered || !Array.isArray(rendered.ok)) return rendered
  const values: readonly unknown[] = rendered.ok
  return {
    ok: given.map((operation, i) =>
      Object.hasOwn(operation, 'value') ? { ...operation, value: values[i] } : operation,
    ),
  }
}
