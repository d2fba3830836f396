/** Searching in text: what of a record is searched, and how a question becomes trigrams. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import { HistoryError } from './store.ts'

const longestQuestion = 200
// Without the uid of the request: it stands in the audit log, and its 36 random characters cost as much as a sentence.
const longestText = 8192

/** What a reader asks for: every term must occur. The index knows trigrams only, and finds a few records too many. */
export type Question = { readonly terms: readonly string[]; readonly trigrams: readonly string[] }

/** Texts that differ only in case, in width or in control characters are the same. The index folds nothing itself. */
const folded = (text: string): string =>
  text
    .toWellFormed()
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')

/** The folded text of a record in which is searched. */
export function searchedText({ metadata, spec, status }: AdmissionDecision): string {
  const { first, last, recent = [] } = status
  const names = new Set([last.name, first.name, ...recent.map(({ name }) => name)])
  const parts = [
    last.message,
    spec.schedule,
    spec.action,
    spec.reason,
    spec.user,
    last.run,
    last.uid,
    metadata.name,
    ...names,
  ]
  return folded(parts.filter((part) => part !== undefined).join('\n')).slice(0, longestText)
}

/** Reads what was asked for; a BAD_QUERY if the index can not look for it. */
export function questionOf(text: string): Question {
  const terms = folded(text)
    .split(' ')
    .filter((term) => term !== '')
  const trigrams = new Set(terms.flatMap(trigramsOf))
  if (text.length > longestQuestion || trigrams.size === 0)
    throw new HistoryError(
      'BAD_QUERY',
      `the text to search for must have at least one word of 3 characters and at most ${longestQuestion} characters in all, got ${text.length} characters`,
    )
  return { terms, trigrams: [...trigrams] }
}

/** Whether every term occurs. */
export const answers = (question: Question, text: string): boolean =>
  question.terms.every((term) => text.includes(term))

/** Three characters each, as SQLite's trigram tokenizer cuts a text. */
function trigramsOf(term: string): readonly string[] {
  const characters = Array.from(term)
  return characters.slice(2).map((last, i) => `${characters[i]}${characters[i + 1]}${last}`)
}

// Each trigram that all records have costs as much as one that few have, and leaves out nothing.
const mostTrigrams = 6

/** Counts in how many texts each trigram of a question occurs, so that the index is asked for the rarest. */
export class Tally {
  readonly #terms: Question['terms']
  readonly #counts: Map<string, number>

  constructor({ terms, trigrams }: Question) {
    this.#terms = terms
    this.#counts = new Map(trigrams.map((trigram) => [trigram, 0]))
  }

  note(text: string): void {
    for (const [trigram, count] of this.#counts)
      if (text.includes(trigram)) this.#counts.set(trigram, count + 1)
  }

  /** What to ask the index: the rarest of each word, then the second of each, for those of one word mostly come together. */
  match(): string {
    const ranked = this.#terms.flatMap((term) =>
      [...new Set(trigramsOf(term))]
        .map((trigram) => ({ trigram, count: this.#counts.get(trigram) ?? 0 }))
        .sort((a, b) => a.count - b.count)
        .map((one, rank) => ({ ...one, rank })),
    )
    const sorted = ranked.sort((a, b) => a.rank - b.rank || a.count - b.count).map(({ trigram }) => trigram)
    return [...new Set(sorted)].slice(0, mostTrigrams).map(quoted).join(' AND ')
  }
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
