/** A bug is found by what it is to cause, and by nothing else. */
import t from 'tap'
import { isClean, verdictOn, wrongIn } from './verdict.ts'

const undone = '10-freeze was done, the object never ran, and nobody undid it'
const hangs = 'it never comes to an end: an undo is owed'
const late = 'l00: call 10-freeze came under the key abc/PreBackup/10-freeze-l00-1'
const summary = `
3 runs in 12 s (15 a minute); 4 processes of the service, 1 of them killed
what clean traces show: 5 call sites in their phases, 40 triples with their faults, 0 covered
  not reached in 0 tries of this run (its call was seen 2 times): cut after | call 10-freeze | waits, Pre Running
  and 20 more: --verbose shows them
`
const printed = `
WRONG: inline-1-3
  ${undone}
  ${hangs}
    FAULT: killed after at call 10-freeze (absent, Pre Running)
    effect: 10-freeze (PreBackup)
  again: npm run crash -- --replay 1/3
1 runs after 40 s

WRONG: inline-1-4
  ${undone}
    effect: 10-freeze (PreBackup)
  again: npm run crash -- --replay 1/4
LATE: ${late}
${summary}2 wrong (seed 1)
`

t.test(
  'all that is called wrong is read, and nothing of the story, the replay and the summary',
  async (t) => {
    t.same(wrongIn(printed), [undone, hangs, undone, late])
    t.same(wrongIn(`${summary}0 wrong (seed 1)\n`), [])
  },
)

t.test('a bug is found by what it is to cause, whatever else is wrong', async (t) => {
  t.same(verdictOn({ wrong: /nobody undid it$/ }, { wrong: [hangs, undone] }), { is: 'found', by: undone })
})

t.test('what it is not to cause does not find it, and is told once', async (t) => {
  t.same(verdictOn({ wrong: /nobody undid it$/ }, { wrong: [hangs, late, hangs] }), {
    is: 'mistaken',
    got: [hangs, late],
  })
})

t.test('it survives where nothing is wrong', async (t) => {
  t.same(verdictOn({ wrong: /nobody undid it$/ }, { wrong: [] }), { is: 'survived' })
})

t.test('a control is clean where nothing is wrong and the harness says that it tried enough', async (t) => {
  const last = ''
  t.equal(isClean({ code: 0, wrong: [], last }), true)
  t.equal(isClean({ code: 1, wrong: [], last }), false)
  t.equal(isClean({ code: 1, wrong: [hangs], last }), false)
  t.equal(isClean({ code: null, wrong: [], last }), false)
})
