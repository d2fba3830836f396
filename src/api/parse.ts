/** From `unknown` to a type: every value from outside comes in here, and leaves typed and filled in, or as all that is wrong with it. */
import { actionKind, type Action } from './action.ts'
import { actionRunKind, type ActionRun } from './action-run.ts'
import { admissionDecisionKind, type AdmissionDecision } from './admission-decision.ts'
import { heldMetadata, labelProblems, metadataNode } from './metadata.ts'
import type { FieldProblem, Parsed } from './problems.ts'
import { group, version, type Infer, type Kind, type Metadata, type Node, type ShapeNode } from './schema.ts'
import { nearest } from './nearest.ts'
import { enumerated, shortened, shown } from './text.ts'
import { veleroPluginKind, type VeleroPlugin } from './velero-plugin.ts'
import { found, isObject, start, walk, type Unknown } from './walk.ts'

/**
 * Checks a value against its declaration. Unknown fields are refused, defaults are filled in as the API server fills them,
 * and every problem is found in one go. The limits of `any` (64 KiB, 32 levels) are ours alone.
 */
export const parse = <const N extends Node>(node: N, value: unknown, path: string): Parsed<Infer<N>> =>
  parsed(node, value, { path, unknown: 'refuse' })

/** As `parse`, but keeps unknown fields as they are: for what another, perhaps newer, tidewaiter wrote. */
export const parseKeeping = <const N extends Node>(node: N, value: unknown, path: string): Parsed<Infer<N>> =>
  parsed(node, value, { path, unknown: 'keep' })

type Way = { readonly path: string; readonly unknown: Unknown }

function parsed<N extends Node>(node: N, value: unknown, { path, unknown }: Way): Parsed<Infer<N>> {
  const place = start(path, unknown)
  const walked =
    value === undefined || value === null ? absent(place.path) : { value: walk(node, value, place) }
  const problems = 'problems' in walked ? walked.problems : found(place)
  // The walk has compared the value with the very declaration that the type is inferred from.
  return problems.length > 0 || 'problems' in walked ? { problems } : { ok: walked.value as Infer<N> }
}

const absent = (path: string): { readonly problems: readonly FieldProblem[] } => ({
  problems: [{ path, want: 'be given' }],
})

/**
 * An Action from outside. Its spec is read strictly: a field that we do not know is not left out silently. Its status is
 * only our own note (the API server drops one that is applied): a wrong one is left out, and never makes an Action unusable.
 */
export const parseAction = (raw: unknown): Parsed<Action> => written(actionKind, raw)

/** A VeleroPlugin from outside: read as an Action is. */
export const parseVeleroPlugin = (raw: unknown): Parsed<VeleroPlugin> => written(veleroPluginKind, raw)

type Written<S, T> = { readonly metadata: Metadata; readonly spec: Infer<S>; readonly status?: Infer<T> }

/** What people write: a kind of ours with its declared spec and status. */
function written<const S extends ShapeNode, const T extends ShapeNode>(
  kind: Kind & { readonly spec: S; readonly status: T },
  raw: unknown,
): Parsed<Written<S, T>> {
  if (!isObject(raw)) return notAnObject(kind, raw)
  const frame = frameOf(kind, raw)
  const spec = parse<S>(kind.spec, frame.spec, 'spec')
  const status = parseKeeping<T>(kind.status, frame.status, 'status')
  const problems = [...frame.problems, ...problemsOf(spec)]
  if (frame.metadata === undefined || !('ok' in spec) || problems.length > 0) return { problems }
  return { ok: { metadata: frame.metadata, spec: spec.ok, ...('ok' in status ? { status: status.ok } : {}) } }
}

/** An ActionRun from outside. Fields that a newer tidewaiter wrote are kept, so that writing it back loses nothing. */
export const parseActionRun = (raw: unknown): Parsed<ActionRun> => recorded(actionRunKind, raw, {})

/** An AdmissionDecision from outside. Fields that a newer tidewaiter wrote are kept: they are signed with the rest. */
export const parseAdmissionDecision = (raw: unknown): Parsed<AdmissionDecision> =>
  recorded(admissionDecisionKind, raw, undefined)

type Recorded<S, T> = { readonly metadata: Metadata; readonly spec: Infer<S>; readonly status: Infer<T> }

/** What tidewaiter writes; `blank` stands in for a status that was not written yet, where that may be. */
function recorded<const S extends ShapeNode, const T extends ShapeNode>(
  kind: Kind & { readonly spec: S; readonly status: T },
  raw: unknown,
  blank: object | undefined,
): Parsed<Recorded<S, T>> {
  if (!isObject(raw)) return notAnObject(kind, raw)
  const frame = frameOf(kind, raw)
  const spec = parseKeeping<S>(kind.spec, frame.spec, 'spec')
  const status = parseKeeping<T>(kind.status, frame.status ?? blank, 'status')
  const problems = [...frame.problems, ...problemsOf(spec), ...problemsOf(status)]
  if (frame.metadata === undefined || !('ok' in spec) || !('ok' in status) || problems.length > 0)
    return { problems }
  return { ok: { metadata: frame.metadata, spec: spec.ok, status: status.ok } }
}

const notAnObject = ({ kind }: Kind, raw: unknown) => ({
  problems: [{ path: kind, want: 'be an object', got: shown(raw) }],
})

const problemsOf = (result: Parsed<unknown>): readonly FieldProblem[] =>
  'problems' in result ? result.problems : []

/** The parts of a whole object, and what is wrong with it apart from spec and status. */
type Frame = {
  readonly problems: readonly FieldProblem[]
  readonly metadata: Metadata | undefined
  readonly spec: unknown
  readonly status: unknown
}

type Raw = Readonly<Record<string, unknown>>

const partNames = ['apiVersion', 'kind', 'metadata', 'spec', 'status']

function frameOf({ kind }: Kind, raw: Raw): Frame {
  const part = (name: string): unknown => (Object.hasOwn(raw, name) ? (raw[name] ?? undefined) : undefined)
  const metadata = parseMetadata(part('metadata'))
  const problems = [
    ...mustBe('apiVersion', `${group}/${version}`, part('apiVersion')),
    ...mustBe('kind', kind, part('kind')),
    ...unknownParts(raw),
    ...problemsOf(metadata),
  ]
  return {
    problems,
    spec: part('spec'),
    status: part('status'),
    metadata: 'ok' in metadata ? metadata.ok : undefined,
  }
}

const mustBe = (path: string, wanted: string, got: unknown): readonly FieldProblem[] =>
  got === wanted ? [] : [{ path, want: `be ${wanted}`, ...(got === undefined ? {} : { got: shown(got) }) }]

function unknownParts(raw: object): readonly FieldProblem[] {
  const unknown = Object.keys(raw).filter((name) => !partNames.includes(name))
  if (unknown.length > partNames.length)
    return [
      { path: 'the object', want: `have no other fields than ${enumerated(partNames)}`, got: unknown.length },
    ]
  return unknown.map((name) => {
    const meant = nearest(name, partNames)
    return {
      path: shortened(name),
      want: `not be given: there is no such field${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    }
  })
}

// Fields of metadata that are absent before the API server has filled them in (a manifest, a CREATE) become ''.
function parseMetadata(raw: unknown): Parsed<Metadata> {
  const result = parseKeeping(metadataNode, raw, 'metadata')
  if ('problems' in result) return result
  const problems = labelProblems(result.ok)
  return problems.length > 0 ? { problems } : { ok: heldMetadata(result.ok) }
}
