/** The judge: a story as it should be has nothing wrong, and each thing that must not be is found and named. */
import t from 'tap'
import type { Happening } from './history.ts'
import { judge } from './judge.ts'
import { scenarios, type Scenario } from './scenarios.ts'

const scenarioOf = (name: string): Scenario => {
  const found = scenarios.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no scenario ${name}`)
  return found
}

const effect = (role: string, stage: string, undo = false): Happening => ({
  is: 'effect',
  role,
  stage,
  undo,
  copy: false,
})
const record = (stage: string, phase: string, ...actions: readonly object[]): Happening => ({
  is: 'record',
  stage,
  status: { phase, actions },
})
const row = (name: string, phase: string, more: object = {}) => ({ name: `${name}-l01`, phase, ...more })
const object = (phase: string, notes: object = {}): Happening => ({ is: 'object', phase, held: false, notes })

const pre = 'PreBackup'
const post = 'PostBackup'
const claimed = [record(pre, 'Running', row('10-freeze', 'Running')), effect('10-freeze', pre)]
const checked = [
  record(pre, 'Running', row('10-freeze', 'Succeeded'), row('20-check', 'Running')),
  effect('20-check', pre),
]
const admitted = [
  record(pre, 'Succeeded', row('10-freeze', 'Succeeded'), row('20-check', 'Succeeded')),
  object('New'),
]
const ran = [object('InProgress'), object('Completed')]
const told = [
  record(post, 'Running', row('90-note', 'Running')),
  effect('90-note', post),
  record(post, 'Succeeded', row('90-note', 'Succeeded')),
  object('Completed', { pre: 'Succeeded', post: 'Succeeded' }),
]
const undoing = record(pre, 'Undoing', row('10-freeze', 'Succeeded', { undo: { phase: 'Undoing' } }))
const undone = record(pre, 'Undone', row('10-freeze', 'Succeeded', { undo: { phase: 'Undone' } }))
const whole = [...claimed, ...checked, ...admitted, ...ran, ...told]

t.test('a story as it should be', async (t) => {
  t.same(judge(scenarioOf('inline'), whole), [])
  const refused = [...claimed, undoing, effect('10-freeze', pre, true), undone]
  t.same(judge(scenarioOf('inline'), [...refused, { is: 'freed' }]), [])
  t.same(judge(scenarioOf('inline'), [...whole, { is: 'freed' }]), [])
})

const wrong: Readonly<Record<string, readonly [readonly Happening[], RegExp]>> = {
  'it began before its pre action': [[...claimed, ...ran], /pre action 20-check had not been done/],
  'nobody undid it': [[...claimed], /the object never ran, and nobody undid it/],
  'it was undone while it runs': [
    [...claimed, ...checked, ...admitted, object('InProgress'), undoing, effect('10-freeze', pre, true)],
    /was undone, and the object runs/,
  ],
  'its post action is forgotten': [[...claimed, ...checked, ...admitted, ...ran], /90-note was never done/],
  'its post action comes early': [
    [...claimed, ...checked, ...admitted, object('InProgress'), ...told],
    /before the object had ended/,
  ],
  'it is done again after it was recorded': [
    [...whole, effect('90-note', post)],
    /90-note was done again after it was recorded/,
  ],
  'it is undone again after it was recorded': [
    [...claimed, undoing, effect('10-freeze', pre, true), undone, effect('10-freeze', pre, true)],
    /undone again after it was recorded/,
  ],
  'it is done before it is claimed': [[effect('10-freeze', pre), ...claimed], /while no record claimed it/],
  'it is recorded, and was not done': [
    [
      record(pre, 'Running', row('10-freeze', 'Running')),
      record(pre, 'Running', row('10-freeze', 'Succeeded')),
    ],
    /is recorded as done, and was not/,
  ],
  'it was done, and its record says that it was skipped': [
    [...claimed, record(pre, 'Refused', row('10-freeze', 'Skipped'))],
    /was done, and its record ends as Skipped/,
  ],
  'the object and its record say two things': [
    [...whole, object('Completed', { pre: 'Refused' })],
    /the object says pre=Refused, its record Succeeded/,
  ],
  'it was refused, and is there': [
    [
      ...whole,
      {
        is: 'answered',
        code: 403,
        message: 'admission webhook "b" denied the request: tidewaiter refused Backup',
      },
    ],
    /told that it was refused, and it is stored/,
  ],
  'its key is free before it is undone': [
    [...claimed, { is: 'freed' }],
    /its exclusive key was given back before/,
  ],
  'its key is free before its post stage has ended': [
    [...claimed, ...checked, ...admitted, record(post, 'Pending'), ...ran, { is: 'freed' }, ...told],
    /its exclusive key was given back before/,
  ],
  'it hangs': [[{ is: 'hangs', why: 'the Pre run is Running' }], /never comes to an end/],
}

for (const [name, [story, want]] of Object.entries(wrong))
  t.test(`found: ${name}`, async (t) => {
    t.ok(
      judge(scenarioOf('inline'), story).some((one) => want.test(one)),
      judge(scenarioOf('inline'), story).join('; '),
    )
  })

t.test('what is done at most once is found when it is done twice', async (t) => {
  const once = [
    record(post, 'Running', row('95-once', 'Running')),
    effect('95-once', post),
    effect('95-once', post),
  ]
  const wrongs = judge(scenarioOf('post-once'), [...ran, ...once])
  t.ok(wrongs.some((one) => one.includes('says idempotent: false and was done 2 times')))
})
