/** What `npm test` prints for what tap says. */
import t from 'tap'
import Reporter, { createReport } from './support/report.ts'

const printed = (tap: string): string => tap.split('\n').flatMap(createReport()).join('\n')

const file = (result: string, held = '', details = ''): string =>
  `# Subtest: test/x.test.ts\n${held}${result} 1 - test/x.test.ts # time=5ms${details}`

const inside = `    # Subtest: a rule
        ok 1 - should be equal
        # Subtest: a case of it
            not ok 1 - should be equivalent
              ---
              diff: |
                -  "a": 2,
                +  "a": 1,
              stack: |
                Test.<anonymous> (test/x.test.ts:5:5)
              ...
            
            1..1
        not ok 2 - a case of it # time=3ms
          ---
          at:
            lineNumber: 3
          ...
        
        1..2
    not ok 1 - a rule # time=4ms
      ---
      at:
        lineNumber: 2
      ...
    
    ok 2 - another rule # time=1ms
    # Subtest: a third rule
        1..0
    not ok 3 - a third rule # time=1ms
      ---
      expired: a third rule
      ...
    
    1..3
`

t.test('a file that passed is one line', async (t) => {
  t.equal(printed(file('ok', '    ok 1 - a rule # time=4ms\n    1..1\n')), '✓ test/x.test.ts 5ms')
})

t.test('what was skipped is counted', async (t) => {
  const held = '    ok 1 - a rule # SKIP no cluster\n    # Subtest: b\n        ok 1 - c # TODO\n'
  t.equal(printed(file('ok', held)), '✓ test/x.test.ts (2 skipped) 5ms')
})

t.test('of a file that failed, what did not pass is told once, with its diff and its stack', async (t) => {
  t.equal(
    printed(file('not ok', inside)),
    `✗ test/x.test.ts 5ms

  ✗ a rule › a case of it › should be equivalent
              ---
              diff: |
                -  "a": 2,
                +  "a": 1,
              stack: |
                Test.<anonymous> (test/x.test.ts:5:5)
              ...

  ✗ a third rule
      ---
      expired: a third rule
      ...`,
  )
})

t.test('files that ran together are told as if each had run alone', async (t) => {
  const indented = (text: string) => text.replaceAll(/^(?=.)/gm, '    ')
  const [good, bad] = [file('ok', '    ok 1 - a rule\n    1..1\n'), file('not ok', inside)]
  const group = (result: string, files: string) =>
    `# Subtest: test/groups/all.ts\n${indented(files)}\n${result} 1 - test/groups/all.ts # time=9ms`
  t.equal(printed(group('ok', `${good}\n1..1\n# time=8ms`)), '✓ test/x.test.ts 5ms')
  const end = '\n  ---\n  exitCode: 1\n  ...\n# { total: 9, fail: 1 }'
  t.equal(
    printed(`${group('not ok', `${good}\n${bad}\n1..2\n# { total: 9, fail: 1 }`)}${end}`),
    `✓ test/x.test.ts 5ms
${printed(bad)}
✗ test/groups/all.ts 9ms
  exitCode: 1

✗ test/x.test.ts
✗ test/groups/all.ts
# { total: 9, fail: 1 }`,
  )
})

t.test('what failed between files that ran together is told with all that is known of it', async (t) => {
  const stray = '    not ok 1 - stray\n      ---\n      at:\n        lineNumber: 2\n      ...'
  const held = `    # Subtest: test/x.test.ts\n        1..0\n    ok 1 - test/x.test.ts\n${stray}\n`
  const text = `# Subtest: test/groups/all.ts\n${held}not ok 1 - test/groups/all.ts # time=9ms`
  t.equal(printed(text), '✓ test/x.test.ts\n✗ stray\n  at:\n    lineNumber: 2\n✗ test/groups/all.ts 9ms')
})

t.test('how its process ended is told, not how it was started', async (t) => {
  const details = `
  ---
  command: node
  args:
    - --enable-source-maps
  exitCode: null
  signal: SIGKILL
  ...

ok 2 - test/y.test.ts # time=6ms`
  t.equal(
    printed(file('not ok', '', details)),
    '✗ test/x.test.ts 5ms\n  signal: SIGKILL\n✓ test/y.test.ts 6ms',
  )
})

t.test('the end names the files that failed again', async (t) => {
  const end = '\n\n# No coverage generated\n# { total: 1, fail: 1 }\n# time=9ms'
  t.equal(
    printed(`TAP version 14\n1..1\n${file('not ok', '', end)}`),
    '✗ test/x.test.ts 5ms\n\n✗ test/x.test.ts\n# { total: 1, fail: 1 }\n# time=9ms',
  )
})

t.test('what is no TAP is shown: in a file that failed, and outside of all', async (t) => {
  t.equal(printed('Bail out! no memory'), 'Bail out! no memory')
  t.match(printed(file('not ok', '    said by a test\n')), /✗ .*\n    said by a test$/)
})

t.test('lines may come in pieces, and the last without its end', async (t) => {
  const reporter = new Reporter()
  reporter.write('ok 1 - te')
  reporter.write('st/x.test.ts\nBail out! wh')
  reporter.end('y')
  t.equal((await reporter.setEncoding('utf8').toArray()).join(''), '✓ test/x.test.ts\nBail out! why\n')
})
