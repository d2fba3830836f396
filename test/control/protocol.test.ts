/**
 * The protocol of hold, claim, undo and release, explored exhaustively: two replicas that die, lose the lead and see copies that are one
 * write behind, one Velero, one person, Backups that share an exclusive key. Whatever tidewaiter does is done by its own
 * drivers and rules. TIDEWAITER_PROTOCOL_FAULTS=n lets n more things go wrong.
 */
import t from 'tap'
import { explore, tale } from './protocol/explore.ts'
import type { Play } from './protocol/moves.ts'
import { planted } from './protocol/planted.ts'
import { anUndoable, type Setting } from './protocol/state.ts'

const more = Number(process.env['TIDEWAITER_PROTOCOL_FAULTS'] ?? 0)
const right: Omit<Play, 'setting'> = { wrap: (ports) => ports, keys: true }

const alone = [anUndoable()]
const frozenAndThawed = [anUndoable({ undoAt: 'Always' }), anUndoable({ name: 'b' })]
const settings: readonly Setting[] = [
  { name: 'a held Backup', held: [true], actions: alone, faults: 1 },
  { name: 'a Backup whose actions run inside its admission', held: [false], actions: alone, faults: 1 },
  {
    name: 'a held Backup with two actions and a post stage',
    held: [true],
    actions: frozenAndThawed,
    post: true,
    faults: 0,
  },
]
/** What takes longer than a test may. */
const longer: readonly Setting[] = [
  { name: 'two held Backups with one key', held: [true, true], actions: alone, faults: 0, behind: false },
  {
    name: 'a held Backup, and one that is not, with one key',
    held: [true, false],
    actions: alone,
    faults: 0,
    behind: false,
  },
]

for (const setting of more > 0 ? [...settings, ...longer] : settings)
  t.test(`nothing goes wrong, and everything comes to an end: ${setting.name}`, async (t) => {
    const found = await explore({ ...right, setting: { ...setting, faults: setting.faults + more } })
    t.equal(tale(found), '')
    t.comment(`${found.states} states, ${found.moves} moves`)
  })

for (const [name, { found: wanted, ...play }] of Object.entries(planted))
  t.test(`the exploration finds ${name}`, async (t) => {
    const found = await explore({ ...right, ...play })
    t.match(tale(found), wanted)
  })
