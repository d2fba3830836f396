import * as fc from 'fast-check'
import t from 'tap'
import { headsFirst, longestLine, wouldRun } from '../../src/core/would-run.ts'
import { anyCharacter } from '../support/any-text.ts'

const record = (line: string, headers: readonly string[], body?: string) =>
  [line, ...headers, ...(body === undefined ? [] : ['', body])].join('\n')
const lengthOf = (text: string) => Array.from(text).length

t.test('the call comes first, then the body, then the headers', async (t) => {
  const request = record('POST https://a.example/freeze', ['x-a: 1', 'authorization: ***'], '{"backup":"b1"}')
  t.same(headsFirst([wouldRun('PreBackup', '10-a', request)]), [
    'tidewaiter: dry run, PreBackup action "10-a" would run: POST https://a.example/freeze',
    'tidewaiter: dry run, "10-a" body: {"backup":"b1"}',
    'tidewaiter: dry run, "10-a" headers: x-a: 1; authorization: ***',
  ])
})

t.test('of several actions every call comes before any body, and every body before any header', async (t) => {
  const both = ['10-a', '20-b'].map((name) => wouldRun('PreBackup', name, record('GET /', ['h: 1'], name)))
  t.same(
    headsFirst(both).map((line) => /(would run|body|headers)/.exec(line)?.[1]),
    ['would run', 'would run', 'body', 'body', 'headers', 'headers'],
  )
})

t.test('a request without headers or body says nothing of them', async (t) => {
  t.equal(headsFirst([wouldRun('PreBackup', 'a', 'with outputs of the actions before it')]).length, 1)
})

t.test('a long body is told whole, in numbered lines that are never cut', async (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: anyCharacter, minLength: 1, maxLength: 3000 }),
      fc.stringMatching(/^[a-z]{1,253}$/),
      (body, name) => {
        const { body: lines } = wouldRun('PreBackup', name, `POST /\n\n${body}`)
        const told = lines.map((line) => line.replace(/^.*?" body(?: \d+\/\d+)?: /s, '')).join('')
        const fits = name.length > 200 || lines.every((line) => lengthOf(line) <= longestLine)
        return fits && told === body.replaceAll(/\s+/g, ' ').trim()
      },
    ),
    { seed: 7, numRuns: 60 },
  )
  const { body } = wouldRun('PreBackup', 'a', `POST /\n\n${'x'.repeat(300)}`)
  t.match(body, [/ body 1\/2: x+$/, / body 2\/2: x+$/])
})

t.test('a URL that is cut in its line is told whole among the rest', async (t) => {
  const url = `POST https://a.example/${'x'.repeat(300)}`
  const { rest } = wouldRun('PreBackup', 'a', url)
  t.equal(rest.map((line) => line.replace(/^.* request \d\/2: /, '')).join(''), url)
})
