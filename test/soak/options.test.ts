/** How a soak is called. */
import t from 'tap'
import { parsed } from './options.ts'

t.test('a hundred thousand Backups unless told, and what is told counts', async (t) => {
  t.match(parsed([]), { backups: 100_000, lanes: 16, profile: false })
  t.match(parsed(['--backups', '60', '--lanes', '4', '--profile']), { backups: 60, lanes: 4, profile: true })
  t.match(parsed(['--help']), { help: true })
})

for (const args of [['--backups', '0'], ['--backups', 'many'], ['--lanes', '65'], ['--backup', '6'], ['6']])
  t.test(`${args.join(' ')} is refused with what was wanted`, async (t) => {
    t.match(parsed(args), { problem: /must be|Unknown option|Unexpected argument/ })
  })
