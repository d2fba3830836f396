/** The language of label selectors in queries: `a=b,c in (d,e),!f` (apimachinery pkg/labels/selector.go). */
import { sentenceOf, wrong, type FieldError } from '../errors/field.ts'
import { badRequest } from '../errors/status.ts'
import { labelValueProblems, qualifiedProblems } from './names.ts'

/** One condition on labels. */
export type Requirement = {
  readonly key: string
  readonly operator: string
  readonly values: readonly string[]
}

const special = /^(==|!=|[=!(),<>])/
const word = /^[^\s=!(),<>]+/
const operators: ReadonlySet<string> = new Set(['in', 'notin', '=', '==', '!=', '>', '<'])

/** The words of a selector, taken one by one; '' is its end. */
class Words {
  #rest: string

  constructor(text: string) {
    this.#rest = text.trimStart()
  }

  /** The next word, which stays. */
  get next(): string {
    return special.exec(this.#rest)?.[0] ?? word.exec(this.#rest)?.[0] ?? ''
  }

  /** The next word, which is gone then. */
  take(): string {
    const { next } = this
    this.#rest = this.#rest.slice(next.length).trimStart()
    return next
  }
}

const isName = (text: string): boolean => word.test(text)

/** The requirements of a selector; throws 400 that says what was found and what expected. */
export function parseRequirements(text: string): readonly Requirement[] {
  const words = new Words(text)
  const found: Requirement[] = []
  for (;;) {
    const { next } = words
    if (next === '') return found
    if (next !== '!' && !isName(next))
      throw badRequest(`found '${next}', expected: !, identifier, or 'end of string'`)
    found.push(requirement(words))
    if (endsAfter(words)) return found
  }
}

function endsAfter(words: Words): boolean {
  const behind = words.take()
  if (behind === '') return true
  if (behind !== ',') throw badRequest(`found '${behind}', expected: ',' or 'end of string'`)
  if (words.next === '!' || isName(words.next)) return false
  throw badRequest(`found '${words.next}', expected: identifier after ','`)
}

const unparsed = (why: string): Error => badRequest(`unable to parse requirement: ${why}`)

function requirement(words: Words): Requirement {
  const isNot = words.next === '!'
  if (isNot) words.take()
  const key = words.take()
  if (!isName(key)) throw unparsed(`found '${key}', expected: identifier`)
  refuse(qualifiedProblems(key).map((problem) => wrong('<nil>', key, problem)))
  if (isNot) return { key, operator: 'absent', values: [] }
  if (words.next === '' || words.next === ',') return { key, operator: 'exists', values: [] }
  const sign = words.take()
  if (!operators.has(sign)) throw unparsed(`found '${sign}', expected: in, notin, =, ==, !=, gt, lt`)
  const values = sign === 'in' || sign === 'notin' ? listed(words) : exact(words)
  refuse(valueProblems(key, sign, values))
  return { key, operator: sign === '==' ? '=' : sign, values }
}

function exact(words: Words): readonly string[] {
  if (words.next === '' || words.next === ',') return ['']
  const value = words.take()
  if (!isName(value)) throw unparsed(`found '${value}', expected: identifier`)
  return [value]
}

function listed(words: Words): readonly string[] {
  const open = words.take()
  if (open !== '(') throw unparsed(`found '${open}' expected: '('`)
  if (!mayBegin(words.next)) throw unparsed(`found '${words.next}', expected: ',', ')' or identifier`)
  const values = new Set<string>()
  for (;;) {
    values.add(valueOf(words, values.size === 0))
    const behind = words.take()
    if (behind === ')') return [...values].toSorted()
    if (behind !== ',') throw unparsed(`found '${behind}', expected: ',' or ')'`)
    if (words.next !== ')') continue
    words.take()
    return [...values.add('')].toSorted()
  }
}

const mayBegin = (text: string): boolean => ['', ')', ','].includes(text) || isName(text)

// Between two commas, and beside the parentheses, there may be nothing, which is a value too.
function valueOf(words: Words, isFirst: boolean): string {
  if (words.next === ',' || (words.next === ')' && isFirst)) return ''
  if (isName(words.next)) return words.take()
  throw unparsed(`found '${words.next}', expected: ',', or identifier`)
}

function valueProblems(key: string, sign: string, values: readonly string[]): readonly FieldError[] {
  const detail = "for 'Gt', 'Lt' operators, the value must be an integer"
  return values.flatMap((value, index) => [
    ...((sign === '>' || sign === '<') && !/^[-+]?\d{1,19}$/.test(value)
      ? [wrong(`values[${index}]`, value, detail)]
      : []),
    ...labelValueProblems(value).map((problem) => wrong(`values[${index}][${key}]`, value, problem)),
  ])
}

function refuse(errors: readonly FieldError[]): void {
  const [first, ...more] = errors.map(sentenceOf)
  if (first !== undefined) throw unparsed(more.length === 0 ? first : `[${[first, ...more].join(', ')}]`)
}
