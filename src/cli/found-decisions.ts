/** The AdmissionDecisions of a cluster as commands show and filter them. */
import { verdicts, type AdmissionDecision } from '../api/admission-decision.ts'
import { parseAdmissionDecision } from '../api/parse.ts'
import { sentenceOf } from '../api/problems.ts'
import { group, version } from '../api/schema.ts'
import { reasons } from '../core/reasons.ts'
import { textAt, type Json } from '../core/velero.ts'
import { resource } from '../kube/resource.ts'
import type { Reached } from '../wiring/reach.ts'
import { limitOf, misspeltProblems, oneOf } from './choices.ts'
import { sinceOf } from './when.ts'

/** A record, or why this version cannot read it: one that cannot be read must not look like none. */
export type FoundDecision = {
  readonly namespace: string
  readonly name: string
  readonly raw: Json
  readonly record: AdmissionDecision | undefined
  readonly problem: string
}

/** Every record, the newest first. Undefined: of all namespaces. */
export async function findDecisions(
  { client }: Reached,
  namespace: string | undefined,
): Promise<readonly FoundDecision[]> {
  const of = { group, version, plural: 'admissiondecisions', namespace, parse: foundDecision }
  const { items } = await resource(client, of).list({ pageSize: 250, maxItems: 20_000 })
  return [...items].sort((a, b) => lastAt(b) - lastAt(a) || (a.name < b.name ? -1 : 1))
}

/** One record as it came from the API server. */
export function foundDecision(raw: unknown): FoundDecision {
  const parsed = parseAdmissionDecision(raw)
  return {
    namespace: textAt(raw, 'metadata', 'namespace'),
    name: textAt(raw, 'metadata', 'name'),
    raw: raw as Json,
    ...('ok' in parsed
      ? { record: parsed.ok, problem: '' }
      : { record: undefined, problem: parsed.problems.map(sentenceOf).join('; ') }),
  }
}

/** When its newest decision was, milliseconds; 0 if it does not say. */
export const lastAt = ({ record }: FoundDecision): number => Date.parse(record?.status.last.time ?? '') || 0

/** The flags by which decisions are chosen. */
export type FilterFlags = {
  readonly verdict: string | undefined
  readonly kind: string | undefined
  readonly schedule: string | undefined
  readonly reason: string | undefined
  readonly user: string | undefined
  readonly since: string | undefined
  readonly until: string | undefined
  readonly limit: string | undefined
}

/** A filter, and what is wrong with its flags. */
export type Filter = {
  readonly problems: readonly string[]
  readonly holds: (found: FoundDecision) => boolean
  readonly limit: number
}

/** Reads the flags. What a filter asks for is compared in any case. */
export function filterOf(flags: FilterFlags, now: number): Filter {
  const from = timeOf('--since', flags.since, now)
  const to = timeOf('--until', flags.until, now)
  const most = limitOf(flags.limit)
  const wanted = Object.entries({
    verdict: flags.verdict,
    kind: flags.kind,
    schedule: flags.schedule,
    reason: flags.reason,
    user: flags.user,
  }).filter((entry): entry is [keyof AdmissionDecision['spec'], string] => entry[1] !== undefined)
  return {
    problems: [
      ...oneOf('--verdict', flags.verdict, verdicts).problems,
      ...misspeltProblems('--kind', flags.kind, kinds),
      ...misspeltProblems('--reason', flags.reason, Object.keys(reasons)),
      ...from.problems,
      ...to.problems,
      ...orderProblems(flags, from.at, to.at),
      ...most.problems,
    ],
    limit: most.limit,
    holds: ({ record }) => {
      // What cannot be read is shown, whatever is asked for.
      if (record === undefined) return true
      const { spec, status } = record
      const isSo = wanted.every(([field, text]) => (spec[field] ?? '').toLowerCase() === text.toLowerCase())
      return isSo && Date.parse(status.last.time) >= from.at && Date.parse(status.first.time) <= to.at
    },
  }
}

/** What decisions are about: the kinds that our webhooks are asked for. */
const kinds = ['Backup', 'Restore', 'Action', 'VeleroPlugin', 'Deployment', 'Pod']

const orderProblems = (flags: FilterFlags, from: number, to: number): readonly string[] =>
  from > to ? [`--since must be before --until, got "${flags.since}" and "${flags.until}"`] : []

function timeOf(
  flag: '--since' | '--until',
  text: string | undefined,
  now: number,
): { readonly at: number; readonly problems: readonly string[] } {
  const open = flag === '--since' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (text === undefined) return { at: open, problems: [] }
  const read = sinceOf(text, now)
  return 'ok' in read
    ? { at: read.ok, problems: [] }
    : { at: open, problems: [`${flag} must ${read.want}, got "${text}"`] }
}
