/**
 * What `npm test` prints: a line for each file, and whatever did not pass in it, with its diff and its stack. Files that run
 * together in one process (`together.ts`) have their lines too; the process is told only where it failed.
 * tap's own reporters redraw a terminal, and leave the diffs out where there is none.
 * It only tells: whether the tests passed is tap's to say, by its exit code.
 */
import { Transform, type TransformCallback } from 'node:stream'

type Point = {
  readonly depth: number
  readonly passed: boolean
  readonly skipped: boolean
  readonly name: string
  readonly time: string
}

/** A line with a result, at any depth: `    not ok 3 - a rule that holds # time=12.5ms`. */
function pointOf(line: string): Point | undefined {
  const found = /^( *)(not )?ok \d+(?: - (.*?))?(?: # (time=\S+|(?:SKIP|TODO).*))?(?: \{)?$/.exec(line)
  if (found === null) return undefined
  const [, spaces = '', not, name = '', directive = ''] = found
  const skipped = /^(SKIP|TODO)/.test(directive)
  const time = directive.startsWith('time=') ? directive.slice('time='.length) : ''
  return { depth: spaces.length / 4, passed: skipped || not === undefined, skipped, name, time }
}

const isFrame = (line: string) => /^ *(TAP version \d+|1\.\.\d+.*|# time=.*|\})?$/.test(line)
const subtestOf = (line: string) => /^( *)# Subtest: (.*)$/.exec(line)

/** What did not pass in a file, by the lines that it said: the names that lead there, then all that is known of it. */
function failuresOf(lines: readonly string[]): readonly string[] {
  const said: string[] = []
  let names: readonly string[] = ['the file']
  let told = 0
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const [subtest, point] = [subtestOf(line), pointOf(line)]
    if (subtest !== null) names = [...names.slice(0, (subtest[1] ?? '').length / 4), subtest[2] ?? '']
    else if (point !== undefined) {
      const details = detailsAfter(lines, at)
      at += details.length
      // A test fails with what it holds: that was told.
      if (!point.passed && told <= point.depth)
        said.push('', `  ✗ ${[...names.slice(1, point.depth), point.name].join(' › ')}`, ...details)
      if (!point.passed) told = point.depth
    } else if (!isFrame(line)) said.push(line)
  }
  return said
}

function detailsAfter(lines: readonly string[], at: number): readonly string[] {
  const begin = lines[at + 1]
  if (begin?.trim() !== '---') return []
  const indent = begin.slice(0, -'---'.length)
  const end = lines.indexOf(`${indent}...`, at)
  return lines.slice(at + 1, end === -1 ? undefined : end + 1)
}

// Of the details of a file's process; the others are how tap started it.
const howItEnded = /^ {2}(exitCode|signal|expired): (?!null$)/

// What runs together in one process is a test for each file.
const isOfGroup = (line: string) => /^ {4}# Subtest: test\/.*\.test\.ts$/.test(line)
const isEnd = (line: string) => /^# (\{|time=)/.test(line)

/** Makes TAP, line by line, into what people read; the names of the files that failed go into `failed`. */
export function createReport(failed: string[] = []): (line: string) => readonly string[] {
  let held: string[] = []
  let [inDetails, ofFile] = [false, false]
  const group = (point: Point): readonly string[] => {
    const said = held.map((line) => line.slice(4)).filter((line) => !isEnd(line))
    const files = said.flatMap(createReport(failed))
    held = []
    return point.passed ? files : [...files, ...file(point)]
  }
  const file = (point: Point): readonly string[] => {
    if (held.some(isOfGroup)) return group(point)
    const skipped = held.filter((line) => pointOf(line)?.skipped).length
    const failures = point.passed ? [] : failuresOf(held)
    held = []
    if (!point.passed) failed.push(point.name)
    const more = skipped === 0 ? '' : ` (${skipped} skipped)`
    return [`${point.passed ? '✓' : '✗'} ${point.name}${more} ${point.time}`.trimEnd(), ...failures]
  }
  return (line) => {
    const point = pointOf(line)
    if (line === '  ---') inDetails = true
    else if (line === '  ...') inDetails = false
    else if (inDetails) return !ofFile || howItEnded.test(line) ? [line] : []
    else if (line.startsWith('    ')) held.push(line)
    else if (point !== undefined) {
      ofFile = point.name.endsWith('.ts')
      return file(point)
    } else if (line.startsWith('# {')) return ['', ...failed.map((name) => `✗ ${name}`), line]
    else if (line.startsWith('# time=')) return [line]
    else if (!isFrame(line) && subtestOf(line) === null && line !== '# No coverage generated') return [line]
    return []
  }
}

/** What tap pipes its lines through: it takes the default export. */
// eslint-disable-next-line import/no-default-export
export default class Reporter extends Transform {
  readonly #report = createReport()
  #rest = ''

  override _transform(chunk: Buffer | string, _: string, done: TransformCallback): void {
    const lines = `${this.#rest}${chunk.toString()}`.split('\n')
    this.#rest = lines.pop() ?? ''
    this.#print(lines)
    done()
  }

  override _flush(done: TransformCallback): void {
    this.#print([this.#rest])
    done()
  }

  #print(lines: readonly string[]): void {
    for (const line of lines) for (const said of this.#report(line)) this.push(`${said}\n`)
  }
}
