/** Filters of decisions as they stand in a URL: all of a view is in its address, so that it can be shared. */
import { verdicts } from '../api/admission-decision.ts'
import { pageSizes, type Filter, type PageQuery } from './history/store.ts'

/** A question as a URL asks it, and what of it cannot be understood. */
export type Asked = {
  readonly filter: Filter
  readonly size: PageQuery['size']
  readonly cursor: string | undefined
  /** What was given, as it was given: for the form, the chips and the links to other pages. */
  readonly given: Readonly<Record<string, string>>
  readonly problems: readonly string[]
}

/** What can be filtered by: the name in the URL, and how people call it. */
export const filterWords = {
  verdict: 'Verdict',
  kind: 'Kind',
  ns: 'Namespace',
  schedule: 'Schedule',
  reason: 'Reason',
  action: 'Action',
  user: 'Asked by',
  from: 'Since',
  to: 'Until',
  q: 'Text',
} as const

type Word = keyof typeof filterWords

/** Their names, in the order of the form. */
export const filterNames = Object.keys(filterWords) as readonly Word[]

const longest = 300
const spans: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads what a URL asks for. */
export function askedIn(search: URLSearchParams, now: number): Asked {
  const given = Object.fromEntries(
    filterNames.flatMap((name) => {
      const text = (search.get(name) ?? '').trim()
      const value = name === 'verdict' ? verdictOf(text) : text
      return value === '' ? [] : [[name, value]]
    }),
  )
  const problems = filterNames
    .filter((name) => (given[name]?.length ?? 0) > longest)
    .map((name) => `${filterWords[name]} must have at most ${longest} characters`)
  const time = (name: 'from' | 'to'): number | undefined => {
    const text = given[name]
    if (text === undefined) return undefined
    const read = timeOf(text, now)
    if (read === undefined)
      problems.push(
        `${filterWords[name]} must be how long ago (-15m, -24h, -7d) or a time like 2026-01-31T18:00Z, got "${text.slice(0, 40)}"`,
      )
    return read
  }
  const size = pageSizes.find((one) => String(one) === search.get('size')) ?? pageSizes[0]
  const filter = {
    verdict: given['verdict'],
    kind: given['kind'],
    namespace: given['ns'],
    schedule: given['schedule'],
    reason: given['reason'],
    action: given['action'],
    user: given['user'],
    text: given['q'],
    from: time('from'),
    to: time('to'),
  }
  return { filter: withoutAbsent(filter), size, cursor: search.get('cursor') ?? undefined, given, problems }
}

/** As it is written everywhere; a hand-typed one may be in lower case. */
const verdictOf = (text: string): string =>
  verdicts.find((one) => one.toLowerCase() === text.toLowerCase()) ?? text

/** The moment of `-24h` or of an ISO time; a time without a zone is UTC. */
export function timeOf(text: string, now: number): number | undefined {
  const [, count = '', unit = ''] = /^-(\d{1,6})([mhd])$/.exec(text) ?? []
  const span = spans[unit]
  if (span !== undefined) return now - Number(count) * span
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)) return undefined
  const isBare = /T[\d:.]+$/.test(text)
  const at = Date.parse(isBare ? `${text}Z` : text)
  return Number.isNaN(at) ? undefined : at
}

type Maybe<T> = { readonly [K in keyof T]: T[K] | undefined }

const withoutAbsent = (filter: Maybe<Required<Filter>>): Filter =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))

/** A path with a query; what is undefined or empty is left out. */
export function urlOf(path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, value]],
  )
  const text = new URLSearchParams(pairs).toString()
  return text === '' ? path : `${path}?${text}`
}

/** The path of something with names of users in it. */
export const pathOf = (...parts: readonly string[]): string =>
  `/${parts.map((part) => encodeURIComponent(part)).join('/')}`

/** Where to go after the sign-in: a path of ours, whatever was asked for. */
export function nextOf(text: string | undefined | null): string {
  const isPath = text !== null && text !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(text)
  return isPath && URL.parse(text, 'http://own.invalid')?.origin === 'http://own.invalid' ? text : '/'
}
