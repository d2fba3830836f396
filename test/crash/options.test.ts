import t from 'tap'
import { parsed } from './options.ts'

t.test('what is told is read, the rest is as usual', async (t) => {
  const read = parsed(['--runs', '10', '--scenarios', '^held', '--until-wrong'])
  t.match(read, { runs: 10, seed: 1, minutes: 6, untilWrong: true, replay: undefined })
  t.equal('scenarios' in read && String(read.scenarios), '/^held/')
  t.same(parsed(['--runs', 'abc', '--help']), { help: true })
})

for (const [line, want] of Object.entries({
  '--runs abc': /--runs must be a whole number from 1 to 1000000, got "abc"/,
  '--lanes 99': /--lanes must be a whole number from 1 to 16, got "99"/,
  '--sites (': /--sites must be a regular expression/,
  '--replay 9/9': /--replay must be SEED\/RUN of a run that went wrong here, got "9\/9"/,
  '--scenarios ^nothing$': /--scenarios must match one of: first-start, inline, /,
  '--nope': /Unknown option/,
}))
  t.test(`not understood: ${line}`, async (t) => {
    t.match(parsed(line.split(' ')), { problem: want })
  })
